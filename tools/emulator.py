"""The firmware built into a MicroPython for the RP2040, run in an emulator of the chip: what it
costs and whether outputs fall back, measured and held to bounds (make emulator).

    python tools/emulator.py [--build] [--timeout SECONDS]

1. Sources: MicroPython and what it is built of, from Debian's packages through the machine's own
   apt source, once, into build/emulator. Nothing is installed. rp2040/micropython/ is laid over
   them: the emulator has no radio and no Ethernet, so lwIP talks to itself.
2. The image: `make firmware`'s own way, with the board of rp2040/boards/.
3. The emulator: rp2040py, where the client inside the image (trial.py there) tells what it does.
   Levels and times are the emulator's, seen from outside at the pins, not the image's word.

The chip has 125 MHz; its times do not depend on the machine's speed. It takes some minutes.
"""

import argparse
import asyncio
import contextlib
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import interpreters
import package

HERE = Path(__file__).resolve().parent / "rp2040"
BOARD = "RP2040_LOOPBACK"
HOME = interpreters.BUILD / "emulator"

# MicroPython 1.26 is the latest that Debian has; what the firmware misses in it, MD5, is patched
# in. The rest is what MicroPython 1.26 has as submodules, of trixie, which stays.
VERSION = "1.26.1"
SUITES = "trixie sid"
SOURCES = ("micropython=%s+ds-1" % VERSION, "mbedtls/trixie", "lwip/trixie")
PACKAGES = ("pico-sdk-source=2.1.1-1", "tinyusb-source=0.18.0+dfsg-1")

# Programs, and the Debian package that has them.
PROGRAMS = {
    "make": "make",
    "gcc": "gcc",
    "patch": "patch",
    "cmake": "cmake",
    "xz": "xz-utils",
    "bzip2": "bzip2",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
}
# Files that its compiler has to find.
LIBRARIES = {
    "nosys.specs": "libnewlib-arm-none-eabi",
    "libstdc++.a": "libstdc++-arm-none-eabi-newlib",
}

FLASH = 0x10000000  # where an image lies (RP2040 datasheet, 2.6.3)
FAMILY = 0xE48BFF56  # of the RP2040 in UF2 files
LINE = 0x10  # the watchdog's SCRATCH1, by which the image speaks
WATCHDOG_CAUSE = "3"  # machine.WDT_RESET
GPIO = 6  # port 4, whose fallback is "closed": a high level
KEPT = 7  # port 5, which is closed and has no fallback
OUTPUTS = range(6, 10)
DURATION_MS = 250  # of the last heartbeat (trial.py)
LATE_MS = 30  # README: a hard timer's trip to pin is so much after the deadline at most
WATCHDOG_MS = 8000  # board.py

# What is measured may become so much: the figures of README with some room.
IMAGE_KB = 840
SERVING_MS = 2500
REST_KB = 56
DRIVEN_KB = 68
BEAT_MS = 25
FALLBACK_MS = 500  # after the reset, of which the boot ROM and MicroPython take the most

SAY_S = 10  # between lines of progress


class Failed(Exception):
    """What is missing or went wrong, and what to do."""


def say(text):
    """A line of progress."""
    print("emulator: %s" % text, file=sys.stderr, flush=True)


# --- sources -------------------------------------------------------------------------------------


def look():
    """Refuse a machine that lacks something, with all that it lacks."""
    wanted = {PROGRAMS[name] for name in PROGRAMS if shutil.which(name) is None}
    if shutil.which("arm-none-eabi-gcc"):
        for name, owner in LIBRARIES.items():
            command = ["arm-none-eabi-gcc", "-print-file-name=" + name]
            found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            if not Path(found.strip()).is_absolute():
                wanted.add(owner)
    else:
        wanted.update(LIBRARIES.values())
    if wanted:
        raise Failed("the image cannot be built here: apt install %s" % " ".join(sorted(wanted)))


