"""Networks and peers at their worst, beside live masters: no heartbeat is missed, the module does
not start again, and what they took is given back.

The board's own hardware is tools/soak_board.py's: it tells how many connections it has and how
much heap is free, and its time may run faster: deadlines of half a minute pass in a second.

The interface that goes down and up is the loopback of a network namespace, in which this file runs
as a program, board and clients and all:

    unshare -rn python test_e2e_network.py RUNTIME COUNT FOLDER      prints a report as JSON
"""

import contextlib
import fcntl
import json
import os
import random
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import certificates
import interpreters
import pytest
import requests
import soak
from holdfast.wire.digest import NONCES_KEPT
from requests.auth import HTTPDigestAuth
from simulate import free_port
from test_e2e_time import Server
from websockets.sync.client import connect

from boards import (
    PORTS,
    STATUS,
    STREAM,
    Credentials,
    Master,
    configure,
    notification,
    reset,
    settings,
    wait_for,
)

pytestmark = pytest.mark.alone

NIGHTLY = "HOLDFAST_NIGHTLY" in os.environ
SPEED = 10  # times as fast as a module: half a second for a request, three for a silent stream
RESETS = 250
FLAPS = 200 if NIGHTLY else 8
SLOW = 20
DURATION_MS = 600000  # of the module's time
CONTRACT_S = 1  # for the answer to a live master's heartbeat; twice that on a busy machine
END_S = 20  # by then the module has let go of whoever is silent, even at its own speed ..
ENDS_S = 60
PLACES = 40
HEAP = "500k"  # 64-bit: so many places, TLS and all services
DRIFT = 0.001  # of the heap
LOOKS, MOST_LOOKS = 4, 16
BEAT = b"POST /vapix/axhbt HTTP/1.1\r\nHost: a\r\n"


# -- a board and its masters ----------------------------------------------------------------------


