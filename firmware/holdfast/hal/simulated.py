"""The simulated board: pins are files, the network is this machine's, time is real.

`PINS/gpio<N>` holds "0" or "1", the electrical level, as a wire would. See
boards/simulated/README.md.
"""

import errno
import os
import select
import sys
import time

from holdfast.hal import safe_levels

_PERIOD = 1 << 30  # of ticks_ms on a board
_RESTART = 4  # what tools/simulate.py starts the board again upon


class Pins:
    """Files in the folder board.PINS; without a folder nothing is connected."""

    def __init__(self, board):
        self._paths = []
        self._files = []
        levels = safe_levels(board)
        self._levels = bytearray(levels)
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

    def write(self, levels):
        """Set the outputs whose level differs from the one they have."""
        if levels == self._levels:
            return
        files = self._files
        for index in range(len(files)):
            level = levels[index]
            if level != self._levels[index]:
                file = files[index]
                if file is not None:
                    # In place and in one byte, so that a reader never meets an empty file.
                    file.seek(0)
                    file.write(b"1" if level else b"0")
                self._levels[index] = level


def _read(path):
    """The level in a file, None when there is none."""
    try:
        with open(path, "rb") as file:
            data = file.read(1)
    except OSError:
        return None
    return data[0] - 48 if data in (b"0", b"1") else None


class Storage:
    """The board's flash: files in the folder board.DATA; without a folder, none."""

    def __init__(self, board):
        self._folder = board.DATA

    def read(self, name):
        """The bytes of a file, None when it is not there; OSError when it cannot be read."""
        if self._folder is None:
            return None
        try:
            with open(self._path(name), "rb") as file:
                return file.read()
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return None

    def write(self, name, data):
        """Make or replace a file; OSError when it cannot be written."""
        self._write(name, "wb", data)

    def _write(self, name, mode, data):
        with open(self._path(name), mode) as file:
            file.write(data)
            file.flush()
            if hasattr(os, "fsync"):  # not in MicroPython; there a close writes through on flash
                os.fsync(file.fileno())

    def append(self, name, data):
        """Write at the end of a file, which is made when there is none; OSError."""
        self._write(name, "ab", data)

    def remove(self, name):
        """Remove a file, if it is there."""
        try:
            os.remove(self._path(name))
        except OSError:
            pass  # it is not there

    def rename(self, name, to):
        """Rename a file; one that has the new name is replaced. OSError when it cannot be."""
        os.rename(self._path(name), self._path(to))

    def _path(self, name):
        if self._folder is None:
            raise OSError(errno.ENODEV)
        return "%s/%s" % (self._folder, name)


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


class Network:
    """The address the simulated board was given."""

    def __init__(self, board):
        self._board = board

    def address(self):
        return self._board.HOST, self._board.PORT

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


def reset():
    """Start again, as a board does: the interpreter ends, and whoever runs it runs it anew."""
    sys.exit(_RESTART)


def _ticks_ms():
    """ticks_ms for CPython, wrapping as on a board."""
    return time.monotonic_ns() // 1000000 % _PERIOD  # pyright: ignore  CPython's


def _ticks_diff(end, start):
    return (end - start + _PERIOD // 2) % _PERIOD - _PERIOD // 2


def reset_cause():
    """Why the board has started: on a PC somebody switched it on."""
    return "power on"


def wall_ms():
    """UTC in ms since 1970."""
    return time.time_ns() // 1000000


def ticks():
    """(ticks_ms, ticks_diff) of this interpreter."""
    if hasattr(time, "ticks_ms"):
        return time.ticks_ms, time.ticks_diff
    return _ticks_ms, _ticks_diff
