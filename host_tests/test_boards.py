"""Boards are data: their wiring is sound, and their manifests name what is there."""

import runpy

import interpreters
import package
import pins
import pytest

BOARDS = sorted(path.parent for path in (interpreters.ROOT / "boards").glob("*/board.py"))
each_board = pytest.mark.parametrize("folder", BOARDS, ids=[path.name for path in BOARDS])


@each_board
def test_the_wiring_is_rows_of_gpio_direction_and_level(folder):
    board = runpy.run_path(str(folder / "board.py"))
    gpios = [gpio for gpio, _, _ in board["PORTS"]]
    assert len(set(gpios)) == len(gpios)
    for _, direction, closed_level in board["PORTS"]:
        assert direction in ("input", "output")
        assert closed_level in (0, 1)
    assert (interpreters.FIRMWARE / "holdfast" / "hal" / (board["HAL"] + ".py")).exists()
    assert board["NAME"] == folder.name
    assert 0 < board["SAMPLE_MS"] <= 20
    assert board["CONNECTIONS"] >= 2
    assert (folder / "README.md").exists()


# What MicroPython itself freezes for a board. ESP32_GENERIC* have no manifest of their own; the
# unix port's needs micropython-lib, of which nothing is used.
INCLUDED = {
    "ESP32_GENERIC": "$(PORT_DIR)/boards/manifest.py",
    "ESP32_GENERIC_S3": "$(PORT_DIR)/boards/manifest.py",
    "simulated": "$(MPY_DIR)/extmod/asyncio",
}


def frozen(manifest, board):
    """(files, what is included from MicroPython) of a manifest, as its build reads it."""
    named = set()
    includes = []

    # Without opt, so that a trace has its lines.
    def named_package(name, base_path="."):
        path = (manifest.parent / base_path / name).resolve()
        assert path.is_dir()
        named.update(path.rglob("*.py"))

    def module(name, base_path="."):
        path = (manifest.parent / base_path / name).resolve()
        assert path.is_file()
        named.add(path)

    def include(path):
        if path != str(board / "manifest.py"):
            includes.append(path)
            return
        more = frozen(board / "manifest.py", board)
        named.update(more[0])
        includes.extend(more[1])

    names = {"package": named_package, "module": module, "include": include}
    exec(compile(manifest.read_text(), "manifest.py", "exec"), names)
    return named, includes


@each_board
def test_a_manifest_names_what_begins_before_the_application(folder):
    named, includes = frozen(folder / "manifest.py", folder)
    begin = {interpreters.FIRMWARE / "boot.py", interpreters.FIRMWARE / "main.py"}
    if folder.name == "simulated":  # a unix port has no place for an application file
        begin |= set(interpreters.FIRMWARE.rglob("*.py"))
    assert named == begin | {folder / "board.py"}
    assert includes == [INCLUDED.get(folder.name, "$(BOARD_DIR)/manifest.py")]


@each_board
def test_an_image_with_the_application_built_in_has_all_of_the_firmware(folder, tmp_path):
    manifest = package.with_application(folder / "manifest.py", tmp_path / "manifest.py")
    named, _ = frozen(manifest, folder)
    assert named == set(interpreters.FIRMWARE.rglob("*.py")) | {folder / "board.py"}


def wired(name="ESP32_GENERIC", **more):
    """The names of a board, some of them otherwise."""
    return {**runpy.run_path(str(interpreters.ROOT / "boards" / name / "board.py")), **more}


def test_no_board_moves_a_relay_at_boot():
    for folder in BOARDS:
        assert pins.problems(runpy.run_path(str(folder / "board.py"))) == []
    assert pins.main([]) == 0


@pytest.mark.parametrize("gpio", [0, 1, 2, 3, 5, 6, 11, 12, 14, 15, 16, 24, 34, 39, 40, 99])
def test_an_output_on_a_pin_that_is_none_is_refused(gpio):
    (problem,) = pins.problems(wired(PORTS=((gpio, "output", 1),)))
    assert "output on GPIO %d: it" % gpio in problem


def test_what_is_allowed_by_name_is_allowed_and_no_more():
    ports = ((5, "output", 1), (34, "output", 1), (6, "input", 0), (36, "input", 0))
    found = pins.problems(wired(PORTS=ports, ALLOW=(5, 34)))
    assert [text.partition(":")[0] for text in found] == [
        "output on GPIO 34",
        "input on GPIO 6",
        "input on GPIO 36",
        "ALLOW names GPIO 34 without need",
    ]
    ports = ((5, "output", 1), (36, "input", 0))
    assert pins.problems(wired(PORTS=ports, ALLOW=(5,), WITHOUT_PULL=(36,))) == []


def test_a_pin_is_used_once_and_not_where_the_board_has_it():
    assert "used twice" in pins.problems(wired(PORTS=((25, "output", 1),)))[0]
    for name, gpio in (("RPI_PICO_W", 23), ("RPI_PICO2_W", 29), ("W5500_EVB_PICO", 17)):
        assert pins.problems(wired(name, PORTS=((gpio, "output", 1),)))
    for gpio in (18, 20, 39, 43, 46):
        assert pins.problems(wired("ESP32_GENERIC_S3", PORTS=((gpio, "output", 1),)))


def test_the_check_of_pins_says_how_it_is_used_and_which_boards_there_are(capsys):
    for arguments, status, words in (
        (["--help"], 0, "RPI_PICO_W"),
        (["NONE"], 2, "no board NONE"),
    ):
        with pytest.raises(SystemExit) as end:
            pins.main(arguments)
        out, err = capsys.readouterr()
        assert (end.value.code, words in out + err) == (status, True)
