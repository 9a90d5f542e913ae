"""Power cuts at every operation on flash, two in a row, and flash that fails: afterwards a whole
module starts, with the old settings or the new ones, its accounts and its log. See sweep_power.py.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import interpreters
import pytest
from plain import compile_plain

HERE = Path(__file__).resolve().parent
NIGHTLY = "HOLDFAST_NIGHTLY" in os.environ
LIMIT_S = 3600 if NIGHTLY else 120


def sweep(runtime, what, stride):
    """Run the program; how many faults there were, and its lines."""
    if runtime == "cpython":
        paths = [*interpreters.IMPORTS, str(HERE)]
        command, variable, separator = [sys.executable], "PYTHONPATH", os.pathsep
    else:
        firmware = compile_plain()
        paths = [".frozen", str(firmware), str(HERE)]
        command, variable, separator = [interpreters.micropython()], "MICROPYPATH", ":"
    result = subprocess.run(
        [*command, str(HERE / "sweep_power.py"), what, str(stride)],
        env={**os.environ, variable: separator.join(paths)},
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    lines = result.stdout.splitlines()
    told = "\n".join(line for line in lines if re.search(r": \d+ operations, |^\d+ ", line))
    print(told)
    assert result.returncode == 0, told + "\n".join(lines[-3:]) + result.stderr[-2000:]
    assert lines[-1] == "done"
    return int(lines[-2].split()[0]), told


@pytest.mark.parametrize("stride", [1] if NIGHTLY else [15])
def test_power_cut_at_every_operation(runtime, stride):
    count, told = sweep(runtime, "cuts", stride)
    assert count >= 200 // stride
    if stride == 1:
        # Both ends were met: cuts that leave the old settings, and cuts that leave the new ones.
        assert told.count("['New', 'Old']") >= 7


@pytest.mark.parametrize("stride", [1] if NIGHTLY else [23])
def test_two_power_cuts_in_a_row(runtime, stride):
    assert sweep(runtime, "pairs", stride)[0] >= (3000 if stride == 1 else 5)


def test_flash_that_fails(runtime):
    count, told = sweep(runtime, "errors", 1 if NIGHTLY else 19)
    assert count >= (250 if NIGHTLY else 10)
    assert int(told.splitlines()[-1].split()[2]) > 0
