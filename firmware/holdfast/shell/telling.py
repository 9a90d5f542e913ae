"""Sends an answer that is made piece by piece; between two pieces everybody has a turn."""

from holdfast.shell.portable import sleep_ms


async def converse(server, connection, pieces):
    """Send the pieces, texts, of which empty ones only pass the turn on."""
    now = server.turn()
    for piece in pieces:
        if connection.ended:
            return
        if piece:
            await connection.send(piece.encode(), now)
        await sleep_ms(0)
        now = server.turn()
    if not connection.ended:
        # What the peer sent behind its request would reset what it has not read yet.
        connection.sock.setblocking(False)
        await connection.linger(now)
