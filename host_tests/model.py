"""Whose heartbeat counts and what outputs do then, as docs/concepts.md has it: a model of it all.

The model knows no deadlines. It looks at every millisecond and says what is true in it. Rules are
not in it. `Pair` plays facts to a real Module and to the model; INVARIANTS say what must be true
of both after every turn, each with a sentence.

A fact is a tuple, its name first:
    ("beat", master, Duration)        ("release", master or "")
    ("command", port, state)          ("bypass", port, ms from now or None)
    ("play", port, steps, again)      ("drill", master)
    ("restart", goes_on, crashed)     ("input", port, level)
    ("fail",)                         ("nothing",)
"""

from holdfast.core import reconfigure
from holdfast.core.module import BUSY, LOCKED, Module
from holdfast.core.port import HOLD
from holdfast.rest.status import standing
from holdfast.settings.schema import check

WIRING = ((10, "input", 1), (12, "output", 1), (13, "output", 0), (14, "output", 1))


class Master:
    """An account that may actuate. within_ms: None where nobody awaits it after a start."""

    def __init__(self, name, counts, within_ms):
        self.name = name
        self.counts = counts
        # (time, ms) since when it is awaited and for how long; None when it is not
        self.awaited = None if within_ms is None else (0, within_ms)
        self.last = None  # (time, Duration) of its latest heartbeat while its session runs
        self.sessions = 0  # how many have begun
        self.good = 0  # heartbeats of this session
        self.after_fault = False  # this session began after the latest fault
        self.lost = False
        self.released = False

    def silent(self, time):
        """True when its time is over in this ms."""
        for since in (self.last, self.awaited):
            if since is not None and time - since[0] > since[1]:
                return True
        return False


class Output:
    """An output; `cause`: the loss or the fault that it falls back with is on."""

    def __init__(self, row):
        self.fallback = row.fallback
        self.state = self.wanted = row.power_on
        self.cause = False
        self.began = None  # when its timeline began
        self.steps = ()  # .. and what that is
        self.overruled = False  # commanded since
        self.sequence = {}  # by time: the states that are still to come
        self.passing = False  # the next command ends the sequence
        self.return_at = None  # its cause is over, and it waits for its turn to return
        self.bypassed_until = None

    def begin(self, time, steps=None):
        """Its timeline begins; a sequence under way ends as it would have. True when it does."""
        if self.bypassed_until is not None:
            return False
        self.began = time
        self.steps = self.fallback.steps if steps is None else steps
        self.overruled = False
        self.return_at = None
        if self.sequence:
            self.sequence = {}
            self.state = self.wanted
        self.step(time)
        return True

    def step(self, time):
        for offset, state in self.steps:
            if time == self.began + offset and state != HOLD:
                self.state = state

    def look(self, time):
        if self.bypassed_until == time:
            self.bypassed_until = None
            if self.cause:
                self.begin(time)
        self.state = self.sequence.pop(time, self.state)
        self.step(time)
        if self.return_at == time:
            self.restore()

    def stop(self):
        """No more steps of its timeline."""
        self.began = None
        self.steps = ()

    def back(self, at, time):
        """Its cause is over; it returns at `at`."""
        self.stop()
        if self.fallback.restore and self.bypassed_until is None:
            self.return_at = at
            if at == time:
                self.restore()

    def restore(self):
        self.return_at = None
        if not self.sequence:
            self.state = self.wanted

    def refuses(self):
        held = self.cause or self.return_at is not None
        return held and self.fallback.locked and self.bypassed_until is None

    def command(self, state):
        if self.passing:
            self.sequence = {}
        if not self.sequence:
            self.wanted = state
        self.overruled = True
        self.stop()
        self.state = state

    def play(self, time, steps, again):
        self.sequence = {}
        self.passing = again
        at = time
        for state, ms in steps:
            self.sequence[at] = state
            at += ms
        self.state = self.sequence.pop(time)
        self.wanted = steps[-1][0]
        self.overruled = True
        self.stop()

    def bypass(self, until, time):
        before = self.bypassed_until
        self.bypassed_until = until
        if until is not None:
            self.stop()
            self.return_at = None
        elif before is not None and self.cause:
            self.begin(time)


