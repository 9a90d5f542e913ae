"""The records of the event log as bytes, little-endian.

    marker (1), length of what follows the checksum (1), its CRC-32 (4),
    number (4), kind (1), ms it was late (2), ms since start (8), ms of UTC since 1970 or 0 (8),
    text in UTF-8

A record whose checksum does not fit is not there; what follows it is found again at its marker. So
a write that was cut off, or a damaged byte, costs what it hit and nothing else. A record of kind
WEAR has how often and how many bytes were written so far (4 each) for a text, and for the lateness
how many writes of its book were still allowed.
"""

import struct
from binascii import crc32

from micropython import const

from holdfast.wire.utf8 import utf8

MARKER = const(0x1E)  # ASCII: record separator
WEAR = const(0xFF)
_HEAD = "<BBI"
_HEAD_BYTES = const(6)
_BODY = "<IBHQQ"
_BODY_BYTES = const(23)
_TEXT_BYTES = const(255 - 23)


def record(number, kind, late, at, time, text):
    """One entry; text: cut to what a record holds."""
    data = text if isinstance(text, bytes) else text.encode()
    if len(data) > _TEXT_BYTES:
        data = data[:_TEXT_BYTES]
        while data and data[-1] & 0xC0 == 0x80:
            data = data[:-1]
        if data and data[-1] & 0x80:
            data = data[:-1]  # the first byte of a character that is cut
    body = struct.pack(_BODY, number & 0xFFFFFFFF, kind, late, at, time) + data
    return struct.pack(_HEAD, MARKER, len(body), crc32(body) & 0xFFFFFFFF) + body


def wear(number, writes, written, left):
    """A record of the wear."""
    data = struct.pack("<II", writes & 0xFFFFFFFF, written & 0xFFFFFFFF)
    return record(number, WEAR, max(left, 0), 0, 0, data)


def worn(data, start):
    """(writes, bytes, left) of a record of the wear whose body begins at `start`."""
    left = struct.unpack_from(_BODY, data, start)[2]
    return struct.unpack_from("<II", data, start + _BODY_BYTES) + (left,)


def scan(data):
    """Every sound record: (number, kind, start, end), the bytes of its body, in their order."""
    end = len(data)
    at = 0
    while at + _HEAD_BYTES + _BODY_BYTES <= end:
        if data[at] == MARKER:
            _, length, check = struct.unpack_from(_HEAD, data, at)
            start = at + _HEAD_BYTES
            if (
                length >= _BODY_BYTES
                and start + length <= end
                and crc32(memoryview(data)[start : start + length]) & 0xFFFFFFFF == check
            ):
                at = start + length
                number, kind = struct.unpack_from("<IB", data, start)
                yield number, kind, start, at
                continue
        at += 1


def entry(data, start, end):
    """(number, kind, late, at, time, text) of a record that `scan` found."""
    number, kind, late, at, time = struct.unpack_from(_BODY, data, start)
    try:
        text = utf8(bytes(data[start + _BODY_BYTES : end]))
    except ValueError:
        text = "?"  # nobody writes that
    return number, kind, late, at, time, text
