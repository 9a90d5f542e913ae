"""Runs under MicroPython: prints the heap that monitors keep, each of them and what waits.

    tools/micropython32 tools/monitors_probe.py build/firmware boards/simulated

The firmware as `make size` compiles it. What is loaded only while somebody asks is let go before
each figure.
"""

import gc
import sys


class Flash:
    """The storage of a board, in files that count for nothing here."""

    def __init__(self):
        self.names = {}

    def read(self, name):
        return None

    def write(self, name, data):
        self.names[name] = len(data)

    append = write

    def remove(self, name):
        pass

    def rename(self, name, to):
        pass


class Clock:
    def __init__(self):
        self.at = 0

    def now(self):
        return self.at

    def epoch_ms(self):
        return 1790000000000


def kept():
    """Bytes of heap in use after everything unreachable is gone."""
    overwrite(20)
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def overwrite(depth):
    """Leave nothing on the stack: the collector takes what lies there for pointers."""
    numbers = [0] * 20
    if depth:
        overwrite(depth - 1)
    return numbers


def main(firmware, folder):
    sys.path.insert(0, folder)
    sys.path.insert(0, firmware)
    import asyncio
    import os

    import board

    # What a module has loaded anyway.
    import holdfast.runtime.portable
    import holdfast.wire.json
    from holdfast.core.module import Module
    from holdfast.runtime.memory import forget, load
    from holdfast.settings.schema import check
    from holdfast.settings.store import Store

    assert asyncio and holdfast.runtime.portable and holdfast.wire.json
    levels = bytes(len(board.PORTS))
    module = Module(check({}, board.PORTS), levels, os.urandom, 0)
    store = Store(Flash(), board.PORTS)
    store.quiet = lambda now: True
    clock = Clock()
    for name in ("settings.schema", "core.definition"):
        forget("holdfast." + name)
    first = before = kept()
    keeper = load("holdfast.monitors.store", "Keeper")(module, store, clock, os.urandom)
    keeper.start = lambda: None
    now = kept()
    print("%8d  the engine and its keeper, loaded with the first monitor" % (now - before))
    before = now
    for i in range(32):
        fields = {"service_id": "6766163a-568d-47b4-a1fa-%012d" % 7, "name": "Job %02d" % i}
        keeper.create(fields, 0)
    fields = None
    module.events.take()
    now = kept()
    print("%8d  32 monitors, %d each" % (now - before, (now - before) // 32))
    before = now
    for monitor in keeper.engine.all:
        keeper.check_in(monitor, 0, 0)
        monitor = None
    module.events.take()
    now = kept()
    print("%8d  ... once each has checked in, with what waits for flash" % (now - before))
    before = now
    for _ in range(20):
        for monitor in keeper.engine.all[:10]:
            keeper.check_in(monitor, 0, 1000)
            monitor = None
    now = kept()
    print("%8d  200 events more that wait, %d each" % (now - before, (now - before) // 200))
    clock.at = 100000
    keeper.step(100000)
    keeper.step(102000)
    module.events.take()
    now = kept()
    print("%8d  ALL OF 32 MONITORS, their history in flash" % (now - first))


main(*sys.argv[1:])
