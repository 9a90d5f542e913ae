"""The first half of the start: settings, the core, power-on levels at the pins; no network code
yet.

Settings are checked here because the checker is needed once: it leaves the heap before the server
comes into it, and so does this module.
"""

import os
import sys

from holdfast.core.module import Module
from holdfast.hal.clock import Clock
from holdfast.wire import json


def start(board, hal, pins):
    """Return (clock, settings, module) with every output in its power-on state."""
    settings = load_settings(hal.Storage(board), board.PORTS)
    ticks_ms, ticks_diff = hal.ticks()
    clock = Clock(ticks_ms, ticks_diff, hal.wall_ms)
    levels = bytes([pins.read(index) for index in range(len(board.PORTS))])
    module = Module(settings, levels, os.urandom, clock.now())
    pins.write(module.levels)
    # The module has taken what it needs of the ports.
    settings.ports = ()
    for package, name in (("holdfast.core", "check"), ("holdfast", "start")):
        sys.modules.pop(package + "." + name)
        delattr(sys.modules[package], name)
    return clock, settings, module


def load_settings(storage, wiring):
    """The settings in storage; with none, or broken ones, safe defaults and no account, loudly."""
    from holdfast.core.check import SettingsError, check

    data = storage.read("settings.json")
    try:
        if data is not None:
            return check(json.loads(data), wiring)
        print("holdfast: there is no settings.json")
    except json.JsonError as error:
        print("holdfast: settings.json is not JSON: %s at byte %d" % (error, error.position))
    except SettingsError as error:
        print("holdfast: settings.json: %s" % error)
    print("holdfast: safe defaults: every output falls back to open, nobody can log in")
    return check({}, wiring)
