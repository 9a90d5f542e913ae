"""A board on a serial port, through mpremote.

mpremote's Python modules, not its command line: one raw REPL session serves a whole flash of
ninety files, bytes can be counted for a progress bar, and failures come as exceptions instead of
texts to guess at. They are not promised to stay as they are, hence the exact version in
pyproject.toml, and nothing but this file knows them.
"""

import ast
import contextlib
import hashlib
import io
import os
import re

import serial
import serial.tools.list_ports
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from holdfast_cli import product
from holdfast_cli.problems import BUSY, FAILED, STRANGER, UNREACHABLE, UNSUITABLE, Problem

OLDEST = (1, 27)  # MicroPython's
_BAUD = 115200
_READ_S = 1  # of one read; mpremote has time limits of its own above that
_ANSWER_S = 5  # for a board to let itself be interrupted
_CHUNK_BYTES = 512

# What is where, told in one line that Python reads.
_IDENTITY = """
import sys
_i = sys.implementation
print(repr((_i.name, tuple(_i.version), getattr(_i, '_mpy', 0), getattr(_i, '_build', ''),
    getattr(_i, '_machine', ''), sys.platform, 'holdfast.app' in sys.modules)))
"""

# A watchdog that is armed cannot be stopped, and the application that fed it has been interrupted.
_NURSE = """
import machine, sys
_w = machine.WDT(timeout=8000)
_t = machine.Timer(-1 if sys.platform == 'rp2' else 0)
_t.init(period=1000, mode=machine.Timer.PERIODIC, callback=lambda t: _w.feed())
"""

_HASHING = """
import os, hashlib
from binascii import hexlify
_b = bytearray(1024)
_m = memoryview(_b)
def _hash(path):
    h = hashlib.sha256()
    with open(path, 'rb') as f:
        while True:
            n = f.readinto(_b)
            if not n:
                return hexlify(h.digest()).decode()
            h.update(_m[:n])
def _walk(path):
    try:
        kind = os.stat(path)[0]
    except OSError:
        return
    if kind & 0x4000:
        for entry in os.listdir(path):
            _walk(path + '/' + entry)
    else:
        print(repr((path, _hash(path))))
"""

_MKDIRS = """
import os
def _mkdirs(path):
    at = ''
    for part in path.split('/')[1:]:
        at += '/' + part
        try:
            os.stat(at)
        except OSError:
            os.mkdir(at)
"""

_FREE = """
import os
try:
    _s = os.statvfs('/')
    print(repr((_s[0], _s[3])))
except (OSError, AttributeError):
    print(None)
"""

# Folders that are empty go, too; those that are not, stay.
_PRUNE = """
import os
def _prune(path):
    for entry in os.ilistdir(path):
        if entry[1] & 0x4000:
            _prune(path + '/' + entry[0])
    try:
        os.rmdir(path)
    except OSError:
        pass
"""


def ports():
    """The serial ports behind which a board may be: those on USB, [(device, description)]."""
    found = [port for port in serial.tools.list_ports.comports() if port.vid is not None]
    return sorted((port.device, port.description) for port in found)


def find():
    """The port of the only board there is."""
    found = ports()
    if not found:
        text = "no board found: is it on USB, with a cable that carries data? --port names one"
        raise Problem(text, UNREACHABLE)
    if len(found) > 1:
        names = "\n".join("  %s  %s" % row for row in found)
        raise Problem("several boards found, name one with --port:\n" + names, UNREACHABLE)
    return found[0][0]


