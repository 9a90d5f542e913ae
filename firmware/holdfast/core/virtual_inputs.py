"""Inputs without a wire: virtual inputs and manual triggers (VAPIX Input and outputs).

Whoever may actuate switches them, for good or for a time; rules and listeners see their events.
They are inactive after a restart.
"""

from micropython import const

from holdfast.core.events import VIRTUAL_INPUT, VIRTUAL_PORT

COUNT = const(8)  # of each kind, numbered from 1


class VirtualInputs:
    """All of both kinds; `due` is the ms at which the next one ends by itself, None when none
    does."""

    def __init__(self, events, now):
        self.due = None
        self._events = events
        self._ends = []  # (at, property) of those that end by themselves
        self._first = len(events.properties)
        numbers = [str(number) for number in range(1, COUNT + 1)]
        for topic in (VIRTUAL_INPUT, VIRTUAL_PORT):
            for number in numbers:
                events.declare(topic, number, False, now)

    def set(self, topic, number, active, duration_ms, now):
        """Switch one, for `duration_ms` or for good (None); True when that changed it.

        None when there is no such number.
        """
        if not 1 <= number <= COUNT:
            return None
        index = self._first + number - 1
        if topic is VIRTUAL_PORT:
            index += COUNT
        declared = self._events.properties[index]
        ends = [end for end in self._ends if end[1] is not declared]
        if active and duration_ms is not None:
            ends.append((now + duration_ms, declared))
        due = _first(ends)
        before = declared.data
        self._events.set(declared, active, now)
        # From here on nothing needs memory: what is active for a time has its end.
        self._ends = ends
        self.due = due
        return declared.data != before

    def advance(self, now):
        """End those whose time is over, at the time it was."""
        for at, declared in self._ends:
            if now >= at:
                self._events.set(declared, False, at)
        ends = [end for end in self._ends if now < end[0]]
        self.due = _first(ends)
        self._ends = ends


def _first(ends):
    return min([at for at, _ in ends]) if ends else None