@contextlib.contextmanager
def probed(folder, runtime, speed=1, tls=False, more=(), heap=HEAP, **options):
    """A soak.Board, which ends well, and only when it is told to. more: settings."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = settings(**dict(more))
    options.update(speed=speed)
    if tls:
        certificates.install(folder)
        config["tls"] = {"http": True}
        options["TLS_PORT"] = free_port("127.0.0.1")
    interpreter = interpreters.micropython() if runtime == "micropython" else None
    board = soak.Board(folder, interpreter, soak.heap(heap), config, options)
    board.tls_port = options.get("TLS_PORT")
    try:
        yield board
        assert board.process.poll() is None, board.said
    finally:
        status = board.close()
    assert status == 0, board.said
    assert not [line for line in board.said if "Traceback" in line], board.said


class Live:
    """A master in a thread: it beats, and notes what it must not see."""

    def __init__(self, board, name, host="127.0.0.1"):
        self.address = host, board.port, name
        self.beats = 0
        self.worst = 0
        self.problems = []
        self.master = self.session = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        wait_for(lambda: self.beats or self.problems, what="first heartbeat")

    def run(self):
        try:
            self.master = insist(Master, *self.address)  # by the thread that uses it
            self.session = self.master.beat(DURATION_MS)
            while not self.ended.wait(0.01):
                if self.master.beat(DURATION_MS) != self.session:
                    self.problems.append("lost")
                self.beats += 1
                self.worst = max(self.worst, self.master.latency)
        except Exception as error:
            self.problems.append(repr(error))

    def stop(self):
        """What was wrong."""
        self.ended.set()
        self.thread.join(10)
        if self.master.connects != 1:
            self.problems.append("connected %d times" % self.master.connects)
        self.master.close()
        return self.problems

    def goes_on(self, seconds=5):
        """Wait for the next heartbeat that is answered from now on."""
        before = self.beats
        wait_for(lambda: self.beats > before + 1 or self.problems, seconds, "heartbeat")


@contextlib.contextmanager
def alive(board, record=None):
    """Two live masters beside whatever happens; none misses a heartbeat."""
    masters = [Live(board, name) for name in ("door", "vms")]
    try:
        yield masters
    finally:
        problems = [master.stop() for master in masters]
    assert problems == [[], []]
    assert min(master.beats for master in masters) > 10
    worst = max(master.worst for master in masters)
    if record is not None:
        record["beats"] = sum(master.beats for master in masters)
        record["worst_ms"] = round(worst * 1000)
    assert worst < 2 * CONTRACT_S


def insist(function, *arguments):
    """What it gives, at the third try at the latest: with little time to take an answer, a busy
    machine may be too slow."""
    for _ in range(2):
        with contextlib.suppress(requests.RequestException):
            return function(*arguments)
    return function(*arguments)


def known(board, name, host="127.0.0.1"):
    """Credentials that the board has seen."""
    return insist(Credentials, "http://%s:%d" % (host, board.port), name)


def acquaint(board):
    """As many logins as the module remembers nonces of (wire.digest)."""
    for _ in range(NONCES_KEPT + 1):
        known(board, "guest")


def settled(board, connections, before=None):
    """The board's figures once it has so many connections: the most heap that is free of a few
    looks, before each of which somebody has come and gone; see tools/soak.py. before: such figures
    of earlier: there are more looks, until as much is free. What is lost is lost at every look.
    """
    wait_for(lambda: board.figures()["connections"] == connections, ENDS_S, "end of others")
    best = None
    for _ in range(LOOKS if before is None else MOST_LOOKS):
        with socket.create_connection(("127.0.0.1", board.port), 5) as sock:
            sock.sendall(b"GET /nowhere HTTP/1.0\r\n\r\n")
            while sock.recv(4096):
                pass
        if board.tls_port:  # who accepts there last stood beside them, too
            socket.create_connection(("127.0.0.1", board.tls_port), 5).close()
        told = wait_for(lambda: at(board, connections), ENDS_S, "end of the visitors")
        if best is None or told["free"] > best["free"]:
            best = told
        if before is not None and best["free"] >= before["free"]:
            break
    return best


def seldom(runtime):
    """What takes seconds runs on MicroPython alone, but for nights."""
    if runtime == "cpython" and not NIGHTLY:
        pytest.skip("in a nightly run: HOLDFAST_NIGHTLY")


def at(board, connections):
    figures = board.figures()
    return figures if figures["connections"] == connections else None


# -- bad peers ------------------------------------------------------------------------------------


def dial(board, port=None, buffer=None):
    """A connection; buffer: bytes that it takes before its window is shut. Not faster than two
    waiting places stand: else a second passes until TCP tries again."""
    time.sleep(0.003)
    sock = socket.socket()
    sock.settimeout(5)
    if buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.connect(("127.0.0.1", port or board.port))
    return sock


def logged_in(board, method, target, more=b"", name="guest"):
    """The head of a request with credentials, without its end."""
    if not hasattr(board, "credentials"):
        board.credentials = known(board, name)
    value = board.credentials.header(method, target)
    head = "%s %s HTTP/1.1\r\nHost: a\r\nAuthorization: %s\r\n" % (method, target, value)
    return head.encode() + more


def handshake(board):
    """A whole opening handshake, and the configure that asks for everything."""
    more = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    more += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    call = b'{"apiVersion":"1.0","method":"events:configure","params":{"eventFilterList":'
    call += b'[{"topicFilter":"//."}]}}'
    mask = bytes(4)
    return logged_in(board, "GET", STREAM, more) + b"\x81" + bytes([128 + len(call)]) + mask + call


def hello():
    """What a TLS client says first."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(into, out, server_hostname="127.0.0.1")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


class Peer:
    """One that says something and then does no more than `drip` it or `sip` the answer."""

    def __init__(self, name, sock, first=b"", drip=b"", sip=False, reads=True):
        self.name = name
        self.sock = sock
        self.drip = drip
        self.sip = sip
        self.reads = reads
        sock.setblocking(False)
        while first:
            try:
                first = first[sock.send(first) :]
            except BlockingIOError:
                break  # the board takes no more: that is the point
            except ConnectionError:
                break

    def step(self):
        """Do the next little thing."""
        try:
            if self.drip:
                with contextlib.suppress(BlockingIOError):
                    self.sock.send(self.drip)
            if self.reads:
                self.sock.recv(1 if self.sip else 65536)
        except (BlockingIOError, ConnectionError):
            pass


