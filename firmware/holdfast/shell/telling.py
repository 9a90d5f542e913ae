"""Sends an answer that is made piece by piece; between two pieces everybody has a turn.

Its end is the end of the connection, so there is no lingering: the client waits for it.
"""

from holdfast.shell.connection import SEND_MS
from holdfast.shell.portable import sleep_ms


async def converse(server, connection, pieces):
    """Send the pieces, texts, of which empty ones only pass the turn on."""
    now = server.turn()
    for piece in pieces:
        connection.deadline = now + SEND_MS  # else that of the request, which may be near
        if piece:
            await connection.send(piece.encode(), now)
        await sleep_ms(0)
        now = server.turn()
        if connection.ended:
            return
