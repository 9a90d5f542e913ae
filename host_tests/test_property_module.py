"""Random histories of beats, silences, commands, sequences and clock jumps against a model that
counts every ms.

The model knows no deadlines: it looks at each millisecond in turn and asks what is true then.
CPython only, because hypothesis is.
"""

import os
import random

import pytest
from holdfast.core.events import DATA
from holdfast.core.module import BUSY, LOCKED
from holdfast.core.port import HOLD
from holdfast.hal.clock import Clock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from makers import account, module
from makers import settings as make_settings

NIGHTLY = "HOLDFAST_NIGHTLY" in os.environ
HISTORIES = 100_000 if NIGHTLY else 2_000
PARTS = 4 if NIGHTLY else 1  # side by side; each with other histories, see conftest.py
BEATS = 10_000_000 if NIGHTLY else 1_000_000
MASTERS = ("a", "b")


class Model:
    """What should be true, found by looking at every millisecond."""

    def __init__(self, rows):
        self.time = 0
        self.last = {}  # by master: (time, Duration) of the last heartbeat while alive
        self.lost = set()
        self.session = dict.fromkeys(MASTERS, 0)
        self.ports = [PortModel(row) for row in rows]
        self.losses = 0

    def advance(self, to):
        while self.time < to:
            self.time += 1
            self.look()

    def look(self):
        before = bool(self.lost)
        new = set()
        for master, (time, duration) in list(self.last.items()):
            if self.time - time > duration:
                del self.last[master]
                new.add(master)
        self.lost |= new
        self.losses += not before and bool(self.lost)
        for port in self.ports:
            port.look(self.time, self.lost, new)

    def beat(self, master, duration):
        if master not in self.last:
            self.session[master] += 1
            self.back(master)
        self.last[master] = (self.time, duration)

    def back(self, master):
        self.lost.discard(master)
        for port in self.ports:
            port.back(self.lost)


class PortModel:
    def __init__(self, row):
        self.state = self.wanted = row.power_on
        self.row = row.fallback
        self.began = None
        self.manual = False
        self.sequence = {}  # by time: the states that are still to come
        self.passing = False  # the next command ends it

    def mine(self, lost):
        return lost if self.row.master is None else lost & {self.row.master}

    def look(self, time, lost, new):
        if (self.began is None and self.mine(lost)) or (self.mine(new) and self.manual):
            self.began = time
            self.manual = False
            if self.sequence:
                self.state = self.wanted  # cut short, never in between
                self.sequence = {}
        self.state = self.sequence.pop(time, self.state)
        if self.began is not None and not self.manual:
            for offset, state in self.row.steps:
                if time == self.began + offset and state != HOLD:
                    self.state = state

    def back(self, lost):
        if self.began is not None and not self.mine(lost):
            self.began = None
            if self.row.restore and not self.sequence:
                self.state = self.wanted

    def command(self, state):
        if self.began is not None and self.row.locked:
            return False
        self.state = state
        if self.passing:
            self.sequence = {}
        if not self.sequence:
            self.wanted = state
            self.manual = True
        return True

    def play(self, time, sequence, again):
        """None, or why it is refused."""
        if self.began is not None and self.row.locked:
            return LOCKED
        if self.sequence and not again:
            return BUSY
        self.sequence = {}
        self.passing = again
        at = time
        for state, ms in sequence:
            self.sequence[at] = state
            at += ms
        self.state = self.sequence.pop(time)
        self.wanted = sequence[-1][0]
        self.manual = True
        return None


steps = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(("open", "closed", "hold"))),
    min_size=1,
    max_size=4,
    unique_by=lambda step: step[0],
).map(lambda rows: [{"after": after, "state": state} for after, state in sorted(rows)])

fallbacks = st.fixed_dictionaries(
    {
        "master": st.sampled_from(("any", "a", "b")),
        "steps": steps,
        "on_return": st.sampled_from(("hold", "restore")),
        "locked": st.booleans(),
    }
)

# A step of no time is over in the same turn; the model has one state for a ms.
sequences = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 50)), min_size=1, max_size=4).map(
    tuple
)

facts = st.one_of(
    st.tuples(st.just("beat"), st.sampled_from(MASTERS), st.integers(1, 60)),
    st.tuples(st.just("beat"), st.sampled_from(MASTERS), st.integers(1, 60)),
    st.tuples(st.just("command"), st.integers(2, 3), st.integers(0, 1)),
    st.tuples(st.just("play"), st.integers(2, 3), sequences, st.booleans()),
    st.tuples(st.just("release"), st.sampled_from(MASTERS)),
    st.tuples(st.just("input"), st.integers(0, 1), st.integers(0, 1)),
    st.tuples(st.just("turn")),
)
histories = st.lists(st.tuples(st.integers(0, 70), facts), max_size=25)


