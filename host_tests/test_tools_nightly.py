"""`make nightly` runs every part, and says of each how it ended."""

import re
import sys

import nightly


def part(name, code):
    return name, (sys.executable, "-c", code)


def test_a_part_that_fails_fails_all_and_keeps_no_other_from_running(capfd):
    parts = (
        part("first", "print('I run')"),
        part("second", "raise SystemExit(3)"),
        ("third", ("/no/such/program",)),
        part("last", "import os; print('I know', os.environ['HOLDFAST_NIGHTLY'])"),
    )
    assert nightly.run(parts) == 1
    said = capfd.readouterr().out
    assert said.index("1 of 4: first") < said.index("I run") < said.index("2 of 4: second")
    assert "I know 1" in said
    table = said.partition("== nightly\n")[2].splitlines()
    outcomes = [re.fullmatch(r"(\w+) +\d+ min \d\d s   (.*)", line).groups() for line in table]
    assert outcomes[0] == ("first", "passed")
    assert outcomes[1] == ("second", "failed, status 3")
    assert outcomes[2][0] == "third" and outcomes[2][1].startswith("failed, ")
    assert outcomes[3] == ("last", "passed")


def test_all_parts_that_pass_are_a_success(capfd):
    assert nightly.run((part("one", ""), part("two", ""))) == 0
    assert "failed" not in capfd.readouterr().out


def test_its_parts_run_every_test_once_and_what_measures_ms_alone():
    alone, others = (command for name, command in nightly.PARTS if "tests" in name)
    assert alone[-2:] == ("-m", "alone") and "-n" not in alone
    assert others[-2:] == ("-m", "not alone")
