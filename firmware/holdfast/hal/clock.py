"""The clock: milliseconds since start as an int that never wraps.

MicroPython's ticks_ms wraps (at 2^30 ms = 12.4 days on a board) and differences hold for half of
that. Only this file knows: it adds up differences, and is asked far more often than every six
days.
"""


class Clock:
    """ticks_ms, ticks_diff: as in MicroPython's time. wall_ms: a function() for UTC in ms since
    1970, None when the board does not know the time."""

    def __init__(self, ticks_ms, ticks_diff, wall_ms=None):
        self.ticks_ms = ticks_ms
        self.ticks_diff = ticks_diff
        self._wall_ms = wall_ms
        self._epoch = None  # once somebody has set it
        self._last = ticks_ms()
        self._now = 0

    def now(self):
        """ms since start."""
        ticks = self.ticks_ms()
        self._now += self.ticks_diff(ticks, self._last)
        self._last = ticks
        return self._now

    def until(self, at):
        """(ticks, ms): how long it is until `at`, and from when that counts."""
        return self._last, at - self._now

    def time_of(self, ticks):
        """The ms since start at which ticks_ms was `ticks`, not long ago."""
        return self._now + self.ticks_diff(ticks, self._last)

    def epoch_ms(self):
        """What to add to `now()` for UTC in ms since 1970; 0 when the time is not known."""
        if self._epoch is not None:
            return self._epoch
        wall = None if self._wall_ms is None else self._wall_ms()
        return wall - self.now() if wall else 0

    def set(self, utc_ms):
        """It is so late now, UTC in ms since 1970; return by how much that differs from what was
        held to be. `now()` goes on as before.
        """
        before = self.epoch_ms()
        self._epoch = utc_ms - self.now()
        return self._epoch - before
