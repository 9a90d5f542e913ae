"""Power cuts at every operation on flash, two in a row, and flash that fails: afterwards a whole
module starts, with the old settings or the new ones, its accounts and its log. See sweep_power.py.
"""

import re

import pytest
from sweeps import NIGHTLY, sweep


def swept(runtime, what, stride):
    """Run the program; how many faults there were, and its lines."""
    lines = sweep(runtime, "sweep_power.py", what, stride)
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


@pytest.mark.parametrize("stride", [1] if NIGHTLY else [23])
def test_two_power_cuts_in_a_row(runtime, stride):
    assert swept(runtime, "pairs", stride)[0] >= (3000 if stride == 1 else 5)


def test_flash_that_fails(runtime):
    count, told = swept(runtime, "errors", 1 if NIGHTLY else 19)
    assert count >= (250 if NIGHTLY else 10)
    assert int(told.splitlines()[-1].split()[2]) > 0
