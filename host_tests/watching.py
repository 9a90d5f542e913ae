"""A module with monitors whose time passes when a test says so, on both interpreters."""

from flash import Flash
from holdfast.core.checkins import HOUR_MS, TICK
from holdfast.monitors.store import Keeper
from makers import Numbers, module

EPOCH = 1790000000000 // HOUR_MS * HOUR_MS  # an hour that begins


class Clock:
    def __init__(self, epoch=EPOCH):
        self.at = 0
        self.epoch = epoch

    def now(self):
        return self.at

    def epoch_ms(self):
        return self.epoch


class Store:
    def __init__(self, flash):
        self.storage = flash
        self.quiet_now = True

    def quiet(self, now):
        return self.quiet_now


class Life:
    """A module with monitors from one start to the next; `again()` is the next."""

    def __init__(self, flash=None, epoch=EPOCH, numbers=None):
        self.flash = flash or Flash()
        self.clock = Clock(epoch)
        self.store = Store(self.flash)
        self.module = module()
        self.numbers = numbers or Numbers()
        self.keeper = Keeper(self.module, self.store, self.clock, self.numbers)
        self.keeper.start = lambda: None  # no loop here: tests step

    def again(self, epoch=None):
        return Life(
            self.flash, self.clock.epoch + self.clock.at if epoch is None else epoch, self.numbers
        )

    def flush(self):
        """Have all that waits in flash at once, so that a restart loses nothing."""
        keeper = self.keeper
        keeper.step(self.clock.at)
        while keeper.engine.closed or keeper._waiting or keeper._batched:
            keeper._written_at = None
            keeper._urgent = True
            keeper.step(self.clock.at)
        keeper._urgent = False
        keeper._write_standing(self.clock.at)

    def create(self, name="job", interval=60, **more):
        fields = {"service_id": "s", "name": name, "interval": interval}
        fields.update(more)
        return self.keeper.create(fields, self.clock.at)

    def check_in(self, monitor, result=TICK, message="", **more):
        return self.keeper.check_in(monitor, result, self.clock.at, message, **more)

    def pass_ms(self, ms, step=1000):
        """Let time pass, with the keeper's steps."""
        end = self.clock.at + ms
        while self.clock.at < end:
            self.clock.at = min(end, self.clock.at + step)
            self.keeper.step(self.clock.at)

    def events(self, monitor, limit=100, after=None):
        return [row for row in self.keeper.events(monitor, limit, after) if row is not None]

    def statistics(self, monitor, start=0, end=1 << 30):
        return [row for row in self.keeper.statistics(monitor, start, end) if row is not None]

    def names(self):
        return sorted([monitor.name for monitor in self.keeper.engine.all])
