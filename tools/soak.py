"""Requests without end, as a module gets them in years: what becomes of its heap, its connections
and its heartbeats?

    python tools/soak.py [--requests 1000000] [--32] [--heap 200k] [--monitors 8] [--leak BYTES]

The simulated board with a bounded heap and the five connections of a Pico W. Two masters send
heartbeats as fast as they are answered, each on one kept connection; beside them somebody reads
the status and drives ports, a page is loaded, passwords are wrong, jobs check in with monitors,
requests end half way, and event streams come and go. Names, paths and messages are different each
time: what the module kept of them would be seen.

How drift is measured. After every window of requests all but the masters leave, and the board
tells the heap that is free after a collection, its services let go and what waits for flash
written: tools/soak_board.py. It looks a few times, and the middle one counts: the last caller's
task is still in use at most looks, not at all of them. The first requests and windows are for
warming up. Any two of the others have a slope, and the median of all slopes is the drift (Theil
and Sen), as a part of the heap and over all windows: a few windows in which more is in use do not
move it. `--leak` loses so many bytes with every request, and has to be noticed.
"""

import argparse
import base64
import contextlib
import hashlib
import itertools
import json
import os
import queue
import random
import re
import select
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import account
import interpreters
import monitor_token
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from simulate import free_port, heap
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

HERE = Path(__file__).resolve().parent
BOARD = interpreters.ROOT / "boards" / "simulated"
HEAP_32 = "200k"  # of a Pico W
HEAP_64 = "360k"  # for 64-bit objects, and monitors
CONNECTIONS = 5  # of a Pico W

DURATION_MS = 10000
TRIES = 5  # on new connections, for a request of anybody but a master
PATIENCE_S = 10  # for an answer
START_S = 20
PASSWORD = "pass"
TOKEN = "a token for monitors, 22"
TELL_EVERY = 500  # requests
MONITORS = 8
LOOKS = 9  # at the heap, after each window; odd
WARM = 0.1  # of the windows, and these first, when others than masters ask more than they do
WARM_REQUESTS = 2000  # .. later, so that whatever has a bound is full
MOST_DRIFT = 0.001  # of the heap
MOST_WAIT_S = 2  # for the answer to a heartbeat; with slack for a busy machine

HEARTBEAT = "/vapix/axhbt"
PORTS = "/axis-cgi/io/portmanagement.cgi"
TOKEN_PATH = "/axis-cgi/wssession.cgi"
STREAM = "/vapix/ws-data-stream?sources=events"


def settings():
    """The board's: two masters, somebody who works with it, who looks, and who makes monitors."""
    rows = [account.row("door", "operator", PASSWORD, "Holdfast")]
    rows += [account.row("vms", "operator", PASSWORD, "Holdfast")]
    rows += [account.row("panel", "operator", PASSWORD, "Holdfast")]
    rows += [account.row("root", "administrator", PASSWORD, "Holdfast")]
    tokens = [monitor_token.row("jobs", "operator", TOKEN)]
    return {"accounts": rows, "monitors": {"tokens": tokens}}


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


# -- the board ------------------------------------------------------------------------------------


def called(line):
    """What an attribute of the Keeper is called in the compiled firmware, by the line that makes
    it: lines stay where they are.
    """
    name = Path("holdfast") / "monitors" / "store"
    source = (interpreters.FIRMWARE / name).with_suffix(".py").read_text().splitlines()
    short = (interpreters.BUILD / "firmware" / name).with_suffix(".short").read_text().splitlines()
    number = [text.strip() for text in source].index(line)
    return short[number].strip().partition(" ")[0].partition(".")[2]