def bad_peers(board):
    """Everybody at once."""
    body = logged_in(board, "POST", PORTS, b"Content-Length: 1000\r\n\r\n")
    page = logged_in(board, "GET", "/holdfast/page.js", b"Connection: close\r\n\r\n")
    yield Peer("silent", dial(board))
    yield Peer("half a head", dial(board), b"POST /vapix/axhbt HT")
    yield Peer("half a body", dial(board), body + b"x" * 10)
    yield Peer(
        "never reads",
        dial(board, buffer=256),
        b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n" * 50000,
        reads=False,
    )
    yield Peer("takes no page", dial(board, buffer=256), page, reads=False)
    yield Peer(
        "a stream that reads nothing", dial(board, buffer=256), handshake(board), reads=False
    )
    yield Peer("a stream that answers no ping", dial(board), handshake(board))
    yield Peer("TLS at the port of HTTP", dial(board), hello())
    yield Peer("silent at the port of TLS", dial(board, board.tls_port))
    yield Peer("half a hello", dial(board, board.tls_port), hello()[:100])
    yield Peer("a hello and no more", dial(board, board.tls_port), hello())
    yield Peer("HTTP at the port of TLS", dial(board, board.tls_port), BEAT + b"\r\n")
    for i in range(SLOW):
        kind = i % 4
        if kind == 0:
            yield Peer("drips a head", dial(board), BEAT + b"X: ", b"a")
        elif kind == 1:
            yield Peer("drips a body", dial(board), body, b"a")
        elif kind == 2:
            yield Peer(
                "drips chunks", dial(board), BEAT + b"Transfer-Encoding: chunked\r\n\r\n", b"0"
            )
        else:
            yield Peer("sips a page", dial(board, buffer=256), page, sip=True)


def crowd(board):
    """As many connections at once as there will be. MicroPython's unix port breaks when it makes
    more room for sockets to be waited for while a TLS session waits (extmod/modselect.c 1.28,
    poll_set_add_fd): so there is room before the first."""
    with contextlib.ExitStack() as stack:
        for _ in range(PLACES - 8):
            sock = stack.enter_context(dial(board))
            sock.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")  # so that it may stay for a while
            assert sock.recv(4096).startswith(b"HTTP/1.1 404")
        assert board.figures()["connections"] >= PLACES - 8
    wait_for(lambda: at(board, 2), what="end of the crowd")


def besiege(board, others=2):
    """All bad peers, until the board has let go of each; how long that took in s.

    The board tells: one that does not read cannot see its end, which waits behind the rest.
    """
    with contextlib.ExitStack() as stack:
        peers = []
        for peer in bad_peers(board):
            stack.callback(peer.sock.close)
            peers.append(peer)
        began = looked = time.monotonic()
        while True:
            for peer in peers:
                peer.step()
            now = time.monotonic()
            if now - looked > 0.25:
                looked = now
                if at(board, others):
                    return now - began
            assert now - began < ENDS_S, "still there: %s" % board.figures()
            time.sleep(0.01)


def resets(board, count):
    """So many connections reset, at every point of a request and of a stream."""
    cut = random.Random(count)
    call = b'{"apiVersion":"1.0","method":"getPorts"}'
    for i in range(count):
        if i % 5 == 0:
            whole = handshake(board)
        elif i % 5 == 1:
            whole = logged_in(board, "POST", PORTS, b"Content-Length: 40\r\n\r\n" + call)
        else:
            whole = BEAT + b"Content-Length: 47\r\n\r\n" + b"x" * 47
        at = i * len(whole) // count if i % 2 else cut.randrange(len(whole) + 1)
        sock = dial(board)
        sock.sendall(whole if i % 10 == 0 else whole[:at])
        if i % 3 == 0:
            time.sleep(0.001 * (i % 7))
        reset(sock)


@pytest.mark.parametrize("speed", [SPEED, 1] if NIGHTLY else [SPEED])
def test_bad_peers_cost_no_heartbeat_and_leave_nothing_behind(tmp_path, runtime, speed):
    """With places for all of them, so that it is the deadlines that end each."""
    seldom(runtime)
    record = {}
    with probed(tmp_path, runtime, speed, tls=True, CONNECTIONS=PLACES) as board:
        with alive(board, record):
            crowd(board)
            if NIGHTLY:  # what is loaded late, and whatever has a bound: the heap as before, then
                acquaint(board)
                besiege(board)
                resets(board, 50)
            before = settled(board, 2)
            took = besiege(board)
            resets(board, RESETS)
            after = settled(board, 2, before)
        assert after["sockets"] == before["sockets"]
        assert after["trips"] == 0
        lost = before["free"] - after["free"]
        print(
            "\nbad peers, %s: let go within %.1f s at %d times the speed; %s"
            % (runtime, took, speed, record)
        )
        print("sockets %d, heap %+d bytes of %d" % (after["sockets"], -lost, after["size"]))
        assert lost <= DRIFT * after["size"] or not NIGHTLY


