"""`make nightly` runs every part, and says of each how it ended."""

import re
import sys

import nightly
import pytest


def part(name, code):
    return name, (sys.executable, "-c", code)


def table(said):
    """(name, how it ended) of each line of the table."""
    lines = said.partition("== nightly\n")[2].splitlines()
    return [re.fullmatch(r"(\w+) +\d+ min \d\d s   (.*)", line).groups() for line in lines]


@pytest.fixture(autouse=True)
def logs(monkeypatch, tmp_path):
    monkeypatch.setattr(nightly, "LOGS", tmp_path / "logs")
    return tmp_path / "logs"


def test_a_part_that_fails_fails_all_and_keeps_no_other_from_running(capfd):
    stages = (
        (part("first", "print('I run')"),),
        (part("second", "raise SystemExit(3)"),),
        (("third", ("/no/such/program",)),),
        (part("last", "import os; print('I know', os.environ['HOLDFAST_NIGHTLY'])"),),
    )
    assert nightly.run(stages) == 1
    said = capfd.readouterr().out
    assert said.index("1 of 4: first") < said.index("I run") < said.index("2 of 4: second")
    assert "I know 1" in said
    rows = table(said)
    assert rows[0] == ("first", "passed")
    assert rows[1] == ("second", "failed with status 3")
    assert rows[2][0] == "third" and rows[2][1].startswith("failed: ")
    assert rows[3] == ("last", "passed")


def test_parts_of_a_stage_run_side_by_side_each_with_a_log(capfd, tmp_path, logs):
    """The first waits for what the second does."""
    file = str(tmp_path / "file")
    waits = "import os, time\nwhile not os.path.exists(%r): time.sleep(0.01)\nprint('seen')" % file
    fails = "open(%r, 'w'); print('written'); raise SystemExit(2)" % file
    assert nightly.run(((part("waits", waits), part("fails", fails)),)) == 1
    said = capfd.readouterr().out
    assert table(said) == [("waits", "passed"), ("fails", "failed with status 2")]
    assert "-- fails: failed with status 2\nwritten" in said
    assert (logs / "waits.log").read_text() == "seen\n"


def test_what_takes_long_is_seen(capfd, monkeypatch):
    monkeypatch.setattr(nightly, "TELL_S", 0)
    slow = "import time; print('half', flush=True); time.sleep(1.5); print('whole')"
    assert nightly.run(((part("slow", slow), part("quick", "")),)) == 0
    assert "-- slow: half\n" in capfd.readouterr().out


def test_all_parts_that_pass_are_a_success(capfd):
    assert nightly.run(((part("one", ""),), (part("two", ""),))) == 0
    assert table(capfd.readouterr().out) == [("one", "passed"), ("two", "passed")]


def test_every_test_runs_once_and_what_measures_ms_alone():
    (alone,), (others,), *_ = nightly.STAGES
    assert alone[1][-2:] == ("-m", "alone") and "-n" not in alone[1]
    assert others[1][-2:] == ("-m", "not alone")
