"""What comes between two bytes of an answer: accounts that go, places taken, deadlines."""

import asyncio
import sys

from claims import raises
from holdfast.core import session as sessions
from holdfast.core.accounts import Account
from holdfast.runtime.portable import again, sleep_ms
from holdfast.server import body as pieces
from holdfast.server import connection as connections
from holdfast.server import server as servers
from holdfast.wire.http import Response

PLACES = (
    (connections, "readable"),
    (connections, "writable"),
    (servers, "read_into"),
    (connections, "write"),
    (servers, "write"),
    (pieces, "sleep_ms"),
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


def no_pause(ms):
    return sleep_ms(0)


FAKES = (readable, writable, read_into, write, write, no_pause)


class Upgrade(Response):
    converse = "websocket_pump"
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
        self.server = servers.Server(self, lambda: self.at, limit, int)

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
    for (module, name), function in zip(PLACES, FAKES):
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


class Unheard(Subject):
    """No memory is left when its stream begins to listen."""

    def open(self, now):
        self.opened += 1
        return self

    def close(self, stream):
        self.opened -= 1

    def listen(self, buffer):
        self.heard = True
        raise MemoryError


def test_a_stream_that_finds_no_memory_to_begin_is_closed():
    async def scenario():
        subject = Unheard()
        wire = Wire(REQUEST)
        wire.full = False
        subject.come(wire)
        await until(lambda: wire.closed)
        assert subject.heard and subject.opened == 0
        assert subject.server.connections.all == []

    played(scenario)


def test_an_answer_that_is_made_while_it_is_sent_has_time_for_every_piece():
    """Whoever asks just before an idle connection would end gets all of it."""

    async def scenario():
        subject = Subject(Response(200))
        left = []

        def told():
            for _ in range(4):
                left.append(connection.deadline - subject.at)
                subject.at += 3000
                yield ""
                yield "q" * 1000

        subject.response.body = told
        wire = Wire(REQUEST)
        wire.full = False
        connection = subject.come(wire)
        connection.deadline = 100
        await until(lambda: wire.taken.endswith(b"\r\n0\r\n\r\n"))
        assert wire.taken.count(b"q") == 4000
        assert min(left[1:]) > 0
        connection.end()
        await until(lambda: wire.closed)

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
        subject.server._timeout(connection, 0)
        await until(lambda: wire.closed)
        assert b"408" not in wire.taken

    played(scenario)


class Shed(Subject):
    """Who asks has to give way when it has its answer."""

    def answer(self, connection, request, now, shed):
        connection.end()
        return super().answer(connection, request, now, shed)


def test_one_that_gives_way_itself_is_let_go_when_its_last_answer_is_not_taken():
    async def scenario():
        subject = Shed(Response(200, b"told"))
        wire = Wire(REQUEST)
        connection = subject.come(wire)
        await until(lambda: connection.caller.account is not None)
        subject.at = connections.SEND_MS - 1
        subject.server._sweep(subject.at)
        for _ in range(5):
            await sleep_ms(0)
        assert not wire.closed  # its peer has its time
        subject.at += 1
        subject.server._sweep(subject.at)
        await until(lambda: wire.closed)
        assert subject.server.connections.all == []

    played(scenario)


def test_who_fed_a_session_is_the_connection_that_its_answer_goes_to():
    async def scenario():
        session = sessions.Session("door")
        session.begin("id", 0)
        subject = Subject(Response(200, b"told"))
        subject.response.session = session
        first, second = [subject.come(Wire()) for _ in range(2)]
        for number, connection in enumerate((first, second)):
            session.feed(60000, number)
            connection.peer = ("192.0.2.%d" % number, 4000)
            connection.sock.data = [REQUEST]
            await until(lambda fed=connection: fed.session is session)
            assert subject.server.connections.feeds(connection)
            assert session.peer == connection.peer
        assert not subject.server.connections.feeds(first)

    played(scenario)


def test_the_date_is_made_once_a_second_and_only_when_the_time_is_known():
    epoch = [0]
    asked = []

    def epoch_ms():
        asked.append(1)
        if epoch[0] is None:
            raise MemoryError
        return epoch[0]

    server = servers.Server(Dispatcher(), lambda: 0, 5, epoch_ms)
    assert server.date(5) == b"" and server.date(1004) == b"" and len(asked) == 1
    epoch[0] = 784111777000 - 2500  # in the middle of a second of the module
    assert server.date(1005) == b"Date: Sun, 06 Nov 1994 08:49:35 GMT\r\n"
    assert server.date(1499) is server.date(1005) and len(asked) == 2
    assert server.date(1500) == b"Date: Sun, 06 Nov 1994 08:49:36 GMT\r\n"
    assert server.date(2499) is server.date(1500)
    assert server.date(2500) == b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    epoch[0] = None  # in a full heap it stays as it was
    assert server.date(3500) is server.date(2500) and server.date(4499) is server.date(2500)
    epoch[0] = 784111777000 - 2500
    assert server.date(4500) == b"Date: Sun, 06 Nov 1994 08:49:39 GMT\r\n"


def test_a_date_is_written_as_http_has_it():
    for utc_s, text in (
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951782400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1796073436, "Mon, 30 Nov 2026 21:17:16 GMT"),
        (1830297599, "Fri, 31 Dec 2027 23:59:59 GMT"),
    ):
        assert servers.http_date(utc_s) == text
    portable = sys.modules["holdfast.runtime.portable"]
    before = portable.gmtime
    portable.gmtime = lambda s: before(s + 946684800)  # as on an ESP32
    try:
        assert portable.http_date(1796073436) == "Mon, 30 Nov 2026 21:17:16 GMT"
    finally:
        portable.gmtime = before