def apt_source():
    """The machine's own source of Debian's packages, for other suites, as a .sources file."""
    modern = Path("/etc/apt/sources.list.d/debian.sources")
    classic = Path("/etc/apt/sources.list")
    rows = []
    if modern.exists():
        for row in modern.read_text().split("\n\n")[0].splitlines():
            name = row.partition(":")[0]
            rows.append(
                {"Types": "Types: deb deb-src", "Suites": "Suites: " + SUITES}.get(name, row)
            )
    elif classic.exists():
        for row in classic.read_text().splitlines():
            words = row.split()
            if words[:1] == ["deb"] and len(words) > 2 and not words[1].startswith("["):
                rows = ["Types: deb deb-src", "URIs: " + words[1], "Suites: " + SUITES]
                rows.append("Components: main")
                break
    if not rows:
        text = (
            "no Debian package source in /etc/apt: the sources come from there; a Debian machine"
        )
        raise Failed(text + ", or a container of one, is needed")
    return "\n".join(rows) + "\n"


def fetch(folder):
    """Download the packages into a folder."""
    for name in ("apt-get", "dpkg-deb"):
        if shutil.which(name) is None:
            raise Failed(
                "%s is missing: a Debian machine, or a container of one, is needed" % name
            )
    source = apt_source()
    say("fetching MicroPython %s, pico-sdk, tinyusb, mbedtls and lwip (once)" % VERSION)
    with tempfile.TemporaryDirectory(dir=HOME) as work:
        work = Path(work)
        for name in ("lists/partial", "cache/archives/partial", "sources", "here"):
            (work / name).mkdir(parents=True)
        (work / "status").touch()
        (work / "sources" / "debian.sources").write_text(source)
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout
        options = [
            "-q",
            "-oDir::Etc::SourceList=/dev/null",
            "-oAPT::Sandbox::User=" + user.strip(),
        ]
        options += ["-oDir::Etc::SourceParts=%s" % (work / "sources")]
        options += ["-oDir::State::Lists=%s" % (work / "lists")]
        options += ["-oDir::State::Status=%s" % (work / "status")]
        options += ["-oDir::Cache=%s" % (work / "cache")]
        for words in (
            ["update"],
            ["source", "--download-only", *SOURCES],
            ["download", *PACKAGES],
        ):
            say("apt-get %s" % " ".join(words))
            result = subprocess.run(
                ["apt-get", *options, *words],
                cwd=work / "here",
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if result.returncode:
                why = [row for row in result.stdout.splitlines() if row.startswith("E:")]
                text = "apt-get %s: %s; where Debian has other versions by now, they stand at the"
                text += " top of tools/emulator.py"
                raise Failed(text % (words[0], why[0] if why else "no reason given"))
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(work / "here", folder)


def one(folder, pattern):
    """The one file there is."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        text = "%d files %s in %s, not one: remove that folder, and they are fetched anew"
        raise Failed(text % (len(found), pattern, folder))
    return found[0]


def run(words, **more):
    """A program that has to succeed."""
    result = subprocess.run(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **more,
    )
    if result.returncode:
        last = "\n".join(result.stdout.splitlines()[-10:])
        raise Failed("%s ended with status %d:\n%s" % (words[0], result.returncode, last))


def sources():
    """The tree of MicroPython, put together where it is not yet; its folder."""
    tree = HOME / ("micropython-" + VERSION)
    downloads = HOME / "packages"
    overlay = sorted(path for path in (HERE / "micropython").rglob("*") if path.is_file())
    text = b"".join(path.read_bytes() for path in overlay) + repr((SOURCES, PACKAGES)).encode()
    mark = HOME / "made-of"
    made_of = hashlib.sha256(text).hexdigest()
    if tree.exists() and mark.exists() and mark.read_text() == made_of:
        return tree
    HOME.mkdir(parents=True, exist_ok=True)
    kept = HOME / "packages-are"
    if not (
        downloads.exists() and kept.exists() and kept.read_text() == repr((SOURCES, PACKAGES))
    ):
        fetch(downloads)
        kept.write_text(repr((SOURCES, PACKAGES)))
    say("unpacking and patching")
    mark.unlink(missing_ok=True)
    shutil.rmtree(tree, ignore_errors=True)
    # What was built of the tree before is not built of this one.
    shutil.rmtree(interpreters.BUILD / "images" / BOARD, ignore_errors=True)
    for pattern, target in (
        ("micropython_*.orig.tar.*", tree),
        ("mbedtls_*.orig.tar.*", tree / "lib" / "mbedtls"),
        ("lwip_*.orig.tar.*", tree / "lib" / "lwip"),
    ):
        target.mkdir(parents=True, exist_ok=True)
        run(["tar", "xf", one(downloads, pattern), "-C", target, "--strip-components=1"])
    with tempfile.TemporaryDirectory(dir=HOME) as work:
        for name in ("pico-sdk", "tinyusb"):
            run(["dpkg-deb", "-x", one(downloads, name + "-source_*.deb"), work])
            shutil.rmtree(tree / "lib" / name, ignore_errors=True)
            shutil.move(Path(work) / "usr" / "src" / name, tree / "lib" / name)
    # The port looks for these, to tell whether submodules are there; Debian's packages lack them.
    for name in ("pico-sdk", "micropython-lib"):
        (tree / "lib" / name / "README.md").touch()
    run(["patch", "-p1", "-i", HERE / "micropython" / "loopback.patch"], cwd=tree)
    shutil.copytree(HERE / "micropython" / BOARD, tree / "ports" / "rp2" / "boards" / BOARD)
    mark.write_text(made_of)
    return tree


# --- the image -----------------------------------------------------------------------------------


@contextlib.contextmanager
def output_into(path):
    """What this process and its programs print goes into a file; a line now and then says how far
    they are.
    """
    stop = threading.Event()
    begun = time.monotonic()
    real = os.dup(2)

    def progress():
        while not stop.wait(SAY_S):
            rows = [row for row in path.read_text(errors="replace").splitlines() if row[:1] == "["]
            far = rows[-1].partition("]")[0][1:].strip() if rows else "beginning"
            text = "emulator: building, %s, %d s\n" % (far, time.monotonic() - begun)
            os.write(real, text.encode())

    with open(path, "w") as file:
        saved = os.dup(1)
        sys.stdout.flush()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        thread = threading.Thread(target=progress)
        thread.start()
        try:
            yield
        finally:
            sys.stdout.flush()
            stop.set()
            thread.join()
            os.dup2(saved, 1)
            os.dup2(real, 2)
            os.close(saved)
            os.close(real)


def build():
    """Build the image; its path."""
    look()
    tree = sources()
    # Debian bookworm has no picotool; the image is laid out for flash below.
    os.environ["CMAKE_ARGS"] = "-DPICO_NO_PICOTOOL=1"
    log = HOME / "build.log"
    # First and by itself: with `make BUILD=...` the port would build it among its own objects.
    say("building mpy-cross")
    run(["make", "-C", tree / "mpy-cross", "-j%d" % (os.cpu_count() or 1)])
    say("building the image")
    try:
        with output_into(log):
            folder = package.firmware(
                BOARD, tree, where=HERE / "boards", oldest=package.micropython_version(tree)
            )
    except SystemExit as end:
        rows = log.read_text(errors="replace").splitlines()
        why = [row for row in rows if "rror" in row][:5] or rows[-5:]
        raise Failed("%s\n%s\nall of it is in %s" % (end, "\n".join(why), log))
    image = folder / "firmware.bin"
    if not image.exists():
        raise Failed("the build left no %s, see %s" % (image, log))
    return image


def uf2(image):
    """The image as the emulator, and a board's boot ROM, take it; its path."""
    data = image.read_bytes()
    count = -(-len(data) // 256)
    path = image.with_suffix(".uf2")
    with open(path, "wb") as file:
        for index in range(count):
            part = data[index * 256 : (index + 1) * 256].ljust(476, b"\0")
            place = FLASH + index * 256
            head = (0x0A324655, 0x9E5D5157, 0x2000, place, 256, index, count, FAMILY)
            file.write(struct.pack("<8I", *head) + part + struct.pack("<I", 0x0AB16F30))
    return path


# --- the emulator --------------------------------------------------------------------------------


class Story:
    """What happened in the chip: lines of the image, edges of outputs, resets; each with its ms
    of the chip's time, in order, and the life in which it was.
    """

    def __init__(self):
        self.lines = []  # (life, ms, [word...])
        self.edges = []  # (life, ms, gpio, level)
        self.resets = []  # ms

    def words(self, life, name):
        """The lines of a name in a life: (ms, [word...]) each; there has to be one."""
        found = [(ms, words[1:]) for at, ms, words in self.lines if (at, words[0]) == (life, name)]
        if not found:
            raise Failed("the image did not say %r in its life %d" % (name, life + 1))
        return found

    def level(self, life, gpio, since):
        """The ms of the first high level of an output in a life after a time, None for none."""
        for at, ms, which, level in self.edges:
            if (at, which, level) == (life, gpio, "HIGH") and ms >= since:
                return ms
        return None


class Trial(Story):
    """An emulated chip that runs an image, and the story of it."""

    def __init__(self, image):
        super().__init__()
        # Instructions between two looks at the clock, where no alarm is due: four times as fast,
        # and no alarm is late (rp2040py, _clock_batch_gate.py, _execute_batch.py).
        os.environ.setdefault("RP2040PY_CLOCK_TICK_BATCH", "32")
        from rp2040py.boards import resolve_board_spec
        from rp2040py.device import MicroPythonDevice
        from rp2040py.peripherals.watchdog import RPWatchdog
        from rp2040py.utils.firmware_retrieve import MICROPYTHON

        self.finished = False
        self._line = bytearray()
        self._write = RPWatchdog.write_uint32
        trial = self

        def write(watchdog, offset, value):
            if offset == LINE:
                trial._byte(value & 0xFF)
            return trial._write(watchdog, offset, value)

        RPWatchdog.write_uint32 = write
        self.device = MicroPythonDevice(board=resolve_board_spec("pico", MICROPYTHON, str(image)))
        mcu = self.device.mcu
        self._reset = mcu.watchdog.on_watchdog_trigger
        mcu.watchdog.on_watchdog_trigger = self._on_reset
        for gpio in OUTPUTS:
            mcu.gpio[gpio].add_listener(
                lambda level, last, gpio=gpio: self.edges.append(
                    (len(self.resets), self.ms(), gpio, level.name)
                )
            )

    def ms(self):
        return self.device.mcu.clock.nanos / 1e6

    def _byte(self, byte):
        if byte != 10:
            self._line.append(byte)
            return
        words = self._line.decode(errors="replace").split()
        self._line.clear()
        if not words:
            return
        self.lines.append((len(self.resets), self.ms(), words))
        say("%9.1f ms  %s" % (self.ms(), " ".join(words)))
        self.finished = words[0] == "end"

    def _on_reset(self):
        self.resets.append(self.ms())
        say("%9.1f ms  the watchdog resets the chip" % self.ms())
        self._reset()

    async def run(self, timeout):
        """Until the image has said its last word, or so many seconds."""
        simulator = self.device.simulator
        begun = said = time.monotonic()
        simulator.bind_loop()
        simulator.start_execution()
        try:
            while not self.finished:
                await asyncio.sleep(0.2)
                now = time.monotonic()
                if simulator.engine_room_error is not None:
                    raise Failed("the emulator ended: %r" % simulator.engine_room_error)
                if now - begun > timeout:
                    text = "not finished after %d s, at %.1f ms of the chip's time; "
                    raise Failed((text + "--timeout gives it more") % (timeout, self.ms()))
                if now - said > SAY_S:
                    said = now
                    say("%9.1f ms  of the chip's time, %d s of ours" % (self.ms(), now - begun))
        finally:
            simulator.stop()
            await asyncio.sleep(0.1)


# --- figures -------------------------------------------------------------------------------------


class Figures:
    """Prints figures as they are asked for, and counts those out of bounds."""

    def __init__(self):
        self.bad = 0

    def between(self, what, unit, low, value, high):
        """None is out of bounds."""
        good = value is not None and low <= value <= high
        shown = "none" if value is None else "%.1f" % value
        self._row(good, "%-56s %8s %-3s (%g to %g)" % (what, shown, unit, low, high))

    def true(self, what, good, seen):
        self._row(good, "%-56s %s" % (what, seen))

    def _row(self, good, text):
        print("%s  %s" % ("ok " if good else "BAD", text), flush=True)
        self.bad += not good


def report(trial, size):
    """Print every figure; how many are out of bounds."""
    figures = Figures()
    errors = [" ".join(words[1:]) for _, _, words in trial.lines if words[0] == "error"]
    figures.true("no exception in the image", not errors, "\n     ".join(errors) or "none")
    figures.between("image, the client included", "KB", 0, size / 1024, IMAGE_KB)
    figures.between("serves, after power-up", "ms", 0, trial.words(0, "serving")[0][0], SERVING_MS)
    for name, what, high in (
        ("rest", "heap in use at rest", REST_KB),
        ("beaten", "... after four heartbeats", DRIVEN_KB),
        ("driven", "... and a setPorts", DRIVEN_KB),
    ):
        used, free = [int(word) / 1024 for word in trial.words(0, name)[0][1]]
        figures.between("%s, of %.0f KB" % (what, used + free), "KB", 1, used, high)
    beats = trial.words(0, "beat")
    statuses = [words[0] for _, words in beats]
    statuses += [trial.words(0, name)[0][1][0] for name in ("ports", "answered")]
    figures.true("every request answered", set(statuses) == {"200"}, " ".join(statuses))
    closed = trial.level(0, KEPT, trial.words(0, "driven")[0][0] - 1000)
    figures.true("setPorts closes its output", closed is not None, "GPIO %d" % KEPT)
    times = [int(words[1]) / 1000 for _, words in beats]
    figures.between("first heartbeat, client included", "ms", 1, times[0], 2 * BEAT_MS)
    figures.between("next ones, the quickest", "ms", 1, min(times[1:]), BEAT_MS)
    figures.between("... the slowest", "ms", 1, max(times[1:]), BEAT_MS)

    # The deadline lies between the request and its answer, plus the Duration.
    sent, answered = trial.words(0, "last")[0][0], trial.words(0, "answered")[0][0]
    tripped = trial.level(0, GPIO, sent)
    for what, since, low, high in (
        ("trip to pin, loop blocked, after the request", sent, DURATION_MS, answered - sent),
        ("... after its answer", answered, DURATION_MS - (answered - sent), 0),
    ):
        value = None if tripped is None else tripped - since
        figures.between(what, "ms", round(low, 1), value, round(high + DURATION_MS + LATE_MS, 1))

    hanging = trial.words(0, "hanging")[0][0]
    reset = trial.resets[0] if trial.resets else None
    bitten = None if reset is None else reset - answered
    figures.between(
        "the watchdog, after the last turn of the loop",
        "ms",
        WATCHDOG_MS - 200,
        bitten,
        WATCHDOG_MS + 50,
    )
    while_hung = reset is not None and reset > hanging
    figures.true("it bit while the loop hung", while_hung, while_hung)
    if reset is None:
        return figures.bad
    # A word without its highest bit reads the same with a sign as without: nothing would be tried.
    word = int(trial.words(0, "word")[0][1][0])
    figures.true("the word that survives has its highest bit set", word >> 31, hex(word))
    cause, kept = trial.words(1, "begin")[0][1]
    figures.true("the next life knows the watchdog", cause == WATCHDOG_CAUSE, cause)
    figures.true("... and has that word", int(kept) == word, hex(int(kept)))
    back = trial.level(1, GPIO, reset)
    figures.between(
        "output in fallback, after the watchdog's reset",
        "ms",
        0,
        None if back is None else back - reset,
        FALLBACK_MS,
    )
    out, enabled = [int(value) for value in trial.words(1, "pins")[0][1]]
    bits = {gpio: out >> gpio & 1 for gpio in OUTPUTS}
    figures.true("... and still when it serves", bits[GPIO], "GPIO %d is %d" % (GPIO, bits[GPIO]))
    others = [gpio for gpio in OUTPUTS if gpio != GPIO and bits[gpio]]
    figures.true("outputs without a fallback are open", not others, others or "all")
    driven = all(enabled >> gpio & 1 for gpio in OUTPUTS)
    figures.true("every output is driven", driven, hex(enabled))
    return figures.bad


def main():
    parser = argparse.ArgumentParser(description="The firmware in an emulated RP2040.")
    parser.add_argument("--build", action="store_true", help="build the image, and no more")
    parser.add_argument("--timeout", type=float, default=1800, metavar="SECONDS")
    options = parser.parse_args()
    try:
        image = build()
        if options.build:
            print(image)
            return
        trial = Trial(uf2(image))
        say("running it; the chip's time is on the left")
        asyncio.run(trial.run(options.timeout))
        bad = report(trial, image.stat().st_size)
    except Failed as problem:
        sys.exit("emulator: %s" % problem)
    except KeyboardInterrupt:
        sys.exit("emulator: interrupted")
    if bad:
        sys.exit("emulator: %d out of bounds" % bad)


if __name__ == "__main__":
    main()
