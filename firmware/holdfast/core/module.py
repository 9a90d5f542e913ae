"""The I/O module as one pure object: facts go in with the time, levels and events come out.

The laws:
1. `now` is an int of milliseconds that never wraps and never runs back.
2. Whatever is due is done before any new fact counts: a trip is final.
3. `act(now)` moves levels and allocates nothing; `tell(now)` makes trips and events of it. A shell
   calls act, writes the levels to the pins, and only then tells.
4. `next_deadline()` is a lower bound: to come early is harmless, to come late is not.
5. Memory may run out anywhere: what was not done then is still to be done, and is done by the next
   call. Times are ints of any size, so even a sum of two may need some.
"""

from micropython import const

from holdfast.core.accounts import ACTUATE
from holdfast.core.events import (
    DIGITAL_INPUT,
    HEARTBEAT,
    OUTPUT_PORT,
    PORT,
    RELAY,
    SYSTEM_READY,
    EventSystem,
)
from holdfast.core.log import FAILED, RELEASE, RETURN, TRIP
from holdfast.core.port import RELEASED, RESTORE, Port
from holdfast.core.session import Session, uuid4
from holdfast.core.virtual import VirtualInputs

TRIPS_KEPT = const(8)  # losses, the latest of every master first: for whoever asks what happened

LOCKED = "locked"  # the port's master is lost and its settings lock it
NOT_OUTPUT = "not an output"
BUSY = "busy"  # a state sequence is under way


