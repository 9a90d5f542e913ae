"""A journal in flash: files of one erase block each that are only added to, the oldest dropped.

Its files are STEM.0 to STEM.255, counted round; those there are follow each other. A file that is
damaged is set aside as STEM.bad, which replaces an earlier one, and what is whole of it stays.
"""

from micropython import const

from holdfast.wire.records import batches, seal, sound

FILE_BYTES = const(4096)  # an erase block of the flash chips, and what littlefs gives a file
_ROUND = const(256)


class Journal:
    """first, count: where its files were when that was noted last; both None when that is lost."""

    def __init__(self, storage, stem, first, count):
        self._storage = storage
        self._stem = stem
        self._size = None  # of the last file; None: not looked at since the start
        self.damaged = []  # numbers of files to be repaired
        self.set_aside = 0  # files, since the start
        if first is None:
            first, count = self._search()
        while count and self._data(first) is None:
            first = (first + 1) % _ROUND
            count -= 1
        while count < _ROUND - 1 and self._data(first + count) is not None:
            count += 1
        self.first = first
        self.count = count

    def _search(self):
        """(first, 0): the first file that is there and has none before it."""
        there = bytearray(_ROUND)
        for number in range(_ROUND):  # no comprehension, no _data: the stack would be too short
            there[number] = self._storage.read(self.name(number)) is not None
        for number in range(_ROUND):
            if there[number] and not there[number - 1]:
                return number, 0
        return 0, 0

    def name(self, number):
        return "%s.%d" % (self._stem, number % _ROUND)

    def _data(self, number):
        return self._storage.read(self.name(number))

    def numbers(self):
        """The files there are, oldest first."""
        return [(self.first + i) % _ROUND for i in range(self.count)]

    def read(self, number):
        """(bytes of a file, its payloads as (start, end))."""
        data = self._data(number) or b""
        payloads = list(batches(data))
        end = payloads[-1][1] if payloads else 0
        if end < len(data) and number not in self.damaged:
            self.damaged.append(number)
        return data, payloads

    def append(self, payload):
        """Add a batch; OSError."""
        batch = seal(payload)
        number = (self.first + self.count - 1) % _ROUND
        if self._size is None and self.count:
            data = self._data(number) or b""
            self._size = len(data)
            if sound(data) < len(data):
                self._repair(number)
        if not self.count or self._size + len(batch) > FILE_BYTES:
            number = (self.first + self.count) % _ROUND
            self._storage.remove(self.name(number))
            self._size = 0
            self.count += 1
        self._size += len(batch)
        try:
            self._storage.append(self.name(number), batch)
        except OSError:
            self._size = None  # part of it may be there
            raise

    def repair(self):
        """Set one damaged file aside, with what is whole of it kept; OSError."""
        number = self.damaged.pop(0)
        if number in self.numbers():
            self._repair(number)

    def _repair(self, number):
        data = self._data(number) or b""
        end = sound(data)
        name = self.name(number)
        print("holdfast: %s: damaged from byte %d on, set aside as .bad" % (name, end))
        self._storage.rename(name, self._stem + ".bad")
        self.set_aside += 1
        self._storage.write(name, data[:end])
        if number == (self.first + self.count - 1) % _ROUND:
            self._size = end

    def drop(self):
        """Drop the oldest file."""
        self._storage.remove(self.name(self.first))
        self.first = (self.first + 1) % _ROUND
        self.count -= 1
