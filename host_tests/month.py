"""A month of 32 monitors in virtual time, and what its statistics must be; on both interpreters.

Jobs check in with jitter, too often, too late or not at all, fail, run and log; monitors are
paused, enabled and given other times; the module is restarted. The reference knows nothing of the
engine: it makes lists of what happened and cuts time into intervals, as Pinghome's document and
docs/monitors.md define them.
"""

from holdfast.core.checkins import COMPLETE, DOWN, FAIL, HOUR_MS, IGNORED, LOG, MISSED, RUN, TICK
from watching import EPOCH, Life

INTERVALS = (300, 600, 900, 1800, 3600, 7200, 21600, 86400)  # s, four monitors each
COUNT = 32
STEP_MS = 60000
DAY_MS = 86400000
# Facts beside check-ins, which are (at, result):
PAUSE = "pause"  # (at, PAUSE)
ENABLE = "enable"  # (at, ENABLE)
TIMES = "times"  # (at, TIMES, interval in s, grace in s)
RESTART = "restart"  # (at, RESTART)


class Chance:
    """Numbers that are the same on every interpreter (a linear congruence, Numerical Recipes)."""

    def __init__(self, seed):
        self._state = seed

    def below(self, limit):
        self._state = (self._state * 1664525 + 1013904223) % (1 << 32)
        return (self._state >> 8) * limit >> 24


