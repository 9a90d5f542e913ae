"""Boards, browsers and interpreters end with the tests that started them, also when pytest is
killed. pytest runs here as a program, with a test that never ends.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import browser
import guard
import interpreters
import pytest

from boards import wait_for

START_S = 60  # for pytest, two boards and a browser on a loaded machine
END_S = 30
HERE = Path(__file__).resolve().parent

ENDLESS = """
import contextlib, os, signal, subprocess, time
import boards, browser, guard, interpreters

def test_that_never_ends(tmp_path):
    with contextlib.ExitStack() as stack:
        for runtime in ["cpython"] + ["micropython"] * (interpreters.micropython() is not None):
            board = boards.Board(tmp_path / runtime, runtime, boards.settings()).start()
            os.kill(board.processes()[0], signal.SIGSTOP)  # it ends all the same
        if browser.chromium():
            stack.enter_context(browser.running())
        with open(%r, "w") as file:
            print(os.getpid(), os.environ[guard.NAME], file=file, end=".")
        time.sleep(600)
"""


class Endless:
    """pytest, with its process and what it started: `worker` (a process id), `mark`."""

    def __init__(self, folder, *options):
        told = folder / "told"
        test = folder / "test_endless.py"
        test.write_text(ENDLESS % str(told))
        command = [sys.executable, "-m", "pytest", "-p", "guard", "-p", "no:cacheprovider"]
        command += ["-c", os.devnull, "--rootdir", str(folder), "--basetemp", str(folder / "tmp")]
        self.process = subprocess.Popen(
            [*command, *options, str(test)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_for(lambda: self.ended() or told.exists() and told.read_text().endswith("."), START_S)
        assert not self.ended(), self.process.communicate()[0]
        worker, self.mark = told.read_text()[:-1].split()
        self.worker = int(worker)

    def ended(self):
        return self.process.poll() is not None

    def programs(self):
        """The command lines of what it started."""
        lines = []
        for pid in guard.marked(self.mark):
            lines.append((guard.PROC / str(pid) / "cmdline").read_bytes().decode())
        return lines


@pytest.fixture
def endless(tmp_path):
    """A function(*options of pytest) that gives an Endless."""
    if not guard.PROC.is_dir():
        pytest.skip("the environment of a process cannot be read here")
    made = []

    def make(*options):
        made.append(Endless(tmp_path, *options))
        programs = made[-1].programs()
        boards = 1 + (interpreters.micropython() is not None)
        assert sum("run.py" in line for line in programs) == boards, programs
        assert browser.chromium() is None or any("chrom" in line for line in programs), programs
        return made[-1]

    yield make
    for one in made:
        one.process.kill()
        one.process.communicate()


def end_of(mark):
    wait_for(lambda: not guard.marked(mark), END_S, "end of what the tests started")


def test_all_that_a_test_started_ends_when_pytest_is_killed(endless):
    tests = endless()
    assert tests.worker == tests.process.pid
    tests.process.kill()
    end_of(tests.mark)


def test_all_that_a_test_started_ends_when_a_worker_is_killed(endless):
    tests = endless("-n", "1")
    assert tests.worker != tests.process.pid
    os.kill(tests.worker, signal.SIGKILL)
    end_of(tests.mark)


def test_workers_and_all_that_they_started_end_when_pytest_is_killed(endless):
    tests = endless("-n", "1")
    tests.process.kill()
    wait_for(lambda: not (guard.PROC / str(tests.worker)).exists(), END_S, "end of the worker")
    end_of(tests.mark)
