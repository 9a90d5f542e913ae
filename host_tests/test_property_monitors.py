"""A simulated month of 32 monitors: what is counted equals what a reference makes of the same."""

import os
import subprocess
from pathlib import Path

import interpreters
import month

HERE = Path(__file__).resolve().parent
DAYS = 30
DAYS_ON_MICROPYTHON = DAYS if "HOLDFAST_NIGHTLY" in os.environ else 8  # a day over a week


def test_a_month_of_32_monitors_counts_what_the_reference_counts():
    figures = month.check(DAYS)
    print(figures)


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


def test_the_reference_counts_by_hand():
    """Interval 60 s, no grace: check-ins at 0 and 50 s, then none until 200 s."""
    hours = month.reference(60000, 0, [(0, 0), (50000, 0), (200000, 0)], 250000, 0)
    assert hours == {0: [3, 3, 2, 1]}
    # A run from 10 s on has to end within its grace of 20 s.
    hours = month.reference(60000, 20000, [(0, 0), (10000, 1), (40000, 2)], 41000, 0)
    assert hours == {0: [1, 3, 1, 0]}