class Board:
    """The simulated board, which tells its figures, in a folder of its own.

    interpreter: None for CPython. options: further arguments of tools/soak_board.py.
    """

    def __init__(self, folder, interpreter, heap_bytes=None, config=None, options=()):
        self.host = "127.0.0.1"
        self.port = free_port(self.host)
        self.said = []
        self._figures = queue.Queue()
        self._ready = threading.Event()
        (folder / "settings.json").write_text(json.dumps(config or settings()))
        firmware = interpreters.FIRMWARE
        names = {}
        command = [sys.executable, "-u"]
        if interpreter is not None:
            compiled = interpreters.compile_firmware()
            if compiled is not None:
                firmware = compiled
                names.update(urgent=called("self._urgent = False"))
                names.update(written=called("self._written_at = None"))
            command = [interpreter]
            if heap_bytes:
                command += ["-X", "heapsize=%d" % heap_bytes]
        values = {"HOST": self.host, "PORT": self.port, "CONNECTIONS": CONNECTIONS, "DATA": folder}
        values.update(names)
        values.update(options)
        command += [HERE / "soak_board.py", firmware, BOARD]
        command += ["%s=%s" % row for row in values.items()]
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        if not self._ready.wait(START_S):
            self.close()
            raise RuntimeError("the board does not start: " + "\n".join(self.said))

    def _read(self):
        for line in self.process.stdout:
            if line.startswith("figures "):
                self._figures.put(json.loads(line[8:]))
                continue
            self.said.append(line.rstrip("\n"))
            if line.startswith("ready "):
                self._ready.set()

    def figures(self):
        """What the board tells of itself; and its sockets, as the system counts them."""
        self.process.stdin.write("figures\n")
        self.process.stdin.flush()
        told = self._figures.get(timeout=PATIENCE_S)
        told["sockets"] = self.sockets()
        return told

    def sockets(self):
        """How many the board's process has open, the listening one among them."""
        count = 0
        for entry in Path("/proc/%d/fd" % self.process.pid).iterdir():
            with contextlib.suppress(OSError):
                count += os.readlink(entry).startswith("socket:")
        return count

    def close(self):
        """Switch it off; its exit status."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


# -- the clients ----------------------------------------------------------------------------------


class Digest:
    """The credentials of one account, as common clients write them."""

    def __init__(self, name, password=PASSWORD):
        self.name = name
        self._password = password
        self._challenge = None
        self._resources = {}

    def challenged(self, head):
        """Take a 401."""
        for found in re.findall(r"WWW-Authenticate: Digest ([^\r]*)", head, re.I):
            fields = dict(re.findall(r'(\w+)="?([^",]*)', found))
            if fields["algorithm"] == "MD5":
                self._challenge = fields
                self._count = itertools.count(1)
                secret = "%s:%s:%s" % (self.name, fields["realm"], self._password)
                self._account = md5(secret)

    def header(self, method, target):
        """The line for the next request; "" before the first challenge."""
        if self._challenge is None:
            return ""
        resource = self._resources.get((method, target))
        if resource is None:
            if len(self._resources) > 100:
                self._resources.clear()
            resource = self._resources[method, target] = md5("%s:%s" % (method, target))
        nonce, count, own = self._challenge["nonce"], next(self._count), os.urandom(4).hex()
        text = "%s:%s:%08x:%s:auth:%s" % (self._account, nonce, count, own, resource)
        return (
            'Authorization: Digest username="%s", realm="%s", nonce="%s", uri="%s", '
            'response="%s", qop=auth, nc=%08x, cnonce="%s"\r\n'
        ) % (self.name, self._challenge["realm"], nonce, target, md5(text), count, own)


class Problem(Exception):
    """The module did not do what it is for."""


class Unserved(Exception):
    """The module had no place or no memory for somebody who is no master."""


class Actor:
    """Somebody with one connection at a time. `run` is a generator: it yields None where the next
    thing may begin, and True where bytes must come first.
    """

    share = 1.0  # of all requests, at most
    warming = 0.15  # .. of the first ones

    def __init__(self, soak):
        self.soak = soak
        self.sock = None
        self.count = 0
        self.before = 0  # .. when the window began
        self.closed = 0  # times that the board ended the connection
        self.waits = False
        self.since = 0.0
        self.patient = False  # what it waits for may not come for a long while
        self.unserved = 0
        self.asked = ""  # what is under way
        self.steps = self.run()

    def run(self):
        while True:
            yield None
            try:
                yield from self.once()
            except Unserved:
                self.unserved += 1
                self.close()

    def once(self):
        """One thing that it does."""
        raise NotImplementedError

    def connect(self):
        """Connect, and let the others go on meanwhile: with few places it may take a second."""
        self.sock = sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect_ex(("127.0.0.1", self.soak.board.port))
        self.soak.register(self, select.POLLOUT)
        yield True
        self.soak.unregister(self)
        sock.setblocking(True)
        self.soak.register(self)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise ConnectionError(error)

    def close(self, abruptly=False):
        if self.sock is None:
            return
        self.soak.unregister(self)
        if abruptly:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        self.sock = None

    def ended(self):
        """The board has ended a connection through which nothing was asked."""
        self.closed += 1
        self.close()

    def ask(self, method, target, body=b"", login=None, more=""):
        """One request; (status, head, body). On a new connection where the old one is gone."""
        for _ in range(TRIES):
            line = "" if login is None else login.header(method, target)
            text = "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s" % (method, target, line, more)
            if body or method == "POST":
                text += "Content-Length: %d\r\n" % len(body)
            try:
                self.asked = "%s %s" % (method, target)
                if self.sock is None:
                    yield from self.connect()
                self.sock.sendall(text.encode() + b"\r\n" + body)
                answer = yield from self.answer()
            except ConnectionError:
                answer = None
            if answer is None:
                self.ended()  # it gave way: there are few places
                continue
            self.count += 1
            self.soak.total += 1
            if answer[0] == 401 and login is not None:
                login.challenged(answer[1])
                line = ""
                continue
            return answer
        if self.share < 1:
            raise Unserved
        raise Problem("%s %s is not answered" % (method, target))

    def answer(self):
        """(status, head, body), None when the board ended the connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            data = yield from self.more(data)
            if data is None:
                return None
        head, _, data = data.partition(b"\r\n\r\n")
        head = head.decode()
        status = int(head[9:12])
        if status == 101:
            return status, head, data
        if "\r\ntransfer-encoding: chunked" in head.lower():
            data = yield from self.chunks(data)
        else:
            found = re.search(r"\r\ncontent-length: *(\d+)", head, re.I)
            length = int(found[1]) if found else 0
            while data is not None and len(data) < length:
                data = yield from self.more(data)
        if data is None:
            return None
        if "\r\nconnection: close" in head.lower():
            self.close()
        return status, head, data

    def more(self, data):
        """What came, and this before it; None when the board ended the connection."""
        yield True
        piece = self.sock.recv(65536)
        return data + piece if piece else None

    def chunks(self, data):
        """The body of a chunked answer that begins with this; None as above."""
        body = b""
        while True:
            size, line, rest = data.partition(b"\r\n")
            size = int(size, 16) if line else 0
            if line and len(rest) >= size + 2:
                if not size:
                    return body
                body += rest[:size]
                data = rest[size + 2 :]
                continue
            data = yield from self.more(data)
            if data is None:
                return None

    def good(self, answer, *wanted):
        """The body of an answer that has one of these statuses; b"" when the module had no room
        for anybody but masters and said so.
        """
        status, _, body = answer
        self.soak.kinds[status] = self.soak.kinds.get(status, 0) + 1
        if status == 503 and self.share < 1:
            return b""
        if status not in wanted:
            raise Problem("%d instead of %s: %r" % (status, wanted, body[:100]))
        return body