def compare(subject, model, identifiers):
    """Everything that can be seen from outside is what the model says."""
    for port, expected in zip(subject.outputs, model.ports):
        assert port.state == expected.state
        assert subject.levels[port.index] == port.levels[expected.state]
    assert subject.lost == bool(model.lost)
    for master in MASTERS:
        session = subject.session(master)
        assert (session.id is not None) == (master in model.last)
        if session.id is not None:
            # The same id if and only if no gap exceeded Duration.
            known = identifiers.setdefault((master, model.session[master]), session.id)
            assert session.id == known
    assert len(set(identifiers.values())) == len(identifiers)


def play(subject, model, history, start, prompt):
    """One history; `prompt` turns at every deadline as the ticker does, else only at facts."""
    lost_events = 0
    identifiers = {}
    now = start
    for pause, fact in history:
        target = now + pause
        while prompt and subject.next_deadline() is not None and subject.next_deadline() <= target:
            now = max(now, subject.next_deadline())
            lost_events += turn(subject, model, now, start, identifiers)
        now = target
        lost_events += turn(subject, model, now, start, identifiers)
        name, arguments = fact[0], fact[1:]
        if name == "beat":
            subject.heartbeat(*arguments, now)
            model.beat(*arguments)
        elif name == "command":
            index, state = arguments
            refused = subject.command(subject.ports[index], state, "a", now)
            assert (refused is None) == model.ports[index - 2].command(state)
        elif name == "play":
            index, sequence, again = arguments
            refused = subject.sequence(subject.ports[index], sequence, "a", now, again)
            assert refused == model.ports[index - 2].play(now - start, sequence, again)
        elif name == "release":
            subject.release(arguments[0], now)
            model.back(arguments[0])
        elif name == "input":
            subject.input(*arguments, now)
        lost_events += turn(subject, model, now, start, identifiers)
    assert lost_events == model.losses


def turn(subject, model, now, start, identifiers):
    """A turn of both, compared; return how often `lost` became true."""
    subject.act(now)
    subject.tell(now)
    model.advance(now - start)
    compare(subject, model, identifiers)
    changes = subject.events.take()
    return sum(p.topic[DATA] == "lost" and data == "1" for p, data, _, _ in changes)


@settings(
    max_examples=HISTORIES // PARTS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
@pytest.mark.parametrize("part", range(PARTS))
@given(
    fallbacks,
    fallbacks,
    histories,
    st.booleans(),
    st.sampled_from((0, (1 << 29) - 40, (1 << 30) - 40, (1 << 32) - 40, 1 << 52)),
)
@pytest.mark.slow
def test_the_module_does_what_the_model_says(part, one, two, history, prompt, start):
    ports = {"2": {"fallback": one}, "3": {"fallback": two, "power_on": "closed"}}
    accounts = [account("a"), account("b")]
    subject = module(ports, accounts, now=start)
    model = Model(make_settings(ports, accounts).ports[2:])
    play(subject, model, history, start, prompt)


def test_a_million_heartbeats_with_jitter_and_loss_never_trip():
    """Jitter and loss up to one beat less than Duration: DESIGN section 5, "false trips"."""
    chance = random.Random(20261122)
    duration, period = 10_000, 2_000
    subject = module()
    now = sent = 0
    beats = 0
    first = subject.heartbeat("a", duration, 0).id
    while beats < BEATS:
        # Four of five beats may be lost and the one that comes may be late, within Duration.
        lost = chance.randrange(5)
        sent += period * (lost + 1)
        arrives = min(now + duration, sent + chance.randrange(period))
        sent = max(sent, arrives)
        deadline = subject.next_deadline()
        if deadline <= arrives:
            subject.act(deadline)
            subject.tell(deadline)
        now = arrives
        assert subject.heartbeat("a", duration, now).id == first
        beats += lost + 1
    assert subject.trip_count == 0
    assert not subject.lost


class Ticks:
    """ticks_ms and ticks_diff of a 32-bit board, started anywhere."""

    PERIOD = 1 << 30

    def __init__(self, start):
        self.true = start

    def ms(self):
        return self.true % self.PERIOD

    def diff(self, end, start):
        return (end - start + self.PERIOD // 2) % self.PERIOD - self.PERIOD // 2


@pytest.mark.parametrize("start", (0, (1 << 29) - 5, (1 << 30) - 5, (1 << 32) - 5))
def test_ten_years_across_every_wrap_trip_when_and_only_when_they_should(start):
    ten_years = 10 * 365 * 24 * 3600 * 1000
    hour = 3600 * 1000
    ticks = Ticks(start)
    clock = Clock(ticks.ms, ticks.diff)
    subject = module(now=clock.now())
    identifier = subject.heartbeat("a", 2 * hour, clock.now()).id
    expected_trips = 0
    chance = random.Random(start)
    while ticks.true - start < ten_years:
        silent = chance.random() < 0.01
        ticks.true += 2 * hour + 1 if silent else 2 * hour - chance.randrange(3) * hour // 2
        now = clock.now()
        assert now == ticks.true - start
        subject.act(now)
        subject.tell(now)
        expected_trips += silent
        assert subject.trip_count == expected_trips
        assert subject.lost == silent
        session = subject.heartbeat("a", 2 * hour, now)
        assert (session.id == identifier) == (not silent)
        identifier = session.id
        subject.tell(now)
    assert expected_trips > 300