class Board:
    """A board whose application is interrupted while this is open. A context manager.

    name: which of boards/ it is; None: what its MicroPython says it is.
    """

    def __init__(self, port=None, name=None):
        self.port = port or find()
        self._wanted = name
        self._transport = None
        self._open = []  # helpers that are defined on the board

    def __enter__(self):
        self._transport = self._connect()
        try:
            self._interrupt()
            self._identify()
            self.name = self._choose(self._wanted)
        except BaseException:
            self._transport.close()
            raise
        return self

    def __exit__(self, *problem):
        with contextlib.suppress(TransportError, OSError):
            if self._transport.in_raw_repl:
                self._transport.exit_raw_repl()
        with contextlib.suppress(OSError):
            self._transport.close()

    # -- getting there ----------------------------------------------------------------------------

    def _connect(self):
        url = "://" in self.port  # of pyserial: socket://, rfc2217://, ...
        if not url and not os.path.exists(self.port) and os.name == "posix":
            there = ", ".join(device for device, _ in ports()) or "none"
            text = "there is no serial port %s; ports with something on them: %s"
            raise Problem(text % (self.port, there), UNREACHABLE)
        try:
            return SerialTransport(self.port, _BAUD, timeout=_READ_S)
        except TransportError:
            raise self._closed_door() from None

    def _closed_door(self):
        """Why the port cannot be opened: mpremote does not say."""
        try:
            serial.serial_for_url(self.port, _BAUD, exclusive=True).close()
        except (OSError, ValueError) as error:
            text = str(error)
            if "Permission" in text or "denied" in text:
                reason = "you may not use it; on Linux: sudo usermod -aG dialout $USER"
                return Problem("%s: %s, then log in again" % (self.port, reason), UNREACHABLE)
            if "lock" in text or "busy" in text.lower():
                return Problem("%s is in use by another program" % self.port, BUSY)
            if "://" in self.port:
                return Problem("%s cannot be opened: %s" % (self.port, text), UNREACHABLE)
        return Problem("%s is no serial port that can be opened" % self.port, UNREACHABLE)

    def _interrupt(self):
        """Into the raw REPL: the application stops, boot.py runs again, main.py does not."""
        try:
            with contextlib.redirect_stdout(
                io.StringIO()
            ):  # mpremote prints what it did not expect
                self._transport.enter_raw_repl(soft_reset=False, timeout_overall=_ANSWER_S)
                running = self._tell(_IDENTITY)[6]
                self._transport.enter_raw_repl(soft_reset=True, timeout_overall=_ANSWER_S)
        except (TransportError, OSError, ValueError, SyntaxError, IndexError):
            raise Problem(
                "no MicroPython answers at %s: is it the right port? A Holdfast that runs a "
                "release does not let itself be interrupted; see `maintenance` in the README of "
                "its board" % self.port,
                BUSY,
            ) from None
        if running:
            with contextlib.suppress(Problem):  # a board without these has no watchdog either
                self.run(_NURSE)

    def _identify(self):
        said = self._tell(_IDENTITY)
        name, version, mpy, self.build, self.machine, self.platform, _ = said
        self.micropython = ".".join(str(part) for part in version[:3])
        if name != "micropython":
            text = "%s runs %s; Holdfast needs MicroPython" % (self.port, name)
            raise Problem(text, STRANGER)
        if tuple(version[:2]) < OLDEST:
            text = (
                "this board has MicroPython %s; Holdfast needs %d.%d or later: put a newer one on"
            )
            raise Problem(text % (self.micropython, *OLDEST), UNSUITABLE)
        self._mpy = mpy & 0xFF

    def check_format(self):
        """Can it load the .mpy files that are made here?"""
        made = product.mpy_format()
        if self._mpy != made:
            text = "this MicroPython loads .mpy files of version %d, mpy-cross here makes %d"
            raise Problem(text % (self._mpy, made), UNSUITABLE)

    def _choose(self, wanted):
        """The folder of boards/ for this board. A wiring of one's own names its BUILD."""
        builds = {}
        for name in product.boards():
            if name != product.SIMULATED:
                builds[name] = getattr(product.wiring(name), "BUILD", name)
        # A variant has a suffix: ESP32_GENERIC-OTA.
        base = self.build.partition("-")[0]
        if wanted is not None:
            if wanted not in builds:
                names = ", ".join(builds) or "none"
                raise Problem("there is no board %s; there are: %s" % (wanted, names), UNSUITABLE)
            if base in builds.values() and builds[wanted] != base:
                text = "this is a %s (%s), not a %s"
                raise Problem(text % (self.build, self.machine, wanted), UNSUITABLE)
            return wanted
        fitting = [name for name in builds if builds[name] == base]
        if len(fitting) == 1:
            return fitting[0]
        what = "%s (%s)" % (self.build or self.platform, self.machine)
        if fitting:
            text = "this is a %s: say with --board which of these wirings it has: %s"
            raise Problem(text % (what, ", ".join(fitting)), UNSUITABLE)
        text = "this is a %s, for which there is nothing in boards/; --board names one that fits"
        raise Problem(text % what, UNSUITABLE)

    # -- what it is asked -------------------------------------------------------------------------

    def run(self, code):
        """Run code on the board; what it printed, as text. A Problem when it raises."""
        try:
            return self._transport.exec(code).decode()
        except TransportExecError as error:
            raise self._raised(error.error_output) from None
        except (TransportError, OSError, ValueError) as error:
            text = "the board at %s does not answer any more: %s" % (self.port, error)
            raise Problem(text, UNREACHABLE) from None

    def _raised(self, traceback):
        last = traceback.strip().splitlines()[-1] if traceback.strip() else "an error"
        if "ENOSPC" in last or re.search(r"OSError: (\[Errno )?28\b", last):
            return Problem("the flash of the board is full", FAILED)
        if "MemoryError" in last:
            return Problem(
                "the heap of the board is full; switch it off and on, try again", FAILED
            )
        return Problem("the board says: " + last, FAILED)

    def _tell(self, code):
        return ast.literal_eval(self._transport.exec(code).decode().strip())

    def _with(self, helper, call):
        """Call a helper, which is defined on the board when it is needed first."""
        if helper not in self._open:
            self.run(helper)
            self._open.append(helper)
        return self.run(call)

    def hashes(self, *paths):
        """{path: sha256} of the files at, or anywhere under, these paths."""
        found = {}
        for path in paths:
            for line in self._with(_HASHING, "_walk(%r)" % path).splitlines():
                name, digest = ast.literal_eval(line)
                found[name] = digest
        return found

    def free(self):
        """(bytes of a block of the file system, blocks that are free); None when it tells none."""
        return ast.literal_eval(self.run(_FREE).strip())

    def write(self, path, data, progress=lambda count: None):
        """Write a file: beside the old one, verified there by hash, then renamed over it."""
        part = path + ".new"
        self._with(_MKDIRS, "_mkdirs(%r)" % path.rpartition("/")[0])
        last = 0

        def written(count, total):
            nonlocal last
            progress(count - last)
            last = count

        try:
            self._transport.fs_writefile(part, data, _CHUNK_BYTES, written)
        except TransportExecError as error:
            raise self._raised(error.error_output) from None
        except OSError as error:  # mpremote makes one of what the board raised
            if error.errno == 28:
                raise Problem("the flash of the board is full", FAILED) from None
            raise Problem("%s cannot be written: %s" % (path, error), FAILED) from None
        except TransportError as error:
            text = "the board at %s does not answer any more: %s" % (self.port, error)
            raise Problem(text, UNREACHABLE) from None
        if self.hashes(part).get(part) != hashlib.sha256(data).hexdigest():
            raise Problem("%s did not arrive on the board as it is; try again" % path, FAILED)
        self.run("import os\nos.rename(%r, %r)" % (part, path))

    def remove(self, path):
        """Remove a file, if it is there."""
        code = "import os\ntry:\n os.remove(%r)\nexcept OSError:\n pass" % path
        self.run(code)

    def prune(self, folder):
        """Remove the empty folders under a folder, and itself when it is empty."""
        code = "import os\ntry:\n os.stat(%r)\n _prune(%r)\nexcept OSError:\n pass"
        self._with(_PRUNE, code % (folder, folder))

    def reset(self):
        """A hard reset: the application starts, this session is over."""
        with contextlib.suppress(TransportError, OSError):
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
        self._transport.in_raw_repl = False

    # -- settings ---------------------------------------------------------------------------------

    def _path(self, name):
        return "%s/%s" % (getattr(product.wiring(self.name), "DATA", None) or "", name)

    def settings_there(self):
        """The settings in flash, as bytes, None when there are none."""
        return self.read(self._path("settings.json"))

    def read_settings(self):
        """The settings in flash, as bytes; a Problem when there are none."""
        data = self.settings_there()
        if data is None:
            raise Problem("there are no settings on the board", FAILED)
        return data

    def read(self, path):
        """A file's bytes, None when it is not there."""
        try:
            return bytes(self._transport.fs_readfile(path))
        except TransportExecError as error:
            raise self._raised(error.error_output) from None
        except OSError:
            return None
        except TransportError as error:
            text = "the board at %s does not answer any more: %s" % (self.port, error)
            raise Problem(text, UNREACHABLE) from None

    def write_file(self, name, data):
        """Write a file into its flash, beside the settings."""
        self.write(self._path(name), data)

    def write_settings(self, data):
        """Give it settings that count from the next start on; the present ones become the copy
        before, as when the module itself saves.
        """
        new, old = self._path("settings.json"), self._path("settings.old")
        present = self.read(new)
        if present is not None and present != data:
            self.write(old, present)
        self.write(new, data)
        self.remove(self._path("settings.new"))  # half of a change that the power cut