def test_what_lets_a_stream_in_is_spent_by_its_101_alone():
    """Of two requests in flight the first spends it, before anybody else has a turn."""

    async def scenario():
        subject = Subject(limit=3)
        spent = []
        subject.response.spend = lambda: spent.append(len(subject.server.connections.all))
        first, second = Wire(REQUEST), Wire(REQUEST)
        connection = subject.come(first)
        await until(lambda: connection.caller.account is not None)
        assert spent == [1] and not first.taken
        second.full = False
        other = subject.come(second)
        await until(lambda: second.taken)
        assert second.taken.startswith(b"HTTP/1.1 503 ") and spent == [1]
        connection.end()
        other.end()
        await until(lambda: first.closed and second.closed)

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
    server = servers.Server(Dispatcher(), lambda: 0, 5, int)
    sock = Socket()

    async def scenario():
        server._welcome(sock, ("10.0.0.7", 1), None, 0)
        server.shed(None)
        server.shed(None)
        assert len(server.connections.all) == 1
        await until(lambda: sock.closed)

    played(scenario)
    assert server.connections.all == []
    assert sock.closed == 1


def test_one_for_which_there_is_no_task_leaves_its_place():
    server = servers.Server(Dispatcher(), lambda: 0, 5, int)

    class Full:
        def create_task(self, coroutine):
            coroutine.close()
            raise MemoryError

    real = servers.asyncio
    servers.asyncio = Full()
    try:
        raises(MemoryError, server._welcome, Socket(), ("10.0.0.7", 1), None, 0)
    finally:
        servers.asyncio = real
    assert server.connections.all == []


class Listener:
    """Peers of as many addresses are there at once."""

    def __init__(self, count):
        self.socks = [Socket() for _ in range(count)]
        for sock in self.socks:
            sock.data = []  # it says nothing
        self.accepted = 0

    def accept(self):
        if self.accepted == len(self.socks):
            raise OSError(11)
        self.accepted += 1
        return self.socks[self.accepted - 1], ("10.0.1.%d" % self.accepted, 1)


def test_whoever_is_refused_is_closed_at_once_and_the_next_one_is_taken_in_the_same_turn():
    """Five places: four newcomers are served, the last place stays free for a master that is to
    come again.
    """
    server = servers.Server(Dispatcher(), lambda: 0, 5, int)
    server.connections._left.append(("10.0.0.1", Session(), Session.last_at))
    listener = Listener(12)
    turns = []

    async def looked(sock):
        turns.append(sock.accepted)
        if sock.accepted == len(sock.socks):
            await sleep_ms(1000000)

    async def scenario():
        task = asyncio.create_task(server.accept(listener))
        await until(lambda: listener.accepted == 12)
        await sleep_ms(0)
        task.cancel()
        server.close()

    real = servers.readable
    servers.readable = looked
    try:
        played(scenario)
    finally:
        servers.readable = real
    assert [sock.closed for sock in listener.socks[4:]] == [1] * 8
    assert turns[:5] == [0, 1, 2, 3, 4]
    assert len(turns) <= 6


