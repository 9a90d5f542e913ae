"""Power cuts at every operation on flash, two in a row, and flash that fails: afterwards a whole
module starts, with the old settings or the new ones, its accounts and its log. See sweep_power.py.
"""

import re

import pytest
from sweeps import NIGHTLY, sweep

PARTS = 4  # of all pairs of power cuts: each takes minutes


def swept(runtime, what, *numbers):
    """Run the program; how many faults there were, and its lines."""
    lines = sweep(runtime, "sweep_power.py", what, *numbers)
    told = "\n".join(line for line in lines if re.search(r": \d+ operations, |^\d+ ", line))
    print(told)
    return int(lines[-1].split()[0]), told


@pytest.mark.parametrize("stride", [1] if NIGHTLY else [15])
def test_power_cut_at_every_operation(runtime, stride):
    count, told = swept(runtime, "cuts", stride)
    assert count >= 200 // stride
    if stride == 1:
        # Both ends were met: cuts that leave the old settings, and cuts that leave the new ones.
        assert told.count("['New', 'Old']") >= 7


@pytest.mark.parametrize("part", range(PARTS) if NIGHTLY else ["some"])
def test_two_power_cuts_in_a_row(runtime, part):
    if part == "some":
        assert swept(runtime, "pairs", 23, 23, 0)[0] >= 5
    else:
        assert swept(runtime, "pairs", 1, PARTS, part)[0] >= 3000 // PARTS


def test_flash_that_fails(runtime):
    count, told = swept(runtime, "errors", 1 if NIGHTLY else 19)
    assert count >= (250 if NIGHTLY else 10)
    assert int(told.splitlines()[-1].split()[2]) > 0
