"""A simulated board at the speed of a chip: stopped for a multiple of the processor's time that it
has taken. Like an idle chip, an idle board answers at once.

    python slowed.py PID TIMES        until its input ends
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

SLICE_S = 0.0005  # that it runs at a time
BEATS = 200
CHIP_BEAT_S = 0.012  # of a Pico W with one kept connection; reference: 11 to 16 ms


def taken(pid: int) -> float:
    """The processor's time that a process has taken, in s."""
    return int(Path("/proc/%d/schedstat" % pid).read_text().split()[0]) / 1e9


def slow(pid: int, times: float):
    """Let it run in slices; it is `times` as slow as it was."""
    owed = 0.0
    before = taken(pid)
    try:
        while not select.select([sys.stdin], [], [], SLICE_S)[0]:
            os.kill(pid, signal.SIGSTOP)
            now = taken(pid)
            owed += (now - before) * (times - 1)
            before = now
            began = time.monotonic()
            time.sleep(max(0, owed))
            owed -= time.monotonic() - began if owed > 0 else 0
            os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass  # it has ended
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def cost(board, master) -> float:
    """What one heartbeat takes of the processor, in s."""
    (pid,) = board.processes()
    before = taken(pid)
    for _ in range(BEATS):
        master.beat(60000)
    return (taken(pid) - before) / BEATS


@contextlib.contextmanager
def slowed(board, times: float):
    """The board is so many times as slow meanwhile."""
    (pid,) = board.processes()
    process = subprocess.Popen(
        [sys.executable, __file__, str(pid), str(times)], stdin=subprocess.PIPE
    )
    try:
        yield
        assert process.poll() is None
    finally:
        process.stdin.close()
        process.wait()


if __name__ == "__main__":
    slow(int(sys.argv[1]), float(sys.argv[2]))
