"""The I/O module as one pure object: facts go in with the time, levels and events come out.

The laws:
1. `now` is an int of milliseconds that never wraps and never runs back.
2. Whatever is due is done before any new fact counts: a trip is final.
3. `act(now)` moves levels and allocates nothing; `tell(now)` makes trips and events of it. A shell
   calls act, writes the levels to the pins, and only then tells.
4. `next_deadline()` is a lower bound: to come early is harmless, to come late is not.
5. Memory may run out anywhere: what was not done then is still to be done, and is done by the next
   call. Times are ints of any size, so even a sum of two may need some.
6. Settings name no master: there is one heartbeat. It is lost when the last session that runs
   ends, and any heartbeat restores it.
7. Settings name masters: each is awaited by itself, from the start on. The heartbeat is lost while
   fewer live than are needed, of those that are awaited. Other accounts' sessions count for
   nothing. An output that has a master of its own falls back with that master alone.
8. A lost master is restored by the heartbeat that settings say, in time; a released one is not
   awaited until its next.
9. No loss moves an output that is bypassed. When that ends and the loss lasts, its fallback
   begins.
"""

from micropython import const

from holdfast.core.accounts import ACTUATE
from holdfast.core.events import EventSystem
from holdfast.core.log import FAILED, RETURN, STRAY, TRIP
from holdfast.core.port import RESTORE, Port
from holdfast.core.session import Session, uuid4
from holdfast.core.virtual_inputs import VirtualInputs

TRIPS_KEPT = const(8)  # losses, the latest of every master first: for whoever asks what happened

LOCKED = "locked"  # the port's master is lost and its settings lock it
NOT_OUTPUT = "not an output"
BUSY = "busy"  # a state sequence is under way


