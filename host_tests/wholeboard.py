"""A whole module in one process, from main.py's first line on: the firmware as it is, on a HAL in
memory whose time, flash and resets a test drives. Runs on CPython and MicroPython.

    hal = Hal(flash)
    hal.live(script)        # boots; script(app) runs when it serves, in its event loop

The network alone is real: a listening socket on this machine, which nobody has to use.
"""

import asyncio

from holdfast import app as app_module
from holdfast.hal import simulated
from holdfast.hal.pins import Pins
from holdfast.lifecycle import live

_PERIOD = 1 << 30

# Two inputs and four outputs.
WIRING = (
    (10, "input", 1),
    (11, "input", 0),
    (12, "output", 1),
    (13, "output", 0),
    (14, "output", 1),
    (15, "output", 1),
)


class PowerCut(KeyboardInterrupt):
    """The power went off. No program catches that; this one ends as when it is told to."""


class Board:
    """What board.py says."""

    NAME = "whole"
    HAL = "whole"
    PORTS = WIRING
    SAMPLE_MS = 1  # these lives are short
    CONNECTIONS = 5
    TLS_CONNECTIONS = 1
    STALL_MS = 50
    TLS_STALL_MS = 50
    PRODUCT = "Whole"
    SERIAL = "0200000000AB"
    ARCHITECTURE = "unix"
    SOC = "none"
    SOC_SERIAL = ""


