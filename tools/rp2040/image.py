"""The image for the RP2040 that the emulator runs: MicroPython with the firmware, a board that
knows no network but its own loopback, and the client that tries it (boards/RP2040_LOOPBACK).

Sources: MicroPython and what it is built of, from Debian's packages through the machine's own apt
source, once, into build/emulator. Nothing is installed. micropython/ is laid over them: the
emulator has no radio and no Ethernet, so lwIP talks to itself. Built as `make firmware` builds.
"""

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

from rp2040.chip import SAY_S, Failed

HERE = Path(__file__).resolve().parent
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
                text += " top of tools/rp2040/image.py"
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
    for folder in (interpreters.BUILD / "images").glob(BOARD + "*"):
        shutil.rmtree(folder)
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


def build(form):
    """Build the image in a form of package.FORMS; the folder where it is (package.whole)."""
    look()
    tree = sources()
    # Debian bookworm has no picotool; the image is laid out for flash below.
    os.environ["CMAKE_ARGS"] = "-DPICO_NO_PICOTOOL=1"
    log = HOME / "build.log"
    # First and by itself: with `make BUILD=...` the port would build it among its own objects.
    say("building mpy-cross")
    run(["make", "-C", tree / "mpy-cross", "-j%d" % (os.cpu_count() or 1)])
    say("building the image, %s" % form)
    try:
        with output_into(log):
            folder = package.firmware(
                BOARD,
                tree,
                where=HERE / "boards",
                oldest=package.micropython_version(tree),
                form=form,
            )
    except SystemExit as end:
        rows = log.read_text(errors="replace").splitlines()
        why = [row for row in rows if "rror" in row][:5] or rows[-5:]
        raise Failed("%s\n%s\nall of it is in %s" % (end, "\n".join(why), log))
    return folder


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
