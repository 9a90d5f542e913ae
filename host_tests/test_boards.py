"""Boards are data: their wiring is sound, and their manifests name what is there."""

import runpy

import interpreters
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


@each_board
def test_a_manifest_names_what_is_there_and_all_of_the_firmware(folder):
    named = set()

    def package(name, base_path="."):
        path = (folder / base_path / name).resolve()
        assert path.is_dir()
        named.update(path.rglob("*.py"))

    def module(name, base_path="."):
        path = (folder / base_path / name).resolve()
        assert path.is_file()
        named.add(path)

    text = (folder / "manifest.py").read_text()
    exec(compile(text, "manifest.py", "exec"), {"package": package, "module": module})
    assert set(interpreters.FIRMWARE.rglob("*.py")) <= named
