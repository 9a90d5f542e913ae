"""Notifications that wait for receivers that belong to no uplink: which is tried when, and when it
is given up. Pure, as all of core.

A notification that failed is tried again with growing pauses, each with a random part; one
receiver's failures hold up nobody else's, and its own come in their order.
"""

from holdfast.core.links import PAUSES_MS, next_due, part_of, refuses
from holdfast.core.rules import OUTGOING


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
