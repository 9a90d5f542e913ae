"""Sends an answer that is made while it is sent, through a block of 1 KB: however long it is, no
more of it is in the heap.

What fits into the block goes out whole, with its length. The others are chunked (RFC 9112 section
7.1), or end with the connection for a client before HTTP/1.1. One of them is sent at a time, at a
pace that peers keep up with: all connections of a Pico W share 8000 bytes of what is on its way,
and a write that finds none of them stops the board (platform facts, section 4.4). Accounts come
before strangers; else whoever came first. A peer that takes nothing, or too long, while others
wait, is ended. An answer that cannot be made to its end ends the connection without the last
chunk, so that nobody takes a part for the whole.

Loaded with the first such answer.
"""

from micropython import const

from holdfast.runtime.portable import PIECE_BYTES, report, sleep_ms
from holdfast.server.connection import SEND_MS
from holdfast.wire.http import HttpError

_START = const(5)  # the size of a chunk: three digits and a line end
_LINE_END = b"\r\n"
_LAST = b"0\r\n\r\n"
_STOP = const(1017)  # PIECE_BYTES, less what stands behind a last chunk
_PACE_MS = const(10)
_STILL_MS = const(1000)  # a peer that takes nothing for so long while others wait is ended ..
_STRANGER_MS = const(250)  # .. a stranger for whom an account waits


class Block:
    """Texts, or bytes, as blocks of bytes. Empty ones pass the turn on. body: a function() that
    gives an iterator of them; shed: one that makes memory.
    """

    def __init__(self, body, shed):
        self.data = b""
        self.end = _START  # of what is in it
        self.over = False  # there are no more texts
        self.begun = False  # something of it is sent
        self._body = body
        self._shed = shed
        self._parts = None
        self._rest = b""  # what has not fitted of the last one

    def fill(self):
        """Take texts until the block is full, or they are over; False when others may have their
        turn before. What the first block could not be made without is tried once more, as a
        handler is; HttpError where that is in vain.
        """
        try:
            if self._parts is None:
                self.data = bytearray(PIECE_BYTES)
                self.end = _START
                self._parts = self._body()
            while self.end < _STOP:
                part = self._rest
                if not part:
                    part = next(self._parts, None)
                    if part is None:
                        self.over = True
                        return True
                    if not part:
                        return False
                    if isinstance(part, str):
                        part = part.encode()
                room = _STOP - self.end
                self._rest = b""
                if len(part) > room:
                    part = memoryview(part)
                    self._rest = part[room:]
                    part = part[:room]
                self.data[self.end : self.end + len(part)] = part
                self.end += len(part)
            return True
        except MemoryError:
            if self.begun:
                raise
            if self._shed is None:
                raise HttpError(503)
            self._parts = None
            self._rest = b""
            self._shed()
            self._shed = None
            return False
        except Exception as error:
            known = isinstance(error, HttpError)
            if not known:
                report(error)
            if self.begun:
                raise EOFError  # nothing is left to be answered: what is told has begun
            raise error if known else HttpError(500)

    def plain(self):
        """What is in it; the block is empty then."""
        end = self.end
        self.end = _START
        return memoryview(self.data)[_START:end]

    def chunk(self):
        """What is in it as a chunk, with the last one behind it; the block is empty then."""
        end = self.end
        start = _START
        self.end = _START
        if end > _START:
            self.data[:_START] = b"%03x\r\n" % (end - _START)
            start = 0
            self.data[end : end + 2] = _LINE_END
            end += 2
        if self.over:
            self.data[end : end + 5] = _LAST
            end += 5
        return memoryview(self.data)[start:end]


async def send_pieces(server, connection, request, response, keep_alive):
    """Send a response whose body is not bytes; True when the connection may be kept."""
    block = Block(response.body, lambda: server.shed(connection))
    while not block.fill():
        await _passed(server, connection)
    head_only = request.method == "HEAD"
    if block.over:
        response.length = block.end - _START
    elif response.length is None:
        response.chunked = request.minor > 0
        keep_alive = keep_alive and response.chunked
    now = server.turn()
    head = response.encode(keep_alive, head_only, server.date(now))
    if block.over or head_only:
        await connection.send(head if head_only else head + block.plain(), now)
        return keep_alive
    senders = server.senders
    senders.insert(_place(senders, connection), connection)
    try:
        while senders[0] is not connection:
            now = server.turn()
            connection.deadline = now + SEND_MS
            _hurry(server, senders[0], connection, now)
            await sleep_ms(_PACE_MS)
        now = server.turn()
        server.sending = now, now
        block.begun = True
        await connection.send(head, now)
        while True:
            # Before the block: whoever has the last one may find the connection's place free.
            await sleep_ms(_PACE_MS)
            if connection.ended:
                raise EOFError
            now = server.turn()
            server.sending = server.sending[0], now
            await connection.send(block.chunk() if response.chunked else block.plain(), now)
            if block.over:
                return keep_alive
            while not block.fill():
                await _passed(server, connection)
    finally:
        senders.remove(connection)


async def _passed(server, connection):
    """Others have had their turn."""
    connection.deadline = server.turn() + SEND_MS
    await sleep_ms(0)
    if connection.ended:
        raise EOFError


def _place(senders, newcomer):
    """Where in the queue; the first has its turn, whoever comes."""
    if newcomer.caller.account is not None:
        for i in range(1, len(senders)):
            if senders[i].caller.account is None:
                return i
    return len(senders)


def _hurry(server, sender, waiting, now):
    """End a sender whose peer takes nothing, or has had its time."""
    strange = sender.caller.account is None and waiting.caller.account is not None
    began, moved = server.sending
    if now - moved > (_STRANGER_MS if strange else _STILL_MS) or now - began > SEND_MS:
        sender.end()
