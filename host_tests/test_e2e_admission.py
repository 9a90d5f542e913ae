"""Five connections are all that a Pico W has: who gives way, and who never does."""

import contextlib
import time

import pytest

from boards import (
    ANSWER_S,
    LOST_TOPIC,
    STREAM,
    Credentials,
    Master,
    closed_by_peer,
    configure,
    exchange,
    notification,
    settings,
    status_of,
    until,
)

pytestmark = pytest.mark.alone

PLACES = 5
HEAD = b"POST /vapix/axhbt HTTP/1.1\r\nHost: a\r\n"


def newcomer(board, name="root"):
    """How long a master that comes anew takes for its first heartbeat, digest and all."""
    before = time.monotonic()
    with contextlib.closing(Master(board.host, board.port, name)) as master:
        master.beat(60000)
    return time.monotonic() - before


@pytest.fixture
def small(start):
    """A board with five connections."""
    return start(settings(), "--connections", PLACES)


def test_a_newcomer_among_five_idle_peers(small):
    with contextlib.ExitStack() as stack:
        for _ in range(PLACES):
            stack.enter_context(small.connect())
        assert newcomer(small) <= 1


def test_a_newcomer_among_five_dripping_peers(small):
    """Each drips a byte of its head now and then."""
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(small.connect()) for _ in range(PLACES)]
        for _ in range(10):
            for sock in peers:
                with contextlib.suppress(ConnectionError):
                    sock.sendall(HEAD if _ == 0 else b"X")
            until(time.monotonic() + 0.02)
        assert newcomer(small) <= 1


def test_a_newcomer_among_peers_that_come_back_at_once(small):
    """Five peers that connect again as soon as they are closed."""
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(small.connect()) for _ in range(PLACES)]
        worst = 0
        for _ in range(5):
            for i, sock in enumerate(peers):
                if closed_by_peer(sock, 0.01):
                    peers[i] = stack.enter_context(small.connect())
            worst = max(worst, newcomer(small))
    assert worst <= 1


def test_a_newcomer_among_clients_that_are_logged_in_and_idle(small):
    with contextlib.ExitStack() as stack:
        for name in ("guest", "guest", "guest", "guest", "guest"):
            viewer = small.master(name)
            stack.callback(viewer.close)
            viewer.status()
        assert newcomer(small) <= 1


def test_event_streams_leave_a_place_for_requests(small):
    """Three streams are all that five connections carry; the fourth is told when to come again."""
    with contextlib.ExitStack() as stack:
        streams = [
            stack.enter_context(small.subscribed(LOST_TOPIC, replay=1)) for _ in range(PLACES - 2)
        ]
        value = Credentials(small.url, "root").header("GET", STREAM)
        upgrade = "GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        upgrade += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        upgrade += "Authorization: %s\r\n\r\n"
        answer = exchange(small, (upgrade % (STREAM, value)).encode(), 1)
        assert status_of(answer) == 503 and b"\r\nRetry-After: " in answer
        idle = stack.enter_context(small.connect())
        assert newcomer(small) <= 1
        assert newcomer(small, "door") <= 1
        idle.close()
        # No stream gave way, and all of them hear what happens.
        for name in ("root", "door"):
            with contextlib.closing(Master(small.host, small.port, name)) as master:
                master.beat(100)
        assert [notification(stream)[2] for stream in streams] == ["1"] * len(streams)


def test_a_master_keeps_its_connection_whoever_comes(small):
    """Idle, dripping, logged in, streams, a hundred short visits: its one connection stays."""
    master = small.master("door")
    before = master.beat(60000)
    worst = 0
    with contextlib.ExitStack() as stack:
        for i in range(24):
            sock = stack.enter_context(small.connect())
            if i % 2:
                sock.sendall(HEAD)
            if i % 8 == 0:
                viewer = small.master("guest")
                stack.callback(viewer.close)
                viewer.status()
            if i == 12:
                stream = stack.enter_context(small.open_stream())
                assert configure(stream, LOST_TOPIC).get("data") == {}
            assert master.beat(60000) == before
            worst = max(worst, master.latency)
        until(time.monotonic() + 0.6)
        assert master.beat(60000) == before
    assert master.connects == 1
    assert worst < 1


def test_a_burst_of_newcomers_does_not_cost_the_master_its_connection(small):
    """All of them younger than the moment they are given to speak; the master beats meanwhile."""
    master = small.master("door")
    before = master.beat(60000)
    for _ in range(2):
        with contextlib.ExitStack() as stack:
            for _ in range(PLACES - 1):
                stack.enter_context(small.connect())
            for _ in range(20):
                assert master.beat(60000) == before
                until(time.monotonic() + 0.005)
    assert master.connects == 1


def test_four_masters_and_a_newcomer(small):
    """Masters fill all but the last place; who comes there is served, and told to close."""
    masters = [small.master(name) for name in ("root", "door", "vms")]
    for master in masters:
        master.beat(60000)
    with small.subscribed(LOST_TOPIC, replay=1), small.session("guest") as session:
        for i in range(5):
            answer = session.get(small.url + "/holdfast/status", timeout=ANSWER_S)
            assert answer.status_code == 200
            assert answer.elapsed.total_seconds() < 1
            if i == 0:
                assert answer.headers["Connection"] == "close"
            for master in masters:
                master.beat(60000)
    assert [master.connects for master in masters] == [1, 1, 1]


def test_a_dead_master_gives_way_like_anybody(small):
    """Only a living session protects a connection."""
    dead = small.master("door")
    dead.beat(50)
    until(dead.answered_at + 0.4)
    with contextlib.ExitStack() as stack:
        for _ in range(PLACES):
            viewer = small.master("guest")
            stack.callback(viewer.close)
            viewer.status()
        assert closed_by_peer(dead._client.sock, 2)


def test_a_master_that_vanished_and_came_again_gets_a_place_to_keep(small):
    """Its old connection says nothing, not even that it is gone, while the session lives on."""
    with contextlib.ExitStack() as stack:
        for name in ("door", "vms", "root"):
            master = small.master(name)
            stack.callback(master.close)
            session = master.beat(60000)
        stack.enter_context(small.subscribed(LOST_TOPIC, replay=1))
        again = small.master("root")
        stack.callback(again.close)
        # The last place is for whoever comes: at first it is told to close.
        until_kept = time.monotonic() + ANSWER_S
        connects = None
        while connects != again.connects:
            connects = again.connects
            for _ in range(3):
                assert again.beat(60000) == session
                until(time.monotonic() + 0.1)
            assert time.monotonic() < until_kept, "connected %d times" % again.connects
        assert closed_by_peer(master._client.sock, 2)


def test_two_places_are_enough_to_serve(start):
    board = start(settings(), "--connections", 2)
    master = board.master("door")
    before = master.beat(60000)
    with board.connect():
        assert newcomer(board) <= 1.5
        assert master.beat(60000) == before
    assert master.connects == 1
