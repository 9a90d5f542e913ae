"""A whole module in a heap that is full but for 0, 1, 2, ... cells, at each kind of turn; run by
test_faults_memory.py, because only MicroPython's heap can be filled.

    micropython -X heapsize=500k sweep_memory.py ZERO STRIDE
    micropython -X heapsize=500k sweep_memory.py server STRIDE PORT
    micropython -X heapsize=500k sweep_memory.py sockets 1

ZERO: the module's clock begins there, in ms; from 2^62 on (2^30 where an int has 32 bits) every
time is an object of its own, as it is on a board after twelve days.

For each scenario the turn is first run with memory, to see how many cells it takes; then with
every number of cells up to some more than that, or every so many-th (STRIDE). `server` does the
same with requests that come over a socket, until one is answered as if nothing was. The garbage
collector is off meanwhile, so the n-th allocation fails and whatever comes after it, too, until
somebody collects on purpose.
"""

import asyncio
import gc
import hashlib
import socket
import struct
import sys
import time
from binascii import hexlify

import wholeboard
from hog import Hog
from holdfast.core.events import DIGITAL_INPUT
from holdfast.core.port import CLOSED, OPEN
from holdfast.runtime import ticker as ticker_module
from holdfast.runtime.portable import readable, writable
from holdfast.server.connection import Connection
from holdfast.wire.dump import dumps
from makers import Caller, account

BEYOND = 6  # more than the turn took
TOPIC_LOST = "tns1:Device/tnsaxis:Monitor/Heartbeat"
LOST = 'boolean(//SimpleItem[@Name="lost" and @Value="1"])'
EDGE = 'boolean(//SimpleItem[@Name="LogicalState" and @Value="1"])'


def action(template, **parameters):
    return {"template": "com.axis.action." + template, "parameters": parameters}


SETTINGS = {
    "accounts": [account("a"), account("root", "administrator")],
    "ports": {
        "2": {"fallback": {"master": "a", "steps": [{"state": "closed"}], "on_return": "restore"}},
        "3": {
            "fallback": {
                "master": "a",
                "steps": [{"state": "hold"}, {"after": 300, "state": "closed"}],
                "on_return": "restore",
            }
        },
        "4": {"fallback": {"steps": [{"state": "hold"}], "locked": False}},
        "5": {"fallback": {"steps": [{"state": "hold"}], "locked": False}},
    },
    "actions": {
        "1": action("fixed.io.toggle", port="4", state="high", duration=""),
        "2": action("unlimited.io.toggle", port="5", state="high"),
    },
    "rules": {
        "1": {
            "name": "edge",
            "action": "1",
            "start": {"topic": DIGITAL_INPUT[0], "content": EDGE},
        },
        "2": {
            "name": "lost",
            "action": "2",
            "conditions": [{"topic": TOPIC_LOST, "content": LOST}],
        },
    },
}
LONG = 1000000
CELL = struct.calcsize("P") * 4  # of MicroPython's heap, in bytes


class Stream(Connection):
    """A connection that is an event stream, without its tasks; as the server knows it."""

    def __init__(self, app, now):
        super().__init__(None, None, now)
        self.stream = app.streaming.method("open")(now)
        self.stream.receive(
            (
                1,
                '{"apiVersion":"1.0","method":"events:configure","params":{"eventFilterList":'
                '[{"topicFilter":"//."}]}}',
            ),
            now,
        )
        self.frames = []
        self.endless = True
        self.caller = Caller("root", 3)
        self.deadline = None  # its stream has one
        self.drain(now)
        self.frames = []
        self.service = app.streaming.made

    def end(self):
        self.ended = True

    def drain(self, now):
        outbox = self.stream.outbox
        while True:
            frame = outbox.next(now)
            if frame is None and outbox._unacknowledged:
                outbox._unacknowledged = 0
                outbox._ping = 0
                continue
            if frame is None:
                return
            self.frames.append(bytes(frame))


