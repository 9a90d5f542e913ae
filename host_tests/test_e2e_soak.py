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


def test_a_look_at_the_heap_takes_no_cancel_from_a_task(micropython):
    """A connection that the reaper has ended would live for ever."""
    path = ":".join([".frozen", str(interpreters.ROOT / "tools")])
    command = [micropython, "-c", CANCELLED]
    environment = dict(os.environ, MICROPYPATH=path)
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("1\n", "")
