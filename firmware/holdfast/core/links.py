"""Uplinks: the module's own heartbeats to others, what the answers say of each link, and the
notifications that wait while one is down. Pure, as all of core.

A link is Up when its last heartbeat was answered as wanted, and Down from the first that was not,
as Unifi has it; before the first answer it is not up either. Notifications that belong to a link
stand in a queue of its own. They go out in their order while it is Up, paced, and wait meanwhile;
of more than QUEUED the oldest is lost, and that is an event. Only a heartbeat makes a link go Up
or Down; a notification that nobody takes brings the next heartbeat forward.

A heartbeat that fails is tried again sooner than its interval, with growing pauses. Every pause
has a random part, and so has the first heartbeat after a start: when power comes back to a hundred
modules, they do not all call at once.
"""

from micropython import const

from holdfast.core.events import OVERFLOW, UPLINK

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
PAUSES_MS = (1000, 5000, 15000, 60000)  # before a notification's second, third, .. try
TRY_AGAIN = (408, 429)  # of 4xx; the others would be said again (RFC 9110 section 15.5)

SAVE_AFTER_MS = const(5000)  # changes of the queues go to flash together ..
SAVE_EVERY_MS = const(60000)  # .. and that seldom


class NoAnswer(Exception):
    """Nothing was answered, or nothing could be sent; the text says why, in plain words."""


def part_of(ms, random_bytes):
    """Some of so many ms, by chance."""
    number = random_bytes(2)
    return ms * (number[0] << 8 | number[1]) >> 16


def refuses(status):
    """True for an answer that a second try would get again."""
    return status is not None and 400 <= status < 500 and status not in TRY_AGAIN


class Link:
    """One uplink. row: of core.uplinkcheck."""

    def __init__(self, row, declared, overflow, due, now):
        self.kind, self.name, self.receiver, self.target, self.interval_ms = row[:5]
        self.success, self.pauses, self.details = row[5:]
        self.declared = declared
        self.overflow = overflow
        self.up = False
        self.since = now  # of that
        self.due = due  # the next heartbeat
        self.failures = 0  # in a row
        self.sent = 0  # heartbeats that were answered as wanted
        self.failed = 0
        self.status = None  # of the last answer, None for none
        self.why = "nothing sent yet"  # it is not up; "" when it is
        self.last_at = None  # the last heartbeat
        self.queue = []  # (action, when it came), oldest first
        self.delivered = 0
        self.refused = 0  # notifications given up
        self.dropped = 0  # that gave way
        self.tries = 0  # of the first in the queue
        self.next_at = now  # when it may be tried

    def wants(self, status):
        """True for the answer that says all is well."""
        if status is None:
            return False
        return status in self.success if self.success else 200 <= status < 300


class Inbound:
    """Heartbeats that others send to us; within_ms: how long they may be silent, 0 for ever."""

    def __init__(self, path, within_ms, declared, now):
        self.path = path
        self.within_ms = within_ms
        self.declared = declared  # None when nobody watches
        self.count = 0
        self.last_at = None
        self.up = False
        self.since = now
        self.due = None  # it goes down


class Links:
    """All uplinks of a module. rows, inbound: of core.uplinkcheck; random_bytes: a function(n)."""

    def __init__(self, events, rows, inbound, random_bytes, now):
        self._events = events
        self._random_bytes = random_bytes
        self.links = []
        for row in rows:
            declared = events.declare(UPLINK, row[1], False, now)
            overflow = None
            if row[6] != "none":
                overflow = events.declare(OVERFLOW, row[1], False, now)
            due = now + self._part(min(row[4], SPREAD_MS))
            self.links.append(Link(row, declared, overflow, due, now))
        self.inbound = None
        if inbound is not None:
            path, within_ms = inbound
            declared = events.declare(UPLINK, INBOUND, False, now) if within_ms else None
            self.inbound = Inbound(path, within_ms, declared, now)
        self.changed_at = None  # the queues, since they were saved
        self._saved_at = None

    # -- heartbeats -------------------------------------------------------------------------------

    def due_link(self, now):
        """The link whose heartbeat is due first, None when none is."""
        first = None
        for link in self.links:
            if now >= link.due and (first is None or link.due < first.due):
                first = link
        return first

    def settle(self, link, status, why, now):
        """A heartbeat ended: the status of its answer, None for no answer, and why not."""
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
            if link.failures:
                link.due = min(link.due, now + self._part(SPREAD_MS))

    def _turn(self, link, up, now):
        if link.up == up:
            return
        link.up = up
        link.since = now
        link.tries = 0
        link.next_at = now
        self._events.set(link.declared, up, now)
        if up and link.overflow is not None:
            self._events.set(link.overflow, False, now)

    # -- notifications ----------------------------------------------------------------------------

    def holder(self, action):
        """The link that a rule's notification belongs to, None when it goes by itself."""
        for link in self.links:
            if link.pauses == "all" or link.pauses == "own" and link.receiver == action[1]:
                return link
        return None

    def put(self, link, action, now):
        """Put a notification into the link's queue; the oldest gives way."""
        self._change(now)
        queue = link.queue
        if len(queue) == QUEUED:
            queue.pop(0)
            link.tries = 0
            link.dropped += 1
            self._events.set(link.overflow, True, now)
        queue.append((action, now))

    def due_notification(self, now):
        """The (link, entry) to be sent, None when there is nothing to send now."""
        for link in self.links:
            if link.up and link.queue and now >= link.next_at:
                return link, link.queue[0]
        return None

    def deliver(self, link, entry, status, now):
        """A try ended: the status of the answer, None for none."""
        queue = link.queue
        if not queue or queue[0] is not entry:
            return  # it gave way meanwhile, and is counted there
        if status is not None and 200 <= status < 300:
            link.delivered += 1
        elif refuses(status) or link.tries == len(PAUSES_MS):
            link.refused += 1
        else:
            if status is None:
                # The link may be dead: a heartbeat tells, before this is tried again or given up.
                link.due = min(link.due, now)
            pause = PAUSES_MS[link.tries]
            link.tries += 1
            link.next_at = now + pause + self._part(pause >> 1)
            return
        self._change(now)
        queue.pop(0)
        link.tries = 0
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

    def restore(self, name, entry):
        """An entry from flash, in its order; False when its link is no more."""
        for link in self.links:
            if link.name == name and link.pauses != "none" and len(link.queue) < QUEUED:
                link.queue.append(entry)
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
