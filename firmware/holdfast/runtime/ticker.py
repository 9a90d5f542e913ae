"""The one ticker: in every turn pins first, events second, the hardware watchdog last.

A turn also runs at every request, so that a deadline is never later than the next thing that
happens. The watchdog is fed here alone, and only after a whole turn succeeded, while memory can be
allocated: a heap that refuses a few bytes for STARVED_MS, because it is full or because an
interrupt has left it locked, ends in a reset by the watchdog; a moment's want of memory does not.
The alarm is watched: one that does not tick for SILENT_MS is made anew. A turn that raises
puts every output into its fallback; one that runs out of memory gives up listeners and is tried
once more, and what it could not tell the next turn tells.
"""

from micropython import const

from holdfast.runtime.portable import report, sleep_ms

# Rounds of events that rules make of events, in one turn. Rules that chase each other go on in the
# next one: in between, deadlines are looked at and requests answered.
ROUNDS = const(4)
PATIENCE_MS = const(2000)  # with a rule that finds no memory for what it is to do

STARVED_MS = const(5000)
_TRY_MS = const(250)  # how often memory is tried, and how much
_TRY_BYTES = const(64)
SILENT_MS = const(1000)  # erasing flash stops an alarm for 400 ms at most, ..
SILENT_STEPS = const(16)  # .. and a loop that stood still has seen no tick for long


class Ticker:
    """Runs the module against clock, pins and watchdog.

    publish: a function(changes) for events. relieve: a function() that frees memory at the expense
    of whoever listens. sample_ms: how often inputs are looked at. alarm: of core.alarm, None on a
    board that has none. revive: a function(now) that makes what ticks it anew.
    """

    def __init__(
        self,
        module,
        clock,
        pins,
        watchdog,
        publish,
        relieve,
        sample_ms,
        alarm=None,
        revive=None,
    ):
        self._module = module
        self._clock = clock
        self._pins = pins
        self._watchdog = watchdog
        self._publish = publish
        self._relieve = relieve
        self._sample_ms = sample_ms
        self._alarm = alarm
        self._revive = revive
        self._ticks = 0  # of the alarm, as it was seen last, when, and how many steps ago
        self._ticked_at = 0
        self._steps = 0
        self._allocated_at = 0  # when memory was there, last
        self._inputs = [port.index for port in module.ports if not port.output]
        self.sound = True  # no turn has failed since the last step began
        self._last = 0  # the time of the last turn
        self._failing = False  # a turn failed, and the core is still to be told
        self._changes = None  # events that the rules have not all seen yet, ..
        self._patience = None  # .. for want of memory, and until when they are waited for

    async def run(self):
        """Step at every deadline, and at least every `sample_ms`."""
        while True:
            await sleep_ms(self.pause_ms(self.step()))

    def step(self):
        """Look at the inputs, do what is due, feed the watchdog; return the time."""
        self.sound = True
        self.sample()
        now = self.turn()
        if self._revive is not None:
            try:
                self._watch(now)
            except MemoryError:
                pass  # a time may be an object of the heap; the next step looks again
        if self.sound and self._allocates(now):
            self._watchdog.feed()
        return now

    def _watch(self, now):
        """See that the alarm ticks."""
        ticks = self._alarm.ticks
        self._steps += 1
        if ticks != self._ticks:
            self._ticks = ticks
        elif now - self._ticked_at < SILENT_MS or self._steps < SILENT_STEPS:
            return
        else:
            try:
                self._revive(now)
            except Exception as error:
                report(error)  # once more after as long
        self._ticked_at = now
        self._steps = 0

    def _allocates(self, now):
        """False when there has been no memory at all for too long."""
        if now - self._allocated_at >= _TRY_MS:
            try:
                bytearray(_TRY_BYTES)
            except MemoryError:
                return now - self._allocated_at < STARVED_MS
            self._allocated_at = now
        return True

    def pause_ms(self, now):
        """How long nothing is due."""
        if self._module.events.pending():
            return 0
        deadline = self._module.next_deadline()
        if deadline is None:
            return self._sample_ms
        return max(0, min(self._sample_ms, deadline - now))

    def sample(self):
        """Look at the inputs."""
        try:
            self._sample()
        except MemoryError:
            self._relieve()
            try:
                self._sample()
            except MemoryError:
                pass  # in a moment
        except Exception as error:
            self._fail(error)

    def _sample(self):
        now = self._clock.now()
        for index in self._inputs:
            self._module.input(index, self._pins.read(index), now)

    def turn(self):
        """Do what is due and tell it; return the time of this turn."""
        module = self._module
        try:
            try:
                now = self._act()
            except MemoryError:
                self._relieve()
                now = self._act()
        except Exception as error:
            self._fail(error)
            return self._last
        try:
            if self._alarm is not None:
                self._alarm.arm()
            module.tell(now)
            if module.rules is not None and module.rules.resume(now):
                self._pins.write(module.levels)
                module.tell(now)
            for _ in range(ROUNDS):
                if self._changes is None:
                    self._changes = module.events.take()
                changes = self._changes
                # Rules first: their pins come before anybody is told. They are bounded, see there.
                if changes and module.rules is not None and self._react(changes, now):
                    self._pins.write(module.levels)
                    module.tell(now)
                self._changes = self._patience = None
                if not changes:
                    break
                self._publish(changes)
        except MemoryError:
            self._relieve()
        except Exception as error:
            self._changes = None  # they may be what it failed upon
            self._fail(error)
        return now

    def _act(self):
        """Pins first. Until the clock's ms are more than a small int nothing here allocates."""
        now = self._last = self._clock.now()
        module = self._module
        if self._alarm is not None and self._alarm.acted:
            self._alarm.settle()
        if self._failing:
            module.fail(now)
            self._failing = False
        late = module.act(now)
        self._pins.write(module.levels)
        if late:
            now = self._last = self._clock.now()
        return now

    def _react(self, changes, now):
        """Show events to the rules. Though the heap be full: once more when some is free, and in
        the turns after this one, but not for ever.
        """
        rules = self._module.rules
        try:
            return rules.react(changes, now)
        except MemoryError:
            self._relieve()
        try:
            return rules.react(changes, now)
        except MemoryError:
            if self._patience is None:
                self._patience = now + PATIENCE_MS
            elif now >= self._patience:
                self._patience = None
                rules.forgo(now)
            raise

    def _fail(self, error):
        """A turn failed: outputs into fallback, by the core if it still can, else by the table and
        by the core in the next turn.
        """
        self.sound = False
        self._failing = True
        if self._alarm is not None:
            self._pins.release()  # what the alarm holds is in the fallback, too
        try:
            self._act()
        except Exception:
            self._pins.write(self._module.fallback_levels)
        report(error)
