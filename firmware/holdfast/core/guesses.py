"""Who guesses passwords is slowed down, by address: after 5 refused logins each further one costs
a delay, 250 ms and then twice as long each time up to 8 s, in which no login from there is looked
at. Pure; loaded with the first login that is refused.

So an address has 7 or 8 guesses a minute. It is forgotten after 5 minutes without one. A table of
16 addresses is kept; when it is full of those that guessed within a minute, all further ones share
one place: an attacker with many addresses pushes nobody out, and all of them together have about
90 guesses a minute. Then a stranger's typing error may cost him the delay of others, too.
"""

from micropython import const

FREE = const(5)
FIRST_MS = const(250)
LONGEST_MS = const(8000)
KEPT = const(16)
_BUSY_MS = const(60000)
_FORGOTTEN_MS = const(300000)

_OTHERS = ""  # the address of all for whom there is no place

# Of a row: address, refused logins, when the last one was, until when no other is looked at.
_COUNT = const(1)
_AT = const(2)
_UNTIL = const(3)


class Guesses:
    """Refused logins by address, a text."""

    def __init__(self):
        self._rows = []

    def wrong(self, address, now):
        """A login was refused; the delay in ms that begins now, 0 for none."""
        row = self._row(address, now)
        if row is None:
            row = self._new(address, now)
        row[_COUNT] += 1
        row[_AT] = now
        if row[_COUNT] <= FREE:
            return 0
        delay = min(LONGEST_MS, FIRST_MS << min(row[_COUNT] - FREE - 1, 5))
        row[_UNTIL] = now + delay
        return delay

    def wait(self, address, now):
        """For how many ms no login from an address is looked at."""
        row = self._row(address, now)
        return 0 if row is None else max(0, row[_UNTIL] - now)

    def _row(self, address, now):
        """The row that counts for an address; None when it has a free one to begin."""
        self._rows = [row for row in self._rows if now - row[_AT] < _FORGOTTEN_MS]
        for row in self._rows:
            if row[0] == address:
                return row
        if self._full(now):
            for row in self._rows:
                if row[0] == _OTHERS:
                    return row
        return None

    def _full(self, now):
        """True when every place is taken by somebody who guessed a moment ago."""
        busy = [row for row in self._rows if row[0] != _OTHERS and now - row[_AT] < _BUSY_MS]
        return len(busy) >= KEPT

    def _new(self, address, now):
        if self._full(now):
            address = _OTHERS
        elif len(self._rows) >= KEPT:
            oldest = min(self._rows, key=lambda row: row[_AT])
            self._rows.remove(oldest)
        row = [address, 0, now, now]
        self._rows.append(row)
        return row
