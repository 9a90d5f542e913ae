"""Peers that no good client would be: the board answers or drops them, and goes on beating.

Raw sockets, because no HTTP library sends such things. After each of them a master that comes anew
is served, and nothing of a traceback has been on the wire. How soon it is served is measured in
test_e2e_admission; here other tests may run on the same processors.
"""

import contextlib
import os
import random
import socket
import time

import pytest

from boards import (
    ANSWER_S,
    HEARTBEAT,
    STATUS,
    STREAM,
    VENDOR_BEAT,
    Credentials,
    Figures,
    Master,
    closed_by_peer,
    exchange,
    receive,
    reset,
    settings,
    status_of,
    wait_for,
)

REQUEST_S = 5  # from the first byte of a request, or from connecting, to its last
SLACK_S = 4  # a machine that has more to do

BEAT = b"POST /vapix/axhbt HTTP/1.1\r\nHost: a\r\n"


def served(board):
    """A new master gets its heartbeat in, digest and all, within ANSWER_S for each request; where
    logins were refused before, after the delay of up to 8 s that those have brought it.
    """
    url = board.url + STATUS
    wait_for(lambda: board.session().get(url, timeout=ANSWER_S).status_code == 200, 2 * ANSWER_S)
    with contextlib.closing(Master(board.host, board.port, "root")) as master:
        master.beat(60000)


def clean(answer):
    """What went over the wire tells nothing of the inside."""
    for word in (b"Traceback", b"Error:", b"File ", b"line ", b"holdfast/", b".py"):
        assert word not in answer, answer
    return answer