class Module:
    """Sessions, ports and events of one module.

    settings: of settings.model. levels: electrical level (0 or 1) of every port as sampled now.
    random_bytes: a function(n) of cryptographic quality, for session ids. now: ms.
    """

    # Given by watch of core.reconfigure, in __init__ and for each change.
    named: dict  # ms within which a master must call for the first time, by its account
    needed: int | None  # of them, None for all
    return_after: int  # heartbeats in time, of a lost master
    stagger_ms: int  # between outputs that return
    sessions: list
    watched: list  # and the module's own
    by_master: dict
    triggers: list  # what outputs hang on, for the alarm

    def __init__(self, settings, levels, random_bytes, now):
        self.random_bytes = random_bytes
        self.name = settings.name
        self.shortest_ms = settings.shortest_ms  # of a Duration
        self.longest_ms = settings.longest_ms
        self.levels = bytearray(levels)
        self.events = EventSystem()
        self.lost = False
        self.trips = self.events.trips  # (master, due, moved, why), oldest first
        self.trip_count = 0
        self.worst_lateness_ms = 0  # from due to the pins, ever
        self.logins = [0, 0]  # that were refused, and that were not looked at
        self.drilled = None  # the session that is lost on purpose, until that is told
        self.log = None  # core.log.Log, when somebody keeps one
        self.around = None  # a function() for the cause of a loss: what else is known, as text
        self.missed = False  # the heartbeat is lost; see law 6 and 7
        self._lost_at = now  # when a loss began
        self.news = False
        self._due = None
        self.ports = [Port(i, row, self.levels) for i, row in enumerate(settings.ports)]
        self.outputs = [port for port in self.ports if port.output]
        from holdfast.core.reconfigure import declare, watch

        self._heartbeat, self.ready, self._told = declare(self, now)
        self.virtual = VirtualInputs(self.events, now)
        self.links = None  # core.uplinks.Links, when there are any
        if settings.uplinks and (settings.uplinks[0] or settings.uplinks[1]):
            from holdfast.core.uplinks import Links

            rows, inbound, _ = settings.uplinks
            self.links = Links(self.events, rows, inbound, random_bytes, now)
        self.monitors = None  # core.monitors.Monitors, when there are any
        self.fault = Session("")  # the module's own: lost when a turn failed
        self.fault.counts = False
        self.heart = Session("")  # of which only these are used: expires_at, ports; see law 6, 7
        self.reset_cause = "power on"  # why this start, in words; see core.crashloop
        self.boot_facts = ()  # what else is to be known of it, in words
        sessions = [Session(a.name) for a in settings.accounts if a.role >= ACTUATE]
        watch(self, sessions, settings, now)
        self.fallback_levels = bytearray(self.levels)
        self.prepare()
        self.rules = None  # core.rules.Rules, when there are any
        if settings.rules:
            from holdfast.core.rules import Rules

            self.rules = Rules(self, settings.rules, now)

    # A function whose locals, loops and operands are more than 11 words has its frame in the heap:
    # what each heartbeat and each turn calls is small for that.

    def reckon(self):
        """Is the heartbeat lost, and when will it be, if none comes? Allocates nothing."""
        living = self._count(False)
        lost = self._count(True)
        needed = living + lost  # all that are awaited
        if self.needed is not None:
            needed = min(needed, self.needed)
        self.missed = living < needed
        self.heart.expires_at = None
        if not self.missed:
            # Of those that live so many may end, and one more is too many.
            self._find_end(living - needed + 1)
        else:
            # Any of those that run begins anew what was commanded; of one heartbeat the last.
            self._find_end(1 if self.named else self._ended(None))

    def _count(self, lost):
        """How many masters that count are lost, or live."""
        count = 0
        for session in self.sessions:
            if session.counts and session.lost == lost:
                count += lost or session.expires_at is not None
        return count

    def _find_end(self, rank):
        """The heartbeat ends when so many sessions have ended, of those that live; while it is
        lost also of those that are to be restored yet.
        """
        heart = self.heart
        for session in self.sessions:
            at = session.expires_at
            nearer = heart.expires_at is None or at is not None and at < heart.expires_at
            if nearer and self._runs(session) and self._ended(at) >= rank:
                heart.expires_at = at

    def _ended(self, at):
        """How many of those have ended at that time; None: how many there are."""
        count = 0
        for session in self.sessions:
            if self._runs(session) and (at is None or session.expires_at <= at):
                count += 1
        return count

    def _runs(self, session):
        return (
            session.counts and session.expires_at is not None and (self.missed or not session.lost)
        )

    def prepare(self):
        """The levels of step one of every timeline: what is written when nothing else is sure. In
        place, and the power-on level where that step is to hold.
        """
        levels = self.fallback_levels
        for port in self.outputs:
            state = port.first() if port.bypassed_until is None else port.state
            levels[port.index] = port.levels[state]

    # -- time -------------------------------------------------------------------------------------

    def next_deadline(self):
        """The ms at which `act` is needed next, or earlier; None when nothing is pending."""
        return self._due

    def act(self, now):
        """Do what is due; True when levels may have moved. Allocates nothing: pins come next."""
        return self._due is not None and now >= self._due and self._act(now)

    def wake_by(self, at):
        """Have `act` called at `at` or before, when that is not None."""
        if at is not None and (self._due is None or at < self._due):
            self._due = at

    def _act(self, now):
        while True:
            # In the order they came: a port's timeline begins with the first of its losses.
            first = bypassed = at = None
            running = 0
            for session in self.sessions:
                end = session.expires_at
                if end is not None:
                    running += 1
                    if now >= end and (at is None or end < at):
                        first = session
                        at = end
            for port in self.outputs:
                end = port.bypassed_until
                if end is not None and now >= end and (at is None or end < at):
                    bypassed = port
                    at = end
            if at is None:
                break
            if bypassed is not None:
                self.resume_losses(bypassed, at)
            elif first.counts and (self.named or running == 1):
                self.lose(first, at)
            else:
                first.end()
                # Another one runs. Where that one is to be restored yet, it has the loss.
                first.lost = False
                self.reckon()
        for port in self.outputs:
            while port.due is not None and now >= port.due:
                port.advance()
                self.news = True
        if self.virtual.due is not None and now >= self.virtual.due:
            self.news = True  # ended in tell: no pin hangs on it, and it allocates
        monitors = self.monitors
        if monitors is not None and monitors.due is not None and now >= monitors.due:
            self.news = True  # in tell, too
        self._find_due()
        return self.news

    def lose(self, session, at):
        """A session is over, and that is a loss where it counts; `act` takes the first steps of
        the fallback of the ports that it concerns.
        """
        if not session.counts and session is not self.fault:
            session.end()
            return
        self.news = True
        self.wake_by(at)
        # First: the session is over when all its ports know. A timeline under way goes on; one
        # that was overruled begins anew.
        for port in session.ports:
            if port.falls():
                port.lose(at, session.master)
        if session is self.fault or self._is_last(session):
            if not self.missed and not self.fault.lost:
                self._lost_at = at
            for port in self.heart.ports:
                if port.falls():
                    port.lose(at, session.master)
        if session.counts and not self.named:
            for other in self.sessions:
                other.end()
                other.lost = False
        session.end()
        session.lost = True
        if session.released:
            session.released = False  # a drill
        session.lost_at = at
        session.untold = True
        self.reckon()

    def _is_last(self, session):
        """True when the heartbeat is lost without this session."""
        if not self.named:
            return True
        living = self._count(False)
        if not session.lost and session.expires_at is not None:
            living -= 1
        return self.needed is None or living < self.needed

    def _find_due(self):
        """Of everything the nearest: `act` looks, all else only brings it nearer, see law 4."""
        due = self._find_near()
        if self.monitors is not None:
            at = self.monitors.due
            if at is not None and (due is None or at < due):
                due = at
        self._due = due

    def _find_near(self):
        """Of what a pin may hang on."""
        due = None
        for session in self.sessions:
            at = session.expires_at
            if at is not None and (due is None or at < due):
                due = at
        for port in self.outputs:
            at = port.due
            if at is not None and (due is None or at < due):
                due = at
            at = port.bypassed_until
            if at is not None and (due is None or at < due):
                due = at
        at = self.virtual.due
        if at is not None and (due is None or at < due):
            due = at
        return due

    def tell(self, now):
        """Make trips and events of what changed; `now` is when the pins had moved."""
        if not self.news:
            return
        for session in self.watched:
            if session.untold:
                if session.untold is True:
                    session.untold = now
                self._record(session, session.untold)
                session.untold = False
        self.lost = self.missed or self.fault.lost
        self.events.set(self._heartbeat, self.lost, self._lost_at if self.lost else now)
        for port in self.ports:
            active = port.active()
            for declared in self._told[port.index]:
                self.events.set(declared, active, port.since)
        if self.virtual.due is not None and now >= self.virtual.due:
            self.virtual.advance(now)
            self.wake_by(self.virtual.due)
        monitors = self.monitors
        if monitors is not None and monitors.due is not None and now >= monitors.due:
            monitors.advance(now)
            self.wake_by(monitors.due)
        self.news = False

    def _record(self, session, moved):
        due = session.lost_at
        if session is self.fault or due == self.fault.lost_at:
            why = self.fault.why
        elif session is self.drilled:
            why = "a drill"
        else:
            if session.last_at is None:
                why = "no heartbeat since the start (%s)" % self.reset_cause
            else:
                why = "no heartbeat for %d ms" % (due - session.last_at - 1)
            if self.around is not None:
                why += self.around()
        if session.moved_at is not None:
            why += "; the module hung for %d ms, its alarm acted" % (moved - due)
            moved = session.moved_at
        late = moved - due
        trip = (session.master, due, moved, why)
        if len(self.trips) == TRIPS_KEPT:
            self.trips.pop(self._outdated(session.master))
        self.trips.append(trip)
        # All that may need memory is done.
        self.drilled = session.moved_at = None
        self.trip_count += 1
        self.worst_lateness_ms = max(self.worst_lateness_ms, late)
        kind = FAILED if session is self.fault else TRIP
        self.note(kind, why, moved, late, session.master or "all")

    def _outdated(self, master):
        """The place of the oldest trip that a later one of its master follows, or one of this
        master: the newest of every master is kept. The oldest where each is the newest.
        """
        later = [trip[0] for trip in self.trips]
        later.append(master)
        for trip in self.trips:
            later.pop(0)
            if trip[0] in later:
                return len(self.trips) - len(later)
        return 0

    def note(self, kind, text, at, late=0, of=None):
        """Put something into the event log: what, when, how late that was, and of what or whom."""
        if self.log is not None:
            self.log.add(kind, text, at, late, of)

    # -- facts ------------------------------------------------------------------------------------

    def session(self, master):
        """The session of a master, None when there is no such master."""
        return self.by_master.get(master)

    def heartbeat(self, master, duration_ms, now):
        """A heartbeat of an account with ACTUATE access; return its session, alive."""
        self.act(now)
        self.tell(now)
        session = self.by_master[master]
        identifier = None if session.id is not None else uuid4(self.random_bytes(16))
        session.feed(duration_ms, now)
        # From here on nothing needs memory: no session without its deadline.
        heart = self.heart
        if (
            identifier is None
            and not self.named
            and not session.lost
            and not self.fault.lost
            and session.expires_at >= heart.expires_at
        ):
            heart.expires_at = session.expires_at  # the usual one is the latest
        else:
            self._take(session, identifier, now)
        self.wake_by(session.expires_at)
        return session

    def _take(self, session, identifier, now):
        """A heartbeat by which more may change than when its session ends."""
        if identifier is not None:
            session.begin(identifier, now)
            if self.missed and not self.named:
                session.lost = True  # of all: it has to return
        if not session.counts:
            if session.beats == 1:
                self.note(STRAY, "settings name other masters", now, 0, session.master)
            return
        missed = self.missed
        enough = session.count + 1 >= self.return_after
        returns = session.lost and enough
        if returns:
            self.found(session)
        else:
            self.reckon()
        missed = missed and not self.missed
        if self.fault.lost and enough:
            self.fault.lost = False
            missed = True
        if returns or missed:
            self.regain(now)
        if returns:
            self.note(RETURN, "heartbeats again", now, 0, session.master)

    def found(self, session):
        """A master is not lost any more; of one heartbeat there is one loss."""
        session.lost = False
        if session.counts and not self.named:
            for other in self.sessions:
                other.lost = False
        self.reckon()

    def resume_losses(self, port, at):
        """Losses move an output again, from `at` on."""
        self.news = True
        self.wake_by(at)
        if self.concerned(port):
            port.lose(at, self.loser(port))
        port.bypassed_until = None
        self.prepare()

    def command(self, port, state, who, now):
        """Set an output; return None, or why it was refused (LOCKED, NOT_OUTPUT)."""
        refused = self.refuses(port, now)
        if refused is None:
            port.command(state, now, who)
            if port.bypassed_until is not None:
                self.prepare()
            self.news = True
        return refused

    def sequence(self, port, steps, who, now, again=False):
        """Begin a sequence of states, ((state, ms), ...), on an output; its last one stays.

        Return None, or why it was refused (LOCKED, NOT_OUTPUT, BUSY). again: the latest counts;
        one under way gives way, and this one does so for the next command.
        """
        refused = self.refuses(port, now)
        if refused is None and port.sequence is not None and not again:
            refused = BUSY
        if refused is None:
            port.play(steps, now, who, again)
            self.wake_by(port.due)
            self.news = True
        return refused

    def switch(self, topic, number, active, duration_ms, now):
        """Switch a virtual input or a manual trigger (VIRTUAL_INPUT, VIRTUAL_PORT).

        True when that changed it, None when there is no such number; duration_ms: None for good.
        """
        self.act(now)
        self.tell(now)
        changed = self.virtual.set(topic, number, active, duration_ms, now)
        self.wake_by(self.virtual.due)
        return changed

    def quiet(self, now, ms):
        """True when nothing that a pin hangs on is due for so long."""
        if self._due is None or self._due - now > ms:
            return True
        due = self._find_near()
        return due is None or due - now > ms

    def refuses(self, port, now):
        """Why a command to this port would be refused at `now`, None when it would not."""
        self.act(now)
        self.tell(now)
        if not port.output:
            return NOT_OUTPUT
        if port.lost and port.fallback.locked:
            return LOCKED
        return None

    def input(self, index, level, now):
        """The electrical level of an input, as sampled at `now`."""
        port = self.ports[index]
        if self.levels[index] == level:
            port.changed_at = None
            return
        if port.debounce_ms:
            if port.changed_at is None:
                port.changed_at = now
            if now - port.changed_at < port.debounce_ms:
                return
            now = port.changed_at
        port.changed_at = None
        self.levels[index] = level
        port.state = port.levels.index(level)
        port.since = now
        self.news = True

    def fail(self, now):
        """A turn failed: every master's session is over, every output begins its fallback."""
        for session in self.sessions:
            if session.id is not None:
                self.lose(session, now)
        again = not self.fault.lost
        for port in self.outputs:
            again = again or port.falls()
        if again:
            self.fault.why = "a turn of the module failed"
            self.lose(self.fault, now)

    def overtaken(self, trigger, at, moved):
        """The alarm moved pins at `moved` for one of `triggers` that ended at `at`: so it is,
        though a session was fed in the turn that was late. Those that ended before come first.
        """
        while True:
            first = None
            running = 0
            for session in self.sessions:
                end = session.armed_at
                if (
                    end is not None
                    and end <= at
                    and session.counts
                    and session.expires_at is not None
                    and (trigger is self.heart or trigger is session or session.expires_at is end)
                ):
                    running += 1
                    if first is None or end < first.armed_at:
                        first = session
            for port in self.outputs:
                until = port.bypassed_until
                if until is not None and until <= (at if first is None else first.armed_at):
                    self.resume_losses(port, until)
            if first is None:
                return
            if self.named or running == 1:
                if trigger is self.heart or trigger is first:
                    first.moved_at = moved
                self.lose(first, first.armed_at)
            else:
                first.end()

    # -- return -----------------------------------------------------------------------------------

    def concerned(self, port):
        """True while a loss concerns an output."""
        if self.fault.lost:
            return True
        master = port.fallback.master
        return self.missed if master is None else self.by_master[master].lost

    def loser(self, port):
        """For whose loss an output falls back: the first of them, "" for the module's own fault.
        Allocates nothing.
        """
        master = port.fallback.master
        for session in self.watched:
            if session.lost and (master is None or master == session.master):
                return session.master
        return ""

    def regain(self, now, why=RESTORE):
        """Ports whose loss is over end their fallback, `stagger_ms` apart where they move; why:
        what did it.
        """
        self.news = True
        at = now
        for port in self.outputs:
            if port.lost and port.returning is None and not self.concerned(port):
                if at == now or not port.fallback.restore:
                    port.regain(now, why)
                else:
                    port.defer(at, why)
                    self.wake_by(at)
                if port.fallback.restore:
                    try:
                        at += self.stagger_ms
                    except MemoryError:
                        pass  # together, then
