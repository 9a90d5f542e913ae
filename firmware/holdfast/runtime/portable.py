"""The few things that asyncio and sockets do differently on MicroPython and CPython.

Sockets are used without asyncio's streams: a stream reads a line one byte per system call, buffers
without bound and cannot be cancelled safely. Waiting is all that asyncio is needed for here.
"""

import asyncio
import gc
import socket
import sys
from time import gmtime

from micropython import const

PIECE_BYTES = const(1024)  # of one write: on a Pico W all sockets share 8000 bytes
_YEAR_2000_S = const(946684800)
_DAYS = "MonTueWedThuFriSatSun"
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_SPARE_WORDS = const(64)  # what registering a socket may need, twice over

if sys.implementation.name == "micropython":
    sleep_ms = asyncio.sleep_ms
    report = sys.print_exception

    _spare: list = [None]  # memory for _mend

    def readable(sock):
        """Wait until the socket has bytes, a connection, or an end. One task per socket."""
        # Looked up each time: a new event loop has a new queue.
        queue = asyncio.core._io_queue  # pyright: ignore  private
        if _spare[0] is None:
            _spare[0] = [None] * _SPARE_WORDS
        try:
            yield queue.queue_read(sock)
        except MemoryError:
            _mend(queue, sock)
            raise

    def writable(sock):
        """Wait until the socket takes bytes. One task per socket."""
        queue = asyncio.core._io_queue  # pyright: ignore  private
        if _spare[0] is None:
            _spare[0] = [None] * _SPARE_WORDS
        try:
            yield queue.queue_write(sock)
        except MemoryError:
            _mend(queue, sock)
            raise

    def _mend(queue, sock):
        """Out of memory while a socket was registered. asyncio leaves it half registered, so that
        it could never be waited for again; and its poll set keeps an entry without contents, upon
        which the next poll would crash (MicroPython, extmod/modselect.c, poll_set_add_obj). So
        registering is brought to its end, and then undone.
        """
        queue.map.pop(id(sock), None)
        _spare[0] = None
        gc.collect()
        queue.poller.register(sock)
        queue.poller.unregister(sock)

    def read_into(sock, view):
        """Read what is there; the count, 0 at the end, None when nothing is there yet."""
        return sock.readinto(view)

    def write(sock, data):
        """Write what the socket takes; the count, None for nothing."""
        return sock.write(data)

    def again():
        """asyncio.run is called once more: what the first run has left is forgotten."""
        asyncio.new_event_loop()

else:
    # Kept apart: a board would carry its names in the heap.
    from holdfast.runtime.portable_cpython import (  # noqa: F401
        again,
        read_into,
        readable,
        report,
        sleep_ms,
        writable,
        write,
    )


def address_text(address):
    """The IPv4 address in what `accept` tells of a peer; "" where it is something else."""
    if isinstance(address, tuple):
        return address[0]
    if not address or len(address) < 8:
        return ""
    # MicroPython's unix port gives the sockaddr_in itself.
    return "%d.%d.%d.%d" % (address[4], address[5], address[6], address[7])


def http_date(utc_s: int) -> str:
    """A moment, s since 1970, as HTTP has it: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section
    5.6.7).
    """
    if gmtime(0)[0] == 2000:  # the first year of MicroPython on an ESP32
        utc_s -= _YEAR_2000_S
    date = gmtime(utc_s)
    day = 3 * date[6]
    month = 3 * date[1]
    names = _DAYS[day : day + 3], date[2], _MONTHS[month - 3 : month], date[0]
    return "%s, %02d %s %d %02d:%02d:%02d GMT" % (names + date[3:6])


def send_at_once(sock):
    """Have small writes sent as they come: else a second one waits until the peer acknowledges the
    first, which most delay by 40 to 200 ms (RFC 9293 section 3.7.4, RFC 1122 section 4.2.3.2)."""
    # MicroPython's unix port has no names for them.
    level = getattr(socket, "IPPROTO_TCP", 6)
    sock.setsockopt(level, getattr(socket, "TCP_NODELAY", 1), 1)
