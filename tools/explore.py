"""Walks every history of a small world through the real core, and looks what is true of it.

    make explore                      every world, half an hour at most
    make explore ARGS="all stagger"   these
    make explore ARGS=--small         with fewer facts, as the tests have it; seconds

A world has two masters and an account that nobody names, two outputs with timelines of a few ms,
and a rule that sets one of them when the heartbeat is lost. Ms go by one at a time, or three in
which no turn comes. After each turn the module has to be as the model of host_tests/model.py has
it, and each of the sentences there has to be true.

Breadth first: a state that was seen is not gone through again, and what fails fails with the
shortest history. Where time or room end a world, the shorter histories were gone through all the
same: it is told up to how many facts.

A state is all that the module and the model keep, with times as of now. Left out is what they only
tell (FIGURES). Of every thousandth state its history is gone through once more from the start,
with a new module: it has to come to the same.

A start makes a new module, which knows nothing of the one before: that is where histories begin,
after a restart that was asked for or a crash, without and with a bypass that lasts.
"""

import argparse
import marshal
import multiprocessing
import os
import random
import sys
import time
from array import array
from collections import deque

import interpreters

sys.path[:0] = [*interpreters.IMPORTS, str(interpreters.ROOT / "host_tests")]

import model as reference  # noqa: E402

WIRING = ((12, "output", 1), (13, "output", 0))
ACCOUNTS = ("a", "b", "c")  # nobody names c
STATES = 2_000_000  # at most, of a world
MINUTES = 30  # at most, of all worlds
TELL_S = 15
AGAIN = 1000  # of so many states one is come to once more
WAYS = 30  # random ones, and how long
WAY = 40
START = 1 << 20  # the clock's ms at the start, and in every state

# Attributes of module and model that say when something comes or counts from: kept as of now.
TIMES = ("expires_at", "due", "_due", "bypassed_until", "began", "return_at")
HORIZON = -3  # longer ago than any timeline lasts
# (time, Duration): kept as what is left of it.
LEFT = ("last", "awaited")
# Heartbeats of a session that runs: more than have to come decide nothing.
COUNTS = ("count", "good")
# Of a timeline, while a step of it is still to come.
STEPS = ("_began", "_step", "_steps")
# What is told and decides nothing: figures, and what was in the past.
FIGURES = (
    "armed_at",
    "at",
    "beats",
    "began_at",
    "bypass_over",
    "duration_ms",
    "fired",
    "last_at",  # as of a session that runs, see put; so is `sessions`
    "least_margin_ms",
    "longest_ms",
    "lost_at",
    "_lost_at",
    "moved_at",
    "peer",
    "_player",
    "refused",
    "_second",
    "_burst",
    "sessions",
    "since",
    "time",
    "trip_count",
    "who",
    "why",
    "fault_why",
    "worst_lateness_ms",
)


class Found(Exception):
    """Something is not as it should be; the text says what, and after which history."""


class Varies(Exception):
    """A slot varies that did not along the random ways."""


def document(heartbeat, ports, rule):
    """The settings of a world; rule: the output that it closes."""
    row = {"md5": "0" * 32, "sha256": "0" * 64, "role": "operator"}
    lost = 'boolean(//SimpleItem[@Name="lost" and @Value="1"])'
    parameters = {"port": str(rule), "state": "high", "duration": "0"}
    action = {"template": "com.axis.action.fixed.io.toggle", "parameters": parameters}
    start = {"topic": "tns1:Device/tnsaxis:Monitor/Heartbeat", "content": lost}
    return {
        "accounts": [dict(row, name=name) for name in ACCOUNTS],
        "heartbeat": dict({"shortest": 1, "first_within": 2}, **heartbeat),
        "ports": {str(index): {"fallback": fallback} for index, fallback in enumerate(ports)},
        "actions": {"1": action},
        "rules": {"1": {"action": "1", "start": start, "conditions": []}},
    }