class Model:
    """What is true. data: the settings as a document; ports: the rows of the checked ones."""

    def __init__(self, data, ports):
        heartbeat = data["heartbeat"]
        self.needed = {"all": None, "any": 1}.get(
            heartbeat.get("needed", "all"), heartbeat.get("needed")
        )
        self.return_after = heartbeat.get("return_after", 1)
        self.stagger_ms = heartbeat.get("stagger", 0)
        self.time = 0  # ms since the start
        own = {row["name"]: row.get("first_heartbeat_within") for row in data["accounts"]}
        names = set(heartbeat.get("masters", ()))
        names |= {row.fallback.master for row in ports if row.output} - {None}
        names |= {name for name, within in own.items() if within is not None}
        self.named = bool(names)
        self.masters = {}
        for row in data["accounts"]:
            if row["role"] in ("operator", "administrator"):
                name = row["name"]
                within = own[name] or heartbeat.get("first_within", 60000)
                counts = not names or name in names
                self.masters[name] = Master(name, counts, within if name in names else None)
        self.outputs = {i: Output(row) for i, row in enumerate(ports) if row.output}
        self.silence = False  # nobody named: nobody's heartbeat is there
        self.loss = False
        self.fault = False
        self.lost = False
        self.flips = []  # (lost, when) since somebody looked
        self.trips = []  # (master, when) since somebody looked
        self.moved_at = None  # the first ms in which anything moved by itself since then

    def advance(self, to):
        """Look at every ms up to this one."""
        before = self.seen()
        while self.time < to:
            self.time += 1
            self.look()
            if self.moved_at is None and self.seen() != before:
                self.moved_at = self.time

    def seen(self):
        return self.lost, [output.state for output in self.outputs.values()]

    def look(self):
        time = self.time
        for master in self.masters.values():
            if master.silent(time):
                self.end(master)
        for output in self.outputs.values():
            output.look(time)

    # -- losses -----------------------------------------------------------------------------------

    def end(self, master):
        """A session is over, or the time in which it had to begin."""
        master.last = None
        master.awaited = None
        master.good = 0
        master.after_fault = False
        if not master.counts:
            return
        if not self.named:
            if any(other.last is not None for other in self.masters.values()):
                master.lost = False
                return
            self.silence = True
            for other in self.masters.values():
                other.lost = False
        master.lost = True
        master.released = False
        self.trips.append((master.name, self.time))
        self.fall(master)

    def fall(self, master, hurried=False):
        """A session has ended and that is a loss; master None: a fault. True when
        a timeline begins.
        """
        self.settle()
        begins = False
        for output in self.outputs.values():
            cause = self.cause(output)
            if cause and (not output.cause or output.overruled and self.concerns(output, master)):
                steps = output.fallback.steps
                if hurried:
                    steps = ((0, steps[0][1]),) + steps[1:]
                begins = output.begin(self.time, steps) or begins
            output.cause = cause
        return begins

    def concerns(self, output, master):
        """True when a loss of this master counts for an output whose cause is on already."""
        if master is None:
            return True
        if output.fallback.master is None:
            return self.loss
        return output.fallback.master == master.name

    def settle(self):
        """Find out what is lost now."""
        self.loss = self.silence
        if self.named:
            lost = sum(m.lost for m in self.masters.values())
            living = sum(
                m.counts and not m.lost and (m.awaited is not None or m.last is not None)
                for m in self.masters.values()
            )
            needed = lost + living
            if self.needed is not None:
                needed = min(needed, self.needed)
            self.loss = lost > 0 and living < needed
        lost = self.loss or self.fault
        if lost != self.lost:
            self.lost = lost
            self.flips.append((lost, self.time))

    def cause(self, output):
        name = output.fallback.master
        return self.fault or (self.loss if name is None else self.masters[name].lost)

    def drill(self, master):
        """Its loss on purpose: nobody named, everybody's."""
        if not self.named:
            for other in self.masters.values():
                if other is not master:
                    other.last = None
        self.end(master)

    def fail(self, hurried=False):
        """A fault of the module itself: every session is over. One that comes again and moves
        nothing is no trip.
        """
        for master in self.masters.values():
            if master.last is not None:
                self.drill(master)
            master.after_fault = False
        first = not self.fault
        self.fault = True
        if self.fall(None, hurried) or first:
            self.trips.append(("", self.time))

    # -- restored ---------------------------------------------------------------------------------

    def rise(self):
        """A master is restored or released, or a fault is over."""
        self.settle()
        at = self.time
        for output in self.outputs.values():
            if output.cause and not self.cause(output):
                output.cause = False
                output.back(at, self.time)
                if output.fallback.restore and output.bypassed_until is None:
                    at += self.stagger_ms

    def beat(self, name, duration):
        master = self.masters[name]
        if master.last is None:
            master.sessions += 1
            master.good = 0
            master.after_fault = True
            master.awaited = None
            master.released = False
        master.good += 1
        master.last = (self.time, duration)
        if master.counts and master.good >= self.return_after:
            if self.named:
                master.lost = False
            else:
                self.heard()
            if master.after_fault:
                self.fault = False
        self.rise()

    def heard(self):
        """Nobody named: the loss is over for all."""
        self.silence = False
        for master in self.masters.values():
            master.lost = False

    def release(self, name):
        if name == "":
            self.fault = False
        else:
            master = self.masters[name]
            returning = self.silence and master.last is not None
            if master.lost or returning:
                if not self.named:
                    self.heard()
                master.lost = False
                master.released = master.last is None
        self.rise()

    def standing(self, master):
        """The word for it."""
        if master.last is not None:
            return "returning" if master.lost or self.silence else "alive"
        if master.lost:
            return "lost"
        if master.awaited is not None:
            return "awaited"
        if master.released:
            return "released"
        return "over" if master.sessions else "idle"

    # -- facts ------------------------------------------------------------------------------------

    def command(self, index, state):
        """None, or why it is refused."""
        output = self.outputs[index]
        if output.refuses():
            return LOCKED
        output.command(state)
        return None

    def play(self, index, steps, again):
        output = self.outputs[index]
        if output.refuses():
            return LOCKED
        if output.sequence and not again:
            return BUSY
        output.play(self.time, steps, again)
        return None


