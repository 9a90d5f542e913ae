"""Requests without end: no heartbeat is missed, and what the module keeps does not grow.

Ten thousand in a bounded heap; `make soak` does a million, as a part of `make nightly`.
tools/soak.py says how drift is measured.
"""

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
