"""Our firmware through its own composition root, on a board without inputs (MicroPython).

Without, because a simulated board looks at its input files every 10 ms, which no real board does.
"""

import asyncio

import control


async def run(port, with_control):
    """Serve on loopback for ever."""
    if with_control:
        asyncio.create_task(control.answer())
    # TODO: board and settings -> holdfast.app, as soon as app.py is there.
    raise NotImplementedError


def main(port, with_control):
    """What the harness calls."""
    asyncio.run(run(port, with_control))
