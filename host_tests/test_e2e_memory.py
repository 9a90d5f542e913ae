"""When the heap is full, the newest connection gives way and the module goes on (MicroPython)."""

import contextlib
import time

import pytest

from boards import HEARTBEAT, Watch, output, settings, wait_for

HEAP = "180k"  # of a 64-bit MicroPython; the module at rest takes about 135 KB there
STRANGERS = 60  # each with a piece of a request that must be kept: more than there is room for
PIECE = b"POST %s HTTP/1.1\r\nHost: a\r\nX: " % HEARTBEAT.encode() + b"x" * 1900


@pytest.fixture
def small(runtime, start):
    """A function(heap) that gives a board with that heap."""
    if runtime != "micropython":
        pytest.skip("CPython's heap is not bounded")
    door = settings({"4": output("door", power_on="closed")})
    return lambda heap: start(door, "--heap", heap, "--connections", 80)


def insist(master, tries=10):
    """A beat, on a new connection where the old one was lost; the SessionId."""
    for _ in range(tries):
        with contextlib.suppress(ConnectionError, BrokenPipeError):
            return master.beat(2000)
        master.close()
    raise AssertionError("no answer in %d tries" % tries)


def test_a_full_heap_costs_strangers_their_connection_and_no_session(small):
    board = small(HEAP)
    master = board.master("door")
    first = master.beat(2000)
    latencies = []
    with contextlib.ExitStack() as stack:
        for _ in range(STRANGERS):
            with contextlib.suppress(OSError):
                stack.enter_context(board.connect()).sendall(PIECE)
            assert insist(master) == first
            latencies.append(master.latency)
        # They are there as long as they like, and there is nothing left for anybody else.
        until = time.monotonic() + 2
        while time.monotonic() < until:
            assert insist(master) == first
            latencies.append(master.latency)
    print("beats beside a full heap: max %.1f ms of %d" % (max(latencies) * 1000, len(latencies)))
    print("connections the master needed: %d" % master.connects)
    assert max(latencies) < 1
    # When even the reserve is used up the connection may go, seldom; the session does not.
    assert master.connects <= 3


def test_after_a_full_heap_everything_works_again_and_the_fallback_is_on_time(small):
    board = small(HEAP)
    with contextlib.ExitStack() as stack:
        for _ in range(STRANGERS):
            with contextlib.suppress(OSError):
                stack.enter_context(board.connect()).sendall(PIECE)

    def newcomer():
        with contextlib.suppress(OSError, AssertionError):
            master = board.master("door")
            master.beat(60000)
            return master
        return None

    master = wait_for(newcomer, what="a newcomer to be served")
    master.set(p4="closed")
    with Watch(board, 4) as watch:
        master.beat(300)
        fell = watch.next(4, 0, master.sent_at)
        assert 0.3 <= fell - master.sent_at < 0.4


def test_a_late_module_finds_room_beside_connections(small):
    """What is loaded at first use is loaded when the heap has been in use for a while, too."""
    board = small("250k")
    masters = [board.master(name) for name in ("door", "vms")]
    for _ in range(200):
        for master in masters:
            master.beat(2000)
    assert board.master("root").ports("getPorts")["data"]["numberOfPorts"] == 8
    with board.subscribed({"topicFilter": "//."}) as stream:
        assert stream is not None
