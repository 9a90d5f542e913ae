"""Answers the harness on standard input, from inside the server's own process (MicroPython).

The same for every server: one more task that waits for a line, so it costs nothing between
questions. It runs only while heap is measured; everything else is measured without it.
"""

import asyncio
import gc
import sys


async def answer():
    """Say what the heap holds: `heap` after a collection, `allocated` as it is.

    `hoard` ends collecting, and anything else ends the server.
    """
    stream = asyncio.StreamReader(sys.stdin.buffer)
    while True:
        question = await stream.readline()
        if question == b"heap\n":
            gc.collect()
        elif question == b"hoard\n":
            gc.disable()
        elif question != b"allocated\n":
            raise SystemExit
        print("bench", gc.mem_alloc())
