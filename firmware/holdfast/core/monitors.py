"""Monitors: who checks in with the module, and who did not in time. Pure, as all of core.

A monitor expects a check-in in every interval. The first one starts it; until then it is new, and
nothing is expected. From each check-in that counts on:

    interval     up; then, where there is grace, late
    + grace      down: the interval was missed, and so is every further one without a check-in

A fail is a check-in, too: down at once, and the next interval begins. A run says that a job has
begun: it is no check-in that counts, but the job has to end within the grace time, or within the
interval where there is none, else down. The end of a run is the next fail or success that has its
run id, or a success without one. A log changes nothing. A paused monitor ignores everybody.
(Results: Pinghome, Submit Heartbeat Event; runs and grace: healthchecks.io, hc/api/models.py.)

Counted by the hour of UTC are, as Pinghome's View Heartbeat Statistics has it: intervals that
ended, check-ins, intervals that failed, and intervals that ended with a check-in in time. A state
is stamped with the moment at which it became true, and so is what is counted.

A monitor that is down has no deadline: what it goes on missing is counted when somebody looks.
"""

from micropython import const

from holdfast.core.checkins import (
    CHECK_INS,
    DOWN,
    FAIL,
    FAILED,
    HOUR_MS,
    IGNORED,
    INTERVALS,
    LATE,
    LOG,
    MISSED,
    NEW,
    PAUSED,
    RUN,
    TIMELY,
    UP,
)
from holdfast.core.events import MONITOR, REMOVED, VALUES, Property

_MINUTE_MS = const(60000)
PER_MINUTE = const(120)  # check-ins of one monitor that are taken
_MOST = const(65535)  # of a count, which has 16 bits in flash
_HOURS_WAITING = const(8)  # closed and not yet in flash; the oldest gives way
_DRIFT_MS = const(1000)  # the clock of the day is followed in steps of this


class Monitor:
    """One monitor: what it is told (see README "Monitors") and how it stands. Times are ms of the
    module's clock, negative before its start.
    """

    def __init__(self, number, identifier, service, name, label, interval_s, grace_s, enabled):
        self.number = number  # never given twice; what history knows it by
        self.id = identifier  # UUIDv4 text: who knows it may check in
        self.service = service
        self.name = name
        self.label = label  # the source of its events
        self.interval_ms = interval_s * 1000
        self.grace_ms = grace_s * 1000
        self.state = NEW if enabled else PAUSED
        self.since = 0  # of the state
        self.last_at = None  # the last check-in that counts
        self.due = None  # the end of the interval under way, with its grace
        self.run_at = None  # a run has begun, and has not ended
        self.run_due = None  # ... and is awaited until then
        self.run_id = None
        self.counts = [0, 0, 0, 0]  # of this hour
        self.declared = None  # of the event system
        self.noted = 0  # events of its history, ever
        self.kept = self.state  # the state that is in flash
        self._minute = 0  # when the minute began in which check-ins are counted
        self._taken = 0

    def next_at(self):
        """When its state changes by itself, None for never."""
        at = None
        if self.state == UP:
            at = self.due - self.grace_ms
        elif self.state == LATE:
            at = self.due
        if self.run_due is not None and (at is None or self.run_due < at):
            at = self.run_due
        return at

    def count(self, place, number=1):
        self.counts[place] = min(_MOST, self.counts[place] + number)

    def settle(self, now):
        """Count what it missed up to `now` while it was down."""
        if self.state == DOWN and self.due is not None and now >= self.due:
            missed = (now - self.due) // self.interval_ms + 1
            self.due += missed * self.interval_ms
            self.count(INTERVALS, missed)
            self.count(FAILED, missed)

    def wait_ms(self, now):
        """Count an attempt to check in; how long until one is taken again, 0 for this one."""
        if now - self._minute >= _MINUTE_MS:
            self._minute = now
            self._taken = 0
        if self._taken >= PER_MINUTE:
            return self._minute + _MINUTE_MS - now
        self._taken += 1
        return 0

    def end_run(self):
        self.run_at = self.run_due = self.run_id = None


