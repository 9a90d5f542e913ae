"""Who may begin a handshake: when the heap is full nobody may, and nothing is left behind."""

import asyncio
import socket

from holdfast.runtime.sockets import listen
from holdfast.server import tls as secure
from holdfast.server.connection import Connection
from holdfast.server.server import Server


class Context:
    """Makes no TLS: it raises, and counts."""

    def __init__(self, error):
        self.error = error
        self.asked = 0

    def wrap_socket(self, sock, server_side, do_handshake_on_connect):
        self.asked += 1
        raise self.error


class Dispatcher:
    def rest(self):
        """There is no service to let go."""


def listener():
    """(a listening socket, its port): the first free one."""
    for port in range(23600, 23700):
        try:
            return listen("127.0.0.1", port, 4), port
        except OSError:
            continue
    raise AssertionError("no port is free")


async def hello(port):
    """Connect, begin a handshake; the bytes that came before the peer closed."""
    sock = socket.socket()
    sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    sock.send(b"\x16\x03\x01\x00\x02hi")
    sock.setblocking(False)
    for _ in range(500):
        await asyncio.sleep(0.01)
        try:
            said = sock.recv(100)
        except OSError as error:
            if error.errno == 11:  # EAGAIN
                continue
            said = b""
        sock.close()
        return said
    raise AssertionError("it was not closed")


def knocks(context, room, times):
    """So many peers begin a handshake, one after the other: (what they got, connections left)."""
    made = secure.tls_context
    secure.tls_context = lambda certificate, key: context
    try:
        server = Server(Dispatcher(), lambda: 0, 5, int)
        server.make_heap = lambda size: room
        gate = secure.Gate(server, 2, (b"", b""), lambda ms: True, 950)
        listening, port = listener()

        async def run():
            task = asyncio.create_task(server.accept(listening, gate))
            got = []
            for _ in range(times):
                got.append(await hello(port))  # noqa: PERF401  MicroPython has no such list
            await asyncio.sleep(0)
            left = len(server.connections.all)
            task.cancel()
            return got, left

        return asyncio.run(run())
    finally:
        secure.tls_context = made
        listening.close()


def test_without_heap_a_newcomer_is_closed_before_anything_is_made_for_it():
    context = Context(MemoryError())
    assert knocks(context, False, 7) == ([b""] * 7, 0)
    assert context.asked == 0


def test_a_wrap_that_fails_costs_that_connection_and_leaves_its_place_free():
    """Seven of them, with five connections and two places for TLS: none of those is lost."""
    for error in (MemoryError(), OSError(-0x7F00), OSError(12)):
        context = Context(error)
        assert knocks(context, True, 7) == ([b""] * 7, 0)
        assert context.asked == 7


class Sock:
    """What a peer has sent, one look after the other."""

    def __init__(self, *looks):
        self.looks = list(looks)

    def recv(self, count, flags):
        return (self.looks.pop(0) if len(self.looks) > 1 else self.looks[0])[:count]


def test_a_hello_is_there_when_all_of_it_is_or_as_much_as_lwip_shows():
    hello = b"\x16\x03\x01\x00\x05hello"
    for at in range(len(hello)):
        assert not secure._hello(Sock(hello[:at])), at
    assert secure._hello(Sock(hello))
    assert secure._hello(Sock(hello + b"more"))
    assert secure._hello(Sock(b"\x16\x03\x01\x06\xc0" + bytes(507)))
    assert not secure._hello(Sock(b"\x16\x03\x01\x06\xc0" + bytes(506)))


class Session:
    id = "id"
    last_at = 5


class Peer(Connection):
    """A connection that takes part in nothing but the waiting. master: it feeds a session."""

    def __init__(self, address, master=False, hello=b""):
        super().__init__(Sock(hello), None, 0)
        self.peer = (address, 1)
        if master:
            self.session = Session()
            self.fed_at = Session.last_at


def gated(*peers):
    """A gate of a server with these connections, and two places for TLS."""
    made = secure.tls_context
    secure.tls_context = lambda certificate, key: None
    try:
        server = Server(Dispatcher(), lambda: 1000, 5, int)
        server.connections.all = list(peers)
        return secure.Gate(server, 2, (b"", b""), lambda ms: True, 950)
    finally:
        secure.tls_context = made


