"""An application file: the same sources give the same bytes, and the simulated board runs it only
when it is what its manifest says.
"""

import hashlib
import json
import subprocess
import sys

import interpreters
import package
import pytest
import slots

from boards import SIMULATE


@pytest.fixture
def made(tmp_path):
    """An application file, in a folder of its own."""
    return package.app(tmp_path)


def rewrite(path, **more):
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


def test_the_same_sources_make_the_same_bytes(made, tmp_path, monkeypatch):
    monkeypatch.setattr(interpreters, "BUILD", tmp_path / "build")
    compiled = interpreters.compile_plain(tmp_path / "afresh")
    monkeypatch.setattr(interpreters, "compile_plain", lambda: compiled)
    again = package.app(tmp_path / "again")
    assert again.read_bytes() == made.read_bytes()
    assert again.with_suffix(".json").read_text() == made.with_suffix(".json").read_text()


def test_the_file_of_another_version_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(package, "version", lambda: "0.0.9")
    package.app(tmp_path)
    monkeypatch.undo()
    made = package.app(tmp_path)
    assert sorted(tmp_path.iterdir()) == [made.with_suffix(".json"), made]


def test_the_manifest_says_what_is_in_the_file(made):
    rows = json.loads(made.with_suffix(".json").read_text())
    data = made.read_bytes()
    assert made.name == rows["file"] == "holdfast-%s.romfs" % package.version()
    assert (rows["version"], rows["bytes"]) == (package.version(), len(data))
    assert rows["sha256"] == hashlib.sha256(data).hexdigest()
    assert rows["boards"] == ["esp32", "rp2", "simulated"]
    assert (rows["micropython"], rows["mpy"]) == ("1.27", 6)


def test_it_has_every_module_but_those_of_cpython(made):
    data = made.read_bytes()
    compiled = interpreters.compile_plain()
    for path in compiled.rglob("*.mpy"):
        name = path.relative_to(compiled).with_suffix("").as_posix()
        assert (path.read_bytes() in data) == (name not in package.NOT_ON_MICROPYTHON), name


def test_a_whole_file_is_chosen(made):
    assert slots.chosen(made.parent, "simulated") == made


def test_a_missing_or_damaged_file_is_told_in_a_sentence(made):
    folder, manifest = made.parent, made.with_suffix(".json")
    data, text = made.read_bytes(), manifest.read_text()

    def refused(words):
        with pytest.raises(slots.Damaged) as told:
            slots.chosen(folder, "simulated")
        assert words in str(told.value)

    made.write_bytes(data[:-1] + bytes((data[-1] ^ 1,)))
    refused("its SHA-256 is not its manifest's")
    made.write_bytes(data[:-1])
    refused("it has %d bytes, its manifest says %d" % (len(data) - 1, len(data)))
    made.unlink()
    refused("is missing")
    made.write_bytes(data)
    rewrite(manifest, boards=["rp2"])
    refused("is not for simulated boards, but for rp2")
    for damage in (
        "{",
        "[]",
        '{"file": "x"}',
        '{"file": 1, "bytes": 1, "sha256": "", "boards": []}',
    ):
        manifest.write_text(damage)
        refused("is damaged: it is no manifest")
    manifest.write_text(text)
    (folder / "holdfast-9.json").write_text(text)
    refused("has room for one application file")
    (folder / "holdfast-9.json").unlink()
    manifest.unlink()
    refused("no manifest in")


def simulate(*arguments, **more):
    """tools/simulate.py, which is to end by itself: (status, output)."""
    command = [sys.executable, str(SIMULATE), "--port", "0", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **more)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def test_the_simulated_board_does_not_start_a_damaged_file(micropython, made):
    made.write_bytes(b"no ROMFS")
    status, text = simulate("--slots", made.parent)
    assert status == 1 and "simulate: %s is damaged" % made in text


def test_an_application_file_needs_micropython(made):
    status, text = simulate("--slots", made.parent, "--runtime", "cpython")
    assert status == 2 and "runs on MicroPython alone" in text


def test_the_modules_of_a_board_with_a_slot_are_those_of_the_file(micropython, made, tmp_path):
    """Firmware that says another version, in a file with its manifest: that one answers."""
    data = made.read_bytes()
    version = package.version().encode()
    other = data.replace(version, b"9" + version[1:])
    assert other != data
    made.write_bytes(other)
    rewrite(made.with_suffix(".json"), sha256=hashlib.sha256(other).hexdigest())
    from boards import Board

    board = Board(tmp_path / "board", None, None, ("--slots", made.parent)).start()
    try:
        with board.session() as session:
            answer = session.get(board.url + "/holdfast/status", timeout=8).text
        assert "simulate: runs " + made.name in board.log
    finally:
        assert board.stop() == 0
    assert '"9%s"' % package.version()[1:] in answer