PULSE = [{"state": "closed"}, {"after": 2, "state": "open"}]
LATER = [{"after": 1, "state": "open"}]
LOCKED = {"steps": PULSE, "on_return": "restore", "locked": True}
UNLOCKED = {"steps": LATER, "on_return": "hold"}
BOTH = ["a", "b"]
# By name: settings, and the output that the rule sets.
WORLDS = {
    "nobody": ({}, (LOCKED, UNLOCKED), 1),
    "all": ({"masters": BOTH}, (LOCKED, UNLOCKED), 1),
    "any": ({"masters": BOTH, "needed": "any"}, (LOCKED, UNLOCKED), 0),
    "own": ({"masters": ["b"]}, (dict(LOCKED, master="a"), UNLOCKED), 1),
    "stagger": (
        {"masters": BOTH, "needed": "any", "stagger": 2},
        (dict(LOCKED, locked=False), dict(UNLOCKED, on_return="restore", locked=True)),
        0,
    ),
    "returns": ({"masters": BOTH, "return_after": 2}, (LOCKED, UNLOCKED), 1),
    "nobody-returns": ({"return_after": 2}, (LOCKED, UNLOCKED), 1),
}
FEW = (
    ("pass_ms", 1),
    ("pass_ms", 3),
    ("beat", "a", 2),
    ("beat", "b", 2),
    ("beat", "c", 1),
    ("command", 0, 0),
    ("release", "a"),
    ("release", ""),
    ("bypass", 0, 2),
)
MANY = FEW + (
    ("beat", "b", 1),
    ("command", 0, 1),
    ("command", 1, 0),
    ("play", 0, ((1, 1), (0, 1)), True),
    ("release", "b"),
    ("bypass", 0, None),
    ("bypass", 1, 1),
    ("fail",),
    ("drill", "a"),
)


class World(reference.Pair):
    """A module with a rule, and its model, that can be put into any state they were in."""

    def __init__(self, name):
        heartbeat, ports, self.rule = WORLDS[name]
        self.places = ()  # of the slots that this world ever changes
        super().__init__(document(heartbeat, ports, self.rule), START, wiring=WIRING)

    def begin(self, start):
        super().begin(start)
        # As if the module had started at 0: then a time is the same to both.
        self.start = 0
        self.model.time = start
        for master in self.model.masters.values():
            if master.awaited is not None:
                master.awaited = (start, master.awaited[1])
        self.slots = list(self.find_slots())
        self.varying = [self.slots[place] for place in self.places]
        # Most are kept as they are: their attributes are read and written at once.
        self.plains = [
            (vars(thing), name) for thing, name, kind in self.varying if kind == "plain"
        ]
        self.others = [slot for slot in self.varying if slot[2] != "plain"]
        for thing, name, _ in self.varying:
            setattr(thing, name, getattr(thing, name))  # not of its class any more

    def turn(self):
        """As the ticker does it."""
        module = self.module
        module.act(self.now)
        module.tell(self.now)
        told = []
        changes = module.events.take()
        while changes:
            told += changes
            if module.rules.react(changes, self.now):
                module.tell(self.now)
            changes = module.events.take()
        self.compare(told)

    def obey(self):
        for lost, _ in self.model.flips:
            if lost:
                self.model.command(self.rule, 1)

    def pass_ms(self, ms):
        """So many ms go by without a turn."""
        self.now += ms

    # -- states -----------------------------------------------------------------------------------

    def find_slots(self):
        """All that is kept: (object, name of the attribute, class of it)."""
        module, model = self.module, self.model
        kept = [module, *module.watched, *module.ports, *module.rules.rules]
        kept += [value for value in vars(module).values() if type(value).__name__ == "Session"]
        kept += module.events.properties
        kept += [model, *model.masters.values(), *model.outputs.values()]
        seen = set()
        for thing in kept:
            # What few objects have is of the class until it differs.
            attributes = {**vars(type(thing)), **vars(thing)}
            for name, value in attributes.items():
                if id(thing) in seen or name in FIGURES or name.startswith("__"):
                    continue
                if name in STEPS:
                    yield thing, name, "step"
                elif name in TIMES:
                    yield thing, name, "time"
                elif name in LEFT:
                    yield thing, name, "left"
                elif name in COUNTS:
                    yield thing, name, "count"
                elif name == "id" and type(thing).__name__ == "Session":
                    yield thing, name, "id"
                elif isinstance(value, dict) and type(thing) is reference.Output:
                    yield thing, name, "times"
                elif isinstance(value, bytearray):
                    yield thing, name, "bytes"
                elif plain(value):
                    yield thing, name, "plain"
            seen.add(id(thing))

    def value(self, slot):
        """What a slot holds now, in a form that can be compared and written down."""
        thing, name, kind = slot
        value = getattr(thing, name)
        if kind == "plain" or value is None:
            return value
        if kind == "time":
            return max(value - self.now, HORIZON)
        if kind == "left":
            return value[1] - (self.now - value[0])
        if kind == "count":
            runs = thing.id if name == "count" else thing.last
            most = self.model.return_after - (name == "count")
            return 0 if runs is None else min(value, most)
        if kind == "step":
            if thing.due is None or thing.returning is not None:
                return None
            if name != "_step" and thing.sequence is not None:
                return None
            return value - self.now if name == "_began" else value
        if kind == "id":
            return True
        if kind == "bytes":
            return bytes(value)
        return tuple(sorted([(at - self.now, state) for at, state in value.items()]))

    def put(self, slot, value):
        """Give a slot what it held; the time is START."""
        thing, name, kind = slot
        if kind == "bytes":
            getattr(thing, name)[:] = value
            return
        if kind == "id":
            thing.last_at = None if value is None else START
        elif name == "last":
            thing.sessions = 0 if value is None else 1
        if value is not None:
            if kind == "time" or name == "_began":
                value += START
            elif kind == "left":
                value = (START, value)
            elif kind == "id":
                value = "the session of " + thing.master
            elif kind == "times":
                value = {at + START: state for at, state in value}
        setattr(thing, name, value)

    def whole(self):
        """All that is kept now, whether the world ever changes it or not."""
        return tuple([self.value(slot) for slot in self.slots])

    def state(self):
        """What is kept now of what varies, what is kept as it is first."""
        plains = [attributes[name] for attributes, name in self.plains]
        return tuple(plains + [self.value(slot) for slot in self.others])

    def go_to(self, state):
        """Put the module and the model into a state in which they were."""
        self.now = START
        self.model.time = START
        values = iter(state)
        for attributes, name in self.plains:
            attributes[name] = next(values)
        for slot in self.others:
            self.put(slot, next(values))
        for rule in self.module.rules.rules:
            rule._second = None  # time stands still: no rule fires too often
        self.due = self.module.next_deadline()
        self.trip_count = self.module.trip_count
        self.identifiers = {
            (self.starts, name, master.sessions): self.module.session(name).id
            for name, master in self.model.masters.items()
            if master.last is not None
        }

    def follow(self, history):
        """Go through a history, from a start on."""
        (_, crashed, bypassed), *facts = history
        self.begin(START)
        if bypassed:
            self.bypass(0, 2)
        if crashed:
            self.crash()
        self.turn()
        for fact in facts:
            self.do(*fact)


