"""TLS for the server: who may begin a handshake, and when.

A TLS connection takes 24.5 KB of a Pico W's heap from the moment it is wrapped, and the handshake
stops the loop for a third of a second. So a newcomer waits, as a plain connection, until its first
byte is there, which must be that of a handshake, until nobody else's handshake is under way, and
until there is a place among the few: idle strangers with TLS give way as others do. The handshake
itself comes with the first reads. It and the first bytes of a request have 3 s.

Loaded when settings have `tls`.
"""

import gc

from micropython import const

from holdfast.shell.portable import peek, readable, sleep_ms, tls_context
from holdfast.wire.http import Response

_HANDSHAKE_MS = const(3000)
_LOOK_MS = const(20)
_ROOM_BYTES = const(40 * 1024)  # of heap, for it and for what else is going on
_PLAIN = b"This port speaks TLS: https:// and wss://\n"


class Gate:
    """Lets connections of the TLS port in. limit: so many of them at a time."""

    def __init__(self, server, limit, files):
        self._server = server
        self._limit = limit
        self.use(files)

    def use(self, files):
        """From now on this is the certificate and its key (DER) for whoever comes."""
        self._context = tls_context(*files)

    async def enter(self, connection):
        """True when the connection may go on, with TLS; False when it is to be closed."""
        server = self._server
        await readable(connection.sock)
        first = peek(connection.sock)
        if first != b"\x16":  # a handshake record (RFC 8446 section 5.1)
            if first:
                now = server.turn()
                answer = Response(400, _PLAIN, "text/plain")
                await connection.send(answer.encode(False), now)
                await server.linger(connection, now)
            return False
        while not connection.ended:
            free = self._free(connection)
            if free is None:
                return False
            if free:
                break
            await sleep_ms(_LOOK_MS)
        if not server.make_heap(_ROOM_BYTES):
            return False
        # No wait between the look and this: the place is taken.
        connection.secure = True
        connection.heard = False
        connection.deadline = server.turn() + _HANDSHAKE_MS
        connection.sock = self._context.wrap_socket(
            connection.sock, server_side=True, do_handshake_on_connect=False
        )
        gc.collect()
        return True

    def _free(self, newcomer):
        """True when there is a place, False when there may be one soon, None when there is not."""
        connections = self._server.connections
        count = 0
        for other in connections.all:
            if other.secure and not other.ended:
                if not other.heard:
                    return False  # in its handshake; that ends, one way or the other
                count += 1
        if count < self._limit:
            for other in connections.all:
                if other.secure and other.ended:
                    return False  # its memory is free in a moment
            return True
        return False if connections.make_room(self._server.turn(), True) else None
