"""The event log in flash: opened at the start, written in batches, read for whoever asks.

Each book of core.log has a few files of 4 KB, which is one sector, and goes round in them: the
oldest is replaced. A batch is appended in one write. A record is, little-endian:

    marker (1), length of what follows the checksum (1), its CRC-32 (4),
    number (4), kind (1), ms it was late (2), ms since start (8), ms of UTC since 1970 or 0 (8),
    text in UTF-8

Nothing is ever repaired: a record whose checksum does not fit is not there, and what follows it is
found again at its marker. So a write that the power cut off, or a damaged byte, costs what it hit
and nothing else. A record of kind WEAR has how often and how many bytes were written so far (4
each) for a text, and for the lateness how many writes of its book were still allowed.

Loaded for each of these and let go again.
"""

import struct
from binascii import crc32

from micropython import const

from holdfast.core.log import BURST, KINDS
from holdfast.wire.json import utf8

SEGMENTS = (4, 2)  # files of each book
SEGMENT_BYTES = const(4096)
BATCH_BYTES = const(1024)  # of one write; what does not fit goes with the next

MARKER = const(0x1E)  # ASCII: record separator
WEAR = const(0xFF)
_HEAD = "<BBI"
_HEAD_BYTES = const(6)
_BODY = "<IBHQQ"
_BODY_BYTES = const(23)
_TEXT_BYTES = const(255 - 23)


def name(book, segment):
    """The name of a file."""
    return "log%d.%d" % (book, segment)


def _read(storage, book, segment):
    """What is in a file, b"" when it is not there or cannot be read, not at a second try either:
    what is taken for empty is written over.
    """
    for _ in range(2):
        try:
            return storage.read(name(book, segment)) or b""
        except OSError:
            pass
    return b""


def opened(log, storage, now):
    """Find where the log goes on, what it has cost, and how often it may still be written."""
    number = writes = written = 0
    for book in log.books:
        newest = 0
        left_at = 0
        for segment in range(SEGMENTS[book.index]):
            data = _read(storage, book.index, segment)
            last = 0
            for at, kind, start, _ in scan(data):
                last = max(last, at)
                if kind == WEAR:
                    count, size, left = worn(data, start)
                    writes = max(writes, count)
                    written = max(written, size)
                    if at >= left_at:
                        left_at = at
                        book.left = min(left, BURST[book.index])
            if last > newest:
                newest = last
                book.segment = segment
                book.used = len(data)
        number = max(number, newest)
    log.opened(number, writes, written, now)


def write(log, storage, book, epoch_ms):
    """Put what waits in a book into flash, as much as one write may hold. True when that was
    possible. epoch_ms: what to add to the module's time for UTC, 0 when that is not known.
    """
    parts = [b""]
    size = 40  # the record of the wear
    count = 0
    for number, at, late, kind, text in book.waiting:
        part = record(number, kind, late, at, at + epoch_ms if epoch_ms else 0, text)
        if count and size + len(part) > BATCH_BYTES:
            break
        size += len(part)
        parts.append(part)
        count += 1
    last = book.waiting[count - 1][0]
    # Whatever comes of it, it may have worn the flash.
    log.wear(book, size)
    parts[0] = wear(last, log.writes, log.bytes, book.left)
    batch = b"".join(parts)
    used = book.used
    following = used is None or used + len(batch) > SEGMENT_BYTES
    try:
        if following:
            segment = (book.segment + 1) % SEGMENTS[book.index]
            storage.write(name(book.index, segment), batch)
            book.segment = segment
            book.used = len(batch)
        else:
            book.used = used + len(batch)
            storage.append(name(book.index, book.segment), batch)
    except OSError:
        log.failures += 1
        return False
    book.wrote(count)
    return True


def find(log, storage, since, limit, places):
    """Put into `places` where the first `limit` entries after number `since` are, or with None the
    latest ones, in their order; see `entries`. Generates None where others may have their turn.
    """
    for book in log.books:
        left = limit
        last = since or 0
        for segment in _order(book):
            for number, kind, _, _ in scan(_read(storage, book.index, segment)):
                # A write that failed may have got as far as flash, and comes once more.
                if number > last and kind < KINDS and left:
                    last = number
                    left -= _place(places, book, number, since, limit)
            yield None
        for row in book.waiting:
            if row[0] > last and left:
                left -= _place(places, book, row[0], since, limit)
    places.sort()
    del places[limit:]


def _place(places, book, number, since, limit):
    """Add an entry: twice its number, and its book. 1 when so many less are wanted of the book."""
    places.append(2 * number + book.index)
    if since is None and len(places) > limit:
        places.remove(min(places))
    return since is not None


def entries(log, storage, places, epoch_ms):
    """Generates the entries at these places, those that are not there any more left out, as
    (number, at, late, kind, time, text), and None where others may have their turn. time: ms of
    UTC, 0 where it was not known. One file at a time is in the heap.
    """
    waiting = [list(book.waiting) for book in log.books]
    seen = [None, None]  # the file that each book was at, ..
    left = [None, None]  # .. and its files that may hold what is to come
    at = data = records = None
    for place in places:
        wanted, index = place // 2, place % 2
        if seen[index] != log.books[index].segment:
            seen[index] = log.books[index].segment
            left[index] = _order(log.books[index])
            at = None
        if at != index:
            at = index
            data = records = None  # the file of the other book goes first
        row = None
        while row is None and left[index]:
            if records is None:
                data = _read(storage, index, left[index][0])
                records = scan(data)
                yield None
            for number, kind, start, end in records:
                if number >= wanted and kind < KINDS:
                    row = entry(data, start, end)
                    break
            else:
                left[index].pop(0)
                data = records = None
        if row is None:
            row = _among(waiting[index], wanted, epoch_ms)
        elif row[0] > wanted:
            row = None  # it is not there any more; the next one may be the one just read
            records = scan(data)
        if row is not None:
            number, kind, late, happened, time, text = row
            yield number, happened, late, kind, time, text


def _among(waiting, wanted, epoch_ms):
    """An entry that waits, as `entry` has it; None when it does not."""
    for number, at, late, kind, text in waiting:
        if number == wanted:
            return number, kind, late, at, at + epoch_ms if epoch_ms else 0, text
    return None


def known(log, storage, kind, text):
    """True when the log has an entry of this kind with this text (up to 96 characters)."""
    for book in log.books:
        for segment in _order(book):
            data = _read(storage, book.index, segment)
            for _, found, start, end in scan(data):
                if found == kind and entry(data, start, end)[5] == text:
                    return True
        for row in book.waiting:
            if row[3] == kind and row[4] == text:
                return True
    return False


def _order(book):
    """The files of a book, the oldest first."""
    count = SEGMENTS[book.index]
    return [(book.segment + i) % count for i in range(1, count + 1)]


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