class Monitors:
    """All monitors of a module.

    events: the EventSystem. note: a function(monitor, result, at, message, duration_ms, status)
    for what belongs in the history; duration_ms, status: of a job, None when not known.
    offset, known: see `set_clock`.
    """

    def __init__(self, events, note, now, offset, known):
        self.all = []
        self.due = None  # the next ms at which `advance` is needed
        self.closed = []  # hours that are over: (hour of UTC, known, ((number, counts), ...))
        self.offset = offset
        self.known = known
        self.hour = (now + offset) // HOUR_MS  # the one that is counted in
        self._events = events
        self._note = note

    def find(self, identifier):
        """The monitor with this id, None when there is none."""
        for monitor in self.all:
            if monitor.id == identifier:
                return monitor
        return None

    # -- time -------------------------------------------------------------------------------------

    def set_clock(self, offset, known, now):
        """offset: what to add to the module's time for ms of UTC since 1970; known: or is it a
        guess? What was counted in an hour of guessed time goes to the one that becomes known.
        """
        if known == self.known and -_DRIFT_MS < offset - self.offset < _DRIFT_MS:
            return
        self.advance(now)
        guessed = not self.known
        self.offset = offset
        self.known = known
        hour = (now + offset) // HOUR_MS
        if hour > self.hour or guessed:
            self.hour = hour
        self._schedule()

    def advance(self, now):
        """Change what changes by itself up to `now`, in the order in which it does."""
        if self.due is None or now < self.due:
            return
        while True:
            first = None
            at = None
            for monitor in self.all:
                when = monitor.next_at()
                if when is not None and when <= now and (first is None or when < at):
                    first = monitor
                    at = when
            if first is None:
                break
            self._roll(at)
            self._expire(first, at)
        self._roll(now)
        self._schedule()

    def _expire(self, monitor, at):
        if monitor.state == UP and at < monitor.due and at != monitor.run_due:
            self._enter(monitor, LATE, at)
        else:
            self._miss(monitor, at)

    def _miss(self, monitor, at):
        self._enter(monitor, DOWN, at)
        monitor.run_due = None  # it may still end, and tell how long it took
        monitor.due = at + monitor.interval_ms
        monitor.count(INTERVALS)
        monitor.count(FAILED)
        self._note(monitor, MISSED, at, "", None, None)

    def _enter(self, monitor, state, at):
        """The event first: when memory runs out there, the same is tried again."""
        if state != monitor.state:
            self._events.set(monitor.declared, state, at)
            monitor.state = state
            monitor.since = at

    def _roll(self, at):
        """Close the hours that are over at `at`."""
        hour = (at + self.offset) // HOUR_MS
        while self.hour < hour:
            end = (self.hour + 1) * HOUR_MS - self.offset
            down = False
            rows = []
            for monitor in self.all:
                monitor.settle(end - 1)
                down = down or monitor.state == DOWN
                if monitor.counts != [0, 0, 0, 0]:
                    rows.append((monitor.number, tuple(monitor.counts)))
            if rows:
                if len(self.closed) == _HOURS_WAITING:
                    self.closed.pop(0)
                self.closed.append((self.hour, self.known, rows))
                for monitor in self.all:
                    monitor.counts = [0, 0, 0, 0]
            self.hour = self.hour + 1 if down else hour

    def _schedule(self):
        due = None
        if self.all:
            due = (self.hour + 1) * HOUR_MS - self.offset
            for monitor in self.all:
                at = monitor.next_at()
                if at is not None and at < due:
                    due = at
        self.due = due

    # -- facts; whoever calls has done what is due before -----------------------------------------

    def check_in(self, monitor, result, now, message="", run_id=None, status=None):
        """Somebody checks in: TICK, RUN, COMPLETE, FAIL or LOG. The ms to wait when it is too
        often and this one is not taken, else 0.

        run_id: UUID text of the run, None when it has none. status: the exit status of a job.
        """
        wait = monitor.wait_ms(now)
        if wait:
            return wait
        self.advance(now)
        duration = None
        if monitor.state == PAUSED:
            result = IGNORED
        elif result != LOG:
            monitor.settle(now)
            monitor.count(CHECK_INS)
            if result == RUN:
                monitor.run_at = now
                monitor.run_id = run_id
                if monitor.state != DOWN:
                    monitor.run_due = now + (monitor.grace_ms or monitor.interval_ms)
            else:
                duration = self._arrive(monitor, result, now, run_id)
            # A lower bound will do: what was due before may come for nothing, and finds the next.
            at = monitor.next_at()
            if at is not None and at < self.due:
                self.due = at
        self._note(monitor, result, now, message, duration, status)
        return 0

    def _arrive(self, monitor, result, now, run_id):
        """A check-in that counts; how long its run took, None when that is not known."""
        duration = None
        if monitor.run_at is not None:
            if run_id == monitor.run_id:
                duration = now - monitor.run_at
                monitor.end_run()
            elif result == FAIL or run_id is None:
                monitor.end_run()
        if result == FAIL:
            self._enter(monitor, DOWN, now)
            monitor.run_due = None
            monitor.count(INTERVALS)
            monitor.count(FAILED)
        else:
            if monitor.state in (UP, LATE):
                monitor.count(INTERVALS)
                monitor.count(TIMELY)
            self._enter(monitor, UP, now)
        monitor.last_at = now
        monitor.due = now + monitor.interval_ms + monitor.grace_ms
        return duration

    def add(self, monitor, now, since_start=False):
        """One more; since_start: it was there before the restart, and that is no event."""
        monitor.since = now
        if since_start:
            declared = self._events.declare(MONITOR, monitor.label, monitor.state, now)
        else:
            declared = introduce(self._events, monitor.label, monitor.state, now)
        monitor.declared = declared
        self.all.append(monitor)
        self._schedule()

    def resume(self, monitor, state, last_at, counts, now):
        """How it stood before the restart. A whole interval begins: nobody knows how long the
        module was away, and nobody could check in meanwhile.
        """
        if monitor.state == PAUSED or state not in (UP, DOWN, LATE):
            return
        monitor.state = DOWN if state == DOWN else UP
        monitor.last_at = last_at
        monitor.counts = list(counts)
        monitor.due = now + monitor.interval_ms
        if monitor.state == UP:
            monitor.due += monitor.grace_ms
        monitor.declared.data = MONITOR[VALUES][monitor.state]
        self._schedule()

    def remove(self, monitor, now):
        """One less."""
        withdraw(self._events, monitor.declared, now)
        self.all.remove(monitor)
        self._schedule()

    def rename(self, monitor, service, name, label, now):
        """It is known by another name: to listeners another one."""
        monitor.service = service
        monitor.name = name
        if label != monitor.label:
            withdraw(self._events, monitor.declared, now)
            monitor.declared = introduce(self._events, label, monitor.state, now)
            monitor.label = label

    def adjust(self, monitor, interval_s, grace_s, enabled, now):
        """Other times, from the last check-in on; paused, or new again after a pause."""
        self.advance(now)
        monitor.settle(now)
        monitor.interval_ms = interval_s * 1000
        monitor.grace_ms = grace_s * 1000
        if not enabled or monitor.state == PAUSED:
            monitor.due = monitor.last_at = None
            monitor.end_run()
            self._enter(monitor, NEW if enabled else PAUSED, now)
        elif monitor.state == DOWN:
            monitor.due = now + monitor.interval_ms
        elif monitor.state != NEW:
            # What became true by this became true now.
            due = max(monitor.last_at or 0, 0) + monitor.interval_ms + monitor.grace_ms
            monitor.due = due
            if now >= due:
                self._miss(monitor, now)
            else:
                self._enter(monitor, LATE if now >= due - monitor.grace_ms else UP, now)
        if monitor.run_due is not None:
            limit = monitor.run_at + (monitor.grace_ms or monitor.interval_ms)
            monitor.run_due = max(now, limit)
        self._schedule()


def introduce(events, label, state, at):
    """Declare a monitor's property while others listen, with an event. It takes the place of one
    that was withdrawn, so that what is known of the topic at that place holds.
    """
    properties = events.properties
    data = MONITOR[VALUES][state]
    for other in properties:
        if other.topic is MONITOR and other.gone():
            declared = Property(other.index, MONITOR, label, data, at)
            properties[other.index] = declared
            break
    else:
        declared = events.declare(MONITOR, label, state, at)
    events.change(declared, data, at)
    return declared


def withdraw(events, declared, at):
    """A property is no more; its last event says so."""
    declared.data = REMOVED
    declared.at = at
    events.change(declared, REMOVED, at)