class Master(Actor):
    """Heartbeats on one kept connection, each of which must be answered."""

    BODY = b'{"axhbt:Heartbeat": {"Duration": %d}}' % DURATION_MS

    def __init__(self, soak, name):
        self.name = name
        self.login = Digest(name)
        self.session = None
        self.connects = 0
        super().__init__(soak)

    def once(self):
        before = time.perf_counter()
        answer = yield from self.ask("POST", HEARTBEAT, self.BODY, self.login)
        self.soak.waits.append(time.perf_counter() - before)
        session = json.loads(self.good(answer, 200))["SessionId"]
        if self.session not in (None, session):
            raise Problem("%s was lost" % self.name)
        self.session = session

    def connect(self):
        self.connects += 1
        yield from super().connect()


class Panel(Actor):
    """Reads the status and works with ports, on a connection that it keeps if it may."""

    share = 0.03
    warming = 0.6

    def __init__(self, soak):
        self.login = Digest("panel")
        self.closed_port = False
        super().__init__(soak)

    def once(self):
        login = self.login
        chance = self.soak.chance
        kind = chance.randrange(6)
        if kind < 2:
            target = ("/holdfast/status", "/holdfast/masters")[kind]
            told = self.good((yield from self.ask("GET", target, b"", login)), 200)
            if told and json.loads(told)["lost"]:
                raise Problem("a master counts as lost: %s" % told)
        elif kind == 5:
            name = "IOPort.I%d.%s" % (chance.randrange(9), self.soak.word())
            target = "/axis-cgi/param.cgi?action=list&group=" + name
            self.good((yield from self.ask("GET", target, b"", login)), 200)
        else:
            call = {"apiVersion": "1.0", "context": self.soak.word(), "method": "getPorts"}
            if kind == 4:
                self.closed_port = not self.closed_port
                row = {"port": "7", "state": "closed" if self.closed_port else "open"}
                call.update(method="setPorts", params={"ports": [row]})
                call["params"][self.soak.word()] = self.soak.word()
            body = json.dumps(call).encode()
            self.good((yield from self.ask("POST", PORTS, body, login)), 200)