def plain(value):
    """True for what can be written down."""
    if isinstance(value, tuple):
        return all(plain(item) for item in value)
    return value is None or isinstance(value, (int, str))


STARTS = [("start", crashed, bypassed) for bypassed in (False, True) for crashed in (False, True)]


class Walk:
    """All states of a world, breadth first; limit: so many at most, for so many s."""

    def __init__(self, name, facts, limit=STATES, seconds=60 * MINUTES):
        self.name = name
        self.facts = facts
        self.limit = limit
        self.until = time.monotonic() + seconds
        self.world = World(name)
        self.transitions = 0
        self.far = None  # all histories of so many facts; None: of any number
        self.waiting = 0  # states from which nothing was tried yet
        self.whole = ()  # what a state holds, where it does not vary

    def history(self, index):
        """What led to a state first."""
        facts = []
        while self.parents[index] >= 0:
            facts.append(self.facts[self.causes[index]])
            index = self.parents[index]
        return [STARTS[self.causes[index]], *reversed(facts)]

    def run(self, tell=None):
        """Go through all; Found where something is wrong. tell: a function(walk), called often."""
        self.find_places()
        while True:
            try:
                return self.walk(tell)
            except Varies as varies:
                self.world.places = tuple(sorted({*self.world.places, *varies.args}))

    def walk(self, tell):
        self.transitions = 0
        self.parents = array("l")  # by state: the one it was come to from, ..
        self.causes = array("b")  # .. and by which fact or start
        self.known = set()  # hashes of states
        waiting = deque()
        for number, start in enumerate(STARTS):
            self.reach([start], -1, number, waiting)
        tell_at = time.monotonic() + TELL_S
        while waiting:
            index, data = waiting.popleft()
            if time.monotonic() >= self.until:
                self.leave_out(index)
                break
            state = marshal.loads(data)
            for number, fact in enumerate(self.facts):
                self.world.go_to(state)
                try:
                    self.world.do(*fact)
                except Exception as error:
                    raise Found(self.tells([*self.history(index), fact], error))
                self.transitions += 1
                self.note(index, number, waiting)
            if index % AGAIN == 0:
                self.again(index, state)
            if tell is not None and time.monotonic() >= tell_at:
                tell_at += TELL_S
                self.waiting = len(waiting)
                tell(self)
        self.waiting = len(waiting)
        return self

    def reach(self, history, parent, number, waiting):
        try:
            self.world.follow(history)
        except Exception as error:
            raise Found(self.tells(history, error))
        self.note(parent, number, waiting)

    def note(self, parent, number, waiting):
        """Keep the state that was come to, if it is a new one."""
        data = marshal.dumps(self.world.state(), 2)
        key = hash(data)
        if key in self.known:
            return
        if len(self.known) >= self.limit:
            self.leave_out(parent)
            return
        self.known.add(key)
        waiting.append((len(self.parents), data))
        self.parents.append(parent)
        self.causes.append(number)

    def leave_out(self, index):
        """What comes after this state is not gone through. States come in the order of facts."""
        if self.far is None:
            self.far = len(self.history(index)) - 1

    def again(self, index, state):
        """Come to a state once more from a start on: is it all that its history has left?"""
        history = self.history(index)
        world = self.world
        world.follow(history)
        wanted = dict(enumerate(self.whole))
        plains = [place for place in world.places if world.slots[place][2] == "plain"]
        others = [place for place in world.places if world.slots[place][2] != "plain"]
        wanted.update(zip(plains + others, state))
        for place, value in enumerate(world.whole()):
            if value != wanted[place]:
                thing, name, _ = world.slots[place]
                if place not in world.places:
                    raise Varies(place)
                row = (type(thing).__name__, name, value, wanted[place])
                raise Found(self.tells(history, "%s.%s is %r, was %r before" % row))

    def find_places(self):
        """What differs anywhere along random ways; `again` looks that nothing else does."""
        chance = random.Random(1)
        world = self.world
        first = None
        places = set()
        for _ in range(WAYS):
            facts = [("beat", "a", 1)] + [chance.choice(self.facts) for _ in range(WAY)]
            try:
                world.follow([chance.choice(STARTS)])
                for fact in facts:
                    whole = world.whole()
                    first = first or whole
                    places |= {i for i, value in enumerate(whole) if value != first[i]}
                    world.do(*fact)
            except AssertionError:
                pass  # found again, with the shortest history
        world.places = tuple(sorted(places))
        self.whole = first

    def tells(self, history, problem):
        """Of something wrong, for people."""
        lines = ["%s: after" % self.name, *["    %s" % (fact,) for fact in history], str(problem)]
        return "\n".join(lines)

    def figures(self):
        return "%-14s %9d states, %10d transitions%s" % (
            self.name,
            len(self.parents),
            self.transitions,
            ", to the end" if self.far is None else "; all histories of %d facts" % self.far,
        )


