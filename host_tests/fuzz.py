"""Inputs that are nearly right: examples of what clients send, damaged in ways that parsers mind.

Seeded, so that a failure comes again. 2,000 inputs for each parser in CI, 100,000 in the nightly
run (HOLDFAST_NIGHTLY).
"""

import os
import random
import time

COUNT = 100_000 if "HOLDFAST_NIGHTLY" in os.environ else 2_000
LONGEST_S = 0.1  # a turn of the module may take so long, and an input is less than a turn

NUMBERS = (b"0", b"-1", b"1e9", b"00", b"99999999999999999999", b"0x10", b"1.5", b"4294967296")


class Mutator:
    """Endless damaged inputs. corpus: examples (bytes); tokens: bits that mean something."""

    def __init__(self, corpus, tokens, seed=1):
        self.random = random.Random(seed)
        self._corpus = [bytes(example) for example in corpus]
        self._tokens = [bytes(token) for token in tokens] + list(NUMBERS)

    def next(self):
        """One input; about one in ten is an example as it is."""
        rnd = self.random
        data = rnd.choice(self._corpus)
        for _ in range(rnd.choice((0, 1, 1, 1, 2, 2, 3, 5, 8, 13))):
            data = self._damage(data)
        return data

    def _damage(self, data):
        rnd = self.random
        start = rnd.randint(0, len(data))
        end = min(len(data), start + rnd.choice((0, 1, 1, 2, 4, 9, 40)))
        kind = rnd.randrange(9)
        if kind == 0:
            return data[:start] + data[end:]
        if kind == 1:
            return data[:start] + rnd.choice(self._tokens) + data[end:]
        if kind == 2:
            return data[:start] + data[start:end] * rnd.choice((2, 3, 50)) + data[end:]
        if kind == 3:
            return data[:start] + bytes([rnd.randrange(256)]) + data[start + 1 :]
        if kind == 4:
            return data[:start]
        if kind == 5:
            other = rnd.choice(self._corpus)
            return data[:start] + other[rnd.randint(0, len(other)) :]
        if kind == 6:
            return data[:start] + rnd.choice(self._tokens) * rnd.choice((1, 2, 20)) + data[start:]
        if kind == 7:
            return data[start:] + data[:start]
        return data[:start] + data[start:end].swapcase() + data[end:]

    def cuts(self, data):
        """The input in pieces as a network may bring it."""
        while data:
            size = self.random.choice((1, 2, 7, 50, 1000, len(data)))
            yield data[:size]
            data = data[size:]


def timed(function, *arguments):
    """Call it; fail when it takes too long of the processor, three times in a row: neither a busy
    machine nor a collection of garbage is a finding.
    """
    for _ in range(3):
        began = time.process_time()
        result = function(*arguments)
        if time.process_time() - began < LONGEST_S:
            return result
    raise AssertionError("longer than %s s: %r" % (LONGEST_S, arguments[:1]))
