"""Runs under MicroPython: the simulated board, which tells its figures for a line on its standard
input and ends when that closes. tools/soak.py starts it.

    micropython soak_probe.py LEAK FIRMWARE BOARD name=value ...

LEAK bytes are lost with every request, to show that it would be noticed. The firmware itself has
no door for any of this: what is replaced here is the hardware's watchdog, which it feeds.
"""

import gc
import sys

RUN = "/run.py"
CHUNK_BYTES = 512

app = None
leaked = []


def settle():
    """What comes by itself when nobody calls for a while: the services are let go, and what waits
    for flash is in flash.
    """
    app._dispatcher.rest()
    app._dispatcher.rest()
    for book in app.log.books:
        while book.waiting:
            app._book("write", book, app._clock.epoch_ms())
    keeper = app.keeper.made
    if keeper is not None:
        keeper._urgent = True
        for _ in range(4):
            keeper._written_at = None
            keeper.step(app._clock.now())


def overwrite(depth):
    """Leave nothing on the stack: the collector takes what lies there for pointers."""
    numbers = [0] * 20
    if depth:
        overwrite(depth - 1)
    return numbers


def tell():
    settle()
    overwrite(20)
    gc.collect()
    gc.collect()
    free = gc.mem_free()
    text = '{"free":%d,"size":%d,"connections":%d,"trips":%d,"lost":%d}'
    counts = (len(app.server.connections.all), app.module.trip_count, app.log.lost)
    print("figures " + text % ((free, free + gc.mem_alloc()) + counts))


def leak(count):
    """Forget to let go of so many bytes, in pieces, so that no large one has to be had."""
    if not leaked or len(leaked[-1]) >= CHUNK_BYTES:
        leaked.append(bytearray())
    leaked[-1].extend(bytes(count))


def main(lost, firmware, folder, *values):
    sys.path[:0] = [firmware, folder]
    import select

    from holdfast.hal import simulated

    door = select.poll()
    door.register(sys.stdin, select.POLLIN | select.POLLHUP)

    class Watchdog(simulated.Watchdog):
        def __init__(self, board):
            super().__init__(board)
            if "holdfast.app" in sys.modules:  # it makes this one
                notice(sys.modules["holdfast.app"].App)

        def feed(self):
            if door.poll(0):
                if not sys.stdin.readline():
                    raise KeyboardInterrupt
                tell()

    def notice(kind):
        run = kind.run

        def noticed(self):
            global app
            app = self
            if lost:
                spill(type(self.server))
            return run(self)

        kind.run = noticed

    def spill(kind):
        answer = kind._answer

        def spilling(self, connection, request, now):
            leak(lost)
            return answer(self, connection, request, now)

        kind._answer = spilling

    simulated.Watchdog = Watchdog
    path = folder + RUN
    sys.argv[1:] = [firmware] + list(values)
    with open(path) as file:
        exec(file.read(), {"__file__": path, "__name__": "__main__"})


main(int(sys.argv[1]), *sys.argv[2:])
