"""What keeps a network up: a small state machine with its deadlines as data.

    DOWN -> (start) -> JOINING -> UP
    JOINING, late: leave, wait, join again, longer each time; after JOINS of these: stop the
    interface, and start it anew. For ever, and nothing else: outputs are not touched, and no chip
    was ever reset for its network.

UP is looked at every second. An interface that says it is up while nothing comes through (Pico W)
is joined anew when clients were heard and then none of them for SILENT_MS.

What may hold up the loop, start and stop, waits until no deadline is near, but no longer than
PATIENCE_MS: a module whose network is down hears no heartbeats anyway.
"""

from micropython import const

DOWN = const(0)
JOINING = const(1)
WAITING = const(2)
UP = const(3)

LOOK_MS = const(1000)
JOIN_MS = const(30000)  # with DHCP; slow networks take 15 s
JOINS = const(4)  # failed in a row, then the interface is started anew
WAITS_MS = (1000, 2000, 5000, 10000)
OFF_MS = const(1000)  # a radio needs a quarter of it without power to come up again
SILENT_MS = const(300000)
BLOCK_MS = const(1500)  # a Pico W loads its radio for 0.5 to 0.9 s
PATIENCE_MS = const(10000)


class Link:
    """interface: start(), join(), leave(), stop(), address() -> text or None; each may raise
    OSError. quiet: a function(ms) that tells whether nothing is due for so long.
    """

    def __init__(self, interface, quiet):
        self._interface = interface
        self._quiet = quiet
        self.state = DOWN
        self.address = None
        self.losses = 0  # it was up, and then not
        self.starts = 0
        self._failed = 0  # joins in a row
        self._due = 0
        self._until = 0  # a join has time
        self._started = False
        self._asked_at = None  # when a start or stop became due
        self._up_at = 0

    def step(self, now, heard_at):
        """Do what is due. heard_at: when anything came from a client, None for never. Return the
        address while it is up, else None.
        """
        if now >= self._due:
            try:
                self._step(now, heard_at)
            except (OSError, RuntimeError):  # ESP32 raises both
                self._fail(now)
        return self.address

    def signal(self):
        """dBm, None for a cable."""
        return self._interface.signal()

    def _step(self, now, heard_at):
        if self.state == DOWN:
            if self._may_block(now):
                self.starts += 1
                self._started = False
                self._interface.start()
                self._started = True
                self._join(now)
        elif self.state == WAITING:
            self._join(now)
        elif self.state == JOINING:
            self.address = self._interface.address()
            self._due = now + LOOK_MS
            if self.address is not None:
                self.state = UP
                self._failed = 0
                self._up_at = now
            elif now >= self._until:
                self._fail(now)
        else:
            self._look(now, heard_at)

    def _look(self, now, heard_at):
        self._due = now + LOOK_MS
        address = self._interface.address()
        silent = heard_at is not None and heard_at > self._up_at and now - heard_at > SILENT_MS
        if address is None or silent:
            self.losses += 1
            self.address = None
            self._interface.leave()
            self._join(now)
        else:
            self.address = address

    def _join(self, now):
        self.state = JOINING
        self._until = now + JOIN_MS
        self._due = now + LOOK_MS
        self._interface.join()

    def _fail(self, now):
        """A join came to nothing: wait; after some of them, begin from the start."""
        self.address = None
        self._failed += 1
        if self._failed % JOINS == 0 and not self._may_block(now):
            self._failed -= 1  # once more: stopping may hold up the loop
            return
        wait = WAITS_MS[min(self._failed - 1, len(WAITS_MS) - 1)]
        self.state = WAITING if self._started else DOWN
        try:
            self._interface.leave()
            if self._failed % JOINS == 0:
                self.state = DOWN
                wait = OFF_MS
                self._interface.stop()
        except (OSError, RuntimeError):
            self.state = DOWN
        self._due = now + wait

    def _may_block(self, now):
        if self._asked_at is None:
            self._asked_at = now
        if self._quiet(BLOCK_MS) or now - self._asked_at > PATIENCE_MS:
            self._asked_at = None
            return True
        self._due = now + LOOK_MS
        return False
