"""RP2040 and RP2350: Pico W, Pico 2 W, and boards with a W5500."""

import machine
import micropython

from holdfast.hal.chip import (  # noqa: F401
    Network,
    Random,
    Watchdog,
    cause,
    ended,
    lock_console,
    maintenance,
    report,
    reset,
    sleep_ms,
    stop,
    ticks,
)
from holdfast.hal.gpio import Pins  # noqa: F401
from holdfast.hal.storage import Storage  # noqa: F401

HAS_ALARM = True
_ALARM_MS = 10

wall_ms = None  # nobody has told the time


class Retained:
    """A scratch register of the watchdog, board.SCRATCH: it survives every reset but that of
    power and of the RUN pin (RP2040 datasheet 4.7.4; RP2350: as pico-sdk has it)."""

    def __init__(self, board):
        self._address = board.SCRATCH
        self.cause = cause()
        # A chip reads it with a sign (MicroPython, extmod/machine_mem.c).
        self.word = machine.mem32[self._address] & 0xFFFFFFFF

    def write(self, word):
        """Keep a word of 32 bits."""
        machine.mem32[self._address] = word


class Alarm:
    """Calls `check` from a hard timer, every 10 ms, whatever the interpreter does; not while flash
    is erased or written, when no interrupt runs. The timer lives as long as this object does, and
    an exception in it would end it (MicroPython, ports/rp2/machine_timer.c)."""

    def __init__(self, check):
        self._check = check
        if hasattr(micropython, "alloc_emergency_exception_buf"):  # else there is a static one
            micropython.alloc_emergency_exception_buf(100)
        self._timer = machine.Timer(-1)
        self._timer.init(
            mode=machine.Timer.PERIODIC, period=_ALARM_MS, callback=self._tick, hard=True
        )
        self.cancel = self._timer.deinit

    def _tick(self, timer):
        try:
            self._check()
        except Exception:
            pass  # the next tick tries again
