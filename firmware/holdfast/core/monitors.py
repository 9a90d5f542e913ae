"""Monitors: who checks in with the module, and who did not in time. Pure, as all of core.

A monitor expects a check-in in every interval. It is new until the first one. Time counts from the
last check-in. While it is new, time counts from when it was made, enabled or changed, or from the
start of the module:

    interval     up, or still new; then, where there is grace, late
    + grace      down: a check-in was missed

A new monitor that `waits` expects nothing before its first check-in, however long that takes.

A fail is a check-in, too: down at once. A run says that a job has begun: it is no check-in that
counts, but the job has to end within the grace time, or within the interval where there is none,
else down. The end of a run is the next fail or success that has its run id, or a success without
one. A log changes nothing. A paused monitor ignores everybody.
(Results: Pinghome, Submit Heartbeat Event; runs and grace: healthchecks.io, hc/api/models.py.)

Intervals are counted (Pinghome, View Heartbeat Statistics):

    begin     The first interval begins when the monitor is made or enabled, when its times change,
              when the module starts, or with the check-in it waited for. Each further interval
              begins when the one before ends.
    end       An interval ends `interval` after its beginning. If nothing has happened in it by
              then, it goes on through the grace time: until the check-in, or until down.
    success   The first check-in in it. Further ones change nothing.
    failure   A fail, even after a success, and once. Or the monitor goes down. While it is down,
              an interval without a check-in fails at its end; after a fail not before interval and
              grace time are over.

It is counted when it succeeds or fails, in that hour of UTC. Hours that are over do not change: a
fail after a success of an earlier hour ends the interval, and fails the next. So the expected
intervals are the successful and the failed ones. A pause expects nothing; a restart or other times
leave out the interval they cut short, unless it was counted. Check-ins are counted each; a log is
none.

A state is stamped with the moment at which it became true. A monitor that is down has no deadline:
what it goes on missing is counted when somebody looks.
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
from holdfast.core.events import VALUES
from holdfast.core.topics import MONITOR

_MINUTE_MS = const(60000)
PER_MINUTE = const(120)  # check-ins of one monitor that are taken
_MOST = const(65535)  # of a count, which has 16 bits in flash
_HOURS_WAITING = const(8)  # closed and not yet in flash; the oldest gives way
_DRIFT_MS = const(1000)  # the clock of the day is followed in steps of this


class Monitor:
    """One monitor: what it is told (see docs/monitors.md) and how it stands. Times are ms of the
    module's clock, negative before its start.
    """

    def __init__(
        self, number, identifier, service, name, label, interval_s, grace_s, enabled, waits=False
    ):
        self.number = number  # never given twice; what history knows it by
        self.id = identifier  # UUIDv4 text: who knows it may check in
        self.service = service
        self.name = name
        self.label = label  # the source of its events
        self.interval_ms = interval_s * 1000
        self.grace_ms = grace_s * 1000
        self.waits = waits  # new, it expects nothing before its first check-in
        self.state = NEW if enabled else PAUSED
        self.since = 0  # of the state
        self.last_at = None  # the last check-in that counts
        self.due = None  # when it goes down unless somebody checks in; None: nothing is expected
        self.ends = None  # when the interval under way is over
        self.outcome = None  # TIMELY or FAILED, once that is counted for the interval under way
        self.run_at = None  # a run has begun, and has not ended
        self.run_due = None  # ... and is awaited until then
        self.run_id = None
        self.counts = [0, 0, 0, 0]  # of this hour
        self.declared = None  # of the event system
        self.noted = 0  # events of its history, ever
        self.kept = self.state  # the `lasting` state that is in flash
        self._minute = 0  # when the minute began in which check-ins are counted
        self._taken = 0

    def next_at(self):
        """When its state changes by itself, None for never."""
        at = self.run_due
        if self.due is not None and self.state != DOWN:
            due = self.due if self.state == LATE else self.due - self.grace_ms
            if at is None or due < at:
                at = due
        return at

    def lasting(self):
        """Its state as it is after a restart, when an interval begins: it is late no more."""
        if self.state != LATE:
            return self.state
        return NEW if self.last_at is None else UP

    def count(self, place, number=1):
        self.counts[place] = min(_MOST, self.counts[place] + number)

    def begin(self, now):
        """An interval begins, and a check-in is expected."""
        self.ends = self.due = now + self.interval_ms
        if self.state != DOWN:
            self.due += self.grace_ms
        self.outcome = None

    def stop(self):
        """Nothing is expected any more."""
        self.due = self.ends = self.outcome = self.last_at = None

    def settle(self, now):
        """Go on to the interval that is under way, and count those it missed while it was down."""
        if self.outcome is not None and now >= self.ends:
            self.ends += self.interval_ms
            self.outcome = None
        if self.state == DOWN:
            end = max(self.ends, self.due)
            if now >= end:
                missed = (now - end) // self.interval_ms + 1
                self.ends = end + missed * self.interval_ms
                self.count(INTERVALS, missed)
                self.count(FAILED, missed)

    def decide(self, outcome, now):
        """Count the interval under way as TIMELY or FAILED. Settled up to `now` before."""
        if self.ends is None:
            self.ends = now + self.interval_ms  # it waited for this
        if self.outcome == TIMELY and outcome == FAILED:
            # A success of this hour: else there would be none in the counts.
            if self.counts[TIMELY]:
                self.counts[TIMELY] -= 1
                self.counts[FAILED] += 1
                self.outcome = FAILED
                return
            self.ends = now + self.interval_ms
            self.outcome = None
        if self.outcome is None:
            self.count(INTERVALS)
            self.count(outcome)
            if now < self.ends:
                self.outcome = outcome
            else:
                self.ends = now + self.interval_ms  # late: this ended it

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
        if at != monitor.run_due and at < monitor.due:
            self._enter(monitor, LATE, at)
        else:
            self._miss(monitor, at)

    def _miss(self, monitor, at):
        monitor.settle(at)
        self._enter(monitor, DOWN, at)
        monitor.run_due = None  # it may still end, and tell how long it took
        monitor.due = at
        monitor.decide(FAILED, at)
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
            monitor.decide(FAILED, now)
        else:
            self._enter(monitor, UP, now)
            monitor.decide(TIMELY, now)
        monitor.last_at = now
        monitor.due = now + monitor.interval_ms + monitor.grace_ms
        return duration

    def add(self, monitor, now, since_start=False):
        """One more; since_start: it was there before the restart, and that is no event."""
        monitor.since = now
        if monitor.state == NEW and not monitor.waits:
            monitor.begin(now)
        declare = self._events.declare if since_start else self._events.add
        monitor.declared = declare(MONITOR, monitor.label, monitor.state, now)
        self.all.append(monitor)
        self._schedule()

    def resume(self, monitor, state, last_at, counts, now):
        """How it stood before the restart. A whole interval begins: nobody knows how long the
        module was away, and nobody could check in meanwhile.
        """
        monitor.counts = list(counts)
        if monitor.state == PAUSED or state not in (UP, DOWN, LATE):
            return
        monitor.state = DOWN if state == DOWN else UP
        monitor.last_at = last_at
        monitor.begin(now)
        monitor.declared.data = MONITOR[VALUES][monitor.state]
        self._schedule()

    def remove(self, monitor, now):
        """One less."""
        self._events.set(monitor.declared, None, now)
        self.all.remove(monitor)
        self._schedule()

    def rename(self, monitor, service, name, label, now):
        """It is known by another name: to listeners another one."""
        monitor.service = service
        monitor.name = name
        if label != monitor.label:
            self._events.set(monitor.declared, None, now)
            monitor.declared = self._events.add(MONITOR, label, monitor.state, now)
            monitor.label = label

    def adjust(self, monitor, interval_s, grace_s, enabled, waits, now):
        """Other times, which begin an interval; paused, or new again after a pause."""
        self.advance(now)
        monitor.settle(now)
        self.due = now  # should memory run out before the end
        due = monitor.due
        before = monitor.interval_ms, monitor.grace_ms
        monitor.interval_ms = interval_s * 1000
        monitor.grace_ms = grace_s * 1000
        other = (monitor.interval_ms, monitor.grace_ms) != before
        other_waits = waits != monitor.waits
        monitor.waits = waits
        if not enabled or monitor.state == PAUSED:
            monitor.stop()
            monitor.end_run()
            self._enter(monitor, NEW if enabled else PAUSED, now)
            if enabled and not waits:
                monitor.begin(now)
        elif monitor.lasting() == NEW:
            if other or other_waits:
                monitor.stop()
                if not waits:
                    monitor.begin(now)
                self._enter(monitor, NEW, now)
        elif other:
            monitor.begin(now)
            if monitor.state != DOWN:
                # From the last check-in on; what became true by this became true now.
                due += monitor.interval_ms + monitor.grace_ms - sum(before)
                monitor.due = max(now, due)
                if now >= due:
                    self._miss(monitor, now)
                else:
                    late = now >= monitor.due - monitor.grace_ms
                    self._enter(monitor, LATE if late else UP, now)
        if monitor.run_due is not None:
            limit = monitor.run_at + (monitor.grace_ms or monitor.interval_ms)
            monitor.run_due = max(now, limit)
        self._schedule()