def graces(interval):
    return (0, interval // 10, 60, interval // 2)


# -- what happens ---------------------------------------------------------------------------------


def history(chance, interval, end_ms):
    """The facts of one monitor, in order; interval in s."""
    times = interval
    interval_ms = interval * 1000
    at = chance.below(2 * interval_ms)
    while at < end_ms:
        what = chance.below(200)
        if what < 4:
            at += chance.below(5 * interval_ms)  # it is away
        elif what < 10:
            yield at, FAIL
        elif what < 30:
            yield at, RUN
            ran = chance.below(interval_ms // 2 + 1)
            if ran and at + ran < end_ms:
                at += ran
                yield at, COMPLETE if what < 26 else FAIL
        elif what < 34:
            yield at, LOG
        elif what < 36:
            for _ in range(13):  # it cannot stop
                yield at, TICK if chance.below(12) else FAIL
                at += chance.below(interval_ms // 13)
                if at >= end_ms:
                    return
        elif what < 38:
            yield at, PAUSE
            for _ in range(chance.below(3)):
                at += chance.below(interval_ms)
                if at < end_ms:
                    yield at, TICK
            if at < end_ms:
                yield at, ENABLE
            if chance.below(2):
                continue  # and checks in at once
        elif what < 41:
            times = (interval // 2, interval, interval * 2)[chance.below(3)]
            yield at, TIMES, times, graces(times)[chance.below(4)]
            interval_ms = times * 1000
        else:
            yield at, TICK
        at += interval_ms * (90 + chance.below(15)) // 100 + 1


def lived(days, seed):
    """(the Life after it, its monitors, the facts of each, in ms since the first start)."""
    chance = Chance(seed)
    life = Life(None, EPOCH + 17 * 60000)
    end = days * DAY_MS
    facts = []
    first = []  # (interval, grace, does it wait?) of each
    for index in range(COUNT):
        interval = INTERVALS[index % len(INTERVALS)]
        grace = graces(interval)[index // len(INTERVALS)]
        waits = chance.below(4) == 0
        first.append((interval, grace, waits))
        life.create("job %d" % index, interval, grace=grace, wait_for_first=waits)
        facts.append(list(history(chance, interval, end)))
    restarts = []
    at = chance.below(4 * DAY_MS)
    while at < end:
        restarts.append((at, RESTART))
        at += 1 + chance.below((HOUR_MS, DAY_MS, 8 * DAY_MS)[chance.below(3)])
    waiting = [iter(rows) for rows in facts + [restarts]]
    heads = [next(rows, None) for rows in waiting]
    began = 0  # of this life
    step_at = STEP_MS
    while True:
        now = None
        for index, row in enumerate(heads):
            if row is not None and (now is None or row[0] < heads[now][0]):
                now = index
        at = end if now is None else heads[now][0]
        while step_at <= at:
            life.clock.at = step_at - began
            for _ in range(3):  # what a minute of seconds would write
                life.keeper.step(life.clock.at)
            step_at += STEP_MS
        life.clock.at = at - began
        if now is None:
            break
        if now == COUNT:
            assert life.keeper.lost == 0
            life.flush()
            life = life.again()
            began = at
        else:
            happen(life, life.keeper.engine.all[now], heads[now])
        heads[now] = next(waiting[now], None)
    life.keeper.step(life.clock.at)
    return life, first, [in_order(rows, restarts) for rows in facts]


def in_order(facts, restarts):
    """Both as one list. At the same ms restarts come last, as above."""
    story = list(facts)
    for place in range(len(restarts) - 1, -1, -1):
        at = 0
        while at < len(story) and story[at][0] <= restarts[place][0]:
            at += 1
        story.insert(at, restarts[place])
    return story


def happen(life, monitor, fact):
    """Tell the module."""
    now = life.clock.at
    if fact[1] == PAUSE:
        life.keeper.change(monitor, {"enabled": False}, now)
    elif fact[1] == ENABLE:
        life.keeper.change(monitor, {"enabled": True}, now)
    elif fact[1] == TIMES:
        life.keeper.change(monitor, {"interval": fact[2], "grace": fact[3]}, now)
    else:
        assert life.check_in(monitor, fact[1]) == 0


# -- what must have been counted ------------------------------------------------------------------


class Account:
    """What a monitor's story comes to: `hours` by hour of UTC, [intervals, check-ins, failed,
    successful]; `events` as (at, result); `down` at its end. Times: ms since the first start.
    """

    def __init__(self, interval, grace, waits, story, end_ms, offset):
        self.hours = {}
        self.events = []
        self.down = False
        self._offset = offset
        self._waits = waits
        self._interval = interval * 1000
        self._grace = grace * 1000
        self._last = 0  # since when a check-in is expected; None: it is not
        self._heard = False  # since it was made or enabled
        self._failed_at = None  # of the fail it is down by
        self._run_at = None  # of a run that has not ended
        self._paused = False
        began = 0
        stretch = []  # check-ins, (at, result), since times were the same
        if waits:
            self._last = None
        for fact in story + [(end_ms, None)]:
            at = fact[0]
            if fact[1] == TIMES and (fact[2] * 1000, fact[3] * 1000) == self._times():
                pass  # they are not other times
            elif fact[1] in (PAUSE, ENABLE, TIMES, RESTART, None):
                self._close(began, stretch, at)
                began = at
                stretch = []
                self._begin(fact)
            elif self._paused:
                self.events.append((at, IGNORED))
            else:
                stretch.append((at, fact[1]))

    def _begin(self, fact):
        """What a fact between two stretches changes."""
        at = fact[0]
        if fact[1] == PAUSE:
            self._paused = True
        elif fact[1] == ENABLE:
            self._paused = False
        if fact[1] in (PAUSE, ENABLE):
            self.down = self._heard = False
            self._failed_at = self._run_at = None
            self._last = None if self._waits else at
        elif fact[1] == RESTART:
            self._run_at = self._failed_at = None
            if self._expects():
                self._last = at
        elif fact[1] == TIMES:
            self._interval = fact[2] * 1000
            self._grace = fact[3] * 1000
            self._failed_at = None
            if not self._heard and not self.down and self._expects():
                self._last = at

    def _times(self):
        return self._interval, self._grace

    def _expects(self):
        return self._heard or self.down or not self._waits

    def _add(self, at, *places):
        row = self.hours.setdefault((at + self._offset) // HOUR_MS, [0, 0, 0, 0])
        for place in places:
            row[place] += 1

    def _close(self, began, check_ins, end):
        """Count a stretch of time in which times were the same."""
        if self._paused:
            return
        down = self.down
        failed_at = self._failed_at
        expected = self._expects()
        for at, result in check_ins:
            if result != LOG:
                self._add(at, 1)
        marks = self._marks(began, check_ins, end)
        if not expected:
            if not marks:
                return
            began = marks[0][0]  # it waited for this
        self._count(began, marks, end, down, failed_at)

    def _marks(self, began, check_ins, end):
        """The (at, what) that decide over intervals: TICK for any success, FAIL, and MISSED
        where it went down by itself.
        """
        marks = []
        for at, result in check_ins + [(end, None)]:
            while True:
                # It goes down by itself when it is silent for too long, or a run does.
                limits = []
                if not self.down and self._last is not None:
                    limits.append(self._last + self._interval + self._grace)
                if not self.down and self._run_at is not None:
                    limits.append(self._run_at + (self._grace or self._interval))
                if not limits or max(began, min(limits)) > at:
                    break
                down_at = max(began, min(limits))
                marks.append((down_at, MISSED))
                self.events.append((down_at, MISSED))
                self.down = True
                self._failed_at = self._run_at = None
            if result is None:
                continue
            self.events.append((at, result))
            if result == LOG:
                continue
            if result == RUN:
                if not self.down:
                    self._run_at = at
                continue
            self._heard = True
            self._last = at
            self._run_at = None
            self.down = result == FAIL
            self._failed_at = at if self.down else None
            marks.append((at, FAIL if self.down else TICK))
        return marks

    def _count(self, begin, marks, end, down, failed_at):
        """Cut the time from `begin` to `end` into intervals, and count them. down, failed_at: how
        it was at the beginning.
        """
        place = 0  # of the next mark
        while True:
            over = begin + self._interval
            inside = []
            while place + len(inside) < len(marks) and marks[place + len(inside)][0] < over:
                inside.append(marks[place + len(inside)])
            if inside:
                at, what = inside[0]
                bad = [mark for mark in inside if mark[1] != TICK]
                if what == TICK and bad and self._hour(bad[0][0]) != self._hour(at):
                    # Its success is of an hour that was over: it ends where the fail is.
                    inside = inside[: inside.index(bad[0])]
                    over = bad[0][0]
                    bad = []
                self._add(at, 0, 2 if bad else 3)
                down, failed_at = after(inside[-1])
                place += len(inside)
            else:
                missed = None  # when it is, if nothing comes
                if down:
                    missed = over
                    if failed_at is not None:
                        missed = max(over, failed_at + self._interval + self._grace)
                if place < len(marks) and (missed is None or marks[place][0] < missed):
                    at, what = marks[place]
                    down, failed_at = after(marks[place])
                    self._add(at, 0, 3 if what == TICK else 2)
                    place += 1
                    over = at
                elif missed is not None and missed <= end:
                    self._add(missed, 0, 2)
                    over = missed
                else:
                    return
            begin = over

    def _hour(self, at):
        return (at + self._offset) // HOUR_MS


def after(mark):
    """(is it down?, since which fail) once this has happened."""
    return mark[1] != TICK, mark[0] if mark[1] == FAIL else None


def check(days, seed=1):
    """Live so many days; AssertionError where a count differs. The figures as a text."""
    life, first, stories = lived(days, seed)
    end = days * DAY_MS
    offset = EPOCH + 17 * 60000
    assert life.clock.epoch + life.clock.at == offset + end
    sums = [0, 0, 0, 0]
    for index, monitor in enumerate(life.keeper.engine.all):
        monitor.settle(life.clock.at)
        wanted = Account(*(first[index] + (stories[index], end, offset)))
        found = {}
        for hour, known, counts in life.statistics(monitor):
            assert known and hour not in found, (monitor.name, hour)
            found[hour] = list(counts)
        assert found == wanted.hours, (monitor.name, difference(found, wanted.hours))
        for row in wanted.hours.values():
            assert row[0] == row[2] + row[3]
            for place in range(4):
                sums[place] += row[place]
        assert (monitor.state == DOWN) is wanted.down, monitor.name
        events = [(row[0] - offset, row[2]) for row in life.events(monitor)]
        assert monitor.noted == len(wanted.events)
        assert events == wanted.events[-100:], (monitor.name, events, wanted.events[-100:])
    assert life.keeper.lost == 0
    flash = life.flash
    size = sum([len(data) for data in flash.files.values()])
    blocks = sum([(len(data) + 4095) // 4096 for data in flash.files.values()])
    return (
        "%d intervals, %d check-ins, %d failed, %d successful " % tuple(sums)
    ) + "in %d days; flash: %d writes and %d bytes a day, %d bytes in %d blocks" % (
        days,
        flash.writes // days,
        flash.written // days,
        size,
        blocks,
    )


def difference(found, wanted):
    """The first hour in which two differ."""
    for hour in sorted(set(found) | set(wanted)):
        if found.get(hour) != wanted.get(hour):
            return hour, found.get(hour), wanted.get(hour)
    return None
