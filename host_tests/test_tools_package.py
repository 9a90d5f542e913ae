"""Packages: package.json never lags, mip installs what flash would, images have the application
where MicroPython looks for it, and the wheel is complete.
"""

import json
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import interpreters
import littlefs
import package
import pytest
from repl import ReplBoard

BIN = Path(sys.executable).parent


def made(*arguments, **more):
    """tools/package.py as make calls it: (status, output)."""
    command = [sys.executable, str(interpreters.ROOT / "tools" / "package.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def test_package_json_is_what_make_package_writes():
    assert package.PACKAGE.read_text() == package.package_text(), "run `make package`"


def test_package_json_names_every_file_that_belongs_on_a_board():
    urls = json.loads(package.PACKAGE.read_text())["urls"]
    for target, source in urls:
        assert (interpreters.ROOT / source).is_file()
        assert source == "firmware/" + target
    names = {target for target, _ in urls}
    assert {"boot.py", "main.py", "holdfast/app.py", "holdfast/core/module.py"} <= names
    assert "holdfast/hal/simulated.py" not in names
    everything = {path.as_posix() for path in interpreters.sources()}
    only_here = {"hal/cable.py", "hal/simulated.py", "runtime/portable_cpython.py"}
    assert everything - names == {"holdfast/" + name for name in only_here}


def test_a_bundle_is_complete_and_the_same_every_time(tmp_path):
    one = package.bundle(tmp_path / "one")
    two = package.bundle(tmp_path / "two")
    assert one.name == "holdfast-%s-mpy6.zip" % package.version()
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as file:
        names = {name.partition("/")[2] for name in file.namelist()}
    assert "holdfast/core/module.mpy" in names and "holdfast/core/module.py" not in names
    assert {"boot.py", "main.py", "package.json", "LICENSE"} <= names
    for board in package.boards():
        assert {board + ".json", "boards/%s/board.py" % board} <= names


def used_blocks(folder, names, blocks):
    """Blocks that files take in littlefs, as MicroPython on rp2 makes it; None: no room."""
    file_system = littlefs.LittleFS(
        block_size=package.BLOCK_BYTES,
        block_count=blocks,
        read_size=32,
        prog_size=256,
        cache_size=1024,
        lookahead_size=32,
    )
    try:
        for name in names:
            file_system.makedirs(str(Path(name).parent), exist_ok=True)
            with file_system.open(name, "wb") as file:
                file.write((folder / name).read_bytes())
    except littlefs.errors.LittleFSError as error:
        assert error.code == -28
        return None
    return file_system.used_block_count


def test_what_fits_a_board_is_judged_by_its_file_system(tmp_path):
    sources = json.loads(package.PACKAGE.read_text())["urls"]
    sources = [name for name, _ in sources]
    compiled = package.bundle(tmp_path).with_suffix("")
    bundled = [name for name, _ in json.loads((compiled / "package.json").read_text())["urls"]]
    for folder, names in ((interpreters.FIRMWARE, sources), (compiled, bundled)):
        sizes = {name: (folder / name).stat().st_size for name in names}
        needed = package.needs(sizes)
        for board in package.boards():
            size = package.flash_map(board)["stock_files"]
            used = used_blocks(folder, names, size // package.BLOCK_BYTES)
            if used is None:
                assert package.room_on(board, sizes) < 0, board
            else:
                # Never too little, and not much too much.
                assert used * package.BLOCK_BYTES <= needed < used * package.BLOCK_BYTES * 1.3
    # The sources are too much for a Pico W, and a third of its flash is what .mpy files leave.
    assert used_blocks(interpreters.FIRMWARE, sources, 848 // 4) is None


def test_a_package_that_does_not_fit_a_board_is_refused(monkeypatch, tmp_path):
    status, text = made("json", "RPI_PICO_W")
    assert (status, "package: refused for RPI_PICO_W" in text) == (1, True), text
    assert "RPI_PICO_W         848 KB for files: DOES NOT FIT: use make bundle" in text
    assert "ESP32_GENERIC     2048 KB for files" in text
    status, text = made("json", "NONE")
    assert (status, "there is no board NONE" in text) == (1, True), text
    found = package.flash_map
    monkeypatch.setattr(
        package, "flash_map", lambda board: {**found(board), "stock_files": 640 * 1024}
    )
    with pytest.raises(SystemExit) as refused:
        package.bundle(tmp_path)
    assert "the bundle does not fit" in str(refused.value)


@pytest.mark.parametrize("form", ("bundle", "checkout"))
def test_mpremote_mip_installs_it(micropython, tmp_path, form):
    folder = interpreters.ROOT
    if form == "bundle":
        folder = package.bundle(tmp_path / "bundle").with_suffix("")
    board = ReplBoard(micropython, tmp_path / "cable")
    try:
        command = [str(BIN / "mpremote"), "connect", board.port, "mip", "install", "--target", "/"]
        done = subprocess.run(
            [*command, str(folder / "package.json")],
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        board.close()
    for target, source in json.loads((folder / "package.json").read_text())["urls"]:
        assert (board.flash / target).read_bytes() == (folder / source).read_bytes()


MAKEFILE = """
all:
\t@mkdir -p $(BUILD)
\t@echo BOARD=$(BOARD) FROZEN_MANIFEST=$(FROZEN_MANIFEST) V=$(V) > $(BUILD)/asked
\t@echo $(BOARD_DIR) > $(BUILD)/folder
\t@head -c $(or $(SIZE),600000) /dev/zero > $(BUILD)/firmware.bin
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """What of MicroPython's sources the build looks at; its ports note what they are asked for."""
    root = tmp_path / "micropython"
    (root / "py").mkdir(parents=True)
    text = "#define MICROPY_VERSION_MAJOR 1\n#define MICROPY_VERSION_MINOR 28\n"
    (root / "py" / "mpconfig.h").write_text(text)
    for port in ("unix", "rp2", "esp32"):
        (root / "ports" / port / "boards").mkdir(parents=True)
        (root / "ports" / port / "Makefile").write_text(MAKEFILE)
    for board in package.boards():
        port = "esp32" if "ESP32" in board else "rp2"
        (root / "ports" / port / "boards" / package.build_of(board)).mkdir(exist_ok=True)
    monkeypatch.setattr(interpreters, "BUILD", tmp_path / "build")
    return root


@pytest.mark.parametrize("board", [*package.boards(), package.SIMULATED])
def test_an_image_asks_the_port_for_board_and_manifest(checkout, board):
    output = package.firmware(board, str(checkout), ["V=1"], form="romfs")
    asked = (output / "asked").read_text()
    name = "" if board == package.SIMULATED else package.build_of(board)
    manifest = package.BOARDS / board / "manifest.py"
    assert asked == "BOARD=%s FROZEN_MANIFEST=%s V=1\n" % (name, manifest)


# By board: KB of its flash, and where firmware.bin begins in it.
FLASHES = {
    "RPI_PICO_W": (2048, 0),
    "RPI_PICO2_W": (4096, 0),
    "W5500_EVB_PICO": (2048, 0),
    "ESP32_GENERIC": (4096, 4),
    "ESP32_GENERIC_S3": (4096, 0),
}


@pytest.mark.parametrize("board", package.boards())
def test_the_map_of_a_flash_fills_it_and_has_room_for_two_applications(board):
    flash = package.flash_map(board)
    size, begins = FLASHES[board]
    parts = [flash[name] for name in ("reserved", "image", "application", "files")]
    assert sum(parts) == flash["flash"] == size * 1024
    assert flash["begins"] == begins * 1024
    assert all(part % package.BLOCK_BYTES == 0 for part in parts)
    assert package.SLOTS * package.app().stat().st_size <= flash["application"]
    # What a module writes, and all but the oldest of a month's history.
    assert flash["files"] >= package.RESERVE_BYTES + 400 * 1024


@pytest.mark.parametrize("board", package.boards())
def test_an_image_has_the_application_where_micropython_looks_for_it(checkout, board, capfd):
    output = package.firmware(board, str(checkout), form="romfs")
    flash = package.flash_map(board)
    place = flash["reserved"] + flash["image"]
    application = package.app().read_bytes()
    image = (output / "holdfast.bin").read_bytes()
    assert image[:600000] == bytes(600000)
    assert image[place - flash["begins"] :] == application
    assert len(image) + flash["begins"] <= flash["flash"] - flash["files"]
    told = capfd.readouterr().out
    assert "MicroPython: 600000 of %d bytes" % (place - flash["begins"]) in told
    assert "%d bytes for files" % flash["files"] in told
    folder = Path((output / "folder").read_text().strip())
    cmake = (folder / "mpconfigboard.cmake").read_text()
    if "ESP32" in board:
        assert "#define MICROPY_VFS_ROM (1)" in (folder / "mpconfigboard.h").read_text()
        assert "${MICROPY_BOARD_DIR}/sdkconfig.holdfast" in cmake
        assert '"%s/partitions.csv"' % folder in (folder / "sdkconfig.holdfast").read_text()
        rows = (folder / "partitions.csv").read_text().replace(" ", "").splitlines()
        assert "romfs,data,0x8f,%d,%d," % (place, flash["application"]) in rows
        files = "vfs,data,fat,%d,%d," % (place + flash["application"], flash["files"])
        assert files in rows
    else:
        header = (folder / "mpconfigboard.h").read_text()
        for name, size in (("FLASH_STORAGE", flash["files"]), ("ROMFS", flash["application"])):
            assert "#define MICROPY_HW_%s_BYTES (%d)\n" % (name, size) in header
            assert "set(MICROPY_HW_%s_BYTES %d)\n" % (name, size) in cmake
        assert "set(MICROPY_PY_BLUETOOTH OFF)" in cmake
        assert "pico_cyw43_driver/include)" in cmake  # or the radio's driver does not compile


def test_an_image_that_has_no_room_is_refused(checkout, monkeypatch):
    room = package.flash_map("RPI_PICO_W")["image"]
    build = ["RPI_PICO_W", str(checkout)]
    output = package.firmware(*build, ["SIZE=%d" % room], form="romfs")
    with pytest.raises(SystemExit, match="MicroPython has %d bytes, and room for" % (room + 1)):
        package.firmware(*build, ["SIZE=%d" % (room + 1)], form="romfs")
    assert not (output / "firmware.bin").exists()
    room += package.flash_map("RPI_PICO_W")["application"]
    package.firmware(*build, ["SIZE=%d" % room], form="frozen")
    with pytest.raises(SystemExit, match="MicroPython has %d bytes, and room for" % (room + 1)):
        package.firmware(*build, ["SIZE=%d" % (room + 1)], form="frozen")
    monkeypatch.setattr(package, "SLOTS", 3)
    with pytest.raises(SystemExit, match="the application file has"):
        package.firmware(*build, form="romfs")


@pytest.mark.parametrize("board", package.boards())
def test_an_application_that_is_built_in_leaves_files_where_they_are(checkout, board):
    output = package.firmware(board, str(checkout), form="frozen")
    flash = package.flash_map(board)
    assert (output / "holdfast.bin").read_bytes() == bytes(600000)
    words = (output / "asked").read_text().split()
    manifest = Path(words[1].partition("=")[2]).read_text()
    included = 'include("%s")' % (package.BOARDS / board / "manifest.py")
    frozen = 'package("holdfast", base_path="%s")' % interpreters.FIRMWARE
    assert manifest.splitlines() == [included, frozen]
    folder = Path((output / "folder").read_text().strip())
    if "ESP32" in board:
        rows = (folder / "partitions.csv").read_text()
        place = flash["flash"] - flash["files"]
        assert "romfs" not in rows and "%d,    %d,\n" % (place, flash["files"]) in rows
    else:
        header = (folder / "mpconfigboard.h").read_text()
        assert "#define MICROPY_HW_FLASH_STORAGE_BYTES (%d)\n" % flash["files"] in header
        assert "#define MICROPY_HW_ROMFS_BYTES (0)\n" in header


def test_a_second_build_touches_no_header(checkout):
    theirs = checkout / "ports" / "rp2" / "boards" / "RPI_PICO_W"
    (theirs / "mpconfigboard.h").write_text("#define ONE (1)\n")
    output = package.firmware("RPI_PICO_W", str(checkout))
    folder = Path((output / "folder").read_text().strip())
    before = (folder / "mpconfigboard.h").stat().st_mtime_ns
    package.firmware("RPI_PICO_W", str(checkout))
    assert (folder / "mpconfigboard.h").stat().st_mtime_ns == before
    (theirs / "mpconfigboard.h").write_text("#define TWO (2)\n")
    package.firmware("RPI_PICO_W", str(checkout))
    text = (folder / "mpconfigboard.h").read_text()
    assert text.startswith("#define TWO (2)\n\n#undef ") and "ONE" not in text


def test_a_board_has_the_form_that_its_heap_allows(checkout):
    forms = {board: package.flash_map(board)["form"] for board in package.boards()}
    assert {board for board in forms if forms[board] == "frozen"} == {
        "RPI_PICO_W",
        "W5500_EVB_PICO",
    }
    for board, form in forms.items():
        assert package.firmware(board, str(checkout)).name == "%s-%s" % (board, form)


def test_a_drive_takes_the_application_with_the_image():
    """Blocks of two families, as for an RP2350: the first is not counted with the others."""
    end = struct.pack("<I", 0x0AB16F30)

    def block(address, index, count, family, fill):
        head = (0x0A324655, 0x9E5D5157, 0x2000, address, 256, index, count, family)
        return struct.pack("<8I", *head) + bytes((fill,)) * 256 + bytes(220) + end

    absolute = block(0x10FFFF00, 0, 2, 0xE48BFF57, 0xEF)
    before = [block(0x10000000 + 256 * index, index, 3, 0xE48BFF59, index) for index in range(3)]
    data = bytes(range(200)) * 2
    made = package.with_part(absolute + b"".join(before), 0x100E0000, data)
    assert made[:512] == absolute
    for index in range(3):
        expected = block(0x10000000 + 256 * index, index, 5, 0xE48BFF59, index)
        assert made[512 * (index + 1) : 512 * (index + 2)] == expected
    for index, part in ((3, data[:256]), (4, data[256:])):
        found = made[512 * (index + 1) : 512 * (index + 2)]
        row = (0x2000, 0x100E0000 + 256 * (index - 3), 256, index, 5, 0xE48BFF59)
        assert struct.unpack("<6I", found[8:32]) == row
        assert found[32:].startswith(part) and found[-4:] == end
    assert len(made) == 512 * 6


def test_a_build_of_an_image_says_what_is_missing(checkout, tmp_path):
    for arguments, words in (
        ((), "say which: make firmware BOARD="),
        (("NONE_SUCH",), "there is no boards/NONE_SUCH/manifest.py"),
        (("simulated",), "say where a checkout of MicroPython is"),
        (("simulated", "--micropython", str(tmp_path)), "is no checkout of MicroPython"),
    ):
        status, text = made("firmware", *arguments)
        assert (status, words in text) == (1, True), text
    header = checkout / "py" / "mpconfig.h"
    header.write_text(header.read_text().replace("28", "26"))
    status, text = made("firmware", "simulated", "--micropython", str(checkout))
    assert (status, "MicroPython 1.26; Holdfast needs 1.27" in text) == (1, True), text
    header.write_text(header.read_text().replace("26", "28"))
    (checkout / "ports" / "unix" / "Makefile").write_text("all:\n\t@exit 3\n")
    status, text = made("firmware", "simulated", "--micropython", str(checkout))
    assert (status, "the build ended with status 2" in text) == (1, True), text


def test_what_the_build_of_an_image_hands_on_may_begin_with_a_dash():
    venv = sys.prefix
    words = ["make", "-o", "%s/.run" % venv, "firmware", "VENV=%s" % venv, "BOARD=NONE_SUCH"]
    done = subprocess.run(
        [*words, "ARGS=-j6"],
        cwd=interpreters.ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "there is no boards/NONE_SUCH/manifest.py" in done.stderr, done.stderr


def test_the_wheel_is_complete_without_a_checkout(tmp_path):
    build = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "wheel"]
    build += ["--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    done = subprocess.run(
        [*build, str(interpreters.ROOT)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    place = tmp_path / "site"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(place)
    code = "import sys; sys.path.insert(0, %r); from holdfast_cli import main, product;"
    code += "assert product.ROOT == product._PACKED, product.ROOT;"
    code += "names = product.compiled().rglob('*.mpy'); print(len(list(names)));"
    code += "sys.argv[1:] = ['boards']; main.main()"
    # -S: without the checkout that is installed in this environment; its libraries by path.
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [sys.executable, "-S", "-c", code % str(place)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(libraries)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    count, _, rest = done.stdout.partition("\n")
    assert int(count) > 70
    assert "simulated" in rest