class Stranger(Actor):
    """A connection for each visit: pages, check-ins, wrong passwords, nonsense, half a request."""

    share = 0.015
    warming = 0.4

    def __init__(self, soak):
        self.login = Digest("root")
        self.kinds = [self.page, self.guess, self.nowhere, self.half]
        self.kinds += [self.check_in] * (2 if soak.wanted else 0)
        super().__init__(soak)

    def once(self):
        chance = self.soak.chance
        yield from chance.choice(self.kinds)(self.login)
        self.close(chance.random() < 0.3)

    def page(self, login):
        page = yield from self.ask("GET", "/", b"", login)
        self.good(page, 200)
        for target in ("/holdfast/page.css", "/holdfast/page.js"):
            self.good((yield from self.ask("GET", target, b"", login)), 200)

    def check_in(self, login):
        chance = self.soak.chance
        if len(self.soak.monitors) < self.soak.wanted:
            name = "Job %d" % len(self.soak.monitors)
            body = json.dumps({"service_id": "soak", "name": name, "grace": 600}).encode()
            more = "Authorization: Bearer %s\r\n" % TOKEN
            told = yield from self.ask("POST", "/v1/heartbeat", body, None, more)
            if self.good(told, 201):
                self.soak.monitors.append(json.loads(told[2])["id"])
            return
        target = "/ping/%s%s" % (
            chance.choice(self.soak.monitors),
            chance.choice(("", "", "/start", "/fail", "/log", "/7")),
        )
        target += "?rid=%08x-0000-4000-8000-000000000000" % chance.getrandbits(32)
        body = self.soak.word().encode()
        self.good((yield from self.ask("POST", target, body)), 200, 429)

    def guess(self, login):
        name = chance_name = self.soak.word()
        if self.soak.chance.random() < 0.5:
            name = "door"
        wrong = Digest(name, chance_name)
        method, target = self.soak.chance.choice(
            (("POST", HEARTBEAT), ("GET", "/holdfast/status?" + chance_name))
        )
        first = yield from self.ask(method, target)
        self.good(first, 401)
        wrong.challenged(first[1])
        more = wrong.header(method, target)
        self.good((yield from self.ask(method, target, b"", None, more)), 401)

    def nowhere(self, login):
        more = "X-%s: %s\r\n" % (self.soak.word(), self.soak.word())
        target = "/%s?%s=1" % (self.soak.word(), self.soak.word())
        self.good((yield from self.ask("GET", target, b"", None, more)), 404)

    def half(self, login):
        """It ends in the middle, one way or the other."""
        whole = "POST %s HTTP/1.1\r\nHost: a\r\nX: %s\r\n" % (HEARTBEAT, self.soak.word() * 9)
        whole += "Content-Length: 100\r\n\r\n" + "x" * 60
        with contextlib.suppress(ConnectionError):
            if self.sock is None:
                yield from self.connect()
            self.sock.sendall(whole[: self.soak.chance.randrange(1, len(whole))].encode())