class Bench:
    def __init__(self, hal, app):
        self.hal = hal
        self.app = app
        self.module = app.module
        self.ticker = app.ticker
        self.pins = hal.pins
        self.raised = 0
        self.sheds = 0
        self.stream = None
        self.reports = []
        ticker_module.report = self.reports.append

    # -- steps --

    def turn(self):
        return self.ticker.step()

    def beat(self, name, ms):
        """As the dispatcher has it: once more after the server has made room, then refused."""
        now = self.ticker.turn()
        try:
            session = self.module.heartbeat(name, ms, now)
        except MemoryError:
            self.sheds += 1
            self.app.server.shed(None)
            session = self.module.heartbeat(name, ms, now)
        self.ticker.turn()
        return session

    def try_beat(self, name, ms):
        try:
            self.beat(name, ms)
        except MemoryError:
            self.raised += 1

    def usual(self):
        """Memory is there: everything as it should be between two scenarios."""
        module = self.module
        app = self.app
        if self.stream is not None:
            app.server.connections.all.remove(self.stream)
            self.stream.service.close(self.stream.stream)
        self.stream = None
        app.server._restock()
        self.pins.inputs[0] = 0
        self.turn()
        self.beat("a", LONG)
        self.beat("root", LONG)
        now = self.turn()
        for index in (2, 3, 4, 5):
            problem = module.command(module.ports[index], OPEN, "us", now)
            assert problem is None, (index, problem)
        now = self.turn()
        self.stream = Stream(app, now)
        app.server.connections.all.append(self.stream)
        self.sheds = self.raised = 0
        self.rests = [rule.fired for rule in module.rules.rules]
        for book in app.log.books:
            book.wrote(len(book.waiting))
        app.log._counts = {}
        del self.reports[:]
        for rule in module.rules.rules:
            rule._second = None
        app.log.lost = 0
        self.lost_before = app.log.lost
        self.ticker.sound = True
        self.trips = module.trip_count

    def state(self, index):
        return self.module.ports[index].levels.index(self.pins.levels[index])

    # -- what holds whatever happened --

    def consistent(self):
        module = self.module
        for session in module.sessions:
            assert (session.id is None) == (session.expires_at is None), "session"
            assert not (session.lost and session.id), "lost session with an id"
        for port in module.outputs:
            assert port.lost == module.concerned(port), ("lost", port.id)
            assert module.levels[port.index] == port.levels[port.state], ("level", port.id)
            assert self.pins.levels[port.index] == module.levels[port.index], ("pin", port.id)
            for declared in module._told[port.index]:
                assert declared.data == declared.topic[3][int(port.active())], ("told", port.id)
        assert module._heartbeat.data == "01"[module.lost]
        assert module.lost == (module.missed or module.fault.lost)

    def streamed(self, *wanted):
        """Events that the stream got, or it was ended, and comes again for the state."""
        if self.stream.ended:
            return
        self.stream.drain(self.hal.app.ticker.turn())
        text = b"".join(self.stream.frames)
        for word in wanted:
            assert word in text, (word, text)


# Each scenario: what is done with memory, the turn, what must be so at once, and with memory back.


class Beat:
    """A heartbeat of a living master."""

    def before(self, bench):
        bench.hal.time += 50

    def run(self, bench):
        bench.try_beat("a", 2 * LONG)

    def at_once(self, bench):
        session = bench.module.session("a")
        assert session.id is not None and not session.lost
        if not bench.raised:
            assert session.expires_at - bench.app.clock.now() > LONG

    def after(self, bench):
        assert bench.module.trip_count == bench.trips
        assert not bench.module.lost


class First(Beat):
    """The first heartbeat after a loss: a return."""

    def before(self, bench):
        bench.beat("a", 100)
        bench.hal.time += 500
        bench.turn()
        assert bench.module.lost and bench.state(2) == CLOSED and bench.state(3) == CLOSED
        bench.trips = bench.module.trip_count

    def at_once(self, bench):
        session = bench.module.session("a")
        if bench.raised:
            assert session.lost and session.id is None and session.expires_at is None
            assert bench.state(2) == CLOSED
        else:
            assert bench.state(2) == OPEN and bench.state(3) == OPEN

    def after(self, bench):
        if bench.raised:
            assert bench.module.lost
            bench.beat("a", LONG)
        super().after(bench)
        assert bench.state(2) == bench.state(3) == bench.state(5) == OPEN
        if not bench.stream.ended:
            bench.streamed(b"Heartbeat")


