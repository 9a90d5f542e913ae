"""Runs the simulated board, which tells its figures for a line on its standard input and ends when
that closes. tools/soak.py starts it, and so do tests of what the module keeps.

    micropython soak_board.py FIRMWARE BOARD [leak=0] [speed=1] [clock=1] NAME=value ...

leak: so many bytes are lost with every request, to show that it would be noticed. speed: how much
faster the module's time runs. clock=0: nobody has told it the time of day, as on a chip. urgent,
written: what two attributes of the monitors' Keeper are called since tools/shorten.py was at them.
The firmware itself has no door for any of this: what is replaced here is the board's hardware.
"""

import gc
import sys

RUN = "/run.py"
CHUNK_BYTES = 512

app = None
options = {"leak": 0, "speed": 1, "clock": 1, "urgent": "_urgent", "written": "_written_at"}
leaked = []
neighbour = []


def settle():
    """What comes by itself when nobody calls for a while: the services are let go, and what waits
    for flash is in flash.
    """
    app.dispatcher.rest()
    app.dispatcher.rest()
    for book in app.log.books:
        while book.waiting:
            app.book("write", book, app.clock.epoch_ms())
    keeper = app.keeper.made
    if keeper is not None:
        setattr(keeper, options["urgent"], True)
        for _ in range(4):
            setattr(keeper, options["written"], None)
            keeper.step(app.clock.now())


def forget_neighbours():
    """Each task forgets the tasks that once stood beside it in a queue: MicroPython leaves those
    pointers in it (py/pairheap.h: child_last is never cleared), and so its collector keeps them,
    ended or not. One that never runs takes their place.
    """
    if sys.implementation.name != "micropython":
        return
    from asyncio import core

    if not neighbour:
        neighbour.append(core.Task(None))
    emptied = core.TaskQueue()
    now = core.ticks()

    def forget(task):
        asked = task.data  # what it waits for, or that it was cancelled: push forgets it
        emptied.push(task, now)
        emptied.push(neighbour[0], now + 1)
        emptied.pop()
        emptied.pop()
        task.data = asked

    for row in core._io_queue.map.values():  # for sockets
        for task in row[:2]:
            if task is not None:
                forget(task)
    forget(core.cur_task)
    queue = core._task_queue
    rows = []
    while queue.peek():
        task = queue.pop()
        rows.append((task, task.ph_key, task.data))
        forget(task)
    for task, due, asked in rows:
        queue.push(task, due)
        task.data = asked


def overwrite(depth):
    """Leave nothing on the stack: the collector takes what lies there for pointers."""
    numbers = [0] * 20
    if depth:
        overwrite(depth - 1)
    return numbers


def tell():
    settle()
    forget_neighbours()
    overwrite(20)
    gc.collect()
    gc.collect()
    free = used = 0
    if hasattr(gc, "mem_free"):
        free, used = gc.mem_free(), gc.mem_alloc()
    text = '{"free":%d,"size":%d,"connections":%d,"trips":%d,"lost":%d}'
    counts = (len(app.server.connections.all), app.module.trip_count, app.log.lost)
    print("figures " + text % ((free, free + used) + counts))


def leak(count):
    """Forget to let go of so many bytes, in pieces, so that no large one has to be had."""
    if not leaked or len(leaked[-1]) >= CHUNK_BYTES:
        leaked.append(bytearray())
    leaked[-1].extend(bytes(count))


def faster(ticks, times):
    """ticks_ms and ticks_diff of a clock that runs so many times as fast, with the same period."""
    ticks_ms, ticks_diff = ticks()
    last = [ticks_ms(), 0]

    def fast_ms():
        now = ticks_ms()
        last[1] = (last[1] + times * ticks_diff(now, last[0])) % (1 << 30)
        last[0] = now
        return last[1]

    return fast_ms, ticks_diff


def main(firmware, folder, *values):
    sys.path[:0] = [firmware, folder]
    if sys.implementation.name != "micropython":
        sys.path.insert(0, folder + "/cpython")
    import select

    from holdfast.hal import simulated

    for value in values:
        name, _, given = value.partition("=")
        if name in options:
            options[name] = given if name in ("urgent", "written") else int(given)
    values = [value for value in values if value.partition("=")[0] not in options]
    lost = options["leak"]

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
                spill(type(self.dispatcher))
            return run(self)

        kind.run = noticed

    def spill(kind):
        answer = kind.answer

        def spilling(*arguments):
            leak(lost)
            return answer(*arguments)

        kind.answer = spilling

    simulated.Watchdog = Watchdog
    if options["speed"] != 1:
        fast = faster(simulated.ticks, options["speed"])
        simulated.ticks = lambda: fast
    if not options["clock"]:
        simulated.wall_ms = None
    path = folder + RUN
    sys.argv[1:] = [firmware] + values
    with open(path) as file:
        exec(file.read(), {"__file__": path, "__name__": "__main__"})


if __name__ == "__main__":
    main(*sys.argv[1:])
