"""Moves the bytes of a stream: the connection's task reads, a second one writes.

Loaded with the first stream. What to make of what is read, the stream decides; what to send, and
when, its outbox.
"""

import asyncio

from holdfast.runtime.portable import report
from holdfast.server.connection import LINGER_MS, SEND_MS


async def converse(server, connection, service):
    """Run the connection as a stream of `service` until either side ends it."""
    now = server.turn()
    something = asyncio.Event()
    stream = service.open(now)

    def read():
        try:
            stream.read(now)
        except MemoryError:
            raise EOFError  # part of a message is lost: a second try would read on behind it

    try:
        stream.wake = something.set
        stream.report = report
        connection.stream = stream
        connection.deadline = None
        stream.listen(connection.reader.buffer)
        connection.writer = asyncio.create_task(_write(server, connection, stream, something))
        server.take(connection, read, False)  # what came together with the request
        while not stream.outbox.closing:
            await connection.wait()
            now = server.turn()
            server.take(connection, read)
    finally:
        service.close(stream)
        connection.stream = None
        connection.endless = False
        connection.deadline = now + SEND_MS
        connection.joining = True
        # The writer must be out of its wait before the socket is closed.
        if connection.writer is not None:
            if not stream.outbox.closing or connection.ended:
                connection.writer.cancel()
            await connection.writer
        connection.joining = False
    # After the peer's own close frame the server ends the connection (RFC 6455 section 7.1.1).
    if stream.outbox.closing and not stream.farewell and not connection.ended:
        await server.linger(connection, server.turn())


async def _write(server, connection, stream, something):
    """Send what the outbox gives, until it closes."""
    outbox = stream.outbox
    try:
        while True:
            now = server.turn()
            frame = outbox.next(now)
            if frame is not None:
                await connection.send(frame, now)
            elif outbox.closing:
                # The peer has a moment to say goodbye.
                connection.deadline = now + LINGER_MS
                return
            else:
                something.clear()
                await something.wait()
    except asyncio.CancelledError:
        pass  # by the connection's task, which waits for this one
    except OSError:
        connection.end()
    except MemoryError:  # not as a tuple, which would need some
        connection.end()
    except Exception as error:
        report(error)
        connection.end()