class Expiry:
    """A master is lost."""

    late = 101

    def before(self, bench):
        bench.beat("a", 100)
        bench.hal.time += self.late

    def run(self, bench):
        bench.turn()

    def at_once(self, bench):
        assert bench.state(2) == CLOSED
        assert bench.state(3) == (CLOSED if self.late > 400 else OPEN)

    def after(self, bench):
        module = bench.module
        assert module.trip_count == bench.trips + 1, module.trips
        assert module.trips[-1][0] == "a"
        assert module.trips[-1][2] - module.trips[-1][1] <= self.late
        assert not module.session("root").lost
        assert bench.state(5) == CLOSED, "the rule that follows"
        bench.streamed(b"Heartbeat")
        bench.hal.time += 400
        bench.turn()
        assert bench.state(3) == CLOSED
        bench.beat("a", LONG)
        assert bench.state(2) == bench.state(3) == bench.state(5) == OPEN


class LateExpiry(Expiry):
    """.. and the turn is so late that all its steps are due."""

    late = 500


class Step(Expiry):
    """A later step of a fallback."""

    def before(self, bench):
        bench.beat("a", 100)
        bench.hal.time += 150
        bench.turn()
        bench.trips = bench.module.trip_count - 1
        bench.hal.time += 252

    def at_once(self, bench):
        assert bench.state(2) == CLOSED and bench.state(3) == CLOSED


class Edge:
    """An edge at an input, for which a rule sets an output."""

    def before(self, bench):
        bench.pins.inputs[0] = 1

    def run(self, bench):
        bench.turn()

    def at_once(self, bench):
        assert bench.module.ports[0].state == CLOSED

    def after(self, bench):
        assert bench.state(4) == CLOSED, "the rule"
        fired = [rule.fired for rule in bench.module.rules.rules]
        assert fired[0] == bench.rests[0] + 1, "how often it fired"
        assert not bench.module.lost
        bench.streamed(b"DigitalInput")


class Failure:
    """A turn that fails."""

    def before(self, bench):
        self.tell = bench.module.tell
        bench.module.tell = _broken

    def run(self, bench):
        bench.turn()

    def at_once(self, bench):
        bench.module.tell = self.tell
        assert bench.state(2) == CLOSED and bench.state(3) == OPEN

    def after(self, bench):
        assert bench.module.lost and bench.module.session("a").lost
        assert bench.module.session("root").id is None
        bench.hal.time += 301
        bench.turn()
        assert bench.state(3) == CLOSED


def _broken(now):
    raise ValueError


class Bare(Expiry):
    """A loss when the server's reserve is gone, too. Where not even the time of day of a long life
    finds room, it is a turn that failed: everything in fallback, told by the next.
    """

    def before(self, bench):
        super().before(bench)
        bench.app.server._reserve = None

    def at_once(self, bench):
        assert bench.state(2) == CLOSED

    def after(self, bench):
        module = bench.module
        assert module.session("a").lost
        assert "a" in [trip[0] for trip in module.trips[-3:]]
        if module.fault.lost:
            assert module.trips[-1][3] == "a turn of the module failed"
        else:
            assert not module.session("root").lost
            assert bench.state(5) == CLOSED


SCENARIOS = (Beat, First, Expiry, LateExpiry, Step, Edge, Failure, Bare)


def sweep(bench, scenario):
    """(cells that the turn takes, runs that ran out of memory)."""
    cell = CELL
    bench.usual()
    scenario.before(bench)
    gc.collect()
    gc.disable()
    free = gc.mem_free()
    scenario.run(bench)
    need = (free - gc.mem_free()) // cell
    gc.enable()
    scenario.at_once(bench)
    bench.turn()
    bench.consistent()
    scenario.after(bench)
    short = 0
    for cells in range(0, need + BEYOND, STRIDE):
        bench.usual()
        scenario.before(bench)
        hog = Hog(cells)
        # What the call itself has taken is free again.
        while gc.mem_free() > cells * CELL:
            hog.held = (hog.held, None)
        free = gc.mem_free()
        try:
            scenario.run(bench)
        finally:
            used = free - gc.mem_free()
            hog.end()
        hog = None
        try:
            # The heap was as full as this test means it to be.
            assert free == cells * cell, (free, cells)
            scenario.at_once(bench)
            if used < need * cell or bench.app.log.lost:
                short += 1
            bench.hal.time += 10
            bench.turn()
            bench.consistent()
            scenario.after(bench)
            bench.turn()
            bench.consistent()
            _bounded(bench)
        except AssertionError as error:
            print(type(scenario).__name__, "with", cells, "of", need, "cells:", error.args)
            sys.print_exception(error)
            global failures
            failures += 1
            if failures > 4:
                sys.exit(1)
    assert short, type(scenario).__name__
    return need, short


failures = 0


