"""Notifications that belong to no uplink, and when one that failed is tried again, also one of an
uplink. Pure, as all of core.

The pauses grow, each with a random part. One receiver's failures hold up nobody else's, and its
own come in their order. Loaded for rules that notify; core.uplinks where settings have uplinks.
"""

from holdfast.core.rules import OUTGOING

PAUSES_MS = (1000, 5000, 15000, 60000)  # before a notification's second, third, .. try
TRY_AGAIN = (408, 429)  # of 4xx; the others would be said again (RFC 9110 section 15.5)


class NoAnswer(Exception):
    """Nothing was answered, or nothing could be sent; the text says why, in plain words."""


def part_of(ms, random_bytes):
    """Some of so many ms, by chance."""
    number = random_bytes(2)
    return ms * (number[0] << 8 | number[1]) >> 16


def refuses(status):
    """True for an answer that a second try would get again."""
    return status is not None and 400 <= status < 500 and status not in TRY_AGAIN


def next_due(waiting, now):
    """The place of the first of these `(action, .., due)` that is due and waits behind none to the
    same receiver; None when there is none.
    """
    behind = []
    for i, entry in enumerate(waiting):
        receiver = entry[0][1]
        if receiver not in behind:
            if now >= entry[-1]:
                return i
            behind.append(receiver)
    return None


class Notifications:
    """Those that wait, oldest first: `(action, tries, due)`; action: of core.rules.

    `sent` and `failed` count what became of them; failed is what was given up, too. random_bytes:
    a function(n).
    """

    def __init__(self, random_bytes):
        self._random_bytes = random_bytes
        self.waiting = []
        self.sent = 0
        self.failed = 0

    def put(self, action, now):
        """Add one; the oldest gives way."""
        if len(self.waiting) == OUTGOING:
            self.waiting.pop(0)
            self.failed += 1
        self.waiting.append((action, 0, now))

    def next(self, now):
        """Take out the first that is due and waits behind none to the same receiver; or None."""
        place = next_due(self.waiting, now)
        return None if place is None else self.waiting.pop(place)

    def settle(self, entry, status, now):
        """Note how a try ended: the status of the answer, None for no answer."""
        action, tries, _ = entry
        if status is not None and 200 <= status < 300:
            self.sent += 1
        elif refuses(status) or tries == len(PAUSES_MS) or len(self.waiting) == OUTGOING:
            self.failed += 1
        else:
            pause = PAUSES_MS[tries]
            due = now + pause + part_of(pause >> 1, self._random_bytes)
            self.waiting.insert(0, (action, tries + 1, due))