class Flash:
    """Files in memory. Every operation that changes something is counted; one of them may go
    wrong: `fault` is (number, kind), and kind is

    "before", "after"   the power goes off before or after it
    a number            .. when so many bytes are written (a rename or remove: as "before")
    "error"             it raises OSError and does nothing
    "short"             .. having written a half
    "lost"              it raises OSError though it was done
    "read"              not of changes: the so many-th read raises OSError
    """

    def __init__(self, files=(), fault=None):
        self.files = dict(files)
        self.fault = fault
        self.count = 0
        self.reads = 0
        self.story = []  # (operation, name, size)
        self.off = False
        self.hit = False

    def read(self, name):
        self._alive()
        self.reads += 1
        if self.fault == (self.reads - 1, "read"):
            self.hit = True
            raise OSError(5)
        return self.files.get(name)

    def write(self, name, data):
        self._write("write", name, b"", bytes(data))

    def append(self, name, data):
        self._write("append", name, self.files.get(name, b""), bytes(data))

    def _write(self, operation, name, before, data):
        kind = self._begin(operation, name, len(data))
        if isinstance(kind, int):
            # FAT and littlefs show the new length late or never: what is cut may be empty, too.
            self.files[name] = before + data[:kind]
            self._cut()
        if kind == "short":
            self.files[name] = before + data[: len(data) // 2]
            raise OSError(28)
        self.files[name] = before + data
        self._end(kind)

    def free(self):
        return None

    def rename(self, name, to):
        kind = self._begin("rename", name, 0)
        if isinstance(kind, int):
            self._cut()
        if kind == "short":
            raise OSError(5)
        if name not in self.files:
            raise OSError(2)
        self.files[to] = self.files.pop(name)
        self._end(kind)

    def remove(self, name):
        there = name in self.files
        kind = self._begin("remove", name, 0) if there else None
        if isinstance(kind, int):
            self._cut()
        if kind == "short":
            return  # hal/storage.py: what cannot be removed stays
        self.files.pop(name, None)
        if kind != "lost":
            self._end(kind)

    def _alive(self):
        if self.off:
            raise PowerCut()

    def _begin(self, operation, name, size):
        self._alive()
        self.count += 1
        self.story.append((operation, name, size))
        if self.fault is None or self.fault[1] == "read" or self.count - 1 != self.fault[0]:
            return None
        self.hit = True
        kind = self.fault[1]
        if kind == "before":
            self._cut()
        if kind == "error" and operation != "remove":
            raise OSError(5)
        return kind

    def _end(self, kind):
        if kind == "after":
            self._cut()
        if kind == "lost":
            raise OSError(5)

    def _cut(self):
        self.off = True
        raise PowerCut()


class Wires(Pins):
    """Outputs whose levels are bytes; `levels` is what is on the wires."""

    def __init__(self, hal):
        self.levels = bytearray([1 - row[2] for row in WIRING])
        self.inputs = bytearray([1 - row[2] for row in WIRING])
        super().__init__(Board, self.levels)
        self._hal = hal

    def read(self, index):
        return self.inputs[index]

    def _put(self, index, level):
        self.levels[index] = level


class Hal:
    """holdfast.hal of this board; flash and the word `retained` survive a life."""

    HAS_ALARM = True

    def __init__(self, flash=None, retained=None):
        self.flash = Flash() if flash is None else flash
        self.word = retained
        self.cause = "power on" if retained is None else "watchdog"
        self.time = 0
        self.app = None
        self.port = 0
        self.over = False
        self.resets = []
        self.reports = []
        self.fed = 0
        self.script = None
        self.check = None
        self.task = None  # of the script
        self.pins = Wires(self)

    # What holdfast.hal is asked for.

    def Retained(self, board):
        self_ = self

        class Retained:
            cause = self_.cause
            word = self_.word

            def write(self, word):
                self_.word = word

        return Retained()

    def Storage(self, board):
        return self.flash

    Random = simulated.Random

    def Watchdog(self, board):
        return self

    def feed(self):
        self.fed += 1
        app = self.app
        if app is not None and self.script is not None and _serves(app):
            script, self.script = self.script, None
            script(app)
        if self.over:
            raise KeyboardInterrupt

    def Network(self, board, settings, quiet):
        return self

    def address(self):
        return "127.0.0.1", self.port

    def step(self, now, heard_at):
        return "127.0.0.1"

    def show(self, lit):
        pass

    def signal(self):
        return None

    def dns(self):
        return []

    def refused(self, error):
        raise error

    def Alarm(self, check):
        self.check = check
        return self

    def cancel(self):
        """Of the alarm, which this is, too."""

    def ticks(self):
        return self.ticks_ms, self.ticks_diff

    def ticks_ms(self):
        return self.time % _PERIOD

    def ticks_diff(self, end, start):
        return (end - start + _PERIOD // 2) % _PERIOD - _PERIOD // 2

    wall_ms = None

    def lock_console(self):
        pass

    def report(self, error):
        self.reports.append(error)

    def reset(self, board, asked=True):
        self.resets.append(asked)

    def stop(self, board):
        pass

    def sleep_ms(self, ms):
        self.time += ms

    # And what a test asks for.

    def live(self, script):
        """One life: from boot.py's pins to script(app), in the module's own loop, and its end.
        True when the script came to its end; False when the power went off before. It may be a
        coroutine, beside which the module goes on. What it raises comes through, PowerCut apart.
        """
        self.app = None
        self.over = False
        outcome = []

        def run(app):
            try:
                rest = script(app)
                if hasattr(rest, "send"):
                    # Held: CPython's loop alone does not keep a task that waits.
                    self.task = asyncio.create_task(wait(rest))
                    return
                outcome.append(None)
            except Exception as error:
                outcome.append(error)
            self.over = True

        async def wait(rest):
            try:
                await rest
                outcome.append(None)
            except Exception as error:
                outcome.append(error)
            self.over = True

        self.script = run
        made = app_module.App

        class App(made):
            def __init__(app, *arguments):
                super().__init__(*arguments)
                self.app = app

        app_module.App = App
        try:
            live(Board, self, self.pins)
        except PowerCut:
            pass  # before the application
        finally:
            app_module.App = made
            self.app = None
            if hasattr(asyncio, "new_event_loop"):
                _forget_tasks()
        if outcome and outcome[0] is not None:
            raise outcome[0]
        return bool(outcome)


def _serves(app):
    for declared in app.module.events.properties:
        if declared.topic[2] == "ready":
            return declared.data == "1"
    return False


def _forget_tasks():
    from holdfast.runtime.portable import again

    again()
