"""Runs under MicroPython: prints the heap each module keeps, then the heap of the whole, at rest.

micropython size_probe.py FIRMWARE BOARD MODULE...
"""

import gc
import sys


def kept():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def main(firmware, folder, *modules):
    sys.path.insert(0, folder)
    sys.path.insert(0, firmware)
    empty = kept()
    # What the firmware takes from MicroPython itself is there before any of ours.
    import asyncio
    import binascii
    import hashlib
    import os
    import socket

    system = kept()
    print("(asyncio and other built in modules)", system - empty)
    before = system
    for name in modules:
        __import__(name)
        after = kept()
        print(name, after - before)
        before = after
    import board
    from holdfast import app
    from holdfast.hal import load

    board.FILES["settings.json"] = folder + "/settings.json"
    hal = load(board)
    from holdfast.start import start

    before = kept()
    pins = hal.Pins(board)
    running = app.App(board, hal, pins, *start(board, hal, pins))
    start = None  # it has left sys.modules, and now the heap
    print("(the module of the board, built)", kept() - before)
    print("TOTAL", kept() - empty)
    return running, asyncio, binascii, hashlib, os, socket


main(*sys.argv[1:])
