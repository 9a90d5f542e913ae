"""The truth table that the module serves, beside what its pins do; see sweep_truth.py."""

import re

from sweeps import NIGHTLY, sweep


def test_pins_do_as_the_truth_table_says(runtime):
    lines = sweep(runtime, "sweep_truth.py", 1 if NIGHTLY else 11)
    print(lines[-1])
    outputs, levels = re.fullmatch(r"(\d+) outputs, (\d+) levels compared", lines[-1]).groups()
    assert int(outputs) == (13 * 16 if NIGHTLY else 20)
    assert int(levels) > 60 * int(outputs)
