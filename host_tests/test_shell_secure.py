"""Who may begin a handshake: when the heap is full nobody may, and nothing is left behind."""

import asyncio
import socket

from holdfast.shell import secure
from holdfast.shell.portable import listen
from holdfast.shell.server import Server


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
    sock.send(b"\x16\x03\x01")
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
        server = Server(Dispatcher(), lambda: 0, 5)
        server.make_heap = lambda size: room
        gate = secure.Gate(server, 2, (b"", b""))
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
