"""A simulated month of 32 monitors: what is counted equals what a reference makes of the same."""

import os
import subprocess
from pathlib import Path

import interpreters
import month
import pytest
from conftest import NIGHTLY

HERE = Path(__file__).resolve().parent
DAYS = 30
DAYS_ON_MICROPYTHON = DAYS if NIGHTLY else 8  # a day over a week
SEEDS = range(1, 25) if NIGHTLY else (1, 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_month_of_32_monitors_counts_what_the_reference_counts(seed):
    print(month.check(DAYS, seed))


PROGRAM = "import month; print(month.check(%d))" % DAYS_ON_MICROPYTHON


def test_and_so_it_does_on_micropython(micropython):
    path = ":".join([".frozen", str(interpreters.FIRMWARE), str(HERE)])
    result = subprocess.run(
        [micropython, "-X", "heapsize=64m", "-c", PROGRAM],
        env=dict(os.environ, MICROPYPATH=path),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
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
