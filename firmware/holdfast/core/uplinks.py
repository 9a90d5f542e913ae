"""Uplinks: the module's own heartbeats to others, what the answers say of each link, and the
notifications that wait while one is down. Pure, as all of core.

A link is Up when its last heartbeat was answered as wanted, and Down from the first that was not,
as Unifi has it; before the first answer it is not up either. Its `pauses` says which notifications
wait while it is not up: `all` of the module, its `own` (those to the same receiver), or `none`.
Heartbeats never wait, so two links that are down keep nobody from coming up.

Notifications that belong to a link stand in a queue of its own. They go out paced, those to one
receiver in their order; of more than QUEUED the oldest is lost, and that is an event. Only a
heartbeat makes a link go Up or Down; a notification that nobody takes brings the next heartbeat
forward.

A heartbeat that fails is tried again sooner than its interval, with growing pauses. Every pause
has a random part, and so has the first heartbeat after a start: when power comes back to a hundred
modules, they do not all call at once.

Other settings count at once. A link is known by its name: with other settings it keeps its state,
its counts and its queue, and its next heartbeat comes soon. A link that is disabled sends nothing,
pauses nothing, and has no event.
"""

from micropython import const

from holdfast.core.notifications import PAUSES_MS, next_due, part_of, refuses
from holdfast.core.topics import OVERFLOW, UPLINK

UNIFI = const(0)
AIRNODE = const(1)
PINGHOME = const(2)
HEALTHCHECKS = const(3)
KINDS = ("unifi", "airnode", "pinghome", "healthchecks")
INBOUND = "inbound"  # the name of the link that others' heartbeats hold up

QUEUED = const(32)  # notifications of one link
SPREAD_MS = const(10000)  # within which the first heartbeat is sent
FIRST_PAUSE_MS = const(5000)  # after a heartbeat failed, then twice as long each time, ..
_DOUBLINGS = const(6)  # .. so often, and never longer than its interval
PACE_MS = const(500)  # between two queued notifications

SAVE_AFTER_MS = const(5000)  # changes of the queues go to flash together ..
SAVE_EVERY_MS = const(60000)  # .. and that seldom


# Of an entry of a queue: what to send, when it came, tries so far, when the next one may be.
_AT = const(1)
_TRIES = const(2)
_DUE = const(3)


class Link:
    """One uplink."""

    def __init__(self, name, now):
        self.row = None  # of settings.schema_uplinks, None once its settings are gone
        self.name = name
        self.enabled = False
        self.declared = None  # its events, while it is enabled
        self.overflow = None
        self.sent = 0  # heartbeats that were answered as wanted
        self.failed = 0
        self.last_at = None  # the last heartbeat
        self.queue = []  # [action, when it came, tries, due], oldest first
        self.delivered = 0
        self.refused = 0  # notifications given up
        self.dropped = 0  # that gave way
        self.next_at = now  # when a notification may be tried
        self.begin("nothing sent yet", now)

    def begin(self, why, now):
        """Nothing is known of the other end."""
        self.up = False
        self.since = now  # of that
        self.due = None  # the next heartbeat
        self.failures = 0  # in a row
        self.status = None  # of the last answer, None for none
        self.why = why  # it is not up; "" when it is

    def take(self, row, due, now):
        """These are its settings; due: its next heartbeat."""
        self.kind, _, self.receiver, self.target, self.interval_ms = row[:5]
        self.success, self.pauses, self.details, self.enabled = row[5:]
        if not self.enabled:
            self.begin("disabled", now)
        else:
            if self.due is None:
                self.begin("nothing sent yet", now)
            self.failures = 0
            self.due = due
        self.row = row

    def wants(self, status):
        """True for the answer that says all is well."""
        if status is None:
            return False
        return status in self.success if self.success else 200 <= status < 300

    def holds(self, receiver):
        """True when notifications to this one wait for the link."""
        if not self.enabled:
            return False
        return self.pauses == "all" or self.pauses == "own" and self.receiver == receiver


class Inbound:
    """Heartbeats that others send to us."""

    def __init__(self, now):
        self.path = ""
        self.within_ms = 0  # how long they may be silent, 0 for ever
        self.reply = ()  # (status, content type, body)
        self.declared = None  # when nobody watches
        self.count = 0
        self.last_at = None
        self.up = False
        self.since = now
        self.due = None  # it goes down