def _bounded(bench):
    assert len(bench.module.trips) <= 8


def turns(zero):
    """Every scenario."""
    hal = wholeboard.Hal(wholeboard.Flash({"settings.json": dumps(SETTINGS).encode()}))

    def script(app):
        app.clock._now += zero
        bench = Bench(hal, app)
        for scenario in SCENARIOS:
            need, short = sweep(bench, scenario())
            print("%s: %d cells, out of memory in %d runs" % (scenario.__name__, need, short))

    assert hal.live(script)
    assert not hal.resets and not hal.reports


# -- the server -----------------------------------------------------------------------------------

LOOPS = 60  # of the event loop, in which a request is read and answered
PATIENCE_S = 5  # for what takes some 10 ms


class Client:
    """A client in the module's own loop and heap; what it sends is made while there is memory."""

    def __init__(self, port, name):
        self.port = port
        self.name = name
        self.nonce = None
        self.count = 0
        self.sock = None
        self.answer = bytearray(4096)
        self.connects = 0

    def connect(self):
        self.sock = socket.socket()
        self.sock.connect(socket.getaddrinfo("127.0.0.1", self.port)[0][-1])
        self.sock.setblocking(False)
        self.connects += 1

    def request(self, method, path, body=b""):
        """The bytes of a request with Digest (RFC 7616, MD5, no qop=auth-int)."""
        lines = "%s %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n" % (method, path, len(body))
        if self.nonce is not None:
            self.count += 1
            secret = hexlify(hashlib.md5(b"%s:Holdfast:pass" % self.name.encode()).digest())
            second = hexlify(hashlib.md5(("%s:%s" % (method, path)).encode()).digest())
            count = b"%08x" % self.count
            text = b":".join((secret, self.nonce, count, b"0a", b"auth", second))
            lines += (
                'Authorization: Digest username="%s", realm="Holdfast", nonce="%s", uri="%s", '
                'algorithm=MD5, qop=auth, nc=%s, cnonce="0a", response="%s"\r\n'
            ) % (
                self.name,
                self.nonce.decode(),
                path,
                count.decode(),
                hexlify(hashlib.md5(text).digest()).decode(),
            )
        return lines.encode() + b"\r\n" + body

    def challenged(self, answer):
        begin = answer.index(b'nonce="') + 7
        self.nonce = bytes(answer[begin : answer.index(b'"', begin)])
        self.count = 0

    def read(self):
        """What has come: bytes, b"" when the connection has ended, None for nothing."""
        try:
            count = self.sock.readinto(self.answer)
        except OSError:
            return b""
        return None if count is None else bytes(self.answer[:count])


async def loops(count):
    while count:
        count -= 1
        await asyncio.sleep_ms(0)


async def ask(client, method, path, body=b""):
    """With memory: the status of the answer, with the connections and challenges it takes."""
    for _ in range(6):
        if client.sock is None:
            client.connect()
        try:
            client.sock.write(client.request(method, path, body))
        except OSError:
            client.sock = None
            continue
        answer = client.read()
        until = time.time() + PATIENCE_S
        while answer is None and time.time() < until:
            await asyncio.sleep_ms(1)
            answer = client.read()
        if not answer:
            client.sock.close()
            client.sock = None
            continue
        if answer[9:12] == b"401":
            client.challenged(answer)
            continue
        if b"Connection: close" in answer:
            client.sock.close()
            client.sock = None
        return int(answer[9:12])
    raise AssertionError("no answer")


BEAT = b'{"axhbt:Heartbeat":{"Duration":1000000}}'
REQUESTS = (
    ("POST", "/vapix/axhbt", BEAT),
    ("GET", "/holdfast/masters", b""),
    (
        "POST",
        "/axis-cgi/io/portmanagement.cgi",
        b'{"apiVersion":"1.0","method":"setPorts","params":'
        b'{"ports":[{"port":"2","state":"closed"}]}}',
    ),
)


