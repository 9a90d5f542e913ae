"""The server: accepts, reads, answers, streams, reaps. It moves bytes and time and decides nothing.

Each connection has one task that reads and answers; an event stream has a second one that writes, and
then the first writes no more. Deadlines are data: one reaper looks at them and ends the tasks that
are late; nothing ever waits with a timeout, which on MicroPython loses the other direction's wake-up.
"""

import asyncio
import gc

from holdfast.shell.connections import LINGER_MS, SEND_MS, Connection, Connections
from holdfast.shell.dispatch import error_response
from holdfast.shell.portable import (
    PIECE_BYTES,
    read_into,
    readable,
    report,
    sleep_ms,
    writable,
    write,
)
from holdfast.vapix.stream import MESSAGE_BYTES
from holdfast.wire.http import CONTINUE, HttpError
from holdfast.wire.websocket import MessageReader, WebSocketError

REAP_MS = 250
_PAUSE_MS = 20  # until a place may be free
_TROUBLE_MS = 50  # after accept failed: out of sockets or memory


class Server:
    """Serves one listening socket. ticker: its turn() runs the module and gives the time."""

    def __init__(self, dispatcher, ticker, limit):
        self._dispatcher = dispatcher
        self._ticker = ticker
        self._connections = Connections(limit)

    async def accept(self, listener):
        """Take connections as they come; never ends."""
        connections = self._connections
        while True:
            await readable(listener)
            if connections.taken():
                connections.make_room(self._ticker.turn())
                await sleep_ms(_PAUSE_MS)
                continue
            try:
                sock = listener.accept()[0]
            except OSError:
                await sleep_ms(_TROUBLE_MS)
                continue
            try:
                self._welcome(sock)
            except MemoryError:
                sock.close()
                self.shed()
            await sleep_ms(0)

    def _welcome(self, sock):
        sock.setblocking(False)
        now = self._ticker.turn()
        connection = Connection(sock, now)
        # The coroutine of a task that never starts would never close the socket.
        connection.task = asyncio.create_task(self._serve(connection))
        self._connections.all.append(connection)
        if self._connections.taken():
            self._connections.make_room(now)

    async def reap(self):
        """End what is late, ping streams, keep a place free; never ends."""
        connections = self._connections
        while True:
            await sleep_ms(REAP_MS)
            now = self._ticker.turn()
            for connection in list(connections.all):
                stream = connection.stream
                if stream is not None:
                    if stream.outbox.tick(now):
                        connection.end()
                    stream.wake()
                if connections.overdue(connection, now):
                    self._timeout(connection)
            if connections.taken():
                connections.make_room(now)

    def _timeout(self, connection):
        """A request that began and did not end gets a 408; an idle connection just ends."""
        if connection.reader.pending() and not connection.lingering and not connection.stream:
            try:
                write(connection.sock, error_response(HttpError(408)).encode(False))
            except OSError:
                pass  # the peer is gone
        connection.end()

    def shed(self, spared=None):
        """Out of memory: the newest connection gives way."""
        newest = self._connections.newest(spared)
        if newest is not None:
            newest.end()
        gc.collect()

    def relieve(self):
        """Out of memory while telling events: the streams have a gap now, so they all end."""
        for connection in self._connections.all:
            if connection.stream is not None:
                connection.end()
        gc.collect()

    # -- one connection ----------------------------------------------------------------------------

    async def _serve(self, connection):
        """The task of a connection, from its first byte to its close."""
        try:
            stream = await self._converse(connection)
            if stream is not None:
                await self._stream(connection, stream)
        except (OSError, asyncio.CancelledError):
            pass  # a lost peer, or the reaper: both are normal
        except MemoryError:
            self.shed(connection)
        except Exception as error:
            report(error)
        finally:
            connection.ended = True
            self._connections.all.remove(connection)
            connection.sock.close()

    async def _converse(self, connection):
        """Requests and answers; returns a 101 Response when the connection is a stream from here."""
        reader = connection.reader
        while True:
            count = await self._fill(connection)
            if not count:
                return None
            now = self._ticker.turn()
            try:
                request = reader.next()
                while request is not None:
                    response = self._answer(connection, request, now)
                    keep_alive = request.keep_alive and not self._connections.crowded()
                    head_only = request.method == "HEAD"
                    await self._send(connection, response.encode(keep_alive, head_only), now)
                    if response.status == 101:
                        return response
                    if not keep_alive:
                        return await self._linger(connection)
                    now = self._ticker.turn()
                    connection.last_at = now
                    request = reader.next()
                    connection.idle(now)
                if reader.pending():
                    connection.begun(now)
                if reader.expects_continue:
                    reader.expects_continue = False
                    await self._send(connection, CONTINUE, now)
            except HttpError as error:
                await self._send(connection, error_response(error).encode(False), now)
                return await self._linger(connection)

    async def _fill(self, connection):
        """Read what is there into the buffer; the count, 0 at the end."""
        sock = connection.sock
        buffer = connection.buffer
        while not connection.ended:
            await readable(sock)
            count = read_into(sock, buffer.space())
            if count is not None:
                buffer.filled(count)
                return count
        return 0

    def _answer(self, connection, request, now):
        try:
            response = self._dispatcher.answer(connection.caller, request, now)
        except MemoryError:
            self.shed(connection)
            response = self._dispatcher.answer(connection.caller, request, now)
        if response.status == 101 and self._connections.streams_full():
            response = error_response(HttpError(503))
        # Pins have moved before the answer says so.
        self._ticker.turn()
        return response

    async def _send(self, connection, data, now):
        """Send all of it, in pieces small enough for the smallest board."""
        length = len(data)
        if length <= PIECE_BYTES:
            count = write(connection.sock, data)
            if count == length:
                return
        else:
            count = 0
        count = count or 0
        view = memoryview(data)
        before = connection.deadline
        connection.deadline = now + SEND_MS
        while count < length:
            await writable(connection.sock)
            count += write(connection.sock, view[count : count + PIECE_BYTES]) or 0
        connection.deadline = before

    async def _linger(self, connection):
        """Read on for a moment, so that the refusal reaches a peer that is still sending."""
        connection.lingering = True
        connection.deadline = self._ticker.turn() + LINGER_MS
        buffer = connection.buffer
        while True:
            buffer.start = buffer.end = 0
            if not await self._fill(connection):
                return None

    # -- an event stream ---------------------------------------------------------------------------

    async def _stream(self, connection, upgrade):
        """Read messages until the peer or the outbox ends it."""
        now = self._ticker.turn()
        stream = upgrade.service.open(now)
        something = asyncio.Event()
        stream.wake = something.set
        connection.stream = stream
        connection.deadline = None
        writer = asyncio.create_task(self._write_stream(connection, stream, something))
        connection.writer = writer
        messages = MessageReader(connection.buffer, MESSAGE_BYTES)
        try:
            while not stream.outbox.closing:
                message = messages.next()
                while message is not None:
                    stream.receive(message, now)
                    message = messages.next()
                if not await self._fill(connection):
                    return
                now = self._ticker.turn()
        except WebSocketError as error:
            stream.outbox.close(error.code, error.reason)
            stream.wake()
        finally:
            upgrade.service.close(stream)
            connection.stream = None
            connection.deadline = now + SEND_MS
            connection.joining = True
            # The writer must be out of its wait before the socket is closed.
            if not stream.outbox.closing or connection.ended:
                writer.cancel()
            await writer
            connection.joining = False
        if not connection.ended:
            await self._linger(connection)

    async def _write_stream(self, connection, stream, something):
        """Send what the outbox gives, until it closes."""
        outbox = stream.outbox
        try:
            while True:
                now = self._ticker.turn()
                frame = outbox.next(now)
                if frame is not None:
                    await self._send(connection, frame, now)
                elif outbox.closing:
                    return
                else:
                    something.clear()
                    await something.wait()
        except asyncio.CancelledError:
            pass  # by the connection's task, which waits for this one
        except OSError:
            connection.end()
        except MemoryError:
            self.shed(connection)
            connection.end()
        except Exception as error:
            report(error)
            connection.end()