@pytest.mark.skipif(not NIGHTLY, reason="takes a minute: HOLDFAST_NIGHTLY")
def test_bad_peers_on_five_places_in_the_heap_of_a_board(tmp_path, runtime):
    """They give way to each other; the masters never do."""
    heap = soak.HEAP_64
    with probed(tmp_path, runtime, tls=True, heap=heap) as board, alive(board):
        for _ in range(3):
            for peer in bad_peers(board):
                time.sleep(0.05)
                peer.sock.close()
            resets(board, RESETS)
        settled(board, 2)


# -- what the module believes of its network ------------------------------------------------------


def asked(board, path):
    return insist(_asked, board, path)


def _asked(board, path):
    with requests.Session() as session:
        session.trust_env = False
        session.auth = HTTPDigestAuth("root", "pass")
        answer = session.get("http://127.0.0.1:%d%s" % (board.port, path), timeout=5)
    assert answer.status_code == 200
    return answer.json()


def told(board):
    """What the log has of the network."""
    entries = asked(board, "/holdfast/log?limit=64")["entries"]
    return [entry["text"] for entry in entries if entry["kind"] == "network"]


def test_the_log_tells_of_the_network_and_the_time_is_asked_for_when_it_is_back(tmp_path, runtime):
    """The simulated board's cable is a file: the address that the network has given."""
    cable = tmp_path / "cable"
    cable.write_text("127.0.0.1")
    options = {"CABLE": cable, "clock": 0}
    with Server(spoil=lambda answer: b"") as server:
        more = {"time": {"server": server.address}}
        with probed(tmp_path / "board", runtime, SPEED, more=more, **options) as board:
            # Nobody answers: it asks again in half a minute, and later and later.
            wait_for(lambda: server.asked, what="question")
            cable.write_text("")
            wait_for(lambda: told(board) == ["down, was 127.0.0.1"], what="entry")
            assert asked(board, STATUS)["epoch_ms"] == 0
            server.spoil = None
            with alive(board):
                cable.write_text("10.0.0.9")
                wait_for(lambda: len(told(board)) == 2, what="entry")
                assert told(board)[1].startswith("up, 10.0.0.9, after ")
                wait_for(lambda: asked(board, STATUS)["epoch_ms"], what="time of day")
                cable.write_text("10.0.0.77")
                wait_for(lambda: len(told(board)) == 3, what="entry")
                assert told(board)[2] == "10.0.0.77 instead of 10.0.0.9"
                assert "ready http://10.0.0.77:%d" % board.port in board.said
                # Four in an hour; the others are counted. That hour lasts three minutes here.
                for i in range(4):
                    cable.write_text("10.0.1.%d" % i)
                    line = "ready http://10.0.1.%d:%d" % (i, board.port)
                    wait_for(lambda line=line: line in board.said, what=line)
            assert len(told(board)) == 4


# -- an interface that goes down and up -----------------------------------------------------------

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x8913, 0x8914, 0x8916, 0x891C
_IFF_UP = 1
FIRST, SECOND = "10.77.0.1", "10.77.0.2"


class Loopback:
    """The loopback interface of this namespace, and one more address of it; netdevice(7)."""

    def __init__(self):
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def up(self, is_up, name=b"lo"):
        request = struct.pack("16sH14x", name, 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(self._sock, _SIOCGIFFLAGS, request), 16)
        flags = flags | _IFF_UP if is_up else flags & ~_IFF_UP
        fcntl.ioctl(self._sock, _SIOCSIFFLAGS, struct.pack("16sH14x", name, flags))

    def address(self, address):
        """The second address is this one from now on, and no other; None for none."""
        if address is None:
            self.up(False, b"lo:1")  # which removes it
            return
        # This one alone: of a network on the loopback interface every address would be here.
        for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, "255.255.255.255")):
            place = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(self._sock, request, struct.pack("16s16s8x", b"lo:1", place))