def progress(walk):
    row = (walk.name, len(walk.parents), walk.waiting)
    print("%-14s %9d states, of which %d wait" % row, flush=True)


def explore(name, facts=MANY, limit=STATES, tell=progress, seconds=60 * MINUTES):
    """(what there was, what is wrong or None) of a world."""
    walk = Walk(name, facts, limit, seconds)
    try:
        walk.run(tell)
    except Found as found:
        return walk.figures(), str(found)
    return walk.figures(), None


def share(job):
    """`explore` with its share of the time that is left: what one does not need, later ones have.
    job: (name, facts, limit, until, worlds from this one on).
    """
    name, facts, limit, until, worlds = job
    left = until - time.monotonic()
    return explore(name, facts, limit, progress, left * min(1, os.cpu_count() / worlds))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="*", metavar="WORLD", help=", ".join(WORLDS))
    parser.add_argument("--small", action="store_true", help="with fewer facts")
    parser.add_argument("--states", type=int, default=STATES, help="at most, of each world")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="at most, of all worlds")
    options = parser.parse_args()
    unknown = set(options.worlds) - set(WORLDS)
    if unknown:
        parser.error("no such world: " + ", ".join(sorted(unknown)))
    facts = FEW if options.small else MANY
    began = time.monotonic()
    until = began + 60 * options.minutes
    names = options.worlds or list(WORLDS)
    jobs = [(name, facts, options.states, until, len(names) - i) for i, name in enumerate(names)]
    results = []
    wrong = False
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for figures, found in pool.imap(share, jobs, 1):
            results.append(figures if found is None else "%s\n%s" % (figures, found))
            wrong = wrong or found is not None
            print(results[-1], flush=True)
    print("\n== explored in %d s" % (time.monotonic() - began))
    print("\n".join(results))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
