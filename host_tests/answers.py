"""How much of the heap an answer takes: a whole module in one process, on MicroPython.

    micropython -X heapsize=1200k answers.py BYTES < cases      (test_answers.py runs it)

A case is a line of JSON as costs.py has them; `@id` in it is that of the first monitor. Answers a
line for each: name, status, bytes of the answer, whether it is made and sent when so many BYTES of
the heap are free, and without BYTES the least that does. They are counted from the look at who
asks: what a request itself takes was taken before. Code is loaded before, too, and stays: that is
another figure.
"""

import gc
import json
import sys

from holdfast.runtime import memory as heap

# Code stays once it was loaded: what loading takes is another figure than what an answer does.
heap.forget = lambda module: None

import costs  # noqa: E402
import wholeboard  # noqa: E402
from holdfast.core.log import LOGIN, TRIP  # noqa: E402
from holdfast.server import connection as connections  # noqa: E402
from holdfast.server import server as servers  # noqa: E402
from holdfast.server.dispatch import Dispatcher  # noqa: E402
from holdfast.storage.log_files import record  # noqa: E402

HOLE = 2048
STEP = 256
MOST = 96 * 1024
ENTRIES = 40  # of each book of the log, less one: as many as a file has
NAME = "n" * 64


class Wire:
    """A socket whose peer takes everything, and keeps nothing but the first line and a count."""

    def __init__(self, data):
        self.data = data
        self.status = 0
        self.count = 0


async def _readable(wire):
    if not wire.data:
        raise EOFError


async def _writable(wire):
    pass


def _read_into(wire, view):
    count = min(len(view), len(wire.data))
    view[:count] = wire.data[:count]
    wire.data = wire.data[count:]
    return count


def _write(wire, data):
    if not wire.status:
        wire.status = int(bytes(data[9:12]))
    wire.count += len(data)
    return len(data)


def _full(connection):
    """As Server.shed, where nobody can give way."""
    gc.collect()


def _fill(free):
    """Take all of the heap but `free` bytes of it, in holes of up to HOLE bytes."""
    gc.collect()
    holes = []
    kept = None
    while free > 0:
        holes.append(bytearray(min(free, HOLE) - 1))
        kept = [kept, bytearray(16)]
        free -= HOLE
    for size in (1000, 100, 16, 1):
        try:
            while True:
                kept = [kept, bytearray(size)]
        except MemoryError:
            pass  # no hole is as large
    holes.clear()
    gc.collect()
    return kept


class Subject(costs.Bench):
    """Answers through the server's own code."""

    async def answer(self, case, limit=None):
        """The Wire of a case that is answered; from the look at its credentials on with so much of
        the heap free.
        """
        server = self.app.server
        dispatcher = server._dispatcher
        now = self.app.turn()
        dispatcher.delay = None
        if "@id" in case["bytes"]:
            first = self.app.keeper.made.engine.all[0]
            case = dict(case, bytes=case["bytes"].replace("@id", first.id))
        wire = Wire(self.request(case))
        connection = connections.Connection(wire, server._buffer, now)
        connection.peer = connection.caller.peer = ("192.0.2.1", 4711)
        server.connections.all.append(connection)
        kept = []

        def known(*arguments):
            found = Dispatcher._identify(dispatcher, *arguments)
            if limit is not None:
                kept.append(None)
                kept[0] = _fill(limit)
            return found

        dispatcher._identify = known
        try:
            await server._converse(connection)
        except EOFError:
            pass
        finally:
            kept.clear()
            del dispatcher._identify
            server.connections.all.remove(connection)
        return wire

    async def fits(self, case, limit):
        try:
            wire = await self.answer(case, limit)
            fine = wire.status == self.status and abs(wire.count - self.count) < 64
        except MemoryError:
            fine = False
            self.app.server._buffer.clear()
        gc.collect()
        return fine

    async def least(self, case):
        low, high = 0, MOST // STEP
        while low < high:
            middle = (low + high) // 2
            if await self.fits(case, middle * STEP):
                high = middle
            else:
                low = middle + 1
        return low * STEP

    async def measure(self, case):
        for _ in range(2):
            wire = await self.answer(case)
        self.status, self.count = wire.status, wire.count
        if len(sys.argv) > 1:
            return wire.status, wire.count, await self.fits(case, int(sys.argv[1]))
        return wire.status, wire.count, await self.least(case)


async def script(app):
    subject = Subject(app)
    app.server.shed = _full
    app.server._dispatcher.rest = lambda: None
    app.server.make_heap = lambda size: True
    for module, name, function in (
        (connections, "readable", _readable),
        (connections, "writable", _writable),
        (servers, "read_into", _read_into),
        (connections, "write", _write),
    ):
        setattr(module, name, function)
    for line in sys.stdin:
        case = json.loads(line)
        if case["name"] == "make":
            wire = await subject.answer(case)
            assert wire.status in (200, 201), wire.status
            continue
        found = await subject.measure(case)
        print("%s\t%d\t%d\t%d" % ((case["name"],) + found))


def main():
    data = costs.seal(costs.dumps(costs.full_settings()))
    flash = wholeboard.Flash({"settings.json": data})
    for book, kind in ((0, TRIP), (1, LOGIN)):
        rows = [record(2 * i + book, kind, 0, i, i, "%02d" % i + NAME) for i in range(1, ENTRIES)]
        flash.files["log%d.0" % book] = b"".join(rows)
    hal = wholeboard.Hal(flash)
    hal.live(script)
    for error in hal.reports:
        sys.print_exception(error)


if __name__ == "__main__":
    main()
