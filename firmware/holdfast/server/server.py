"""The server: accepts, reads, answers, reaps. It moves bytes and time and decides nothing.

Each connection has one task that reads and answers; an event stream has a second one that writes,
and then the first writes no more. Deadlines are data: one reaper looks at them and ends the tasks
that are late; nothing ever waits with a timeout, which on MicroPython loses the other direction's
wake-up. A task that ends, however it does, closes its socket.
"""

import asyncio
import gc

from micropython import const

from holdfast.runtime.memory import load
from holdfast.runtime.portable import (
    http_date,
    read_into,
    readable,
    report,
    send_at_once,
    sleep_ms,
    write,
)
from holdfast.server.admission import Connections
from holdfast.server.connection import LINGER_MS, Connection
from holdfast.server.dispatch import error_response
from holdfast.wire.buffer import ReceiveBuffer
from holdfast.wire.http import CONTINUE, HEAD_BYTES, HttpError, Response

_REAP_MS = const(250)
_SECOND_MS = const(1000)
_REST_MS = const(60000)  # a service that nobody called for so long is let go
_PAUSE_MS = const(20)  # until a place may be free
_SOON_MS = const(2)  # .. of a connection that is told to end
_TROUBLE_MS = const(50)  # after accept failed: out of sockets
_REFUSED = const(8)  # newcomers in one turn
_RESERVE_BYTES = const(1024)  # what a heartbeat needs
_ACCEPT_WORDS = const(128)  # what accept needs: out of memory in there the connection leaks
# Made now: a tuple in an except clause is made when it is needed, and the heap may be full then.
_OVER = (EOFError, OSError, asyncio.CancelledError)  # the peer's end, a lost peer, the reaper


