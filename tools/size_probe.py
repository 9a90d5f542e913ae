"""Runs under MicroPython: prints the heap that the firmware keeps, in the order in which it comes.

    micropython size_probe.py FIRMWARE BOARD MODULE...

FIRMWARE is the folder of its .mpy files, or - when it is built in.

First the start as on a board, then each MODULE that is loaded only when it is used and kept, then
all services, and what is left when they were let go.
"""

import gc
import os
import sys


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


def main(firmware, folder, *modules):
    if firmware == "-":  # it is built in, and so may be the board
        sys.path.append(folder)
        substitute_hashes()
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

    before = step("app.py: wire, vapix, shell, asyncio", before)
    app = App(board, hal, pins, *running)
    running = None
    before = step("the server, built", before)
    print("AT REST", before - empty)
    for name in modules:
        __import__(name)
        before = step(name, before)
    before = use_services(app, before)
    print("EVERYTHING", before - empty)
    let_go(app)
    overwrite(20)
    print("AT REST AGAIN", kept() - empty)


def substitute_hashes():
    """SHA-256 for what a build without TLS libraries does not have; only its place counts here."""
    import hashlib

    class Hashes:
        sha256 = sha1 = md5 = hashlib.sha256

    sys.modules["hashlib"] = Hashes


def use_services(app, before):
    """Make every service, as if each was called."""
    from holdfast import services

    made = services.Services(app)
    app.made = made
    before = step("holdfast.services: the table", before)
    for name in sorted(services.SERVICES):
        try:
            made.call(name + ".nothing")
        except AttributeError:
            pass  # it is made by now
        before = step("service " + name, before)
    return before


def let_go(app):
    """What happens when nobody has called any of them for a while."""
    from holdfast.shell.heap import forget

    app.made.rest()
    assert app.made.rest()  # nobody has called since
    app.made = None
    forget("holdfast.services")


def overwrite(depth):
    """Leave nothing on the stack: the collector takes what lies there for pointers."""
    numbers = [0] * 20
    if depth:
        overwrite(depth - 1)
    return numbers


main(*sys.argv[1:])