# -- who gives way when memory runs out -----------------------------------------------------------


class Session:
    id = "id"
    last_at = 5


def peer(kind, rest=b""):
    """A stranger, a viewer, a stream of one, or a master."""
    connection = connections.Connection(Socket(), None, 0)
    connection.rest = rest
    if kind != "stranger":
        connection.caller.account = Account("guest", 0, b"", b"")
    connection.endless = kind == "stream"
    if kind == "master":
        connection.session = Session()
        connection.fed_at = Session.last_at
    return connection


def test_who_asked_for_memory_gives_way_before_anybody_who_counts_as_much():
    """asker, who is there, who has ended afterwards."""
    for asker, others, ended in (
        ("stranger", ("stranger", "viewer", "stream", "master"), ()),
        ("viewer", ("stranger", "stranger", "viewer", "stream", "master"), (1,)),
        ("viewer", ("viewer", "stream", "master"), ()),
        ("stream", ("stream", "viewer", "master"), (1,)),
        ("master", ("stream", "viewer", "master"), (1,)),
        ("master", ("stream", "master"), (0,)),
        ("master", ("master",), ()),
        (None, ("stream", "viewer", "stranger"), (2,)),
        (None, ("stream", "master"), ()),
    ):
        server = servers.Server(Dispatcher(), lambda: 0, 12, int)
        there = [peer(kind) for kind in others]
        asking = asker and peer(asker)
        server.connections.all = there + ([asking] if asking else [])

        async def scenario(server=server, asking=asking):
            server.shed(asking)

        played(scenario)
        assert [i for i in range(len(there)) if there[i].ended] == list(ended), (asker, others)
        if asking:
            assert asking.ended == (asker != "master" and not ended), (asker, others)


def test_a_stranger_that_holds_part_of_a_request_gives_way_for_another_stranger():
    server = servers.Server(Dispatcher(), lambda: 0, 12, int)
    asking, quiet = peer("stranger"), peer("stranger")
    holding, viewer = peer("stranger", b"half"), peer("viewer", b"half")
    server.connections.all = [holding, viewer, quiet, asking]

    async def scenario():
        server.shed(asking)

    played(scenario)
    assert [c.ended for c in server.connections.all] == [True, False, False, False]
    assert holding.rest == b"" and viewer.rest == b"half"


# -- long answers ---------------------------------------------------------------------------------


class Times(Subject):
    """Answers a long list; whoever asks for /me has an account."""

    def answer(self, connection, request, now, shed):
        if request.path == "/me":
            connection.caller.account = Account("door", 2, b"md5", b"")
        return Response(200, lambda: iter([b"x" * 1000] * 5))


def test_long_answers_go_one_at_a_time_accounts_first_and_a_peer_that_takes_nothing_is_ended():
    async def scenario():
        subject = Times()
        head = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"
        deaf, stranger, account = Wire(head % b""), Wire(head % b""), Wire(head % b"me")
        served = []
        for wire in (deaf, stranger, account):
            served.append(subject.come(wire))
            await until(lambda: len(subject.server.senders) == len(served))
        assert subject.server.senders == [served[0], served[2], served[1]]
        stranger.full = account.full = False
        subject.at = 250
        for _ in range(20):
            await sleep_ms(0)
        assert not deaf.closed and not account.taken
        subject.at = 251
        await until(lambda: deaf.closed)
        await until(lambda: stranger.taken.endswith(b"\r\n0\r\n\r\n"))
        assert account.taken.endswith(b"\r\n0\r\n\r\n")
        for connection in served:
            connection.end()
        await until(lambda: stranger.closed and account.closed)

    played(scenario)


def test_a_short_list_waits_for_nobody_and_goes_in_one_piece():
    async def scenario():
        subject = Subject(Response(200, lambda: iter([b"a" * 500, "b" * 500])))
        subject.server.senders.append(None)  # somebody who does not read
        wire = Wire(REQUEST)
        wire.full = False
        connection = subject.come(wire)
        await until(lambda: wire.taken.endswith(b"b" * 500))
        assert b"Content-Length: 1000\r\n" in wire.taken
        connection.end()
        await until(lambda: wire.closed)

    played(scenario)