class Module:
    """Sessions, ports and events of one module.

    settings: of core.settings. levels: electrical level (0 or 1) of every port as sampled now.
    random_bytes: a function(n) of cryptographic quality, for session ids. now: ms.
    """

    def __init__(self, settings, levels, random_bytes, now):
        self.random_bytes = random_bytes
        self.name = settings.name
        self.shortest_ms = settings.shortest_ms  # of a Duration
        self.longest_ms = settings.longest_ms
        self.levels = bytearray(levels)
        self.events = EventSystem()
        self.lost = False
        self.trips = []  # (master, due, moved, why), oldest first
        self.trip_count = 0
        self.worst_lateness_ms = 0  # from due to the pins, ever
        self.logins = [0, 0]  # that were refused, and that were not looked at
        self.drilled = None  # the session that is lost on purpose, until that is told
        self.log = None  # core.log.Log, when somebody keeps one
        self._news = False
        self._due = None
        self.ports = [Port(i, row, self.levels) for i, row in enumerate(settings.ports)]
        self.outputs = [port for port in self.ports if port.output]
        self._declare(now)
        self.virtual = VirtualInputs(self.events, now)
        self.links = None  # core.links.Links, when there are any
        if settings.uplinks and (settings.uplinks[0] or settings.uplinks[1]):
            from holdfast.core.links import Links

            rows, inbound, _ = settings.uplinks
            self.links = Links(self.events, rows, inbound, random_bytes, now)
        self.monitors = None  # core.monitors.Monitors, when there are any
        self._fault = Session("")  # the module's own: lost when a turn failed
        self._fault_why = ""
        self.reset_cause = "power on"  # why this start, in words; see core.restart
        self.boot_facts = ()  # what else is to be known of it, in words
        self.watch([Session(a.name) for a in settings.accounts if a.role >= ACTUATE])
        for account in settings.accounts:
            if account.first_heartbeat_within_ms is not None:
                session = self._by_master[account.name]
                session.expires_at = now + account.first_heartbeat_within_ms + 1
        self.fallback_levels = bytearray(self.levels)
        self.prepare()
        self._due = self._find_due()
        self.rules = None  # core.rules.Rules, when there are any
        if settings.rules:
            from holdfast.core.rules import Rules

            self.rules = Rules(self, settings.rules, now)

    def watch(self, sessions):
        """These are the sessions of all masters from now on."""
        self.sessions = sessions
        self.watched = sessions + [self._fault]  # and the module's own
        self._by_master = {session.master: session for session in sessions}
        for session in self.watched:
            session.ports = tuple(
                port
                for port in self.outputs
                if port.fallback.master in (None, session.master) or session is self._fault
            )
        self._due = self._find_due()

    def _declare(self, now):
        """Declare every property with the state the module wakes up in."""
        self._heartbeat = self.events.declare(HEARTBEAT, None, False, now)
        self._ready = self.events.declare(SYSTEM_READY, None, False, now)
        self._told = []  # by port: its properties
        for port in self.ports:
            if port.output:
                port.wake(now)
            else:
                port.state = port.levels.index(self.levels[port.index])
            topics = (PORT, RELAY, OUTPUT_PORT) if port.output else (PORT, DIGITAL_INPUT)
            active = port.active()
            self._told.append(
                tuple([self.events.declare(topic, port.id, active, now) for topic in topics])
            )

    def prepare(self):
        """The levels of step one of every timeline: what is written when nothing else is sure. In
        place, and the power-on level where that step is to hold.
        """
        levels = self.fallback_levels
        for port in self.outputs:
            levels[port.index] = port.levels[port.first()]

    # -- time -------------------------------------------------------------------------------------

    def next_deadline(self):
        """The ms at which `act` is needed next, or earlier; None when nothing is pending."""
        return self._due

    def act(self, now):
        """Do what is due; True when levels may have moved. Allocates nothing: pins come next."""
        if self._due is None or now < self._due:
            return False
        while True:
            # In the order they expired: a port's timeline begins with the first of its losses.
            first = None
            for session in self.sessions:
                at = session.expires_at
                if at is not None and now >= at and (first is None or at < first.expires_at):
                    first = session
            if first is None:
                break
            self.lose(first, first.expires_at)
        for port in self.outputs:
            while port.due is not None and now >= port.due:
                port.advance()
                self._news = True
        if self.virtual.due is not None and now >= self.virtual.due:
            self._news = True  # ended in tell: no pin hangs on it, and it allocates
        monitors = self.monitors
        if monitors is not None and monitors.due is not None and now >= monitors.due:
            self._news = True  # in tell, too
        self._due = self._find_due()
        return self._news

    def lose(self, session, at):
        """A session is over; `act` takes the first steps of its ports' fallback."""
        self._news = True
        self._due = at
        # First: the session is over when all its ports know.
        for port in session.ports:
            # A timeline under way goes on; one that was overruled on an unlocked port begins anew.
            if port.overruled or not port.lost:
                port.lose(at, session.master)
        session.lost = True
        session.lost_at = at
        session.untold = True
        session.expires_at = None
        session.id = None

    def _find_due(self):
        """Of everything the nearest."""
        due = self._find_near()
        if self.monitors is not None:
            at = self.monitors.due
            if at is not None and (due is None or at < due):
                due = at
        return due

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
        at = self.virtual.due
        if at is not None and (due is None or at < due):
            due = at
        return due

    def tell(self, now):
        """Make trips and events of what changed; `now` is when the pins had moved."""
        if not self._news:
            return
        at = now
        for session in self.watched:
            if session.untold:
                at = min(at, session.lost_at)
                if session.untold is True:
                    session.untold = now
                self._record(session, session.untold)
                session.untold = False
        self.lost = self._any_lost(None)
        self.events.set(self._heartbeat, self.lost, at)
        for port in self.ports:
            active = port.active()
            for declared in self._told[port.index]:
                self.events.set(declared, active, port.since)
        if self.virtual.due is not None and now >= self.virtual.due:
            self.virtual.advance(now)
            self._due = self._find_due()
        monitors = self.monitors
        if monitors is not None and monitors.due is not None and now >= monitors.due:
            monitors.advance(now)
            self._due = self._find_due()
        self._news = False

    def react(self, changes, now):
        """Let the rules take events; True when levels may have moved."""
        return self.rules is not None and self.rules.react(changes, now)

    def resume(self, now):
        """Let rules go on that have rested; True when levels may have moved."""
        return self.rules is not None and self.rules.resume(now)

    def _record(self, session, moved):
        due = session.lost_at
        if session is self._fault:
            why = self._fault_why
        elif session is self.drilled:
            why = "a drill"
        elif session.last_at is None:
            why = "no heartbeat since the restart"
        else:
            why = "no heartbeat for %d ms" % session.duration_ms
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
        kind = FAILED if session is self._fault else TRIP
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
        return self._by_master.get(master)

    def heartbeat(self, master, duration_ms, now):
        """A heartbeat of an account with ACTUATE access; return its session, alive."""
        self.act(now)
        self.tell(now)
        session = self._by_master[master]
        returns = session.lost
        identifier = None if session.id is not None else uuid4(self.random_bytes(16))
        session.feed(duration_ms, now)
        # From here on nothing needs memory: no session without its deadline.
        if identifier is not None:
            session.begin(identifier, now)
            session.lost = False
            self._fault.lost = False
            self.regain(now)
        if self._due is None or session.expires_at < self._due:
            self._due = session.expires_at
        if returns:
            self.note(RETURN, "heartbeats again", now, 0, master)
        return session

    def release(self, master, now, who="somebody"):
        """A lost master, or "" for the module's own fault, is not awaited any more."""
        self.act(now)
        self.tell(now)
        session = self._fault if master == "" else self._by_master[master]
        session.lost = False
        self.regain(now, RELEASED)
        self.tell(now)
        self.note(RELEASE, "not awaited any more, says " + who, now, 0, master or "all")

    def command(self, port, state, who, now):
        """Set an output; return None, or why it was refused (LOCKED, NOT_OUTPUT)."""
        refused = self.refuses(port, now)
        if refused is None:
            port.command(state, now, who)
            self._news = True
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
            self._due = self._find_due()
            self._news = True
        return refused

    def switch(self, topic, number, active, duration_ms, now):
        """Switch a virtual input or a manual trigger (VIRTUAL_INPUT, VIRTUAL_PORT).

        True when that changed it, None when there is no such number; duration_ms: None for good.
        """
        self.act(now)
        self.tell(now)
        changed = self.virtual.set(topic, number, active, duration_ms, now)
        self._due = self._find_due()
        return changed

    def quiet(self, now, ms):
        """True when nothing that a pin hangs on is due for so long."""
        if self._due is None or self._due - now > ms:
            return True
        due = self._find_near()
        return due is None or due - now > ms

    def reckoned(self):
        """The deadlines of monitors may have changed."""
        self._due = self._find_due()

    def ready(self, ready, now):
        """The module serves, or does not."""
        self.events.set(self._ready, ready, now)

    def refuses(self, port, now):
        """Why a command to this port would be refused at `now`, None when it would not."""
        self.act(now)
        self.tell(now)
        if not port.output:
            return NOT_OUTPUT
        if port.lost and port.fallback.locked:
            return LOCKED
        return None

    def set_normal(self, port, normal, who, now):
        """Change the normal state. An output stays active or inactive, so its circuit flips."""
        refused = None
        if normal != port.normal:
            if port.output:
                refused = self.refuses(port, now)
                if refused is None:
                    port.stop()
                    self.command(port, 1 - port.state, who, now)
                    self._due = self._find_due()
            else:
                port.since = now
            if refused is None:
                port.normal = normal
                self._news = True
        return refused

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
        self._news = True

    def fail(self, now):
        """A turn failed: every master's session is over, every output begins its fallback."""
        for session in self.sessions:
            if session.expires_at is not None:
                self.lose(session, now)
        again = not self._fault.lost
        for port in self.outputs:
            again = again or port.overruled
        if again:
            self._fault_why = "a turn of the module failed"
            self.lose(self._fault, now)

    def restarted(self, why, now):
        """The life before ended by itself: every output is at the first step of its fallback, at
        once, and the later steps follow from now. As a fault of the module's own, until a master
        beats or it is released.
        """
        self._fault_why = "restarted: " + why
        self.lose(self._fault, now)
        for port in self.outputs:
            port.hurry(now)
        self._due = now
        self.act(now)

    def overtaken(self, session, at, moved):
        """The alarm moved pins at `moved` for the loss of a session at `at`: so it is, though it
        was fed in the turn that was late.
        """
        if not session.lost and session in self.watched:  # settings may have removed it
            session.moved_at = moved
            self.lose(session, at)

    def adopt(self, settings, now):
        """Take over names, usages, normal states, debounce times, masters and rules from settings
        that were changed while the module runs.
        """
        from holdfast.core.adoption import adopt

        adopt(self, settings, now)

    # -- return -----------------------------------------------------------------------------------

    def _any_lost(self, master):
        for session in self.watched:
            if session.lost and (
                master is None or master == session.master or session is self._fault
            ):
                return True
        return False

    def regain(self, now, why=RESTORE):
        """Ports whose masters are all back, or released, end their fallback; why: what did it."""
        self._news = True
        for port in self.outputs:
            if port.lost and not self._any_lost(port.fallback.master):
                port.regain(now, why)
