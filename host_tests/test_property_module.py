"""Random settings and histories through the module and a model that counts every ms, see model.py;
a million heartbeats, and ten years. CPython only, because hypothesis is.
"""

import os
import random

import pytest
from holdfast.hal.clock import Clock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from makers import account, module
from model import Pair

NIGHTLY = "HOLDFAST_NIGHTLY" in os.environ
HISTORIES = 100_000 if NIGHTLY else 10_000
PARTS = 4 if NIGHTLY else 1  # side by side
BEATS = 10_000_000 if NIGHTLY else 1_000_000
MASTERS = ("a", "b", "c")
STARTS = (0, (1 << 29) - 40, (1 << 30) - 40, (1 << 32) - 40, (1 << 52) - 40)

steps = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from(("open", "closed", "hold")),
        st.sampled_from((None, None, 5)),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda step: step[0] // 7,  # a pulse ends before the next step begins
).map(lambda rows: [step(*row) for row in sorted(rows, key=lambda row: row[0])])


def step(after, state, pulse):
    """A step of the settings; after: in units that leave room for a pulse."""
    row = {"after": after // 7 * 7, "state": state}
    if pulse is not None and state != "hold":
        row["pulse"] = pulse
    return row


outputs = st.fixed_dictionaries(
    {
        "power_on": st.sampled_from(("open", "closed")),
        "fallback": st.fixed_dictionaries(
            {
                "master": st.sampled_from(("any", "any", "any", "a", "b")),
                "steps": steps,
                "on_return": st.sampled_from(("hold", "restore")),
                "locked": st.booleans(),
            }
        ),
    }
)


@st.composite
def documents(draw, somebody, masters=MASTERS):
    """Settings: accounts, outputs, and whose heartbeat counts; somebody: masters are named."""
    accounts = [account(name) for name in masters]
    ports = {str(i): draw(outputs) for i in (1, 2, 3)}
    heartbeat = {
        "shortest": 1,
        "return_after": draw(st.sampled_from((1, 1, 2, 3))),
        "stagger": draw(st.sampled_from((0, 0, 1, 7, 30))),
        "first_within": draw(st.integers(1, 60)),
    }
    if not somebody:
        for port in ports.values():
            port["fallback"]["master"] = "any"
    else:
        heartbeat["masters"] = draw(st.lists(st.sampled_from(masters), unique=True))
        if draw(st.sampled_from((True, False, False, False))):
            accounts[-1]["first_heartbeat_within"] = draw(st.integers(1, 60))
        named = set(heartbeat["masters"])
        named |= {port["fallback"]["master"] for port in ports.values()} - {"any"}
        named |= {row["name"] for row in accounts if "first_heartbeat_within" in row}
        needs = ["all", "any", *range(1, len(named) + 1)] if named else ["all"]
        heartbeat["needed"] = draw(st.sampled_from(needs))
    return {"accounts": accounts, "ports": ports, "heartbeat": heartbeat}


# A step of no time is over in the same turn; the model has one state for a ms.
sequences = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 50)), min_size=1, max_size=4).map(
    tuple
)
indexes = st.integers(1, 3)
masters = st.sampled_from(MASTERS)
FACTS = {
    "nothing": st.just(("nothing",)),
    "beat": st.tuples(st.just("beat"), masters, st.integers(1, 60)),
    "command": st.tuples(st.just("command"), indexes, st.integers(0, 1)),
    "play": st.tuples(st.just("play"), indexes, sequences, st.booleans()),
    "release": st.tuples(st.just("release"), st.sampled_from((*MASTERS, ""))),
    "bypass": st.tuples(st.just("bypass"), indexes, st.one_of(st.none(), st.integers(1, 80))),
    "drill": st.tuples(st.just("drill"), masters),
    "fail": st.just(("fail",)),
    "restart": st.tuples(st.just("restart"), st.booleans(), st.booleans()),
    "input": st.tuples(st.just("input"), st.just(0), st.integers(0, 1)),
}
OFTEN = ("beat",) * 8 + ("command",) * 3 + ("release", "bypass", "play")
facts = st.sampled_from((*FACTS, *OFTEN)).flatmap(FACTS.get)
# Long ones find most. What is not needed of one that fails shrinks to "nothing".
histories = st.lists(st.tuples(st.integers(0, 45), facts), min_size=12, max_size=20)


def play(pair, history):
    for pause, fact in history:
        pair.wait(pause)
        pair.do(*fact)


def many(share):
    """So many of the histories; at night in parts, each with other ones, see conftest.py."""

    def decorated(test):
        test = settings(
            max_examples=int(HISTORIES * share) // PARTS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            database=None,
        )(test)
        return pytest.mark.slow(pytest.mark.parametrize("part", range(PARTS))(test))

    return decorated


@many(0.3)
@given(documents(False), histories, st.booleans(), st.sampled_from(STARTS))
def test_nobody_is_named(part, document, history, prompt, start):
    play(Pair(document, start, prompt), history)


@many(0.7)
@given(documents(True), histories, st.booleans(), st.sampled_from(STARTS))
def test_masters_are_named(part, document, history, prompt, start):
    play(Pair(document, start, prompt), history)


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
