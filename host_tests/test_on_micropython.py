"""The tests of the pure folders once more, on the interpreter that boards have."""

import ast
import os
import subprocess
from pathlib import Path

import interpreters
import pytest

HERE = Path(__file__).resolve().parent
FOLDERS = (
    "core",
    "settings",
    "wire",
    "vapix",
    "monitors",
    "rest",
    "uplink",
    "hal",
    "server",
    "client",
    "storage",
    "runtime",
    "property",
)
ROOT = ("lifecycle", "safemode", "start")  # files of holdfast/ itself
# A test that needs these is not for boards.
ONLY_CPYTHON = ("pytest", "hypothesis", "cryptography", "subprocess")
LIMIT_S = 120


def imports(path):
    """The top names of what a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def portable():
    for folder in FOLDERS:
        for path in sorted(HERE.glob("test_%s_*.py" % folder)):
            if not set(imports(path)) & set(ONLY_CPYTHON):
                yield path
    for name in ROOT:
        yield HERE / ("test_%s.py" % name)


FILES = list(portable())


def run(micropython, *files):
    """(status, output) of the runner under MicroPython."""
    path = ":".join([".frozen", str(interpreters.FIRMWARE), str(HERE)])
    result = subprocess.run(
        [micropython, str(HERE / "micropython_runner.py"), *map(str, files)],
        env=dict(os.environ, MICROPYPATH=path),
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_file(micropython, path):
    status, output = run(micropython, path)
    assert status == 0, output
    assert ": 0 passed" not in output


def test_there_are_files_for_every_pure_folder():
    tested = {path.stem.split("_")[1] for path in FILES}
    written = {path.name.split("_")[1] for path in HERE.glob("test_*.py")}
    assert {"core", "wire", "vapix"} <= tested
    assert tested >= written & set(FOLDERS)


def test_the_runner_tells_failures_and_files_without_a_test(micropython, tmp_path):
    good, bad, none = (tmp_path / name for name in ("test_good.py", "test_bad.py", "test_none.py"))
    good.write_text("def test_it():\n    assert 1\n")
    bad.write_text("def test_it():\n    assert 0\n\n\ndef test_that():\n    assert 1\n")
    none.write_text("def tests():\n    assert 1\n")
    program = "import sys\nsys.path.insert(0, %r)\nsys.path.insert(0, %r)\n" % (
        str(HERE),
        str(tmp_path),
    )
    program += "import micropython_runner as runner\nprint(runner.run(%r))\n"
    for path, wanted in ((good, "(1, 0)"), (bad, "(1, 1)"), (none, "(0, 0)")):
        script = tmp_path / "script.py"
        script.write_text(program % str(path))
        result = subprocess.run(
            [micropython, str(script)],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert result.stdout.endswith(wanted + "\n"), result.stdout + result.stderr
