"""Fallback at the pins though the loop is blocked: what the hard timer does, and what comes after.

Prepared when masters are known: a row for each of what outputs hang on (the heartbeat, a master of
their own) and each time at which outputs of its move: every step of their timelines that is not
"hold". For each output in its timeline, a pulse or a sequence the steps that are still to come,
too: no strike stays open because the loop hangs. The ticker arms what has another time than before
in every turn.
`check` then runs beside the loop, in an interrupt where there are hard ones: it reads small ints,
writes prepared levels, and allocates nothing.

The laws:
1. It acts only when the loop is late: MARGIN_MS after the time at which the core would have.
2. What it has written stays until the loop is back and the core agrees: meanwhile the pins take no
   other levels.
3. It is final: the core loses the master at the time when it was due, though a heartbeat came in
   the very turn that was blocked.
4. A timeline belongs to the first master that was lost: others that fall silent while the loop is
   blocked do not begin it anew. It ends a sequence.
5. A bypass that ends while a loss is on, and a staggered return, wait for the loop.
"""

from micropython import const

from holdfast.core.port import HOLD

MARGIN_MS = const(20)  # an idle loop is 2 to 3 ms late, a collection of garbage 20
_FAR_MS = const(1 << 28)  # ticks tell differences of up to 2^29; what is farther is armed later


class Alarm:
    """module: whose sessions are watched. clock: with ticks. pins: with `force` and `release`."""

    def __init__(self, module, clock, pins):
        self._module = module
        self._clock = clock
        self._pins = pins
        self._ticks_ms = clock.ticks_ms  # taken out: an interrupt has little time
        self._ticks_diff = clock.ticks_diff
        self._triggers = None
        # All in one: where `check` is a thread, it may be under way while they are made anew.
        # Rows: (session, offset_ms, ((port, level), ...)). By row: 1 while `check` looks at it;
        # ticks when it was armed, or when it has acted, of that; ms from then; expires_at of its
        # session, when it was armed; 1 when `check` has written it.
        self._table = ((), bytearray(), [], [], [], bytearray())
        self._begun = [None] * len(module.ports)  # by port: the session whose loss `check` began
        self._outputs = tuple(module.outputs)
        count = len(self._outputs)
        self._rests = [()] * count  # by output: ((ms, level), ...) still to come, ..
        self._steps = [0] * count  # .. of these, how many `check` has written
        self._starts = [0] * count  # ticks when it was armed
        self._waits = [0] * count  # ms from then to the first of them
        self._dues = [None] * count  # due of the port, when it was armed, ..
        self._played = [None] * count  # .. and its sequence
        self.acted = False
        self.ticks = 0  # how often `check` was called; the ticker sees that it is

    def arm(self):
        """Keep the rows as they are to be from now on; called in every turn, after the pins."""
        if self._triggers is not self._module.triggers:
            self._prepare(self._module.triggers)
        for session in self._module.sessions:
            session.armed_at = session.expires_at
        changed = False
        index = 0
        rows, armed, _, _, times, _ = self._table
        for row in rows:
            if row[0].expires_at is not times[index]:
                armed[index] = 0
                changed = True
            index += 1  # noqa: SIM113 enumerate allocates
        if changed:
            self._arm_anew()
        index = 0
        for port in self._outputs:
            if port.due is not self._dues[index] or port.sequence is not self._played[index]:
                self._arm_output(index, port)
            index += 1  # noqa: SIM113 enumerate allocates

    def _arm_output(self, index, port):
        self._rests[index] = ()
        self._dues[index] = None
        if port.due is not None:
            ticks, left = self._clock.until(port.due + MARGIN_MS)
            if left >= _FAR_MS:
                return
            rest = port.rest()
            self._starts[index] = ticks
            self._waits[index] = left
            self._steps[index] = 0
            self._dues[index] = port.due
            self._played[index] = port.sequence
            self._rests[index] = rest
        else:
            self._played[index] = None

    def _arm_anew(self):
        index = 0
        rows, armed, begins, lefts, times, _ = self._table
        for session, offset, _ in rows:
            at = session.expires_at
            if at is not times[index]:
                times[index] = None
                if at is not None:
                    ticks, left = self._clock.until(at + offset + MARGIN_MS)
                    if left < _FAR_MS:
                        begins[index] = ticks
                        lefts[index] = left
                        times[index] = at
                        armed[index] = 1
            index += 1  # noqa: SIM113 enumerate allocates

    def check(self, timer=None):
        """Write what is overdue. Runs in an interrupt: nothing here allocates."""
        self.ticks = (self.ticks + 1) & 0xFFFF
        ticks = self._ticks_ms()
        index = 0
        rows, armed, begins, lefts, times, acted = self._table
        for row in rows:
            if (
                armed[index]
                and self._ticks_diff(ticks, begins[index]) >= lefts[index]
                # Else it was fed in this very turn, and is armed anew in a moment.
                and row[0].expires_at is times[index]
            ):
                armed[index] = 0
                session = row[0]
                for port, level in row[2]:
                    begun = self._begun[port.index]
                    # As Module.lose has it.
                    if begun is session or (
                        begun is None
                        and (port.bypassed_until is None or port.bypassed_until <= times[index])
                        and (port.overruled or not port.lost)
                    ):
                        self._begun[port.index] = session
                        self._pins.force(port.index, level)
                begins[index] = ticks
                acted[index] = 1
                self.acted = True
            index += 1  # noqa: SIM113 enumerate allocates
        index = 0
        for port in self._outputs:
            rest = self._rests[index]
            step = self._steps[index]
            while (
                step < len(rest)
                and self._ticks_diff(ticks, self._starts[index])
                >= self._waits[index] + rest[step][0]
                and port.due is self._dues[index]
                and port.sequence is self._played[index]
                and self._begun[port.index] is None
            ):
                self._pins.force(port.index, rest[step][1])
                step += 1
                self._steps[index] = step
                self.acted = True
            index += 1  # noqa: SIM113 enumerate allocates

    def settle(self):
        """The loop is back: have the core agree with what was written; pins take levels again."""
        self.acted = False
        rows, _, begins, _, times, acted = self._table
        for index, row in enumerate(rows):
            if acted[index]:
                acted[index] = 0
                moved = self._clock.time_of(begins[index])
                self._module.overtaken(row[0], times[index], moved)
                times[index] = None
        for port in self._outputs:
            self._begun[port.index] = None
        self._pins.release()

    def _prepare(self, triggers):
        """Make the rows anew: masters or settings have changed."""
        rows = []
        for session in triggers:
            offsets = {}
            for port in session.ports:
                for after, state in port.fallback.steps:
                    if state != HOLD:
                        offsets.setdefault(after, []).append((port, port.levels[state]))
            for after in sorted(offsets):
                rows.append((session, after, tuple(offsets[after])))
        count = len(rows)
        self._table = (
            tuple(rows),
            bytearray(count),
            [0] * count,
            [0] * count,
            [None] * count,
            bytearray(count),
        )
        self._triggers = triggers
