"""The first half of the start: settings, the core, power-on levels at the pins; no network code
yet.

This module is needed once: it leaves the heap before the server comes into it.
"""

from holdfast.core.module import Module
from holdfast.hal.clock import Clock
from holdfast.runtime.memory import forget, load
from holdfast.settings.store import Store


def start(board, hal, pins, life=None):
    """Return (clock, store, settings, module) with every output in its power-on state, or at the
    first step of its fallback when the life before ended by itself.
    """
    watchdog = hal.Watchdog(board)  # runs from here on, before anything that may hang
    store = Store(hal.Storage(board), board.PORTS)
    restart = None if life is None else life.restart
    settings = _settings(hal, store, restart)
    ticks_ms, ticks_diff = hal.ticks()
    clock = Clock(ticks_ms, ticks_diff, hal.wall_ms)
    levels = bytes([pins.read(index) for index in range(len(board.PORTS))])
    module = Module(settings, levels, hal.Random().bytes, clock.now())
    if life is not None:
        life.starting(module)
    if restart is not None and restart.crashed:
        load("holdfast.core.reconfigure", "restarted")(module, restart.why, clock.now())
    now = clock.now()
    left = store.resume(now + clock.epoch_ms() if clock.epoch_ms() else 0)
    for port in module.outputs:
        if port.id in left:
            bypass = load("holdfast.core.reconfigure", "bypass")
            bypass(module, port, now + left[port.id], module.reset_cause, now)
    pins.write(module.levels)
    # The module has taken what it needs of these.
    settings.ports = settings.rules = ()
    forget("holdfast.core.reconfigure")
    watchdog.feed()
    forget("holdfast.start")
    return clock, store, settings, module


def _settings(hal, store, restart):
    """The settings. In safe mode whatever is wrong with them is survived, and no rule counts."""
    if restart is None or not restart.safe_mode():
        return store.load()
    try:
        settings = store.load()
    except Exception as error:
        hal.report(error)
        settings = store.defaults()
    settings.rules = ()
    return settings
