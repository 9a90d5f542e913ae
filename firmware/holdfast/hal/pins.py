"""The table of levels behind every board's pins: what was written, and what an alarm has forced.

Pins of a board derive from this and say how a level gets out: `_put(index, level)`, which
allocates nothing.
"""

_FREE = 2  # in the table of forced levels


class Pins:
    """levels: those that the outputs have by now, a byte a port."""

    def __init__(self, board, levels):
        self._levels = bytearray(levels)
        self._outputs = tuple(index for index, row in enumerate(board.PORTS) if row[1] == "output")
        self._inputs = tuple(index for index, row in enumerate(board.PORTS) if row[1] != "output")
        self._forced = bytearray([_FREE for _ in levels])
        self._held = False

    def write(self, levels):
        """Set the outputs whose level differs from the one they have; nothing while an alarm holds
        them.
        """
        have = self._levels
        if self._held or levels == have:
            return
        for index in self._outputs:
            level = levels[index]
            if level != have[index]:
                have[index] = level
                self._put(index, level)
        for index in self._inputs:
            have[index] = levels[index]  # so that both are the same where nothing is to be done
        if self._held:
            # The alarm came in between: its levels stand.
            for index in self._outputs:
                if self._forced[index] != _FREE:
                    have[index] = self._forced[index]
                    self._put(index, self._forced[index])

    def force(self, index, level):
        """Set an output from an alarm, and hold all of them; allocates nothing."""
        self._held = True
        self._forced[index] = level
        self._levels[index] = level
        self._put(index, level)

    def release(self):
        """Let `write` set outputs again."""
        for index in self._outputs:
            self._forced[index] = _FREE
        self._held = False

    def _put(self, index, level):
        raise NotImplementedError
