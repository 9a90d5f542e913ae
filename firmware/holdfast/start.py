"""The first half of the start: settings, the core, power-on levels at the pins; no network code
yet.

This module is needed once: it leaves the heap before the server comes into it.
"""

import os

from holdfast.core.module import Module
from holdfast.hal.clock import Clock
from holdfast.shell.heap import forget
from holdfast.shell.store import Store


def start(board, hal, pins):
    """Return (clock, store, settings, module) with every output in its power-on state."""
    store = Store(hal.Storage(board), board.PORTS)
    settings = store.load()
    ticks_ms, ticks_diff = hal.ticks()
    clock = Clock(ticks_ms, ticks_diff, hal.wall_ms)
    levels = bytes([pins.read(index) for index in range(len(board.PORTS))])
    module = Module(settings, levels, os.urandom, clock.now())
    pins.write(module.levels)
    # The module has taken what it needs of these.
    settings.ports = settings.rules = ()
    forget("holdfast.start")
    return clock, store, settings, module
