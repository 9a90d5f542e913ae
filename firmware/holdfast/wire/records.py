"""The history of monitors as bytes, little-endian, as it is kept in flash.

A file is a row of batches: length of the payload (2 bytes), its CRC-32, the payload. What follows
the first batch that is not whole does not count.

Payload of events: groups, each the events of one monitor that were put into flash together:

    number of the monitor (2), count (1), 1 when the time was known (1), bytes of its records (2),
    number of its first event, counted for this monitor (4), ms of UTC since 1970 of the first (8),
    records: ms since that (4), kind (1), then what the kind's high bits say is there: how long the
    job took in ms (4), its exit status (1), a message with its length before it (1 + n)

Payload of statistics: one hour: its number since 1970 (4), 1 when the time was known (1), count of
rows (1), rows: number of the monitor (2), its four counts (2 each).

How monitors stand (one batch): see `standing`.
"""

import struct
from binascii import crc32

from micropython import const

GROUP_BYTES = const(18)  # before its records
_SEAL_BYTES = const(6)
_DURATION = const(0x80)
_STATUS = const(0x40)
_MESSAGE = const(0x20)
_KIND = const(0x1F)
_LONGEST_MS = const(0xFFFFFFFF)  # 49 days
_GROUP = "<HBBHIQ"
_HOUR = "<IBB"
_ROW = "<HHHHH"
_ROW_BYTES = const(10)
_STANDING = "<BIIIIIHB"
_STANDS = "<HBIQHHHH"
_STANDS_BYTES = const(23)
_VERSION = const(1)


def seal(payload):
    """A payload as a batch."""
    return struct.pack("<HI", len(payload), crc32(payload) & 0xFFFFFFFF) + payload


def batches(data):
    """The (start, end) of every payload that is whole, in order."""
    at = 0
    view = memoryview(data)
    while at + _SEAL_BYTES <= len(data):
        length, check = struct.unpack_from("<HI", data, at)
        start = at + _SEAL_BYTES
        at = start + length
        if at > len(data) or crc32(view[start:at]) & 0xFFFFFFFF != check:
            return
        yield start, at


def sound(data):
    """How many bytes at the front are whole batches."""
    length = 0
    for _, end in batches(data):
        length = end
    return length


def record(after_ms, kind, message, duration_ms, status):
    """One event, so long after its group's first; message: bytes."""
    parts = [b""]
    if duration_ms is not None:
        kind |= _DURATION
        parts.append(struct.pack("<I", min(duration_ms, _LONGEST_MS)))
    if status is not None:
        kind |= _STATUS
        parts.append(bytes([status]))
    if message:
        kind |= _MESSAGE
        parts.append(bytes([len(message)]))
        parts.append(message)
    parts[0] = struct.pack("<IB", min(after_ms, _LONGEST_MS), kind)
    return b"".join(parts)


def group(number, known, sequence, first_ms, count, data):
    """The records of one monitor, as part of a payload."""
    head = struct.pack(_GROUP, number, count, 1 if known else 0, len(data), sequence, first_ms)
    return head + data


def groups(data, start, end, wanted=None):
    """The groups of a payload, of all monitors or of the wanted one: (number, count, known,
    sequence, first_ms, start, end), the last two of its records.
    """
    low = high = None
    if wanted is not None:
        low = wanted & 0xFF
        high = wanted >> 8
    while start < end:
        # The others are passed over by a look at three bytes: there are many.
        after = start + GROUP_BYTES + (data[start + 4] | data[start + 5] << 8)
        if low is None or data[start] == low and data[start + 1] == high:
            number, count, known, _, sequence, first = struct.unpack_from(_GROUP, data, start)
            yield number, count, known == 1, sequence, first, start + GROUP_BYTES, after
        start = after


def records(data, start, end):
    """The records between: (after_ms, kind, duration_ms, status, message as bytes)."""
    while start < end:
        after, kind = struct.unpack_from("<IB", data, start)
        start += 5
        duration = status = None
        message = b""
        if kind & _DURATION:
            duration = struct.unpack_from("<I", data, start)[0]
            start += 4
        if kind & _STATUS:
            status = data[start]
            start += 1
        if kind & _MESSAGE:
            length = data[start]
            message = bytes(data[start + 1 : start + 1 + length])
            start += 1 + length
        yield after, kind & _KIND, duration, status, message


def hour_row(hour, known, rows):
    """The statistics of an hour as a payload; rows: (number, (four counts))."""
    parts = [struct.pack(_HOUR, hour, 1 if known else 0, len(rows))]
    for number, counts in rows:
        parts.append(struct.pack(_ROW, number, *counts))
    return b"".join(parts)


def hour_of(data, start, number):
    """(hour, known, the four counts of this monitor or None) of a payload of statistics."""
    hour, known, count = struct.unpack_from(_HOUR, data, start)
    start += 6
    low = number & 0xFF
    high = number >> 8
    for _ in range(count):
        if data[start] == low and data[start + 1] == high:
            return hour, known == 1, struct.unpack_from(_ROW, data, start)[1:]
        start += _ROW_BYTES
    return hour, known == 1, None


def standing(hour, files, following, rows):
    """How monitors stand, as a payload: the hour that is counted in, of both journals the first
    and last file, the next number for a monitor, rows (number, state, count of its events, ms of
    UTC of the last check-in or 0, counts).
    """
    parts = [struct.pack(_STANDING, _VERSION, hour, *(files + (following, len(rows))))]
    for number, state, sequence, last_ms, counts in rows:
        parts.append(struct.pack(_STANDS, number, state, sequence, last_ms, *counts))
    return b"".join(parts)


def stood(data):
    """What `standing` was made of, out of a sealed batch; ValueError when it is not whole."""
    for start, end in batches(data):
        if end - start < struct.calcsize(_STANDING):
            break
        fields = struct.unpack_from(_STANDING, data, start)
        count = fields[7]
        start += struct.calcsize(_STANDING)
        if fields[0] != _VERSION or start + count * _STANDS_BYTES != end:
            break
        rows = []
        for _ in range(count):
            row = struct.unpack_from(_STANDS, data, start)
            rows.append(row[:4] + (row[4:],))
            start += _STANDS_BYTES
        return fields[1], fields[2:6], fields[6], rows
    raise ValueError("not whole")


def group_at(data, records_at):
    """The group, as `groups` has it, whose records begin there; None when that cannot be."""
    start = records_at - GROUP_BYTES
    if start < 0 or records_at > len(data):
        return None
    for row in groups(data, start, records_at):
        return row if row[6] <= len(data) else None
    return None


def skip(data, count):
    """Where the records begin that follow the first `count`."""
    at = 0
    for _ in range(count):
        kind = data[at + 4]
        at += 5
        if kind & _DURATION:
            at += 4
        if kind & _STATUS:
            at += 1
        if kind & _MESSAGE:
            at += 1 + data[at]
    return at