class Watcher(Actor):
    """Event streams that come and go: a token, a configure, events, and then the end."""

    share = 0.005
    warming = 0.2

    def __init__(self, soak):
        self.login = Digest("panel")
        super().__init__(soak)

    def once(self):
        chance = self.soak.chance
        token = self.good((yield from self.ask("GET", TOKEN_PATH, b"", self.login)), 200)
        if not token:
            return
        target = STREAM + "&wssession=" + token.decode()
        if chance.random() < 0.5:
            target += "&since=%s" % chance.choice(("", "1"))
        key = base64.b64encode(os.urandom(16)).decode()
        more = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        more += "Sec-WebSocket-Key: %s\r\n" % key
        answer = yield from self.ask("GET", target, b"", None, more)
        self.good(answer, 101)
        if answer[0] == 101:
            yield from self.watch(answer[2], chance.choice((0, 1, 3, 45)))
        self.close(chance.random() < 0.3)

    def watch(self, data, wanted):
        """Take so many messages, then leave, with or without goodbye."""
        stream = ClientProtocol(parse_uri("ws://a/"), state=State.OPEN)
        rows = [{"topicFilter": self.soak.chance.choice(("//.", "tns1:Device//."))}]
        call = {"apiVersion": "1.0", "context": self.soak.word(), "method": "events:configure"}
        call["params"] = {"eventFilterList": rows}
        stream.send_text(json.dumps(call).encode())
        count = 0
        try:
            while True:
                self.flush(stream)
                if data:
                    stream.receive_data(data)
                    frames = stream.events_received()
                    self.flush(stream)
                    count += len([frame for frame in frames if frame.opcode == Opcode.TEXT])
                if count >= wanted or stream.state is not State.OPEN:
                    break
                self.patient = True
                yield True
                self.patient = False
                data = self.sock.recv(65536)
                if not data:
                    return
            if self.soak.chance.random() < 0.5:
                stream.send_close(1000)
                self.flush(stream)
        except ConnectionError:
            self.closed += 1

    def flush(self, stream):
        for piece in stream.data_to_send():
            if piece:
                self.sock.sendall(piece)


