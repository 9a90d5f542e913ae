"""What portable.py has for MicroPython, for CPython; on a board it is never loaded."""

import asyncio
import ssl
import traceback

report = traceback.print_exception


def sleep_ms(ms):
    """Wait for so many ms."""
    return asyncio.sleep(ms / 1000)


async def readable(sock):
    """Wait until the socket has bytes, a connection, or an end. One task per socket."""
    loop = asyncio.get_running_loop()
    await _ready(sock.fileno(), loop.add_reader, loop.remove_reader, loop.create_future())


async def writable(sock):
    """Wait until the socket takes bytes. One task per socket."""
    loop = asyncio.get_running_loop()
    await _ready(sock.fileno(), loop.add_writer, loop.remove_writer, loop.create_future())


async def _ready(number, add, remove, future):
    add(number, lambda: future.done() or future.set_result(None))
    try:
        await future
    finally:
        remove(number)


def read_into(sock, view):
    """Read what is there; the count, 0 at the end, None when nothing is there yet."""
    try:
        return sock.recv_into(view)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None


def write(sock, data):
    """Write what the socket takes; the count, None for nothing."""
    try:
        return sock.send(data)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None


def again():
    """asyncio.run is called once more: here each run has a loop of its own."""


def trusting(certificates):
    """A TLS client's context that trusts these certificates (DER) alone; ValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        for certificate in certificates:
            context.load_verify_locations(cadata=certificate)
    except ssl.SSLError:
        raise ValueError("no certificate")
    return context
