"""A board on a serial cable, for tests: MicroPython's unix port behind a pseudo-terminal.

The raw REPL, its paste mode and everything that is executed are MicroPython's own; its root is a
folder, which is the flash. What the unix port has not is added here: it ends where a chip resets
softly, so it is started anew then; it has no `machine`, so there is one whose reset, watchdog and
timers are told in files; and it is no Pico W, so sys.implementation is made to say another name.
"""

import os
import pty
import select
import signal
import subprocess
import threading
import time
import tty
from pathlib import Path

HARD_RESET = 42  # what the interpreter ends with in machine.reset()

PRELUDE = """
import sys, vfs, io
from collections import namedtuple
_I = namedtuple("implementation", ("name", "version", "_machine", "_mpy", "_build"))
_real = sys
class _Sys:
    implementation = _I({name!r}, {version!r}, "A board for tests", {mpy!r}, {build!r})
    platform = {platform!r}
    def __getattr__(self, name):
        return getattr(_real, name)
_real.modules["sys"] = _Sys()
_real.path[:] = ["", ".frozen", "/lib"]
def _note(text):
    with open("/.machine", "a") as file:
        file.write(text + "\\n")
class _WDT:
    def __init__(self, id=0, timeout=5000):
        _note("WDT %d" % timeout)
    def feed(self):
        _note("feed")
class _Timer:
    PERIODIC = 1
    def __init__(self, id=-1):
        pass
    def init(self, period=0, mode=0, callback=None):
        _note("Timer %d" % period)
        callback(self)
class _Machine:
    WDT = _WDT
    Timer = _Timer
    def reset(self):
        _note("reset")
        _real.exit({reset})
_real.modules["machine"] = _Machine()
_written = 0
class _Flash:
    # A folder as the root. VfsPosix(root) would do, if it could rename with a root.
    def __init__(self, root):
        self._files = vfs.VfsPosix()
        self._root = root
        self._at = "/"
    def _path(self, path):
        if not path.startswith("/"):
            path = self._at.rstrip("/") + "/" + path
        return self._root + path
    def mount(self, readonly, mkfs):
        pass
    def chdir(self, path):
        self._at = path or "/"
    def getcwd(self):
        return self._at
    def open(self, path, mode):
        global _written
        if "w" in mode and {full!r} is not None:
            _written += 1
            if _written > {full!r}:
                raise OSError(28)
        return self._files.open(self._path(path), mode)
    def statvfs(self, path):
        return (4096, 4096, 1000, {free!r}, {free!r}, 0, 0, 0, 0, 255)
    def ilistdir(self, path):
        return self._files.ilistdir(self._path(path))
    def stat(self, path):
        return self._files.stat(self._path(path))
    def mkdir(self, path):
        self._files.mkdir(self._path(path))
    def remove(self, path):
        self._files.remove(self._path(path))
    def rmdir(self, path):
        self._files.rmdir(self._path(path))
    def rename(self, old, new):
        self._files.rename(self._path(old), self._path(new))
vfs.umount("/")
vfs.mount(_Flash({root!r}), "/")
import os
def _run(name):
    try:
        with open(name) as file:
            code = file.read()
    except OSError:
        return
    try:
        exec(code, globals())
    except KeyboardInterrupt:
        pass
_run("/boot.py")
if {main!r}:
    _run("/main.py")
"""


class ReplBoard:
    """A MicroPython on a pseudo-terminal; `port` is its device, `flash` its files.

    main: main.py is run at power-on, and Ctrl-C interrupts it. deaf: nothing is ever answered.
    full: after so many files; free: blocks of 4 KB that it says are.
    """

    def __init__(
        self,
        micropython,
        folder,
        build="TEST_BOARD",
        version=(1, 28, 0, ""),
        mpy=774,  # version 6, sub-version 3
        platform="rp2",
        name="micropython",
        main=False,
        deaf=False,
        full=None,
        free=1000,
    ):
        self._micropython = micropython
        self._folder = Path(folder)
        self.flash = self._folder / "flash"
        self.flash.mkdir(parents=True, exist_ok=True)
        self._says = {
            "build": build,
            "version": version,
            "mpy": mpy,
            "platform": platform,
            "name": name,
            "full": full,
            "free": free,
        }
        self._deaf = deaf
        self._running = main
        self._host, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.soft_resets = 0
        self.hard_resets = 0
        self.cut_after = None  # bytes from the PC after which the cable is pulled
        self._from_host = 0
        self._ended = threading.Event()
        self._start(main)
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()

    def _start(self, main):
        prelude = self._folder / "prelude.py"
        root = str(self.flash.resolve())
        prelude.write_text(PRELUDE.format(root=root, main=main, reset=HARD_RESET, **self._says))
        self._device, slave = pty.openpty()
        tty.setraw(slave)
        self._process = subprocess.Popen(
            [self._micropython, "-i", str(prelude)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def _pump(self):
        while not self._ended.is_set():
            ready, _, _ = select.select([self._host, self._device], [], [], 0.05)
            if self._host in ready:
                self._take(os.read(self._host, 4096))
            if self._device in ready:
                try:
                    data = os.read(self._device, 4096)
                except OSError:  # it has ended
                    data = b""
                if data and not self._deaf:
                    os.write(self._host, data)
                elif not data:
                    self._again()

    def _take(self, data):
        """Bytes from the PC, on to the interpreter."""
        self._from_host += len(data)
        if self._deaf or (self.cut_after is not None and self._from_host > self.cut_after):
            return
        if self._running and b"\x03" in data:
            self._running = False
            os.kill(self._process.pid, signal.SIGINT)
            # What came before belongs to the program, what follows to the REPL it falls into.
            data = data[data.index(b"\x03") + 1 :]
            time.sleep(0.1)
        try:
            os.write(self._device, data)
        except OSError:
            pass

    def _again(self):
        """The interpreter has ended: by a soft reset, or by machine.reset()."""
        status = self._process.wait()
        os.close(self._device)
        if status == HARD_RESET:
            self.hard_resets += 1
            self._start(main=False)
        else:
            self.soft_resets += 1
            os.write(self._host, b"MPY: soft reboot\r\n")
            self._start(main=False)
            os.write(self._device, b"\r\x01")

    def told(self):
        """What was done with `machine`, a line each."""
        path = self.flash / ".machine"
        return path.read_text().splitlines() if path.exists() else []

    def close(self):
        self._ended.set()
        self._thread.join()
        self._process.kill()
        self._process.wait()
        for handle in (self._host, self._slave, self._device):
            os.close(handle)
