"""Whatever a test started ends with the tests, also when pytest or a worker of xdist is killed.

A pytest plugin. Each process of pytest puts a mark of its own into its environment, which boards,
browsers and interpreters inherit, and starts this file as a program that waits on a pipe:

    python guard.py MARK

The pipe closes when that process of pytest ends, however it ends. Then the program kills every
process that has the mark. Linux alone: elsewhere the environment of a process cannot be read.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

NAME = "HOLDFAST_TESTS"
PROC = Path("/proc")
LOOKS = 3  # that find nobody: a process may have started another just before it was killed
PAUSE_S = 0.05
LONGEST_S = 30  # for processes that cannot be killed at once

_programs = []  # as long as this process lives, nobody closes their pipes


def pytest_configure(config):
    """Mark this process, and start the program that watches over its children."""
    if config.option.collectonly or not PROC.is_dir():
        return
    mark = "%d.%d" % (os.getpid(), time.monotonic_ns())
    os.environ.pop(NAME, None)  # the program has no mark: nobody kills it
    # In a session of its own: what a terminal sends to the tests does not reach it.
    program = subprocess.Popen(
        [sys.executable, __file__, mark],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _programs.append(program)
    os.environ[NAME] = mark


def marked(mark: str) -> list[int]:
    """The ids of the processes that have this mark."""
    wanted = ("%s=%s" % (NAME, mark)).encode()
    found = []
    for entry in PROC.iterdir():
        # A process that has just ended, or that is another user's, has none that can be read.
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def end(mark: str):
    """Kill the processes that have this mark, and those that they start meanwhile."""
    looks = 0
    deadline = time.monotonic() + LONGEST_S
    while looks < LOOKS and time.monotonic() < deadline:
        looks += 1
        for pid in marked(mark):
            looks = 0
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    end(sys.argv[1])