class Links:
    """All uplinks of a module. rows, inbound: of settings.schema_uplinks.

    random_bytes: a function(n).
    """

    def __init__(self, events, rows, inbound, random_bytes, now):
        self._events = events
        self._random_bytes = random_bytes
        self.links = []
        self.gone = []  # whose settings are gone, until their queues were given away
        self.moved = False  # others hold some notifications now
        self.inbound = None
        self.changed_at = None  # the queues, since they were saved
        self._saved_at = None
        self.reconfigure(rows, inbound, now, events.declare)

    # -- settings ---------------------------------------------------------------------------------

    def reconfigure(self, rows, inbound, now, declare=None):
        """These are the settings. declare: of the event system, None while others listen. When
        memory runs out, the same call goes on with what was not done.
        """
        declare = declare or self._events.add
        links = []
        for row in rows:
            for link in self.links:
                if link.name == row[1]:
                    break
            else:
                link = Link(row[1], now)
            if link.row != row:
                link.take(row, now + self._part(min(row[4], SPREAD_MS)), now)
                self.moved = True
            if link not in self.links:
                self.links.append(link)
            self._announce(link, declare, now)
            links.append(link)
        for link in self.links:
            if link not in links and link not in self.gone:
                self.gone.append(link)
                self.moved = True
                link.row = link.due = None
                link.up = link.enabled = False
                link.pauses = "none"
        for link in self.gone:
            self._announce(link, declare, now)
        self.links = links
        self._reconfigure_inbound(inbound, now, declare)
        self._resume(now)

    def _announce(self, link, declare, now):
        """Have the events of a link that its settings ask for."""
        overflows = link.enabled and link.pauses != "none"
        if link.enabled and link.declared is None:
            link.declared = declare(UPLINK, link.name, link.up, now)
        if overflows and link.overflow is None:
            link.overflow = declare(OVERFLOW, link.name, False, now)
        if not overflows and link.overflow is not None:
            self._events.set(link.overflow, None, now)
            link.overflow = None
        if not link.enabled and link.declared is not None:
            self._events.set(link.declared, None, now)
            link.declared = None

    def _reconfigure_inbound(self, settings, now, declare):
        inbound = self.inbound
        if inbound is None:
            if settings is None:
                return
            inbound = Inbound(now)
        inbound.path, inbound.within_ms, inbound.reply = settings or ("", 0, ())
        if inbound.within_ms:
            if inbound.declared is None:
                inbound.declared = declare(UPLINK, INBOUND, inbound.up, now)
            if inbound.up:
                inbound.due = max(now, inbound.last_at + inbound.within_ms)
        else:
            inbound.up = False
            inbound.due = None
            if inbound.declared is not None:
                self._events.set(inbound.declared, None, now)
                inbound.declared = None
        self.inbound = None if settings is None else inbound

    # -- heartbeats -------------------------------------------------------------------------------

    def due_link(self, now):
        """The link whose heartbeat is due first, None when none is."""
        first = None
        for link in self.links:
            if (
                link.due is not None
                and now >= link.due
                and (first is None or link.due < first.due)
            ):
                first = link
        return first

    def settle(self, link, row, status, why, now):
        """A heartbeat ended: the status of its answer, None for no answer, and why not. row: the
        link's when it began; with other settings it says nothing.
        """
        if link.row is not row:
            return
        link.last_at = now
        link.status = status
        if link.wants(status):
            link.sent += 1
            # In step with when it was due, unless that is long ago.
            again = link.due + link.interval_ms
            link.due = again if again > now and not link.failures else now + link.interval_ms
            link.failures = 0
            link.why = ""
        else:
            link.failed += 1
            doublings = min(link.failures, _DOUBLINGS)
            pause = min(link.interval_ms, FIRST_PAUSE_MS << doublings)
            link.failures += 1
            link.due = now + pause - self._part(pause >> 1)
            link.why = why or "answered %d" % status
        self._turn(link, not link.failures, now)

    def reachable(self, now):
        """There is a network again: heartbeats that failed are not put off any longer."""
        for link in self.links:
            if link.failures:  # none has a link that is disabled
                link.due = min(link.due, now + self._part(SPREAD_MS))

    def _turn(self, link, up, now):
        if link.up == up:
            return
        link.up = up
        link.since = now
        link.next_at = now
        for entry in link.queue:
            entry[_TRIES] = 0
            entry[_DUE] = now
        self._events.set(link.declared, up, now)
        self._resume(now)

    def _resume(self, now):
        """Where notifications go out again, none is lost any more."""
        if not self.paused():
            for link in self.links:
                if link.up and link.overflow is not None:
                    self._events.set(link.overflow, False, now)

    # -- notifications ----------------------------------------------------------------------------

    def paused(self):
        """True while all notifications wait."""
        for link in self.links:
            if link.enabled and link.pauses == "all" and not link.up:
                return True
        return False

    def holder(self, action):
        """The link that a rule's notification belongs to, None when it goes by itself."""
        found = None
        for link in self.links:
            if link.holds(action[1]):
                if link.receiver == action[1]:
                    return link
                found = found or link
        return found

    def put(self, link, action, now):
        """Put a notification into the link's queue; the oldest gives way."""
        self._change(now)
        self._append(link, [action, now, 0, now], now)

    def _append(self, link, entry, now):
        queue = link.queue
        if len(queue) == QUEUED:
            queue.pop(0)
            link.dropped += 1
            if link.overflow is not None:
                self._events.set(link.overflow, True, now)
        queue.append(entry)

    def move(self, put, now):
        """After other settings, with no notification under way: each goes to the link that holds
        it now. put: a function(action, now) for one that none holds.
        """
        for link in self.gone + self.links:
            for entry in link.queue[:]:
                holder = self.holder(entry[0])
                if holder is not link:
                    if holder is None:
                        put(entry[0], now)
                    else:
                        self._append(holder, entry, now)
                    link.queue.remove(entry)
                    self._change(now)
        self.gone = []
        self.moved = False

    def due_notification(self, now):
        """The (link, entry) to be sent, None when there is nothing to send now."""
        if not self.paused():
            for link in self.links:
                if link.up and link.queue and now >= link.next_at:
                    place = next_due(link.queue, now)
                    if place is not None:
                        return link, link.queue[place]
        return None

    def deliver(self, link, entry, status, now):
        """A try ended: the status of the answer, None for none."""
        queue = link.queue
        if entry not in queue:
            return  # it gave way meanwhile, and is counted there
        if status is not None and 200 <= status < 300:
            link.delivered += 1
        elif refuses(status) or entry[_TRIES] == len(PAUSES_MS):
            link.refused += 1
        else:
            if status is None and link.enabled:
                # The link may be dead: a heartbeat tells, before this is tried again or given up.
                link.due = min(link.due, now)
            pause = PAUSES_MS[entry[_TRIES]]
            entry[_TRIES] += 1
            entry[_DUE] = now + pause + self._part(pause >> 1)
            return
        self._change(now)
        queue.remove(entry)
        link.next_at = now + PACE_MS

    def _part(self, ms):
        return part_of(ms, self._random_bytes)

    # -- flash ------------------------------------------------------------------------------------

    def _change(self, now):
        if self.changed_at is None:
            self.changed_at = now

    def to_be_saved(self, now):
        """True when the queues ought to be written to flash."""
        if self.changed_at is None or now - self.changed_at < SAVE_AFTER_MS:
            return False
        return self._saved_at is None or now - self._saved_at >= SAVE_EVERY_MS

    def saved(self, now, written):
        """What is in flash are the queues as they are; written: it had to be."""
        self.changed_at = None
        if written:
            self._saved_at = now

    def restore(self, name, action, at, now):
        """A notification from flash, in its order; False when its link is no more. at: when it
        came, None when nobody knows.
        """
        for link in self.links:
            if link.name == name and link.overflow is not None and len(link.queue) < QUEUED:
                link.queue.append([action, at, 0, now])
                self.moved = True  # the settings may be others than before the start
                return True
        return False

    # -- others' heartbeats -----------------------------------------------------------------------

    def heard(self, now):
        """Somebody who logged in has sent us a heartbeat."""
        inbound = self.inbound
        inbound.count += 1
        inbound.last_at = now
        if inbound.within_ms:
            inbound.due = now + inbound.within_ms
            self._hold(True, now)

    def look(self, now):
        """Note when others have been silent for too long."""
        inbound = self.inbound
        if inbound is not None and inbound.due is not None and now >= inbound.due:
            self._hold(False, inbound.due)
            inbound.due = None

    def _hold(self, up, at):
        inbound = self.inbound
        if inbound.up != up:
            inbound.up = up
            inbound.since = at
            self._events.set(inbound.declared, up, at)
