"""Sends an answer that is a list, or is made while it is sent.

A short one goes out whole, like any other. Of the long ones one is sent at a time, at a pace that
peers keep up with: all connections of a Pico W share 8000 bytes of what is on its way, and a write
that finds none of them stops the board (platform facts, section 4.4). Accounts come before
strangers; else whoever came first. A peer that takes nothing, or too long, while others wait, is
ended.

Loaded with the first such answer.
"""

from micropython import const

from holdfast.runtime.portable import sleep_ms
from holdfast.server.connection import SEND_MS

_PACE_MS = const(10)
_WHOLE_BYTES = const(2048)
_STILL_MS = const(1000)  # a peer that takes nothing for so long while others wait is ended ..
_STRANGER_MS = const(250)  # .. a stranger for whom an account waits


async def send_pieces(server, connection, request, response, keep_alive):
    """Send a response whose body is not bytes; True when the connection may be kept."""
    if not request.minor:
        # Before HTTP/1.1 there are no chunks: the end of the connection is the end of the body.
        keep_alive = keep_alive and not response.chunked
        response.chunked = False
    now = server.turn()
    if request.method == "HEAD":
        await connection.send(response.encode(keep_alive, True, server.date(now)), now)
        return keep_alive
    pieces = response.pieces()
    begun = []  # the first pieces
    count = 0
    for piece in pieces:
        if piece:
            begun.append(piece)
            count += len(piece)
            if count > _WHOLE_BYTES:
                break
        else:
            connection.deadline = now + SEND_MS
            await sleep_ms(0)
            now = server.turn()
    else:
        response.body = b"".join(begun)
        response.chunked = False
        await connection.send(response.encode(keep_alive, False, server.date(now)), now)
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
        await connection.send(response.encode(keep_alive, False, server.date(now)), now)
        while begun:
            await _send(server, connection, response.chunked, begun.pop(0))
        for piece in pieces:
            await _send(server, connection, response.chunked, piece)
        if response.chunked:
            await connection.send(b"0\r\n\r\n", server.turn())
    finally:
        senders.remove(connection)
    return keep_alive


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


async def _send(server, connection, chunked, piece):
    # Before the piece: whoever has the last one may find the connection's place free.
    await sleep_ms(_PACE_MS if piece else 0)
    if connection.ended:
        raise EOFError
    now = server.turn()
    server.sending = server.sending[0], now
    if piece:
        if chunked:
            piece = b"%x\r\n%s\r\n" % (len(piece), piece)
        await connection.send(piece, now)
