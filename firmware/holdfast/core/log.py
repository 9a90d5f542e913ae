"""The event log: what happened to the module, numbered. Entries wait here until they are in flash.

There are two books, each with bounds of its own: the main one for what the module and its masters
did, the outer one for what strangers, the network and a full heap cause. So nobody from outside
pushes out what matters, and nobody wears the flash: how often a book is written is bounded, and
how many entries of one kind there are in an hour; the others are counted, and told as one. In the
main book each master has that number for itself, and a full book drops the oldest entry of the
master that has most of them: no master pushes out what another did.

storage.log_files writes and reads the books; it is loaded for that and let go again.
"""

from micropython import const

# What happened, as an index in NAMES of rest.log. These numbers are in flash: they never change.
TRIP = const(0)
RETURN = const(1)
RELEASE = const(2)
RESET = const(3)
SETTINGS = const(4)
FAILED = const(5)
LOGIN = const(6)  # from here on in the outer book
HEAP = const(7)
NETWORK = const(8)
CLOCK = const(9)
RULES = const(10)
NOTIFICATION = const(11)
TLS = const(12)
ALARM = const(13)
BYPASS = const(14)  # in the main book
STRAY = const(15)
DELAY = const(16)
KINDS = const(17)

TEXT_LENGTH = const(96)  # characters of an entry; the rest is cut
_MOST_LATE_MS = const(0xFFFF)
_MOST_COUNTS = const(64)  # kinds and masters that are counted apart in an hour

_MORE = "%d more of these within an hour"

HOUR_MS = const(60 * 60 * 1000)
DAY_MS = const(24 * 60 * 60 * 1000)
_RETRY_MS = const(10 * 60 * 1000)  # after flash could not be written
_START_MS = const(10000)  # from a start to the first write

# By book: entries that wait at most; entries of one kind in an hour; ms that the first waits for
# others to go with it; writes at once; and one more every so many ms. Every write to flash erases
# one or two sectors of the 200 of a Pico W, each good for 100,000: 60 a day wear nothing out. What
# is left of them is in flash with every write, and a start begins with that: it gives nobody more.
_KEPT = (24, 12)
_PER_HOUR = (12, 4)
_GATHER_MS = (2000, 60000)
BURST = (16, 2)
REFILL_MS = (30 * 60 * 1000, 2 * HOUR_MS)


class Book:
    """Entries `(number, at, late, kind, text)` that are not in flash yet, oldest first."""

    def __init__(self, index):
        self.index = index
        self.waiting = []
        self._masters = []  # of those, None where there is none
        self.segment = 0  # the file that is written to, ..
        self.used = None  # .. and the bytes in it; None when there is none
        self.left = BURST[index]  # so many more writes are allowed
        self._refilled_at = 0
        self.not_before = 0  # nothing is written until then
        self._since = None  # when the first of those that wait came

    def put(self, entry, now, of=None):
        """Add one, of this master; 1 when another gave way, else 0."""
        if self._since is None:
            self._since = now
        self._masters.append(of)
        try:
            self.waiting.append(entry)
        except MemoryError:
            self._masters.pop()
            raise
        if len(self.waiting) <= _KEPT[self.index]:
            return 0
        most = place = 0
        for i, master in enumerate(self._masters):
            count = self._masters.count(master)
            if count > most:
                most = count
                place = i
        self._masters.pop(place)
        self.waiting.pop(place)
        return 1

    def due(self, now):
        """True when it is time to write, as far as wear is concerned."""
        refill = REFILL_MS[self.index]
        while now - self._refilled_at >= refill:
            self._refilled_at += refill
            self.left = min(self.left + 1, BURST[self.index])
        if self._since is None or not self.left or now < self.not_before:
            return False
        return now - self._since >= _GATHER_MS[self.index]

    def failed(self, now):
        """Flash could not be written: the entries wait on."""
        self.not_before = now + _RETRY_MS

    def wrote(self, count):
        """So many of those that waited, the oldest, are in flash."""
        self.waiting = self.waiting[count:]
        self._masters = self._masters[count:]
        if not self.waiting:
            self._since = None


class Log:
    """The log of a module. `lost` counts entries that gave way unwritten, and those for which the
    heap had no room.
    """

    def __init__(self):
        self.books = (Book(0), Book(1))
        self.number = 0  # of the latest entry
        self.lost = 0
        self.writes = 0  # to flash, ever, as far as flash knows
        self.bytes = 0
        self.writes_today = 0  # in the last 24 h of the module's own time, or since its start
        self.bytes_today = 0
        self.failures = 0  # of writes to flash
        self._day = 0
        self._hour = 0
        self._counts = {}  # in this hour, by (kind, master or None)

    def add(self, kind, text, now, late=0, of=None):
        """Something happened at `now`, `late` ms after it was due, `of` a master or a rule. A full
        heap raises nothing.
        """
        try:
            if self.admits(kind, now, of):
                self.put(kind, text, now, late, None, of)
        except MemoryError:
            self.lost += 1

    def admits(self, kind, now, of=None):
        """True when another entry of this kind, of this master, is told alone; one that is not is
        counted.
        """
        self.turn(now)
        book = _book(kind)
        key = (kind, of if book == 0 else None)
        if key not in self._counts and len(self._counts) >= _MOST_COUNTS:
            key = (kind, None)
        count = self._counts[key] = self._counts.get(key, 0) + 1
        return count <= _PER_HOUR[book]

    def turn(self, now):
        """A new hour, when there is one: tell what was only counted."""
        if now - self._hour < HOUR_MS:
            return
        hour = self._hour
        self._hour = now - now % HOUR_MS
        if now - self._day >= DAY_MS:
            self._day = now - now % DAY_MS
            self.writes_today = self.bytes_today = 0
        for kind, of in self._counts:
            more = self._counts[kind, of] - _PER_HOUR[_book(kind)]
            if more > 0:
                self.put(kind, _MORE, hour + HOUR_MS, 0, more, of)
        self._counts.clear()

    def put(self, kind, text, now, late=0, more=None, of=None):
        """Add what `admits` has let in."""
        try:
            if more is not None:
                text = text % more
            if of is not None:
                text = "%s: %s" % (of, text)
            text = text[:TEXT_LENGTH]
            late = min(max(late, 0), _MOST_LATE_MS)
            entry = (self.number + 1, now, late, kind, text)
            self.lost += self.books[_book(kind)].put(entry, now, of)
            self.number += 1
        except MemoryError:
            self.lost += more or 1

    def due(self, now):
        """The first book that it is time to write, or None."""
        self.turn(now)
        for book in self.books:
            if book.due(now):
                return book
        return None

    def opened(self, number, writes, written, now):
        """What flash knows: the latest number, and the wear."""
        self.number = max(self.number, number)
        self.writes = writes
        self.bytes = written
        for book in self.books:
            book.not_before = now + _START_MS

    def wear(self, book, written):
        """So many bytes of a book go to flash, whatever comes of it."""
        book.left -= 1
        self.writes += 1
        self.writes_today += 1
        self.bytes += written
        self.bytes_today += written


def _book(kind):
    return 0 if kind < LOGIN or kind == BYPASS else 1