class Pair:
    """A module and its model, to which the same happens. data: settings; start: the clock's ms.

    prompt: turns come at every deadline, as the ticker has them; else with the facts alone.
    """

    def __init__(self, data, start=0, prompt=True, wiring=WIRING):
        self.data = data
        self.rows = check(data, wiring)
        self.random_bytes = Numbers()
        self.prompt = prompt
        self.starts = 0
        self.identifiers = {}  # by (start, master, session): its SessionId
        self.begin(start)

    def begin(self, start):
        """The module starts."""
        self.start = self.now = start
        self.starts += 1
        self.module = self.make(start)
        self.model = Model(self.data, self.rows.ports)
        self.heartbeat = self.module.events.properties[0]
        self.trip_count = 0
        # What the last turn told, and what the model says that it had to tell.
        self.told = self.to_tell = ()
        self.tripped = self.to_trip = ()
        self.refused = self.to_refuse = None
        self.moved_at = None
        self.due = self.module.next_deadline()  # after the last turn, and this one's
        self.due_before = None

    def make(self, start):
        levels = bytes([1 - row.closed_level for row in self.rows.ports])
        return Module(self.rows, levels, self.random_bytes, start)

    def turn(self):
        """A turn of both at `now`; AssertionError where they differ."""
        self.module.act(self.now)
        self.module.tell(self.now)
        self.compare(self.module.events.take())

    def compare(self, changes):
        """Have the model come to `now`, and look whether all is true that has to be."""
        model = self.model
        model.advance(self.now - self.start)
        self.obey()
        self.moved_at, model.moved_at = model.moved_at, None
        self.due_before, self.due = self.due, self.module.next_deadline()
        self.to_tell, model.flips = model.flips, []
        self.told = [
            (data == "1", at - self.start)
            for declared, data, at, _ in changes
            if declared is self.heartbeat
        ]
        count = self.module.trip_count - self.trip_count
        self.trip_count += count
        trips = self.module.trips[-count:] if count else []
        self.tripped = sorted([(who, at - self.start) for who, at, _, _ in trips])
        self.to_trip, model.trips = sorted(model.trips), []
        holds(self)

    def obey(self):
        """What rules make of it; there are none here."""

    def wait(self, ms):
        """So many ms go by."""
        target = self.now + ms
        while self.prompt:
            due = self.module.next_deadline()
            if due is None or due > target:
                break
            self.now = max(self.now, due)
            self.turn()
        self.now = target
        self.turn()

    def do(self, name, *arguments):
        """A fact, and the turn after it."""
        self.refused = self.to_refuse = None
        getattr(self, name)(*arguments)
        self.turn()

    def beat(self, master, duration):
        self.module.heartbeat(master, duration, self.now)
        self.model.beat(master, duration)

    def command(self, index, state):
        self.refused = self.module.command(self.module.ports[index], state, "somebody", self.now)
        self.to_refuse = self.model.command(index, state)

    def play(self, index, steps, again):
        port = self.module.ports[index]
        self.refused = self.module.sequence(port, steps, "somebody", self.now, again)
        self.to_refuse = self.model.play(index, steps, again)

    def release(self, master):
        reconfigure.release(self.module, master, self.now, "somebody")
        self.model.release(master)

    def bypass(self, index, ms):
        until = None if ms is None else self.now + ms
        reconfigure.bypass(self.module, self.module.ports[index], until, "somebody", self.now)
        until = None if ms is None else self.model.time + ms
        self.model.outputs[index].bypass(until, self.model.time)

    def drill(self, master):
        """Of a master that counts and is not lost, as the status takes it."""
        session = self.module.session(master)
        if session.counts and not session.lost:
            self.module.drilled = session
            self.module.lose(session, self.now)
            self.model.drill(self.model.masters[master])

    def input(self, index, level):
        self.module.input(index, level, self.now)

    def nothing(self):
        """Only a turn."""

    def fail(self):
        """A turn failed."""
        self.module.fail(self.now)
        self.model.fail()

    def restart(self, goes_on, crashed):
        """The module starts again; its clock goes on, or begins at 0."""
        self.begin(self.now if goes_on else 0)
        if crashed:
            self.crash()

    def crash(self):
        """The life before this start has ended by itself."""
        reconfigure.restarted(self.module, "a test", self.now)
        self.model.fail(True)


