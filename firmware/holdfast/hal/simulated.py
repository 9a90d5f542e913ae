"""The simulated board: pins are files, the network is this machine's, time is real.

`PINS/gpio<N>` holds "0" or "1", the electrical level, as a wire would. See
boards/simulated/README.md.
"""

import os
import select
import sys
import time

from holdfast.hal import pins, safe_levels
from holdfast.hal.storage import Storage

_PERIOD = 1 << 30  # of ticks_ms on a board
_RESTART = 4  # what tools/simulate.py starts the board again upon
_CRASH = 1  # what this program ends with when the chip would be reset after a crash
_NO_ADDRESS = 3  # ... when the address is taken
_ALARM_MS = 10

# CPython's threads stand in for a hard timer. MicroPython's unix port has none, and its threads
# share the heap without a lock.
HAS_ALARM = sys.implementation.name == "cpython"


class Pins(pins.Pins):
    """Files in the folder board.PINS; without a folder nothing is connected."""

    def __init__(self, board):
        levels = safe_levels(board)
        super().__init__(board, levels)
        self._paths = []
        self._files = []
        for index, (gpio, direction, _) in enumerate(board.PORTS):
            path = None if board.PINS is None else "%s/gpio%d" % (board.PINS, gpio)
            if path is not None and (direction == "output" or _read(path) is None):
                with open(path, "wb") as file:
                    file.write(b"%d" % levels[index])
            self._paths.append(path)
            self._files.append(None)
            if path is not None and direction == "output":
                self._files[index] = open(path, "r+b", buffering=0)  # noqa: SIM115 kept open: a pin

    def read(self, index):
        """The level at an input. A file that is just being written keeps the level it had."""
        path = self._paths[index]
        level = None if path is None else _read(path)
        if level is not None:
            self._levels[index] = level
        return self._levels[index]

    def _put(self, index, level):
        file = self._files[index]
        if file is not None:
            # In place and in one byte, so that a reader never meets an empty file.
            file.seek(0)
            file.write(b"1" if level else b"0")


def _read(path):
    """The level in a file, None when there is none."""
    try:
        with open(path, "rb") as file:
            data = file.read(1)
    except OSError:
        return None
    return data[0] - 48 if data in (b"0", b"1") else None


class Random:
    """The random bytes of this machine."""

    def bytes(self, count):
        """So many of them."""
        return os.urandom(count)


class Watchdog:
    """Counts; there is no hardware to bite. Also where this board notices that its power goes off:
    with board.SWITCH, when the other end of its standard input closes.

    A signal would do on a PC, but MicroPython's unix port may raise it in the middle of a garbage
    collection, and leaves the heap locked.
    """

    def __init__(self, board):
        self.fed = 0
        self._switch = None
        if board.SWITCH:
            self._switch = select.poll()
            self._switch.register(sys.stdin, select.POLLIN | select.POLLHUP)

    def feed(self):
        """Note that a whole turn succeeded; KeyboardInterrupt when the power is off."""
        self.fed += 1
        if self._switch is not None and self._switch.poll(0):
            raise KeyboardInterrupt


class Retained:
    """What survives a reset, in the board's flash: `word`, and `cause`, why the chip was reset.

    A program that was killed leaves the word behind, as a chip does that the watchdog resets; one
    whose power was switched off does not.
    """

    def __init__(self, board):
        self._storage = Storage(board)
        self._kept = board.DATA is not None
        self.cause = "power on"
        self.word = None
        data = self._storage.read("retained")
        if data is not None:
            asked = self._storage.read("reset") is not None
            self.cause = "reset" if asked else "watchdog"
            try:
                self.word = int(data.decode(), 16)
            except ValueError:
                pass  # damaged: as if nothing had survived
        self._storage.remove("reset")

    def write(self, word):
        """Keep a word of 32 bits."""
        if self._kept:
            self._storage.write("retained", b"%08x" % word)


class Network:
    """The address the simulated board was given; this machine's network is always up. What the
    module believes of it a file can tell, board.CABLE: an address, or nothing for none.
    """

    def __init__(self, board, settings, quiet):
        self._board = board
        self._link = None
        if board.CABLE is not None:
            from holdfast.hal.cable import link

            self._link = link(board.CABLE, quiet)

    def address(self):
        """(host, port) to listen on."""
        return self._board.HOST, self._board.PORT

    def step(self, now, heard_at):
        """The address at which the module is reached, None for none."""
        return self._board.HOST if self._link is None else self._link.step(now, heard_at)

    def refused(self, error):
        """There is no listening there; SystemExit."""
        place = (self._board.HOST, self._board.PORT, error)
        print("simulate: cannot listen on %s port %d: %s" % place)
        stop(self._board)
        sys.exit(_NO_ADDRESS)

    def show(self, lit):
        """There is no lamp."""

    def signal(self):
        """There is no radio."""
        return

    def dns(self):
        """As this machine's resolver is told (resolv.conf(5)), IPv4 alone."""
        rows = []
        try:
            with open("/etc/resolv.conf") as file:
                for line in file:
                    words = line.split()
                    if words[:1] == ["nameserver"] and ":" not in words[-1]:
                        rows.append((words[1], 53))
        except OSError:
            pass  # no network here
        return rows[:3]


class Alarm:
    """Calls `check` every 10 ms, whatever the loop does."""

    def __init__(self, check):
        import _thread

        self._check = check
        _thread.start_new_thread(self._run, ())

    def cancel(self):
        """Call it no more."""
        self._check = None

    def _run(self):
        while True:
            sleep_ms(_ALARM_MS)
            check = self._check
            if check is None:
                return
            check()


def reset(board, asked=True):
    """What a chip's reset is to this program: its end. Whoever runs it runs it anew when that was
    asked for; a crash is left to a person."""
    if board.DATA is not None:
        Storage(board).write("reset", b"1")
    sys.exit(_RESTART if asked else _CRASH)


def stop(board):
    """The power goes off: nothing survives."""
    storage = Storage(board)
    if board.DATA is not None:
        storage.remove("retained")
        storage.remove("reset")


def ended(board):
    """The application has ended; on a PC, so does the program."""


def maintenance(board):
    """True when board.MAINTENANCE, a file, is there: the jumper is set."""
    return board.MAINTENANCE is not None and _read(board.MAINTENANCE) is not None


def lock_console():
    """Ctrl-C stays what it is on a PC."""


def report(error):
    """Print an error with its trace."""
    if hasattr(sys, "print_exception"):
        sys.print_exception(error)
    else:
        import traceback

        traceback.print_exception(error)


def sleep_ms(ms):
    """Stand still for so long."""
    if hasattr(time, "sleep_ms"):
        time.sleep_ms(ms)
    else:
        select.poll().poll(ms)


def _ticks_ms():
    """ticks_ms for CPython, wrapping as on a board."""
    return time.monotonic_ns() // 1000000 % _PERIOD  # pyright: ignore  CPython's


def _ticks_diff(end, start):
    return (end - start + _PERIOD // 2) % _PERIOD - _PERIOD // 2


def wall_ms():
    """UTC in ms since 1970."""
    return time.time_ns() // 1000000


def ticks():
    """(ticks_ms, ticks_diff) of this interpreter."""
    if hasattr(time, "ticks_ms"):
        return time.ticks_ms, time.ticks_diff
    return _ticks_ms, _ticks_diff