def flap(folder, runtime, count):
    """The interface goes down and up so often; a report."""
    loopback = Loopback()
    loopback.up(True)
    report = {"flaps": count}
    with probed(folder, runtime, HOST="0.0.0.0") as board, alive(board, report) as masters:
        acquaint(board)
        with stream(board, "127.0.0.1") as watching:  # what is loaded for it stays
            toggle(board, watching, "closed")
            toggle(board, watching, "open")
        before = settled(board, 2)
        with stream(board, "127.0.0.1") as watching:
            for i in range(count):
                loopback.up(False)
                time.sleep(0.01 * (i % 10))
                loopback.up(True)
                for master in masters:
                    master.goes_on()
            # It was open all the while, and still says what happens.
            toggle(board, watching, "closed")
        after = settled(board, 2, before)
    report["kept"] = before["free"] - after["free"]
    report["size"] = after["size"]
    report["sockets"] = [before["sockets"], after["sockets"]]
    report["trips"] = after["trips"]
    return report


def toggle(board, watching, state):
    """Set output 4, and see it in a stream where that changes it."""
    master = Master("127.0.0.1", board.port, "root")
    master.set(p4=state)
    master.close()
    if state == "closed":
        assert notification(watching)[0].endswith("IO/OutputPort")


@contextlib.contextmanager
def stream(board, host):
    """An event stream of an output, in its place."""
    credentials = known(board, "guest", host)
    lines = {"Authorization": credentials.header("GET", STREAM)}
    url = "ws://%s:%d%s" % (host, board.port, STREAM)
    quick = {"ping_interval": None, "close_timeout": 0.2}
    with connect(url, proxy=None, additional_headers=lines, **quick) as watching:
        row = {"topicFilter": "tns1:Device/tnsaxis:IO/OutputPort", "contentFilter": PORT_4}
        assert configure(watching, *[row]).get("data") == {}
        notification(watching)
        yield watching


PORT_4 = 'boolean(//SimpleItem[@Name="port" and @Value="4"])'


def move(folder, runtime):
    """The module gets another address: a master and a stream were at the old one. A report."""
    loopback = Loopback()
    loopback.up(True)
    loopback.address(FIRST)
    report = {}
    with probed(folder, runtime, SPEED, HOST="0.0.0.0") as board, alive(board, report):
        before = settled(board, 2)
        with stream(board, FIRST):
            master = insist(Master, FIRST, board.port, "root")
            session = master.beat(DURATION_MS)
            assert board.figures()["connections"] == 4
            loopback.address(None)
            loopback.address(SECOND)
            # Nobody is told that the old one is gone: no FIN, no RST. It comes to the new one.
            began = time.monotonic()
            again = insist(Master, SECOND, board.port, "root")
            assert again.beat(DURATION_MS) == session
            report["found again_s"] = round(time.monotonic() - began, 3)
            while not at(board, 3):
                assert again.beat(DURATION_MS) == session
                assert time.monotonic() - began < ENDS_S, board.figures()
                time.sleep(0.1)
            report["let go_s"] = round(time.monotonic() - began, 1)
            again.close()
        after = settled(board, 2)
    report["sockets"] = [before["sockets"], after["sockets"]]
    report["trips"] = after["trips"]
    return report


def namespaced(what, folder, runtime, *more):
    """The report of this file as a program, in a network namespace of its own."""
    command = ["unshare", "-rn", sys.executable, __file__, what, str(folder), runtime, *more]
    allowed = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    if allowed.returncode:
        pytest.skip("no network namespace may be made here: %s" % allowed.stderr.decode().strip())
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    return json.loads(result.stdout.splitlines()[-1])


def test_an_interface_that_goes_down_and_up_costs_no_heartbeat(tmp_path, runtime):
    """200 times in a nightly run; the packets of the meantime are lost."""
    report = namespaced("flap", tmp_path, runtime, str(FLAPS))
    print("\ninterface down and up, %s: %s" % (runtime, report))
    assert report["trips"] == 0
    assert report["kept"] <= DRIFT * report["size"]
    assert report["sockets"][0] == report["sockets"][1]


def test_another_address_costs_no_heartbeat(tmp_path, runtime):
    seldom(runtime)
    report = namespaced("move", tmp_path, runtime)
    print("\nanother address, %s: %s" % (runtime, report))
    assert report["trips"] == 0
    assert report["sockets"][0] == report["sockets"][1]


if __name__ == "__main__":
    WHAT = {"flap": flap, "move": move}[sys.argv[1]]
    print(json.dumps(WHAT(*sys.argv[2:4], *map(int, sys.argv[4:]))))