# What is sent, and the status of the answer.
BAD_REQUESTS = {
    "huge Content-Length": (BEAT + b"Content-Length: 999999999999\r\n\r\n", 413),
    "10 GB": (BEAT + b"Content-Length: 10000000000\r\n\r\nx", 413),
    "4097 bytes": (BEAT + b"Content-Length: 4097\r\n\r\n", 413),
    "400 digits": (BEAT + b"Content-Length: " + b"9" * 400 + b"\r\n\r\n", 413),
    "chunk too large": (BEAT + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n", 413),
    "chunks too many": (
        BEAT + b"Transfer-Encoding: chunked\r\n\r\n" + (b"400\r\n" + b"x" * 1024 + b"\r\n") * 5,
        413,
    ),
    "endless target": (b"GET /" + b"a" * 100000, 414),
    "long target": (b"GET /" + b"a" * 1500 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "endless header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100000, 431),
    "endless headers": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 20000, 431),
    "41 headers": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 41 + b"\r\n", 431),
    "garbage": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 30 + b"\r\n\r\n", 400),
    "words": (b"hello\r\n\r\n", 400),
    "bare LF": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "no version": (b"GET /\r\n\r\n", 400),
    "HTTP/2.0": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "HTTP/3.1": (b"GET / HTTP/3.1\r\nHost: a\r\n\r\n", 505),
    "HTTP/1.2": (b"GET /x HTTP/1.2\r\nHost: a\r\n\r\n", 404),  # as 1.1 (RFC 9110 section 2.5)
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "space before colon": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "folded header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    "header without name": (b"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400),
    "header without colon": (b"GET / HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n", 400),
    "NUL in header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    "not ASCII target": ("GET /ü HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 400),
    "bad percent": (b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "bad method": (b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "unknown method": (b"BREW /vapix/axhbt HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "length and chunked": (
        BEAT + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two lengths": (BEAT + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
    "length list": (BEAT + b"Content-Length: 5, 6\r\n\r\nhello", 400),
    "length +5": (BEAT + b"Content-Length: +5\r\n\r\nhello", 400),
    "length -1": (BEAT + b"Content-Length: -1\r\n\r\n", 400),
    "length 0x5": (BEAT + b"Content-Length: 0x5\r\n\r\nhello", 400),
    "length empty": (BEAT + b"Content-Length: \r\n\r\n", 400),
    "chunk size bad": (BEAT + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    "chunk size empty": (BEAT + b"Transfer-Encoding: chunked\r\n\r\n\r\n", 400),
    "chunk size +5": (BEAT + b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk end missing": (BEAT + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n", 400),
    "endless chunk extension": (
        BEAT + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"a" * 5000,
        400,
    ),
    "endless trailer": (
        BEAT + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 2000,
        400,
    ),
    "gzip": (BEAT + b"Transfer-Encoding: gzip\r\n\r\n", 400),  # where would it end?
    "gzip, chunked": (BEAT + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
    "chunked, identity": (BEAT + b"Transfer-Encoding: chunked, identity\r\n\r\n", 400),
    "expects a miracle": (BEAT + b"Expect: miracle\r\n\r\n", 417),
    "not Digest": (BEAT + b"Authorization: Bearer x\r\nContent-Length: 0\r\n\r\n", 401),
    "Digest of nothing": (BEAT + b"Authorization: Digest \r\nContent-Length: 0\r\n\r\n", 401),
    "Digest of garbage": (
        BEAT + b'Authorization: Digest username="\xff", nc=\r\nContent-Length: 0\r\n\r\n',
        401,
    ),
    "Digest of much": (
        BEAT + b"Authorization: Digest " + b'a="b",' * 250 + b"\r\nContent-Length: 0\r\n\r\n",
        401,
    ),
    "two Digests": (BEAT + b"Authorization: Digest a\r\n" * 2 + b"\r\n", 400),
}


def test_bad_requests_get_their_status_and_the_board_goes_on(board):
    """All on the same board, which is asked for a heartbeat after each."""
    wrong = []
    for name, (data, status) in BAD_REQUESTS.items():
        with board.connect() as sock:
            with contextlib.suppress(ConnectionError):
                sock.sendall(data)
            answer = clean(receive(sock, ANSWER_S, lambda data: b"\r\n\r\n" in data))
        if status_of(answer) != status:
            wrong.append((name, status, answer[:60]))
        served(board)
    assert not wrong


def test_a_refusal_is_readable_by_a_peer_that_goes_on_sending(board):
    """413 and then closed, but not by a reset that would destroy it before it is read."""
    with board.connect() as sock:
        sock.sendall(BEAT + b"Content-Length: 1000000\r\n\r\n")
        for _ in range(50):
            sock.sendall(b"x" * 4096)
            time.sleep(0.001)
        assert status_of(receive(sock, ANSWER_S, lambda data: b"\r\n\r\n" in data)) == 413
        assert closed_by_peer(sock, ANSWER_S)


def test_bytes_split_anywhere_make_the_same_request(board):
    value = Credentials(board.url, "door").header("POST", HEARTBEAT)
    head = BEAT + b"Authorization: %s\r\n" % value.encode()
    data = head + b"Content-Length: %d\r\n\r\n" % len(VENDOR_BEAT) + VENDOR_BEAT
    with board.connect() as sock:
        for byte in data:
            sock.send(bytes([byte]))
        answer = receive(sock, ANSWER_S, lambda data: b"SessionId" in data)
    assert status_of(answer) == 200


def test_the_slow_get_five_seconds(start):
    """Silent, dripping a head, dripping a body, half a request and then silent: all at once. What
    drips gains nothing: the time runs from the first byte."""
    board = start(settings(), "--connections", 12)
    value = Credentials(board.url, "door").header("POST", HEARTBEAT).encode()
    body = BEAT + b"Authorization: %s\r\nContent-Length: 1000\r\n\r\n" % value
    with contextlib.ExitStack() as stack:
        peers = {}
        began = {}
        for name in ("silent", "head", "body", "chunk", "half"):
            peers[name] = stack.enter_context(board.connect())
            began[name] = time.monotonic()
        peers["head"].sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        peers["body"].sendall(body)
        peers["chunk"].sendall(BEAT + b"Transfer-Encoding: chunked\r\n\r\n3E8\r\n")
        peers["half"].sendall(b"POST /vapix/axhbt HT")
        dripping = ("head", "body", "chunk")
        received = dict.fromkeys(peers, b"")
        ended = {}
        for sock in peers.values():
            sock.setblocking(False)
        while len(ended) < len(peers):
            late = time.monotonic() - began["half"] - REQUEST_S
            assert late < 2 * SLACK_S, "still there: %s" % received
            for name, sock in peers.items():
                if name in ended:
                    continue
                with contextlib.suppress(BlockingIOError):
                    try:
                        part = sock.recv(4096)
                        received[name] += part
                        if name in dripping and part:
                            continue
                        if not part:
                            ended[name] = time.monotonic() - began[name]
                            continue
                    except ConnectionError:
                        ended[name] = time.monotonic() - began[name]
                        continue
                if name in dripping:
                    with contextlib.suppress(ConnectionError):
                        sock.send(b"a")
            served(board)
            time.sleep(0.1)
    for name, when in ended.items():
        assert REQUEST_S - 0.1 <= when <= REQUEST_S + SLACK_S, (name, when)
    assert received["silent"] == b""
    for name in ("head", "body", "chunk", "half"):
        assert status_of(clean(received[name])) == 408, name


def test_a_peer_that_never_reads_its_answers_is_dropped(board):
    """It pipelines requests without reading; answers pile up to what TCP holds, and no further."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)  # or megabytes pile up first
        sock.settimeout(ANSWER_S)
        sock.connect((board.host, board.port))
        sock.setblocking(False)
        message = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" * 100
        began = time.monotonic()
        stuck = None
        while time.monotonic() - began < 30:
            try:
                sock.send(message)
                stuck = None
            except BlockingIOError:
                stuck = stuck or time.monotonic()
                time.sleep(0.01)
            except ConnectionError:
                break
        else:
            pytest.fail("it may go on for ever")
        served(board)


def test_resets_in_the_middle_of_requests(board, runtime, record_property):
    """250 connections, each reset at another place; a master beats all the while."""
    master = board.master("door")
    before = master.beat(60000)
    took = []
    whole = BEAT + b"Content-Length: 47\r\n\r\n" + VENDOR_BEAT
    cut = random.Random(3)
    for i in range(250):
        sock = board.connect()
        sock.sendall(whole[: cut.randint(0, len(whole))])
        if i % 3 == 0:
            time.sleep(0.001)
        reset(sock)
        if i % 5 == 0:
            assert master.beat(60000) == before
            took.append(master.latency)
    served(board)
    assert master.connects == 1
    figures = Figures(took)
    record_property("beat beside 250 resets, " + runtime, str(figures))
    print("\nbeat beside 250 resets, %s: %s" % (runtime, figures))
    assert figures.max < ANSWER_S * 1000


def test_a_hundred_connects(start):
    """A port scan: a hundred connections at once, five places. The kernel drops what comes while
    the board's two waiting places are taken; the peer tries again a second later, as with lwIP."""
    board = start(settings())
    master = board.master("door")
    before = master.beat(60000)
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex((board.host, board.port))
        for _ in range(20):
            assert master.beat(60000) == before
            assert master.latency < ANSWER_S
    with contextlib.closing(Master(board.host, board.port, "root")) as another:
        another.beat(60000)
    served(board)
    assert master.beat(60000) == before and master.connects == 1


def test_connect_and_leave(board):
    for _ in range(300):
        with board.connect() as sock:
            sock.shutdown(socket.SHUT_WR)
            assert receive(sock) == b""
    served(board)


def test_what_one_peer_leaves_behind_is_not_taken_for_anothers(board):
    """Half a request, and then the connection is gone, in every way a connection can go."""
    left = b"GET /smuggled HTTP/1.1\r\nX: "
    for i in range(30):
        with board.connect() as sock:
            sock.sendall((left, left * 20, BEAT + b"Content-Length: 10\r\n\r\nabc")[i % 3])
            if i % 2:
                time.sleep(0.005)
            if i % 5 == 0:
                reset(sock)
            elif i % 5 < 3:
                sock.shutdown(socket.SHUT_WR)
                receive(sock)
        with board.connect() as sock:
            sock.sendall(b"GET /nowhere HTTP/1.0\r\n\r\n")
            assert status_of(receive(sock)) == 404, i


def test_noise_on_http(board):
    """Random bytes, mutated requests: always a status or a closed connection, never a trace."""
    noise = random.Random(4)
    value = Credentials(board.url, "door").header("POST", HEARTBEAT).encode()
    whole = BEAT + b"Authorization: %s\r\nContent-Length: %d\r\n\r\n" % (value, len(VENDOR_BEAT))
    whole += VENDOR_BEAT
    for i in range(150):
        data = bytearray(whole)
        for _ in range(noise.randint(1, 8)):
            data[noise.randrange(len(data))] = noise.randrange(256)
        if i % 10 == 0:
            data = noise.randbytes(noise.randint(1, 3000))
        with board.connect() as sock:
            with contextlib.suppress(ConnectionError):
                sock.sendall(bytes(data))
            sock.shutdown(socket.SHUT_WR)
            clean(receive(sock, 0.2, lambda data: b"\r\n\r\n" in data))
    served(board)


def test_noise_on_an_event_stream(board):
    noise = random.Random(5)
    for _ in range(40):
        target = STREAM + "&wssession=" + board.token()
        head = (
            "GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" % target
        )
        head += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        with board.connect() as sock:
            with contextlib.suppress(ConnectionError):
                sock.sendall(head.encode() + noise.randbytes(noise.randint(1, 5000)))
            answer = clean(receive(sock, ANSWER_S, lambda data: b"\r\n\r\n" in data))
            assert status_of(answer) == 101
            reset(sock)
    served(board)


def test_words_of_the_inside_never_reach_the_wire(board):
    """Every route with an empty, a wrong and an enormous body."""
    paths = (b"/", b"/vapix/axhbt", b"/axis-cgi/io/portmanagement.cgi", b"/holdfast/release")
    for path in paths:
        for body in (b"", b"{", os.urandom(500), b"[" * 4000):
            head = b"POST %s HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % (path, len(body))
            clean(exchange(board, head + body, 0.5))
