"""What comes between two bytes of an answer: accounts that go, places taken, deadlines."""

import asyncio

from claims import raises
from holdfast.core.accounts import Account
from holdfast.shell import connection as connections
from holdfast.shell import server as servers
from holdfast.shell.portable import again, sleep_ms
from holdfast.wire.http import Response

PLACES = (
    (connections, "readable"),
    (connections, "writable"),
    (servers, "read_into"),
    (connections, "write"),
    (servers, "write"),
)
KNOWN = [("door", 2, b"md5", b"sha256")]
TURNS = 1000  # of the loop, until something must have happened


class Wire:
    """A socket whose peer takes nothing while it is `full`."""

    def __init__(self, *data):
        self.data = list(data)
        self.full = True
        self.taken = b""
        self.closed = False

    def close(self):
        self.closed = True


async def readable(wire):
    while not wire.data:
        await sleep_ms(0)


async def writable(wire):
    while wire.full:
        await sleep_ms(0)


def read_into(wire, view):
    data = wire.data.pop(0)
    view[: len(data)] = data
    return len(data)


def write(wire, data):
    if wire.full:
        return None
    wire.taken += bytes(data)
    return len(data)


class Upgrade(Response):
    converse = "streaming"
    endless = True

    def __init__(self, service):
        super().__init__(101)
        self.service = service


class Subject:
    """A server, which answers everything with a stream of itself, or else with `answer`."""

    def __init__(self, answer=None, limit=5):
        self.opened = 0
        self.response = answer or Upgrade(self)
        self.at = 0
        self.server = servers.Server(self, lambda: self.at, limit)

    def answer(self, connection, request, now, shed):
        connection.caller.account = Account("door", 2, b"md5", b"sha256")
        return self.response

    def open(self, now):
        self.opened += 1
        raise OSError("as far as these tests go")

    def come(self, wire):
        connection = connections.Connection(wire, self.server._buffer, 0)
        self.server.connections.all.append(connection)
        connection.task = asyncio.create_task(self.server._serve(connection))
        return connection


def played(scenario, *arguments):
    """Run it over wires in place of sockets."""
    before = [getattr(module, name) for module, name in PLACES]
    for (module, name), function in zip(PLACES, (readable, writable, read_into, write, write)):
        setattr(module, name, function)
    try:
        asyncio.run(scenario(*arguments))
    finally:
        for (module, name), function in zip(PLACES, before):
            setattr(module, name, function)
        again()


async def until(condition):
    for _ in range(TURNS):
        if condition():
            return
        await sleep_ms(0)
    raise AssertionError("that never happens")


REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_an_account_that_goes_while_its_stream_is_promised_gets_none():
    async def scenario(known, count):
        subject = Subject()
        wire = Wire(REQUEST)
        connection = subject.come(wire)
        await until(lambda: connection.caller.account is not None)
        subject.server.dismiss(known)
        wire.full = False
        await until(lambda: wire.closed)
        assert subject.opened == count
        assert subject.server.connections.all == []

    played(scenario, KNOWN, 1)
    played(scenario, [], 0)
    played(scenario, [("door", 1, b"md5", b"sha256")], 0)
    played(scenario, [("door", 2, b"md5", b"another")], 0)
    played(scenario, [("door", 2, b"other")], 0)


def test_a_stream_that_is_promised_takes_a_place_of_those_for_streams():
    async def scenario():
        subject = Subject(limit=3)
        first, second = Wire(REQUEST), Wire(REQUEST)
        connection = subject.come(first)
        await until(lambda: connection.caller.account is not None)
        assert subject.server.connections.streams_full()
        # Nor does it give way, any more than a stream.
        assert not subject.server.connections.make_room(1000)
        second.full = False
        other = subject.come(second)
        await until(lambda: second.taken)
        assert second.taken.startswith(b"HTTP/1.1 503 ")
        connection.end()
        other.end()
        await until(lambda: first.closed and second.closed)

    played(scenario)


def test_an_answer_that_ends_by_itself_takes_no_place_for_streams():
    async def scenario():
        subject = Subject(Response(200, b"told"), limit=3)
        wire = Wire(REQUEST)
        connection = subject.come(wire)
        await until(lambda: connection.caller.account is not None)
        assert not subject.server.connections.streams_full()
        subject.server.dismiss([])
        wire.full = False
        await until(lambda: wire.taken)
        assert wire.taken.endswith(b"\r\n\r\ntold")
        connection.end()
        await until(lambda: wire.closed)

    played(scenario)


class Told(Response):
    """As of monitors.answers: its pieces are made while it is sent."""

    converse = "telling"


def test_an_answer_that_is_made_while_it_is_sent_has_time_for_every_piece():
    """Whoever asks just before an idle connection would end gets all of it."""

    async def scenario():
        subject = Subject(Told(200))
        left = []

        def pieces():
            for _ in range(4):
                left.append(connection.deadline - subject.at)
                subject.at += 3000
                yield "piece"

        subject.response.service = pieces()
        wire = Wire(REQUEST)
        wire.full = False
        connection = subject.come(wire)
        connection.deadline = 100
        await until(lambda: wire.closed)
        assert wire.taken.endswith(b"piece" * 4)
        assert min(left[1:]) > 0

    played(scenario)


def test_a_late_answer_is_not_mixed_with_a_408():
    """The request came in two parts; whoever takes no answer is closed without another word."""

    async def scenario():
        subject = Subject(Response(200, b"told"))
        wire = Wire(REQUEST[:9])
        connection = subject.come(wire)
        await until(lambda: connection.partial)
        wire.data.append(REQUEST[9:])
        await until(lambda: connection.caller.account is not None)
        wire.full = False
        subject.server._timeout(connection)
        await until(lambda: wire.closed)
        assert b"408" not in wire.taken

    played(scenario)


class Socket:
    """What a listener gives."""

    def __init__(self):
        self.closed = 0

    def setblocking(self, blocking):
        pass

    def setsockopt(self, *option):
        pass

    def close(self):
        self.closed += 1


class Dispatcher:
    def rest(self):
        pass


def test_one_that_gives_way_before_its_task_has_begun_leaves_its_place():
    """A task that is cancelled before its first step runs none of its code, not even `finally`."""
    server = servers.Server(Dispatcher(), lambda: 0, 5)
    sock = Socket()

    async def scenario():
        server._welcome(sock, ("10.0.0.7", 1), None)
        server.shed(None)
        server.shed(None)
        assert len(server.connections.all) == 1
        await until(lambda: sock.closed)

    played(scenario)
    assert server.connections.all == []
    assert sock.closed == 1


def test_one_for_which_there_is_no_task_leaves_its_place():
    server = servers.Server(Dispatcher(), lambda: 0, 5)

    class Full:
        def create_task(self, coroutine):
            coroutine.close()
            raise MemoryError

    real = servers.asyncio
    servers.asyncio = Full()
    try:
        raises(MemoryError, server._welcome, Socket(), ("10.0.0.7", 1), None)
    finally:
        servers.asyncio = real
    assert server.connections.all == []