class Soak:
    """A board, those who call it, and what came of it. progress: a function(requests)."""

    def __init__(self, board, monitors=MONITORS, seed=1, progress=lambda count: None):
        self.board = board
        self.wanted = monitors
        self.chance = random.Random(seed)
        self.total = 0  # requests answered
        self.waits = []  # for heartbeats, in s
        self.kinds = {}  # answers by status
        self.monitors = []
        self.windows = []  # what the board told after each
        self._progress = progress
        self._told = 0
        self._poll = select.poll()
        self._sockets = {}
        self.masters = [Master(self, "door"), Master(self, "vms")]
        self.others = [Panel(self), Stranger(self), Watcher(self)]
        self.actors = self.masters + self.others

    def word(self):
        """One that was never there before."""
        return "w%016x" % self.chance.getrandbits(64)

    def register(self, actor, event=select.POLLIN):
        self._sockets[actor.sock.fileno()] = actor
        self._poll.register(actor.sock, event)

    def unregister(self, actor):
        del self._sockets[actor.sock.fileno()]
        self._poll.unregister(actor.sock)

    def run(self, requests, windows):
        """So many requests; the board's figures after each of so many windows."""
        for master in self.masters:  # before places are scarce
            while master.session is None:
                self._step(master)
                if master.waits:
                    self._poll.poll(PATIENCE_S * 1000)
        self._drive(min(WARM_REQUESTS, requests // 2), True)
        warm = self.total
        for i in range(1, windows + 1):
            self._drive(warm + (requests - warm) * i // windows, False)
            self.windows.append(self._figures())

    def _drive(self, total, warming):
        """Have everybody at it until there were so many requests, and nothing is under way."""
        begun = self.total
        for actor in self.actors:
            actor.before = actor.count
        while True:
            busy = False
            for actor in self.actors:
                if not actor.waits and self.total < total:
                    share = actor.warming if warming else actor.share
                    if actor.count - actor.before <= share * (self.total - begun):
                        self._step(actor)
                busy = busy or actor.waits
                if actor.patient and self.total >= total:
                    actor.sock.shutdown(socket.SHUT_RD)  # it sees an end
            if not busy and self.total >= total:
                self._progress(self.total)
                return
            for number, _ in self._poll.poll(1000 if busy else 0):
                actor = self._sockets.get(number)
                if actor is None:
                    continue  # it has left meanwhile
                if actor.waits:
                    self._step(actor)
                else:
                    actor.ended()
            now = time.monotonic()
            for actor in self.actors:
                if actor.waits and not actor.patient and now - actor.since > PATIENCE_S:
                    raise Problem("no answer for %s: %s" % (type(actor).__name__, actor.asked))

    def _step(self, actor):
        actor.waits = bool(next(actor.steps))
        actor.since = time.monotonic()
        if self.total - self._told >= TELL_EVERY:
            self._told = self.total
            self._progress(self.total)

    def _figures(self):
        """All but the masters leave; what the board tells when it has seen that.

        MicroPython's collector takes whatever looks like a pointer for one. So before each look
        everybody has something to do, and the middle of a few looks is what counts.
        """
        for actor in self.others:
            actor.close()
        until = time.monotonic() + PATIENCE_S
        looks = []
        while len(looks) < LOOKS:
            for master in self.masters:
                self._step(master)
                while master.waits:
                    self._poll.poll(PATIENCE_S * 1000)
                    self._step(master)
            with socket.create_connection(("127.0.0.1", self.board.port), PATIENCE_S) as visitor:
                visitor.sendall(b"GET /nowhere HTTP/1.0\r\n\r\n")
                while visitor.recv(4096):
                    pass
            figures = self.board.figures()
            if figures["connections"] == len(self.masters):
                looks.append(figures)
            elif time.monotonic() > until:
                raise Problem("%d connections stay" % figures["connections"])
            else:
                time.sleep(0.02)
        looks.sort(key=lambda figures: figures["free"])
        return looks[LOOKS // 2]

    # -- what came of it --------------------------------------------------------------------------

    def settled(self):
        """The heap that was free after each window but the first ones."""
        return [row["free"] for row in self.windows[int(len(self.windows) * WARM) :]]

    def drift(self):
        """How much more of the heap is in use at the end, as a part of it; less is negative."""
        free = self.settled()
        pairs = itertools.combinations(enumerate(free), 2)
        slope = statistics.median([(one - other) / (j - i) for (i, one), (j, other) in pairs])
        return slope * (len(free) - 1) / self.windows[0]["size"]

    def problems(self):
        """What is not as it should be, in words."""
        wrong = []
        drift = self.drift()
        if drift >= MOST_DRIFT:
            wrong.append("the heap drifts by %.3f %%" % (100 * drift))
        for master in self.masters:
            if master.connects != 1:
                wrong.append("%s had to connect %d times" % (master.name, master.connects))
        if max(self.waits) > MOST_WAIT_S:
            wrong.append("a heartbeat waited for %.1f s" % max(self.waits))
        last = self.windows[-1]
        if last["trips"]:
            wrong.append("%d trips" % last["trips"])
        if {row["sockets"] for row in self.windows} != {self.windows[0]["sockets"]}:
            wrong.append("sockets stay: %s" % [row["sockets"] for row in self.windows])
        if self.board.process.poll() is not None:
            wrong.append("the module has ended")
        if len([line for line in self.board.said if line.startswith("ready ")]) != 1:
            wrong.append("the module has started again")
        if any("Traceback" in line for line in self.board.said):
            wrong.append("the module has printed a trace")
        return wrong

    def report(self):
        """What was done and measured, as lines."""
        waits = sorted(self.waits)
        free = self.settled()
        size = self.windows[0]["size"]
        answers = ", ".join("%d: %d" % row for row in sorted(self.kinds.items()))
        yield "%d requests, %d of them heartbeats; answers %s" % (self.total, len(waits), answers)
        yield "heartbeats: p50 %.2f ms, p99 %.2f ms, max %.1f ms" % (
            waits[len(waits) // 2] * 1000,
            waits[len(waits) * 99 // 100] * 1000,
            waits[-1] * 1000,
        )
        yield (
            "heap of %d bytes, free after a collection: %d to %d in %d windows, drift %+.4f %%"
            % (
                size,
                min(free),
                max(free),
                len(free),
                100 * self.drift(),
            )
        )
        yield (
            "sockets after each window: %d; gave way: %d connections; not served: %d requests"
            % (
                self.windows[-1]["sockets"],
                sum(actor.closed for actor in self.others),
                sum(actor.unserved for actor in self.others) + self.kinds.get(503, 0),
            )
        )


def soak(
    requests, windows, interpreter, heap_bytes, monitors, leak=0, progress=lambda count: None
):
    """Run one; the Soak, over. Problem when the module did not do what it is for."""
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        board = Board(Path(folder), interpreter, heap_bytes, options={"leak": leak})
        try:
            run = Soak(board, monitors, progress=progress)
            try:
                with contextlib.suppress(KeyboardInterrupt):  # so far, then
                    run.run(requests, windows)
                run.wrong = run.problems()
            except Problem as error:
                raise Problem("%s\n%s" % (error, "\n".join(board.said)))
            finally:
                for actor in run.actors:
                    actor.close()
        finally:
            status = board.close()
        if status:
            run.wrong.append("the module ended with %d" % status)
        return run


@contextlib.contextmanager
def progress(total):
    """A function(requests) that shows how far it is: a bar, or lines without a terminal."""
    if not sys.stdout.isatty():
        step = max(1, total // 20)
        following = [step]

        def told(count):
            if count >= following[0]:
                print("%d requests of %d" % (count, total), flush=True)
                following[0] += step

        yield told
        return
    columns = (TextColumn("requests"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as shown:
        task = shown.add_task("", total=total)
        yield lambda count: shown.update(task, completed=count)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1000000)
    parser.add_argument("--windows", type=int, default=100)
    parser.add_argument("--32", dest="small", action="store_true", help="on tools/micropython32")
    parser.add_argument("--heap", type=heap, help="bytes, e.g. 190k")
    parser.add_argument("--monitors", type=int, default=MONITORS)
    parser.add_argument("--leak", type=int, default=0, metavar="BYTES", help="with every request")
    options = parser.parse_args()
    interpreter = str(HERE / "micropython32") if options.small else interpreters.micropython()
    if interpreter is None:
        sys.exit("soak: no MicroPython for this machine (set MICROPYTHON)")
    heap_bytes = options.heap or heap(HEAP_32 if options.small else HEAP_64)
    began = time.monotonic()
    try:
        with progress(options.requests) as told:
            run = soak(
                options.requests,
                options.windows,
                interpreter,
                heap_bytes,
                options.monitors,
                options.leak,
                told,
            )
    except Problem as error:
        sys.exit("soak: %s" % error)
    took = time.monotonic() - began
    print("%d s, %d requests a second" % (took, run.total / took))
    for line in run.report():
        print(line)
    for line in run.wrong:
        print("WRONG: " + line)
    sys.exit(1 if run.wrong else 0)


if __name__ == "__main__":
    main()