class Numbers:
    """Random bytes that are never the same again."""

    def __init__(self):
        self.count = 0

    def __call__(self, size):
        self.count += 1
        return self.count.to_bytes(size, "big")


# -- what must be true after every turn -----------------------------------------------------------


def lost_is_the_loss_or_the_fault(pair):
    """`lost` is the loss of those whose heartbeats count, or a fault of the module itself."""
    return pair.module.lost == pair.model.lost


def the_event_says_lost(pair):
    """The event Monitor/Heartbeat has the value of `lost`."""
    return (pair.heartbeat.data == "1") == pair.module.lost


def the_event_comes_with_each_change(pair):
    """Each change of `lost` is told once, with the ms in which it became true."""
    return pair.told == pair.to_tell


def trips_are_recorded(pair):
    """Each loss of a master is a trip of that master, at the end of its session; so is a fault."""
    return pair.tripped == pair.to_trip


def a_living_session_keeps_its_id(pair):
    """A heartbeat while the session runs keeps the SessionId; else there is a new one."""
    for name, master in pair.model.masters.items():
        identifier = pair.module.session(name).id
        if (identifier is not None) != (master.last is not None):
            return False
        if identifier is not None:
            key = (pair.starts, name, master.sessions)
            if pair.identifiers.setdefault(key, identifier) != identifier:
                return False
    return len(set(pair.identifiers.values())) == len(pair.identifiers)


