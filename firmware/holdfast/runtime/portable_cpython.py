"""What portable.py has for MicroPython, for CPython; on a board it is never loaded."""

import asyncio
import os
import ssl
import tempfile
import traceback
from binascii import b2a_base64

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


def tls_context(certificate, key):
    """What makes TLS servers of sockets, with a certificate and its key (DER)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    name = "EC PRIVATE KEY" if key[key[1] < 0x80 and 4 or 5] == 1 else "PRIVATE KEY"
    parts = [_pem("CERTIFICATE", certificate), _pem(name, key)]
    # CPython reads them from a file and from nothing else.
    number, path = tempfile.mkstemp()
    try:
        with open(number, "wb") as file:
            file.write(b"".join(parts))
        context.load_cert_chain(path)
    finally:
        os.remove(path)
    return context


def _pem(name, data):
    name = name.encode()
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (name, b2a_base64(data), name)
