"""ESP32 and ESP32-S3."""

import time

import machine

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
_ALARM_MS = 20
_TIMER = 0  # ids are 0 to 3

wall_ms = None  # nobody has told the time


class Retained:
    """The memory of the RTC: it survives every reset but that of power and of the EN pin
    (MicroPython, ports/esp32/machine_rtc.c: RTC_NOINIT_ATTR behind a magic number)."""

    def __init__(self, board):
        self._rtc = machine.RTC()
        self.cause = cause()
        data = self._rtc.memory()
        self.word = int.from_bytes(data, "big") if len(data) == 4 else None

    def write(self, word):
        """Keep a word of 32 bits."""
        self._rtc.memory(word.to_bytes(4, "big"))


class Alarm:
    """Calls `check` from a thread, every 20 ms. MicroPython has no hard timers here: the thread
    runs while the loop computes, or waits in the network, not while C code holds the interpreter
    (TLS, flash); then the watchdog is the bound. Without room for a thread a soft timer does
    what it can."""

    def __init__(self, check):
        self._check = check
        self._timer = None
        try:
            import _thread

            _thread.start_new_thread(self._run, ())
        except (ImportError, OSError, MemoryError):
            self._timer = machine.Timer(_TIMER)
            self._timer.init(mode=machine.Timer.PERIODIC, period=_ALARM_MS, callback=self._tick)

    def cancel(self):
        """Call it no more."""
        self._check = None
        if self._timer is not None:
            self._timer.deinit()

    def _run(self):
        while self._check is not None:
            time.sleep_ms(_ALARM_MS)
            self._tick(None)

    def _tick(self, timer):
        try:
            self._check()  # None once it is cancelled
        except Exception:
            pass  # the next tick tries again
