"""Our firmware through its own composition root, on a board without inputs (MicroPython).

Without, because a simulated board looks at its input files every 10 ms, which no real board does.
"""

import asyncio

import control
from holdfast.app import App
from holdfast.core.check import check
from holdfast.hal import simulated

SETTINGS = {
    "realm": "AXIS_ACCC8E000000",
    "accounts": [
        {
            "name": "root",  # with the password "pass"
            "role": "administrator",
            "md5": "d5e0b51372f9ee226bd1b3f20cc5807a",
            "sha256": "79770e24b03448aa4ec065ea696c66b8e8af71dd640f6ebccefe60ac6aeee6ad",
        }
    ],
}


class Board:
    """Four outputs with nothing connected to them."""

    NAME = "bench"
    HAL = "simulated"
    PORTS = tuple((gpio, "output", 1) for gpio in range(4))
    SAMPLE_MS = 1000
    CONNECTIONS = 8
    HOST = "127.0.0.1"
    PINS = None
    FILES = {}


async def run(port, with_control):
    """Serve on loopback for ever."""
    if with_control:
        asyncio.create_task(control.answer())
    board = Board()
    board.PORT = port
    app = App(board, simulated, simulated.Pins(board), check(SETTINGS, board.PORTS))
    await app.run()


def main(port, with_control):
    """What the harness calls."""
    asyncio.run(run(port, with_control))