def each_named_master_is_lost_by_itself(pair):
    """Each named master is lost when its own deadline has passed, until it is restored."""
    return not pair.model.named or all(
        pair.module.session(name).lost == master.lost
        for name, master in pair.model.masters.items()
    )


def a_stray_is_never_lost(pair):
    """Heartbeats of those who are not named are answered; their end is no loss."""
    return not any(
        pair.module.session(name).lost
        for name, master in pair.model.masters.items()
        if not master.counts
    )


def the_status_says_what_a_master_is(pair):
    """The word for a master in the status is what it is."""
    return all(
        standing(pair.module.session(name)) == pair.model.standing(master)
        for name, master in pair.model.masters.items()
    )


def one_heartbeat_where_nobody_is_named(pair):
    """Nobody named: while a session runs that is not returning, no heartbeat is lost."""
    if pair.model.named:
        return True
    words = [pair.model.standing(master) for master in pair.model.masters.values()]
    return "alive" not in words or not any(session.lost for session in pair.module.sessions)


def outputs_are_as_they_should_be(pair):
    """An output is as its timeline, its commands, its bypass and its return have it."""
    return all(
        pair.module.ports[index].state == output.state
        for index, output in pair.model.outputs.items()
    )


def levels_are_those_of_the_states(pair):
    """The level of an output is that of its state."""
    return all(pair.module.levels[p.index] == p.levels[p.state] for p in pair.module.outputs)


def locked_outputs_refuse(pair):
    """An output refuses commands where its settings say `locked`, while its cause is on or it has
    not returned yet, and it is not bypassed. Others take them.
    """
    return pair.refused == pair.to_refuse and all(
        (pair.module.refuses(pair.module.ports[index], pair.now) is None) != output.refuses()
        for index, output in pair.model.outputs.items()
    )


def bypasses_end(pair):
    """A bypass is on until its end, and the status says until when."""
    for index, output in pair.model.outputs.items():
        until = pair.module.ports[index].bypassed_until
        if output.bypassed_until != (None if until is None else until - pair.start):
            return False
    return True


def deadlines_are_in_time(pair):
    """`next_deadline` is never later than the next thing that happens by itself."""
    if pair.due is not None and pair.due <= pair.now:
        return False
    if pair.moved_at is None:
        return True
    return pair.due_before is not None and pair.due_before <= pair.start + pair.moved_at


INVARIANTS = (
    deadlines_are_in_time,
    lost_is_the_loss_or_the_fault,
    the_event_says_lost,
    the_event_comes_with_each_change,
    a_living_session_keeps_its_id,
    each_named_master_is_lost_by_itself,
    a_stray_is_never_lost,
    the_status_says_what_a_master_is,
    one_heartbeat_where_nobody_is_named,
    trips_are_recorded,
    outputs_are_as_they_should_be,
    levels_are_those_of_the_states,
    locked_outputs_refuse,
    bypasses_end,
)


def holds(pair):
    """AssertionError with the sentence that is not true."""
    for invariant in INVARIANTS:
        if not invariant(pair):
            raise AssertionError("%s\n%s" % (invariant.__doc__, said(pair)))


def said(pair):
    """What module and model say, for people."""
    module, model = pair.module, pair.model
    lines = [
        "at %d: lost %s, should be %s" % (model.time, module.lost, model.lost),
        "told %s, should be %s" % (pair.told, pair.to_tell),
        "trips %s, should be %s" % (pair.tripped, pair.to_trip),
        "refused %s, should be %s" % (pair.refused, pair.to_refuse),
    ]
    for name, master in model.masters.items():
        session = module.session(name)
        row = (name, session.id, standing(session), session.expires_at, model.standing(master))
        lines.append("%s: id %s, %s, expires %s; should be %s" % row)
    for index, output in model.outputs.items():
        port = module.ports[index]
        row = (index, port.state, port.lost, port.due, output.state, output.began)
        lines.append("output %d: %d, lost %s, due %s; should be %d, began %s" % row)
    return "\n".join(lines)