async def one(bench, client, master, request, cells, fresh):
    """One request in a heap with so many cells; its status, 0 for the connection's end."""
    hal = bench.hal
    module = bench.module
    assert await ask(master, "POST", "/vapix/axhbt", BEAT) == 200
    assert await ask(client, *request) == 200
    session = module.session("a")
    before = (session.id, module.trip_count)
    ports = [port.state for port in module.outputs]
    hal.time += 10
    if fresh or client.sock is None:
        if client.sock is not None:
            client.sock.close()
            await loops(20)
        client.connect()
        if not fresh:
            await loops(20)
    data = client.request(*request)
    bench.app.server._restock()
    bench.troubles = 0
    gc.collect()
    client.sock.write(data)
    waiting = loops(LOOPS)
    hog = Hog(cells)
    while gc.mem_free() > cells * CELL:
        hog.held = (hog.held, None)
    try:
        await waiting
        try:
            count = client.sock.readinto(client.answer)
        except OSError:
            count = 0
    finally:
        hog.end()
    hog = None
    if count is None:
        bench.troubles += 1  # not within so many cells, or not yet
    answer = client.read() if count is None else bytes(client.answer[:count])
    until = time.time() + PATIENCE_S
    while answer is None:
        assert time.time() < until, "neither an answer nor an end"
        await asyncio.sleep_ms(1)
        answer = client.read()
    status = int(answer[9:12]) if answer else 0
    if status == 401:
        # A nonce was used up: a client takes the fresh one, and nobody thinks of a break-in.
        assert b"stale=true" in answer, answer
        client.challenged(answer)
    if answer and b"Connection: close" in answer or not answer:
        client.sock.close()
        client.sock = None
    # Whatever became of the connection: the session and the outputs are as they were.
    assert (session.id, module.trip_count) == before, (status, before)
    assert not session.lost and not module.lost
    assert status in (0, 200, 401, 503), status
    assert [port.state for port in module.outputs] == ports
    bench.turn()
    bench.consistent()
    return status


def server(port, stride):
    """Each request on a kept connection and on a new one."""
    document = dict(SETTINGS)
    document["accounts"] = [real("a", "operator"), real("root", "administrator")]
    hal = wholeboard.Hal(wholeboard.Flash({"settings.json": dumps(document).encode()}))
    hal.port = port

    async def script(app):
        bench = Bench(hal, app)
        told = app.server.troubled

        def troubled():
            bench.troubles += 1
            told()

        app.server.troubled = troubled
        master = Client(port, "a")
        for request in REQUESTS:
            for fresh in (False, True):
                client = Client(port, "root")
                seen = {}
                cells = well = 0
                while well < 2:
                    status = await one(bench, client, master, request, cells, fresh)
                    seen[status] = seen.get(status, 0) + 1
                    well = well + 1 if status == 200 and not bench.troubles else 0
                    cells += stride
                    assert cells < 20000
                if client.sock is not None:
                    client.sock.close()
                await loops(20)
                print(
                    "%s %s: %d cells, %s" % (request[1], "new" if fresh else "kept", cells, seen)
                )

    assert hal.live(script)
    assert not hal.resets and not hal.reports, hal.reports


def real(name, role):
    """An account whose password is `pass`."""
    row = account(name, role)
    row["md5"] = hexlify(hashlib.md5(b"%s:Holdfast:pass" % name.encode()).digest()).decode()
    return row


MOST_SOCKETS = 12  # more than a board has


async def sockets():
    """Waiting for a socket in a full heap: the next poll, which would crash where a socket is half
    registered, finds all in order.
    """
    queue = asyncio.core._io_queue
    kept = []
    count = short = 0
    for wait in (readable, writable):
        for cells in range(40):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            waiting = wait(sock)
            failed = False
            hog = Hog(cells)
            while gc.mem_free() > cells * CELL:
                hog.held = (hog.held, None)
            try:
                waiting.send(None)
            except MemoryError:
                failed = True
            hog.end()
            assert (id(sock) in queue.map) != failed
            for _ in queue.poller.ipoll(0):
                pass
            if failed:
                # As new: it can be waited for.
                wait(sock).send(None)
                assert id(sock) in queue.map
            kept.append(sock)
            count += 1
            short += failed
            if len(kept) > MOST_SOCKETS:
                old = kept.pop(0)
                queue.poller.unregister(old)
                queue.map.pop(id(old))
                old.close()
    asyncio.core.cur_task.data = None
    assert 0 < short < count
    print("sockets: %d, out of memory at %d" % (count, short))


if __name__ == "__main__":
    STRIDE = int(sys.argv[2])
    if sys.argv[1] == "sockets":
        asyncio.run(sockets())
    elif sys.argv[1] == "server":
        server(int(sys.argv[3]), STRIDE)
    else:
        turns(int(sys.argv[1]))
    if failures:
        sys.exit(1)
    print("done")
