"""Runs under MicroPython: prints the heap that the firmware keeps, in the order in which it comes.

    micropython size_probe.py FIRMWARE BOARD MODULE,...

FIRMWARE is the folder of its .mpy files, its application file, or - when it is built in. The
modules are one argument: MicroPython keeps each for ever, as it keeps names.

First the start as on a board, then what size_services.py makes of it. Its names are kept like the
firmware's own: here stands as little as a board's boot.py and main.py do.
"""

import gc
import os
import sys

import micropython

sys.path.append(sys.path[0])  # for size_services


def kept():
    """Bytes of heap in use after everything unreachable is gone."""
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def step(name, before):
    """Print what was added since `before`; return the new figure."""
    after = kept()
    print(name, after - before)
    return after


def main(firmware, folder, modules):
    if firmware == "-":  # it is built in, and so may be the board
        sys.path.append(folder)
        from size_services import substitute_hashes

        substitute_hashes()
    elif firmware.endswith(".romfs"):
        sys.path.insert(0, folder)
        from size_services import mount

        mount(firmware)
    else:
        # As on a board, where holdfast/ is in the root: each file's path is kept, too.
        sys.path.insert(0, folder)
        os.chdir(firmware)
        sys.path.insert(0, "")
    empty = before = kept()
    import board

    board.DATA = folder  # where its settings.json is
    from holdfast.hal import load

    hal = load(board)
    pins = hal.Pins(board)
    before = step("boot.py: pins", before)
    from holdfast.start import start

    running = start(board, hal, pins)
    start = None  # it has left sys.modules, and now the heap
    before = step("start.py: settings checked and forgotten, the core", before)
    from holdfast.app import App

    before = step("app.py, runtime, asyncio", before)
    app = App(board, hal, pins, *running)
    running = None
    before = step("joining.py: wire, vapix, the server, built", before)
    print("AT REST", before - empty)
    micropython.qstr_info()  # it prints the number of names
    from size_services import use

    use(app, step, kept, empty, modules.split(","))


main(*sys.argv[1:])
