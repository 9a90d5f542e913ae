"""No memory, for real: a heap that is full but for 0, 1, 2, ... cells, at each kind of turn and of
request. Outputs are where they should be at once, nothing is half done, nothing is lost but what
can come again; with memory back everything works as before. See sweep_memory.py.

MicroPython alone: CPython's heap cannot be filled.
"""

import os
import socket
from pathlib import Path

import pytest
import reckoning
from plain import compile_plain

from boards import SLOTS

HERE = Path(__file__).resolve().parent
NIGHTLY = "HOLDFAST_NIGHTLY" in os.environ
HEAP_BYTES = 500 * 1024  # 64-bit; the whole module takes about 300 KB of it
LIMIT_S = 900 if NIGHTLY else 60


@pytest.fixture(params=("files", "slot"))
def form(request, micropython):
    """The start of a command, and where modules are: in files, or in the application file."""
    size, paths, runner = HEAP_BYTES, [".frozen", str(HERE)], []
    if request.param == "files":
        paths[1:1] = [str(compile_plain())]
    else:
        (slot,) = SLOTS.glob("*.romfs")
        size += slot.stat().st_size
        runner = [str(HERE / "slot_runner.py"), str(slot)]
    return [micropython, "-X", "heapsize=%d" % size, *runner], ":".join(paths)


def sweep(form, *arguments):
    """Run the program; its lines."""
    command, path = form
    result = reckoning.run(
        [*command, HERE / "sweep_memory.py", *arguments],
        LIMIT_S,
        env=dict(os.environ, MICROPYPATH=path),
        cwd=HERE,
    )
    output = result.stdout + result.stderr
    print(output)
    assert result.returncode == 0, output
    assert "Task exception" not in output
    lines = result.stdout.splitlines()
    assert lines[-1] == "done"
    return lines[:-1]


# The ms at which the module's clock begins; in the second each time is an object in the heap, as
# on a board of 32 bits after 12.4 days.
@pytest.mark.parametrize("zero", ["0", str(1 << 62)], ids=["small", "big"])
def test_no_memory_at_any_allocation_of_a_turn(form, zero):
    lines = sweep(form, zero, "1" if NIGHTLY else "9")
    assert len([line for line in lines if "out of memory in" in line]) == 8


def test_no_memory_at_any_allocation_of_a_request(form):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lines = sweep(form, "server", "1" if NIGHTLY else "37", str(port))
    assert len([line for line in lines if " cells, {" in line]) == 6


def test_no_memory_while_a_socket_is_registered(form):
    (line,) = sweep(form, "sockets", "1")
    assert line.startswith("sockets: 80, out of memory at ")
