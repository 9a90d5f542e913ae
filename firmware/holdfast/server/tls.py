"""TLS for the server: who may begin a handshake, and when.

A TLS connection takes 24.5 KB of a Pico W's heap from the moment it is wrapped, and the handshake
stops the loop for a third of a second. So a newcomer waits, as a plain connection, until all of
its first message is there, which must be that of a handshake, until nobody else's handshake is
under way, and until there is a place among the few: idle strangers with TLS give way as others do.
First come, first served, but the second of an address comes behind the first of others. Who comes
from the address of a living master is before strangers, and ends a stranger's handshake. The
handshake itself comes with the first reads. It and the first bytes of a request have 3 s.

A step of it holds up the loop for up to the board's TLS_STALL_MS. So a stranger's waits until no
deadline is as near as that, 2 s at most for all of them: with a master whose Duration is shorter
there is no such moment, and an administrator must get in all the same.

Loaded when settings have `tls`.
"""

import gc

from micropython import const

from holdfast.runtime.portable import address_text, readable, sleep_ms
from holdfast.runtime.sockets import peek, tls_context
from holdfast.wire.http import Response

_HANDSHAKE_MS = const(3000)
_HELLO_MS = const(500)  # from its first byte to its last
_HELLO_BYTES = const(512)  # so much of a longer one is enough: lwIP may show no more of it
_HEADER_BYTES = const(5)
_LOOK_MS = const(20)
_PATIENCE_MS = const(2000)  # of a handshake, for moments in which no deadline is near
_ROOM_BYTES = const(40 * 1024)  # of heap, for it and for what else is going on
_PLAIN = b"This port speaks TLS: https:// and wss://\n"


class Gate:
    """Lets connections of the TLS port in.

    limit: so many of them at a time. quiet: a function(ms), is nothing due for so long. stall_ms:
    how long a step of a handshake may hold up the loop.
    """

    def __init__(self, server, limit, files, quiet, stall_ms):
        self._server = server
        self._limit = limit
        self._quiet = quiet
        self._stall_ms = stall_ms
        self._patience_ms = 0
        self._waiting = []  # connections, in the order they came
        self.use(files)

    def use(self, files):
        """From now on this is the certificate and its key (DER) for whoever comes."""
        self._context = tls_context(*files)

    async def enter(self, connection):
        """True when the connection may go on, with TLS; False when it is to be closed."""
        server = self._server
        await readable(connection.sock)
        first = peek(connection.sock, 1)
        if first != b"\x16":  # a handshake record (RFC 8446 section 5.1)
            if first:
                now = server.turn()
                answer = Response(400, _PLAIN, "text/plain")
                await connection.send(answer.encode(False, False, server.date(now)), now)
                await server.linger(connection, now)
            return False
        limit = server.turn() + _HELLO_MS
        while not _hello(connection.sock):
            if server.turn() >= limit or connection.ended:
                return False
            await sleep_ms(_LOOK_MS)
        self._waiting.append(connection)
        try:
            while not self._admits(connection):
                if connection.ended:
                    return False
                await sleep_ms(_LOOK_MS)
        finally:
            self._waiting.remove(connection)
        if not server.make_heap(_ROOM_BYTES):
            return False
        # No wait between the look and this: the place is taken.
        connection.secure = True
        connection.heard = False
        self._patience_ms = _PATIENCE_MS  # there is one handshake at a time
        connection.deadline = server.turn() + _HANDSHAKE_MS
        connection.sock = self._context.wrap_socket(
            connection.sock, server_side=True, do_handshake_on_connect=False
        )
        gc.collect()
        return True

    async def wait(self, connection):
        """Wait for bytes of a handshake, and for a moment to look at them."""
        if connection.dry:
            await readable(connection.sock)
        server = self._server
        while self._patience_ms > 0 and not connection.ended:
            if self._quiet(self._stall_ms) or server.connections.known(connection):
                break
            now = server.turn()
            await sleep_ms(_LOOK_MS)
            waited = server.turn() - now
            self._patience_ms -= waited
            connection.deadline += waited  # the peer has its time all the same
        await sleep_ms(0)

    def _admits(self, newcomer):
        """True when it is this one's turn and there is a place."""
        if self._first() is not newcomer:
            return False
        connections = self._server.connections
        known = connections.known(newcomer)
        count = 0
        for other in connections.all:
            if other.secure:
                if other.ended:
                    return False  # its memory is free in a moment
                if not other.heard:
                    # In its handshake; that ends, one way or the other.
                    if known and not connections.known(other):
                        other.end()
                    return False
                count += 1
        if count < self._limit:
            return True
        connections.make_room(self._server.turn(), True)
        return False

    def _first(self):
        """Whose turn it is."""
        connections = self._server.connections
        first = None
        least = None
        addresses = [address_text(other.peer) for other in connections.all if other.secure]
        for connection in self._waiting:
            address = address_text(connection.peer)
            behind = not connections.known(connection), addresses.count(address)
            addresses.append(address)
            if first is None or behind < least:
                first = connection
                least = behind
        return first


def _hello(sock):
    """True when the first message is there."""
    data = peek(sock, _HELLO_BYTES)
    if len(data) < _HEADER_BYTES:
        return False
    length = _HEADER_BYTES + int.from_bytes(data[3:5], "big")
    return len(data) >= min(length, _HELLO_BYTES)
