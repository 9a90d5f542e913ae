"""Sends a long answer in pieces: one answer at a time, however many ask, and at a pace that peers
keep up with. All connections of a Pico W share 8000 bytes of what is on its way, and a write that
finds none of them stops the board (platform facts, section 4.4).

Loaded with the first long answer.
"""

from micropython import const

from holdfast.shell.connection import SEND_MS
from holdfast.shell.portable import sleep_ms

_PACE_MS = const(10)


async def send_pieces(server, connection, response):
    """Send a response's pieces; the peer has 5 s for all of them, once it is its turn."""
    while server.sending:
        connection.deadline = server.turn() + SEND_MS
        await sleep_ms(_PACE_MS)
    server.sending = True
    try:
        now = server.turn()
        connection.deadline = now + SEND_MS
        for piece in response.pieces():
            await connection.send(piece, now)
            await sleep_ms(_PACE_MS)
    finally:
        server.sending = False