def test_who_waits_for_a_handshake_is_served_by_address_then_by_arrival():
    master = Peer("10.0.0.1", True)
    a, b, c = Peer("10.0.0.2"), Peer("10.0.0.2"), Peer("10.0.0.3")
    again = Peer("10.0.0.1")
    gate = gated(master, a, b, c, again)
    gate._waiting = [a, b, c]
    order = []
    for _ in range(3):
        order.append(gate._first())
        gate._waiting.remove(order[-1])
        order[-1].secure = True
    assert order == [a, c, b]
    gate._waiting = [a, b, c, again]
    assert gate._first() is again


def test_a_living_masters_address_does_not_wait_for_a_strangers_handshake():
    for address, ends in (("10.0.0.1", True), ("10.0.0.3", False)):
        master = Peer("10.0.0.1", True)
        shaking = Peer("10.0.0.2")
        shaking.secure, shaking.heard = True, False
        newcomer = Peer(address)
        gate = gated(master, shaking, newcomer)
        gate._waiting = [newcomer]
        assert not gate._admits(newcomer)
        assert shaking.ended == ends


def test_a_newcomer_waits_for_a_place_until_one_has_had_its_answer():
    """Both may still speak, then one of them has an answer as an account and is idle."""
    first, second, third = Peer("10.0.0.2"), Peer("10.0.0.2"), Peer("10.0.0.2")
    for peer in (first, second):
        peer.secure, peer.grace = True, 2000
    gate = gated(first, second, third)
    gate._waiting = [third]
    assert not gate._admits(third)
    assert not first.ended and not second.ended
    first.caller.account = ("root",)
    first.answered(900)
    assert not gate._admits(third)
    assert first.ended and not second.ended
    gate._server.connections.all.remove(first)
    assert gate._admits(third)


def test_half_a_hello_is_waited_for_half_a_second():
    gate = gated()
    at = [1000]
    gate._server.turn = lambda: at[0]
    connection = Peer("10.0.0.2", hello=b"\x16\x03")
    waits = []

    async def pass_time(ms):
        at[0] += ms
        waits.append(ms)

    async def ready(sock):
        """There is a byte."""

    before = secure.readable, secure.sleep_ms
    secure.readable, secure.sleep_ms = ready, pass_time
    try:
        assert asyncio.run(gate.enter(connection)) is False
    finally:
        secure.readable, secure.sleep_ms = before
    assert sum(waits) == 500
    assert gate._waiting == []


def steps(address, quiet, count, master_at="10.0.0.1"):
    """How long each step of a handshake is put off, and by how much its deadline moves. quiet: a
    function(ms, now)."""
    master, newcomer = Peer(master_at, True), Peer(address)
    gate = gated(master, newcomer)
    at = [1000]
    gate._server.turn = lambda: at[0]
    gate._quiet = lambda ms: quiet(ms, at[0])
    gate._patience_ms = 2000
    newcomer.secure, newcomer.heard, newcomer.gate, newcomer.dry = True, False, gate, False
    newcomer.deadline = 4000

    async def pass_time(ms):
        at[0] += ms

    async def run():
        waits = []
        for _ in range(count):
            since = at[0]
            await newcomer.wait()
            waits.append(at[0] - since)
        return waits, newcomer.deadline - 4000

    before = secure.sleep_ms
    secure.sleep_ms = pass_time
    try:
        return asyncio.run(run())
    finally:
        secure.sleep_ms = before


def test_a_step_of_a_strangers_handshake_keeps_its_distance_from_a_deadline():
    """It is due at 1500, and the next one long after."""

    def due(at):
        return lambda ms, now: not now < at <= now + ms

    assert steps("10.0.0.2", due(1500), 3) == ([500, 0, 0], 500)
    # Longer away than a step takes: nothing waits.
    assert steps("10.0.0.2", due(1951), 1) == ([0], 0)


def test_it_is_put_off_for_two_seconds_in_all_where_a_deadline_is_always_near():
    assert steps("10.0.0.2", lambda ms, now: False, 3) == ([2000, 0, 0], 2000)


def test_the_address_of_a_living_master_is_never_put_off():
    assert steps("10.0.0.1", lambda ms, now: False, 3) == ([0, 0, 0], 0)


def test_the_distance_is_that_of_a_step():
    asked = []
    steps("10.0.0.2", lambda ms, now: asked.append(ms) or True, 1)
    assert asked == [950]
