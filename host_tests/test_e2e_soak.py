"""Requests without end: no heartbeat is missed, and what the module keeps does not grow.

Ten thousand in a bounded heap; `make soak` does a million, as a part of `make nightly`.
tools/soak.py says how drift is measured.
"""

import os
import subprocess

import interpreters
import pytest
import soak

pytestmark = pytest.mark.alone

REQUESTS, WINDOWS = 10_000, 11
LEAK = 2_000, 11  # requests, windows


def run(interpreter, requests, windows, leak=0):
    heap = soak.heap(soak.HEAP_64)
    with soak.progress(requests) as told:
        return soak.soak(requests, windows, interpreter, heap, soak.MONITORS, leak, told)


def test_nothing_is_lost_and_nothing_grows(micropython, record_property):
    done = run(micropython, REQUESTS, WINDOWS)
    report = list(done.report())
    record_property("soak", "; ".join(report))
    print("\n" + "\n".join(report))
    assert done.wrong == []
    assert done.total >= REQUESTS
    # Everybody was there, or it shows nothing.
    assert all(actor.count > REQUESTS // 200 for actor in done.actors)
    assert done.kinds[101] > 0 and done.kinds[401] > 0 and done.kinds[404] > 0
    assert len(done.monitors) == soak.MONITORS


def test_one_byte_lost_with_every_request_would_be_noticed(micropython):
    done = run(micropython, *LEAK, leak=1)
    (wrong,) = done.wrong
    assert wrong.startswith("the heap drifts by ")


CANCELLED = """
import asyncio
import soak_board

async def wait(seen):
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        seen.append(1)
        raise

async def main():
    seen = []
    task = asyncio.create_task(wait(seen))
    await asyncio.sleep(0)
    task.cancel()
    soak_board.forget_neighbours()  # before it had its turn
    await asyncio.sleep(0)
    print(len(seen))

asyncio.run(main())
"""


ENDED = """
import asyncio, gc, socket
from asyncio import core
import soak_board

async def wait(sock):
    await asyncio.sleep_ms(1)
    await readable(sock)

def readable(sock):
    yield core._io_queue.queue_read(sock)

async def end(block):
    await asyncio.sleep_ms(20)

def begin():
    asyncio.create_task(end(bytearray(20000)))

async def main():
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for sock in socks:
        sock.bind(socket.getaddrinfo("127.0.0.1", 0)[0][-1])
        asyncio.create_task(wait(sock))
    await asyncio.sleep_ms(0)
    gc.collect()
    free = gc.mem_free()
    begin()
    await asyncio.sleep_ms(60)
    soak_board.forget_neighbours()
    soak_board.overwrite(20)
    gc.collect()
    print(free - gc.mem_free() < 10000)

asyncio.run(main())
"""


def run_with_board(micropython, program):
    """What a program that has tools/soak_board.py says."""
    path = ":".join([".frozen", str(interpreters.ROOT / "tools")])
    environment = dict(os.environ, MICROPYPATH=path)
    command = [micropython, "-c", program]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr


def test_a_look_at_the_heap_takes_no_cancel_from_a_task(micropython):
    """A connection that the reaper has ended would live for ever."""
    assert run_with_board(micropython, CANCELLED) == "1\n"


def test_a_look_at_the_heap_sees_no_task_that_has_ended_beside_one_that_waits(micropython):
    assert run_with_board(micropython, ENDED) == "True\n"
