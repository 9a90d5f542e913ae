"""What writing the event log costs its flash, and so when it may be written: the budgets of the
books of core.log. Pure; loaded when a book is opened or written, and let go again.

Every write to flash erases one or two sectors of the 200 of a Pico W, each good for 100,000: 60 a
day wear nothing out.
"""

from micropython import const

from holdfast.core.log import HOUR_MS

# The kinds of entries in words.
NAMES = (
    "trip",
    "return",
    "release",
    "reset",
    "settings",
    "failed turn",
    "login refused",
    "heap",
    "network",
    "clock",
    "rule resting",
    "notification lost",
    "tls",
)

_RETRY_MS = const(10 * 60 * 1000)  # after flash could not be written
_START_MS = const(10000)  # from a start to the first write, ..
_MOST_START_DOUBLINGS = const(6)  # .. twice as long for every start before it, up to 10 minutes

# By book: writes at once, and one more every so many ms.
BURST = (16, 2)
REFILL_MS = (30 * 60 * 1000, 2 * HOUR_MS)


def begin(log, number, writes, written, starts, now):
    """What flash knows: the latest number, the wear, and how many of the latest entries of the
    main book are starts. A module that starts again and again waits longer and longer before it
    writes that down: it must not wear out its flash with it.
    """
    log.number = max(log.number, number)
    log.writes = writes
    log.bytes = written
    for book in log.books:
        book.not_before = now + (_START_MS << min(starts, _MOST_START_DOUBLINGS))


def tries(book, now):
    """Flash is about to be written, whatever comes of it."""
    refill = REFILL_MS[book.index]
    # What came back is no more than was spent, and the time that it took counts on.
    while now - book.refilled_at >= refill:
        book.refilled_at += refill
        book.spent = max(book.spent - 1, 0)
    book.spent += 1
    if book.spent >= BURST[book.index]:
        book.not_before = max(book.not_before, book.refilled_at + refill)


def wears(log, size):
    """So many bytes go to flash."""
    log.writes += 1
    log.writes_today += 1
    log.bytes += size
    log.bytes_today += size


def fail(log, book, now):
    """Flash could not be written: the entries wait on."""
    log.failures += 1
    book.not_before = max(book.not_before, now + _RETRY_MS)


def wrote(book, count):
    """So many of those that waited, the oldest, are in flash."""
    book.waiting = book.waiting[count:]
    if not book.waiting:
        book.since = None
