"""Bytes received and not yet used, in one block of fixed size.

The block is allocated once per connection; the socket reads straight into its free tail. Parsers
look at `data[start:end]` by position and move `start` on. Nothing here grows.
"""


class ReceiveBuffer:
    """A fixed block of `size` bytes; `data[start:end]` is what has arrived and is not used yet."""

    def __init__(self, size):
        self.data = bytearray(size)
        self.view = memoryview(self.data)
        self.start = 0
        self.end = 0

    def __len__(self):
        return self.end - self.start

    def space(self):
        """Return the free tail as a memoryview; empty when the block is full."""
        return self.view[self.end :]

    def filled(self, count):
        """Note that `count` bytes were written to the beginning of `space()`."""
        self.end += count

    def compact(self):
        """Move what is not used yet to the front, so that the whole rest is free."""
        start = self.start
        if start:
            left = self.end - start
            if left:
                # Through a copy: source and target may overlap.
                self.view[:left] = bytes(self.view[start : self.end])
            self.start = 0
            self.end = left

    def drop(self, length):
        """Take `length` bytes as they come, and keep none; yield None whenever more are needed."""
        while True:
            count = min(self.end - self.start, length)
            self.start += count
            length -= count
            if not length:
                return
            self.compact()
            yield None

    def unload(self):
        """Take out what is not used yet, as bytes, and leave the block empty."""
        rest = b""
        if self.end > self.start:
            rest = bytes(self.view[self.start : self.end])
        self.start = self.end = 0
        return rest

    def clear(self):
        """Forget what is there. Allocates nothing, for when the heap is full."""
        self.start = self.end = 0

    def load(self, rest):
        """Begin with these bytes, which must fit, in an otherwise empty block."""
        self.start = 0
        self.end = len(rest)
        if rest:
            self.view[: self.end] = rest

    def feed(self, data):
        """Put bytes in as if a socket had read them; ValueError when they do not fit (tests)."""
        count = len(data)
        self.view[self.end : self.end + count] = data
        self.end += count
