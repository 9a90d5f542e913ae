"""The event log in flash: opened at the start, written in batches, read for whoever asks.

Each book of core.log has a few files of 4 KB, which is one sector, and goes round in them: the
oldest is replaced. A batch is appended in one write. Nothing is ever repaired: a record that the
power cut off is not there, and what is appended behind it is found again (wire.logrecord).

Loaded for each of these and let go again.
"""

from micropython import const

from holdfast.core.log import KINDS
from holdfast.wire.logrecord import WEAR, entry, record, scan, wear, worn

SEGMENTS = (4, 2)  # files of each book
SEGMENT_BYTES = const(4096)
BATCH_BYTES = const(1024)  # of one write; what does not fit goes with the next


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
                        book.resume(left)
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
    book.tries()
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
    log.wear(size)
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


def entries(log, storage, since, limit, epoch_ms):
    """(rows, more): the first `limit` entries after number `since`, or with None the latest ones,
    in their order, as (number, at, late, kind, time, text); more: there are others after them.
    time: ms of UTC, 0 where it was not known.
    """
    found = []
    for book in log.books:
        rows = []
        for row in _all(book, storage, since or 0, epoch_ms):
            if since is None and len(rows) == limit:
                rows.pop(0)
            rows.append(row)
            if len(rows) > limit:
                break
        found.extend(rows)
    found.sort(key=lambda row: row[0])
    if since is None:
        return found[-limit:], False
    return found[:limit], len(found) > limit


def known(log, storage, kind, text):
    """True when the log has an entry of this kind with this text (up to 96 characters)."""
    for book in log.books:
        for row in _all(book, storage, 0, 0):
            if row[3] == kind and row[5] == text:
                return True
    return False


def _all(book, storage, since, epoch_ms):
    """All entries of a book after number `since`, oldest first."""
    count = SEGMENTS[book.index]
    last = since
    for i in range(1, count + 1):
        data = _read(storage, book.index, (book.segment + i) % count)
        for number, kind, start, end in scan(data):
            # A write that failed may have got as far as flash, and comes once more.
            if number > last and kind < KINDS:
                last = number
                number, kind, late, at, time, text = entry(data, start, end)
                yield number, at, late, kind, time, text
    for number, at, late, kind, text in book.waiting:
        if number > last:
            yield number, at, late, kind, at + epoch_ms if epoch_ms else 0, text
