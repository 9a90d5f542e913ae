"""Our firmware through its own composition root, on a board without inputs (MicroPython).

Without, because a simulated board looks at its input files every 10 ms, which no real board does.
"""

import asyncio

import control
from holdfast.app import App
from holdfast.hal import simulated
from holdfast.runtime.memory import loaded
from holdfast.start import start


class Board:
    """Four outputs with nothing connected to them."""

    NAME = "bench"
    HAL = "simulated"
    PORTS = tuple((gpio, "output", 1) for gpio in range(4))
    SAMPLE_MS = 1000
    CONNECTIONS = 8
    HOST = "127.0.0.1"
    PINS = None
    SWITCH = ""
    CABLE = None
    DATA = "."  # the folder the harness made
    STALL_MS = 50
    TLS_STALL_MS = 50
    SERIAL = "000000000000"


async def run(port, with_control):
    """Serve on loopback for ever."""
    if with_control:
        asyncio.create_task(control.answer())
    board = Board()
    board.PORT = port
    loaded()  # as main.py does
    pins = simulated.Pins(board)
    await App(board, simulated, pins, *start(board, simulated, pins)).run()


def main(port, with_control):
    """What the harness calls."""
    asyncio.run(run(port, with_control))