class Server:
    """Serves one listening socket. turn: a function() that runs the module and gives the time.
    epoch_ms: a function() that gives what to add to that for UTC since 1970, 0 when the time is
    not known. troubled: a function() that is told when the heap was full.
    """

    def __init__(self, dispatcher, turn, limit, epoch_ms, troubled=None):
        self.turn = turn
        self.heard_at = None  # when bytes came from anybody, last
        self.troubled = troubled
        self._dispatcher = dispatcher
        self._epoch_ms = epoch_ms
        self._date = b""  # the field line `Date`, ..
        self._date_until = 0  # .. until when it holds
        self.connections = Connections(limit)
        self._buffer = ReceiveBuffer(HEAD_BYTES)
        self._reserve = bytearray(_RESERVE_BYTES)
        self.senders = []  # of long answers; see server.body
        self.sending = None  # since when the first of them sends, and when its peer last took some

    async def accept(self, listener, gate=None):
        """Take connections as they come; never ends. gate: of server.tls, for the TLS port."""
        connections = self.connections
        while True:
            try:
                await readable(listener)
            except MemoryError:
                self.shed(None)
                await sleep_ms(_TROUBLE_MS)
                continue
            now = self.turn()
            if connections.taken():
                room = connections.make_room(now)
                await sleep_ms(_SOON_MS if room else _PAUSE_MS)
                continue
            # Who is refused leaves at once, and the next one is looked at in the same turn.
            pause = _TROUBLE_MS
            try:
                for _ in range(_REFUSED):
                    # Memory that clear() gives back at once, without a collection.
                    ([None] * _ACCEPT_WORDS).clear()
                    sock, peer = listener.accept()
                    pause = 0
                    try:
                        if self._welcome(sock, peer, gate, now):
                            break
                    except (MemoryError, OSError):
                        sock.close()
                        raise
            except OSError:
                pass  # no more of them, or out of sockets
            except MemoryError:
                self.shed(None)
                pause = _TROUBLE_MS
            # The newcomer's task may read before the next one is taken.
            await sleep_ms(pause)

    def _welcome(self, sock, peer, gate, now):
        """Serve a newcomer; False when it was refused: closed, nothing of it read."""
        connections = self.connections
        connection = Connection(sock, self._buffer, now)
        connection.peer = peer
        connections.all.append(connection)
        try:
            if connections.taken():
                connections.make_room(now, False, connection)
            if not connection.ended:
                sock.setblocking(False)
                send_at_once(sock)
                if gate is not None:
                    connection.gate = gate
                    connection.caller.secure = True
                asyncio.create_task(self._serve(connection))
                return True
        except (MemoryError, OSError):
            connections.all.remove(connection)
            raise
        connections.all.remove(connection)
        sock.close()
        return False

    async def reap(self):
        """End what is late, ping streams, keep a place free; never ends."""
        rest_at = 0
        while True:
            await sleep_ms(_REAP_MS)
            now = self.turn()
            self._sweep(now)
            if now >= rest_at:
                rest_at = now + _REST_MS
                self._dispatcher.rest()
            self._restock()

    def _sweep(self, now):
        """One look at all connections. By itself, so that the loop holds on to none of them."""
        connections = self.connections
        # Tasks that are told to end leave the list later, not here.
        for connection in connections.all:
            stream = connection.stream
            if stream is not None:
                if stream.outbox.tick(now):
                    connection.end()
                stream.wake()
            if connections.overdue(connection, now):
                self._timeout(connection, now)
        if connections.taken():
            connections.make_room(now)

    def _timeout(self, connection, now):
        """A request that began and did not end gets a 408; an idle connection just ends."""
        silent = connection.ended or connection.lingering or connection.writer is not None
        if connection.partial and not silent:
            try:
                late = error_response(HttpError(408)).encode(False, False, self.date(now))
                write(connection.sock, late)
            except OSError:
                pass  # the peer is gone
            except MemoryError:
                pass  # its end tells it, too
        connection.end()

    def date(self, now):
        """The field line `Date` of an answer (RFC 9110 section 6.6.1) with its end, made once a
        second; empty when the time is not known. In a full heap it stays as it was.
        """
        if now >= self._date_until:
            try:
                self._date_until = now + _SECOND_MS
                utc_ms = self._epoch_ms()
                if utc_ms:
                    utc_ms += now
                    self._date = ("Date: %s\r\n" % http_date(utc_ms // _SECOND_MS)).encode()
                    self._date_until -= utc_ms % _SECOND_MS
            except MemoryError:
                pass
        return self._date

    def occupy(self, count):
        """So many connections are the module's own now: they are taken from the same few."""
        self.connections.outgoing = count

    def close(self):
        """End all connections."""
        for connection in self.connections.all:
            connection.end()

    def dismiss(self, known):
        """Accounts may have changed, these (name, role, md5, sha256) are known: who is
        logged in as something else has to come again.

        Event streams end, and those whose 101 is on its way; requests are checked against the new
        accounts anyway.
        """
        for connection in self.connections.all:
            account = connection.caller.account
            if not connection.endless or account is None:
                continue
            if (account.name, account.role, account.md5, account.sha256) not in known:
                connection.end()

    def shed(self, asker):
        """Out of memory for a connection, None: for whoever comes next. Who counts less gives way,
        else the asker itself when it has its answer; and a reserve is there now.

        What a task holds is free when it has ended; whoever tries once more needs some at once.
        """
        self._reserve = None
        gc.collect()
        # Twice: as if a while had passed. Whoever calls next has its service made anew.
        self._dispatcher.rest()
        self._dispatcher.rest()
        connections = self.connections
        hoarder = connections.newest(asker, True)
        if hoarder is not None:
            hoarder.end()
            hoarder.rest = b""
        newest = connections.newest(asker)
        if newest is not None:
            newest.end()
        elif hoarder is None and asker is not None and not connections.feeds(asker):
            asker.end()
        gc.collect()
        if self.troubled is not None:
            self.troubled()

    def make_heap(self, size):
        """Have so much of the heap free, at the expense of services that are not in use; False
        when that is not possible.
        """
        gc.collect()
        if hasattr(gc, "mem_free") and gc.mem_free() < size:
            self._dispatcher.rest()
            self._dispatcher.rest()
            gc.collect()
            return gc.mem_free() >= size
        return True

    def _restock(self):
        """Have the reserve again, if there is room for it."""
        if self._reserve is None:
            try:
                self._reserve = bytearray(_RESERVE_BYTES)
            except MemoryError:
                pass  # later

    def relieve(self):
        """Out of memory while telling events: the streams have a gap now, so they all end, and a
        reserve is there now.
        """
        self._reserve = None
        gc.collect()
        for connection in self.connections.all:
            if connection.stream is not None:
                connection.end()

    async def _serve(self, connection):
        """The task of a connection, from its first byte to its close."""
        try:
            connection.task = asyncio.current_task()
            if connection.ended:
                return
            if connection.gate is not None and not await connection.gate.enter(connection):
                return
            upgrade = await self._converse(connection)
            if upgrade is not None:
                # All that streams need comes with the first one.
                converse = load("holdfast.server." + upgrade.converse, "converse")
                await converse(self, connection, upgrade.service)
        except _OVER:
            pass  # both are normal
        except MemoryError:
            pass  # it was tried twice, or nobody waits for an answer: this one gives way itself
        except Exception as error:
            report(error)
        finally:
            connection.ended = True
            self.connections.leave(connection)
            connection.sock.close()

    def take(self, connection, parse, read=True):
        """Look what the socket has, unless `read` is False, and return what parse() takes out of
        the bytes that came; None when it needs more. EOFError at their end.

        The block that all connections share holds bytes in here alone, and nothing in here waits:
        nobody finds what another one put there. What parse() leaves is the connection's `rest`.
        """
        buffer = self._buffer
        taken = None
        loaded = tried = False
        try:
            while True:
                try:
                    if not loaded:
                        buffer.load(connection.rest)
                        loaded = True
                    if read:
                        count = read_into(connection.sock, buffer.space())
                        connection.dry = count is None
                        if count is None:
                            return None
                        if not count:
                            raise EOFError
                        read = False
                        connection.heard = True
                        buffer.filled(count)
                    if parse is not None:
                        taken = parse()
                        parse = None
                    connection.rest = buffer.unload()
                    return taken
                except MemoryError:
                    if tried:
                        raise
                    tried = True
                    self.shed(connection)
        finally:
            buffer.clear()

    async def linger(self, connection, now):
        """Read on for a moment, so that our last word reaches a peer that is still sending. It
        ends with an EOFError, or by the deadline.
        """
        connection.lingering = True
        connection.deadline = now + LINGER_MS
        while True:
            self.take(connection, self._buffer.clear)
            await connection.wait()

    async def _converse(self, connection):
        """Requests and answers; return the Response after which it is a stream, else None."""
        reader = connection.reader
        now = connection.since
        while True:
            try:
                request = None
                if connection.rest:  # it came together with the request before
                    request = self.take(connection, reader.next, False)
                    now = self.turn()
                while request is None:
                    connection.parsed(now)
                    if reader.expects_continue:
                        reader.expects_continue = False
                        await connection.send(CONTINUE, now)
                    try:
                        await connection.wait()
                    except MemoryError:
                        if not self.connections.feeds(connection):
                            raise
                        self.shed(connection)
                        await connection.wait()
                    request = self.take(connection, reader.next)
                    now = self.turn()
                    self.heard_at = now
                connection.partial = False  # whoever takes no answer has sent all of the request
                response = self._dispatcher.answer(connection, request, now, self.shed)
                if not isinstance(response, Response):
                    response = await self._awaited(connection, response)
                    now = self.turn()
                response = self._checked(connection, response)
                keep_alive = request.keep_alive and not connection.ended
                keep_alive = keep_alive and not self.connections.crowded_by(connection)
                if isinstance(response.body, bytes):
                    head_only = request.method == "HEAD"
                    encoded = response.encode(keep_alive, head_only, self.date(now))
                    await connection.send(encoded, now)
                else:
                    send = load("holdfast.server.body", "send_pieces")
                    keep_alive = await send(self, connection, request, response, keep_alive)
                if response.converse is not None:
                    return response
                if not keep_alive:
                    # Who asked for the end has sent all there is; others may be sending.
                    if request.keep_alive or connection.rest:
                        await self.linger(connection, now)
                    return None
                connection.answered(now)
            except HttpError as error:
                encoded = error_response(error).encode(False, False, self.date(now))
                await connection.send(encoded, now)
                await self.linger(connection, now)
                return None

    async def _awaited(self, connection, waiting):
        """The Response of a handler that waits for the task that saves."""
        before = connection.deadline
        connection.deadline = None  # it takes as long as it takes, and cannot take for ever
        response = await waiting
        connection.deadline = before
        return response

    def _checked(self, connection, response):
        """The Response that is to be sent, and the turn before it is."""
        session = response.session
        if session is not None:
            connection.session = session
            connection.fed_at = session.last_at
            session.peer = connection.peer
        if response.endless and self.connections.streams_full():
            response = error_response(HttpError(503))
        connection.endless = response.endless
        if response.spend is not None:
            response.spend()
        # Pins have moved before the answer says so.
        self.turn()
        return response
