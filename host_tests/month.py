"""A month of 32 monitors in virtual time, and what its statistics must be; on both interpreters.

The reference knows nothing of the engine: it walks the check-ins of one monitor after the other,
interval by interval, as README "Monitors" tells it.
"""

from holdfast.core.checkins import COMPLETE, FAIL, HOUR_MS, RUN, TICK
from watching import EPOCH, Life

INTERVALS = (300, 600, 900, 1800, 3600, 7200, 21600, 86400)  # s, four monitors each
COUNT = 32
STEP_MS = 60000
DAY_MS = 86400000


class Chance:
    """Numbers that are the same on every interpreter (a linear congruence, Numerical Recipes)."""

    def __init__(self, seed):
        self._state = seed

    def below(self, limit):
        self._state = (self._state * 1664525 + 1013904223) % (1 << 32)
        return (self._state >> 8) % limit


def history(index, interval_ms, end_ms):
    """The (at, result) of one monitor's check-ins: in time with jitter, outages, fails, runs."""
    chance = Chance(index * 7919 + 1)
    at = chance.below(interval_ms)
    while at < end_ms:
        what = chance.below(100)
        if what < 2:
            at += chance.below(5 * interval_ms)  # it is away
        elif what < 5:
            yield at, FAIL
        elif what < 15:
            yield at, RUN
            ran = chance.below(interval_ms // 2 + 1)
            if ran and at + ran < end_ms:
                at += ran
                yield at, COMPLETE if what < 13 else FAIL
        else:
            yield at, TICK
        at += interval_ms * (90 + chance.below(15)) // 100 + 1


def reference(interval, grace, check_ins, end_ms, offset):
    """By hour of UTC what must have been counted: [intervals, check-ins, failed, timely]."""
    hours = {}
    due = None  # the end of what is under way, with its grace
    running_until = None
    healthy = False

    def add(at, place):
        row = hours.setdefault((at + offset) // HOUR_MS, [0, 0, 0, 0])
        row[place] += 1

    def failed(at):
        add(at, 0)
        add(at, 2)

    for at, result in check_ins + [(end_ms, None)]:
        while True:
            # A run may be over before the interval is.
            over = running_until is not None and running_until <= at
            if over and (due is None or not healthy or running_until <= due):
                failed(running_until)
                due = running_until + interval
                running_until = None
                healthy = False
                continue
            if due is None or due > at:
                break
            failed(due)
            due += interval
            healthy = False
            running_until = None
        if result is None:
            break
        add(at, 1)
        if result == RUN:
            if healthy or due is None:
                running_until = at + (grace or interval)
            continue
        running_until = None
        if result == FAIL:
            failed(at)
        elif healthy:
            add(at, 0)
            add(at, 3)
        healthy = result != FAIL
        due = at + interval + grace
    return hours


def lived(days):
    """(the Life after it, by index its monitors' check-ins)."""
    life = Life(None, EPOCH + 17 * 60000)
    end = days * DAY_MS
    monitors = []
    everything = []
    told = []
    for index in range(COUNT):
        interval = INTERVALS[index % len(INTERVALS)]
        grace = (0, interval // 10, 60, interval // 2)[index // len(INTERVALS)]
        monitors.append(life.create("job %d" % index, interval, grace=grace))
        told.append(list(history(index, interval * 1000, end)))
        everything.append(iter(told[-1]))
    waiting = [next(rows, None) for rows in everything]
    step_at = STEP_MS
    while True:
        first = None
        for index, row in enumerate(waiting):
            if row is not None and (first is None or row[0] < waiting[first][0]):
                first = index
        at = end if first is None else waiting[first][0]
        while step_at <= at:
            life.clock.at = step_at
            for _ in range(3):  # what a minute of seconds would write
                life.keeper.step(step_at)
            step_at += STEP_MS
        life.clock.at = at
        if first is None:
            break
        life.check_in(monitors[first], waiting[first][1])
        waiting[first] = next(everything[first], None)
    life.keeper.step(end)
    return life, told


def check(days):
    """Live so many days; AssertionError where a count differs. The figures as a text."""
    life, told = lived(days)
    end = days * DAY_MS
    total = 0
    for index, monitor in enumerate(life.keeper.engine.all):
        monitor.settle(end)
        wanted = reference(
            monitor.interval_ms, monitor.grace_ms, told[index], end, life.clock.epoch
        )
        found = {}
        for hour, known, counts in life.statistics(monitor):
            assert known and hour not in found, (monitor.name, hour)
            found[hour] = list(counts)
        assert found == wanted, (monitor.name, difference(found, wanted))
        for row in wanted.values():
            total += row[1]
        events = life.events(monitor)
        missed = [row for row in events if row[2] == 5]
        assert len(events) == min(100, monitor.noted)
        latest = [at + life.clock.epoch for at, _ in told[index]][-(100 - len(missed)) :]
        assert [row[0] for row in events if row[2] != 5] == latest[-len(events) + len(missed) :]
    assert life.keeper.lost == 0
    flash = life.flash
    size = sum([len(data) for data in flash.files.values()])
    blocks = sum([(len(data) + 4095) // 4096 for data in flash.files.values()])
    return (
        "%d check-ins in %d days; flash: %d writes and %d bytes a day, %d bytes in %d blocks"
        % (
            total,
            days,
            flash.writes // days,
            flash.written // days,
            size,
            blocks,
        )
    )


def difference(found, wanted):
    """The first hour in which two differ."""
    for hour in sorted(set(found) | set(wanted)):
        if found.get(hour) != wanted.get(hour):
            return hour, found.get(hour), wanted.get(hour)
    return None
