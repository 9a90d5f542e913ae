"""Packages: package.json never lags, mip installs what flash would, frozen builds say what is
missing, and the wheel is complete.
"""

import json
import os
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
        for board, size in package.STOCK_BYTES.items():
            used = used_blocks(folder, names, size // package.BLOCK_BYTES)
            if used is None:
                assert package.room_on(board, sizes) < 0, board
            else:
                # Never too little, and not much too much.
                assert used * package.BLOCK_BYTES <= needed < used * package.BLOCK_BYTES * 1.3
    # The sources are too much for a Pico W, and a third of its flash is what .mpy files leave.
    assert used_blocks(interpreters.FIRMWARE, sources, 848 // 4) is None
    assert package.STOCK_BYTES.keys() == set(package.boards())


def test_a_package_that_does_not_fit_a_board_is_refused(monkeypatch, tmp_path):
    status, text = made("json", "RPI_PICO_W")
    assert (status, "package: refused for RPI_PICO_W" in text) == (1, True), text
    assert "RPI_PICO_W         848 KB for files: DOES NOT FIT: use make bundle" in text
    assert "ESP32_GENERIC     2048 KB for files" in text
    status, text = made("json", "NONE")
    assert (status, "there is no board NONE" in text) == (1, True), text
    monkeypatch.setitem(package.STOCK_BYTES, "RPI_PICO_W", 640 * 1024)
    with pytest.raises(SystemExit) as refused:
        package.bundle(tmp_path)
    assert "the bundle does not fit RPI_PICO_W" in str(refused.value)


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
\t@head -c $(or $(SIZE),700000) /dev/zero > $(BUILD)/firmware.bin
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
def test_a_frozen_build_asks_the_port_for_board_and_manifest(checkout, board):
    output = package.firmware(board, str(checkout), ["V=1"])
    asked = (output / "asked").read_text()
    name = "" if board == package.SIMULATED else package.build_of(board)
    manifest = package.BOARDS / board / "manifest.py"
    assert asked == "BOARD=%s FROZEN_MANIFEST=%s V=1\n" % (name, manifest)


HEADER = "#define MICROPY_HW_FLASH_STORAGE_BYTES          (%s * 1024)\n"


def test_an_image_that_files_would_overwrite_is_refused(checkout, capfd):
    header = checkout / "ports" / "rp2" / "boards" / "RPI_PICO_W" / "mpconfigboard.h"
    header.write_text(HEADER % 848)
    room = (2048 - 848) * 1024
    output = package.firmware("RPI_PICO_W", str(checkout), ["SIZE=%d" % room])
    assert "%d bytes, 0 free before the files" % room in capfd.readouterr().out
    with pytest.raises(SystemExit) as refused:
        package.firmware("RPI_PICO_W", str(checkout), ["SIZE=%d" % (room + 1)])
    assert "only %d are not the files'" % room in str(refused.value)
    assert not (output / "firmware.bin").exists()


def test_a_board_may_leave_for_files_all_but_what_the_image_needs(checkout, capfd):
    folder = checkout / "ports" / "rp2" / "boards" / "RPI_PICO2_W"
    folder.mkdir(exist_ok=True)
    size = "(PICO_FLASH_SIZE_BYTES - 1536 * 1024)"
    (folder / "mpconfigboard.h").write_text(HEADER.replace("(%s * 1024)", size))
    room = 1536 * 1024
    package.firmware("RPI_PICO2_W", str(checkout), ["SIZE=%d" % room])
    text = "%d bytes, 0 free before the files, which have %d"
    assert text % (room, (4096 - 1536) * 1024) in capfd.readouterr().out
    with pytest.raises(SystemExit, match="only %d are not the files'" % room):
        package.firmware("RPI_PICO2_W", str(checkout), ["SIZE=%d" % (room + 1)])


@pytest.mark.parametrize("since", (28, 29))
def test_where_micropython_leaves_too_little_files_get_less(checkout, capfd, since):
    theirs = checkout / "ports" / "rp2" / "boards" / "W5500_EVB_PICO"
    if since == 28:
        (theirs / "mpconfigboard.h").write_text(HEADER % 1408 + "#define OTHER (2)\n")
    else:
        text = "if(NOT DEFINED %s)\nset(%s 1441792)\nendif()\n"
        name = "MICROPY_HW_FLASH_STORAGE_BYTES"
        (theirs / "mpconfigboard.cmake").write_text(text % (name, name))
    output = package.firmware("W5500_EVB_PICO", str(checkout), ["SIZE=900000"])
    folder = Path((output / "folder").read_text().strip())
    ((path, found),) = package.storage(folder)
    assert int(found[2]) == package.FILES_BYTES["W5500_EVB_PICO"]
    if since == 28:
        assert path.read_text().endswith("\n#define OTHER (2)\n")
    assert "148576 free before the files, which have 1048576" in capfd.readouterr().out
    ((_, untouched),) = package.storage(theirs)
    assert untouched[2] in ("(1408 * 1024)", "1441792")


def test_a_frozen_build_says_what_is_missing(checkout, tmp_path):
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


def test_what_a_frozen_build_hands_on_may_begin_with_a_dash():
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
