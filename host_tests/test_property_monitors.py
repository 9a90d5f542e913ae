"""A simulated month of 32 monitors: what is counted equals what a reference makes of the same."""

import itertools
import os
import random
from pathlib import Path

import interpreters
import month
import pytest
import reckoning
from conftest import NIGHTLY
from holdfast.core.checkins import DOWN
from holdfast.core.events import EventSystem
from holdfast.core.monitors import Monitor, Monitors

HERE = Path(__file__).resolve().parent
DAYS = 30
DAYS_ON_MICROPYTHON = DAYS if NIGHTLY else 8  # a day over a week
LIMIT_S = 900  # of MicroPython
SEEDS = range(1, 13) if NIGHTLY else (1, 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_month_of_32_monitors_counts_what_the_reference_counts(seed):
    print(month.check(DAYS, seed))


PROGRAM = "import month; print(month.check(%d))" % DAYS_ON_MICROPYTHON


def test_and_so_it_does_on_micropython(micropython):
    path = ":".join([".frozen", str(interpreters.FIRMWARE), str(HERE)])
    result = reckoning.run(
        [micropython, "-X", "heapsize=64m", "-c", PROGRAM],
        LIMIT_S,
        env=dict(os.environ, MICROPYPATH=path),
    )
    assert result.returncode == 0, result.stdout + result.stderr
    print(result.stdout)


def counted(interval, grace, story, end, waits=False):
    """By hour, of a monitor that is made at 0 s; times in s."""
    story = [(at * 1000, *more) for at, *more in story]
    return month.Account(interval, grace, waits, story, end * 1000, 0).hours


def test_the_reference_counts_by_hand():
    ticks = [(at, month.TICK) for at in (0, 50, 200)]
    # Interval 60 s, no grace: up to 60 in time; down at 110, and at 180 still; 200 in time.
    assert counted(60, 0, ticks, 239) == {0: [4, 3, 2, 2]}
    # A run from 10 s on has to end within its grace of 20 s.
    story = [(0, month.TICK), (10, month.RUN), (40, month.COMPLETE)]
    assert counted(60, 20, story, 41) == {0: [1, 3, 1, 0]}
    # 13 check-ins in one interval, and a fail among them.
    story = [(at, month.TICK) for at in range(0, 3600, 300)] + [(3599, month.TICK)]
    assert counted(3600, 0, story, 3600) == {0: [1, 13, 0, 1]}
    story.insert(5, (1300, month.FAIL))
    assert counted(3600, 0, story, 3600) == {0: [1, 14, 1, 0]}
    # Nobody ever: down after interval and grace, and then once for each interval.
    assert counted(60, 30, [], 90) == {0: [1, 0, 1, 0]}
    assert counted(60, 30, [], 149) == {0: [1, 0, 1, 0]}
    assert counted(60, 30, [], 150) == {0: [2, 0, 2, 0]}
    assert counted(60, 30, [], 3600, True) == {}
    # A pause expects nothing, and what is enabled has a whole interval.
    story = [(30, month.PAUSE), (100, month.TICK), (500, month.ENABLE)]
    assert counted(60, 0, story, 559) == {}
    assert counted(60, 0, story, 560) == {0: [1, 0, 1, 0]}
    # So have other times, and a restart.
    assert counted(60, 0, [(30, month.TIMES, 100, 0)], 129) == {}
    assert counted(60, 0, [(30, month.TIMES, 100, 0)], 130) == {0: [1, 0, 1, 0]}
    assert counted(60, 0, [(30, month.RESTART)], 89) == {}
    assert counted(60, 0, [(30, month.RESTART)], 90) == {0: [1, 0, 1, 0]}


# -- a small world, every history of it ----------------------------------------------------------

TICK_S = 1200  # everything happens at these, so that much happens at the same ms; three an hour
TICKS = 8 if NIGHTLY else 7
SMALL = [(2, 0), (2, 1), (2, 3), (3, 1)]  # interval and grace, in ticks
FACTS = (month.TICK, month.FAIL, month.RUN, month.LOG, "pause", "times")


def engine_counts(interval, grace, waits, story, end):
    """What the engine counts of a story, by hour, and what it notes."""
    notes = []
    engine = Monitors(
        EventSystem(), lambda _, result, at, *more: notes.append((at, result)), 0, 0, True
    )
    monitor = Monitor(1, "id", "s", "job", "job", interval, grace, True, waits)
    engine.add(monitor, 0, True)
    times = [interval, grace]
    enabled = True
    for at, what, *more in story:
        if what in (month.PAUSE, month.ENABLE, month.TIMES):
            times = more or times
            enabled = enabled if what == month.TIMES else what == month.ENABLE
            engine.adjust(monitor, *times, enabled, waits, at)
        else:
            engine.check_in(monitor, what, at)
    engine.advance(end)
    monitor.settle(end)
    hours = {hour: list(rows[0][1]) for hour, _, rows in engine.closed}
    if max(monitor.counts):
        hours[engine.hour] = monitor.counts
    return hours, notes, monitor.state == DOWN


def compare(interval, grace, waits, story, end):
    wanted = month.Account(interval, grace, waits, story, end, 0)
    found = engine_counts(interval, grace, waits, story, end)
    assert found == (wanted.hours, wanted.events, wanted.down), (interval, grace, waits, story)


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("interval, grace", SMALL)
def test_every_history_of_a_small_world_counts_what_the_reference_counts(interval, grace, waits):
    """At each tick nothing, a success, a fail or a run."""
    for choice in itertools.product((None, month.TICK, month.FAIL, month.RUN), repeat=TICKS):
        story = [(n * TICK_S * 1000, what) for n, what in enumerate(choice) if what is not None]
        end = (TICKS + interval) * TICK_S * 1000
        compare(interval * TICK_S, grace * TICK_S, waits, story, end)


def test_pauses_and_other_times_in_a_small_world():
    chance = random.Random(7)
    for _ in range(200_000 if NIGHTLY else 20_000):
        interval, grace = chance.choice(SMALL)
        story = []
        paused = False
        for n in range(10):
            for _ in range(chance.choice((0, 1, 1, 2))):
                at = n * TICK_S * 1000
                what = chance.choice(FACTS)
                if what == "pause":
                    paused = not paused
                    story.append((at, month.PAUSE if paused else month.ENABLE))
                elif what == "times" and not paused:
                    times = chance.choice(SMALL)
                    story.append((at, month.TIMES, times[0] * TICK_S, times[1] * TICK_S))
                elif what != "times":
                    story.append((at, what))
        end = 14 * TICK_S * 1000
        compare(interval * TICK_S, grace * TICK_S, chance.random() < 0.5, story, end)
