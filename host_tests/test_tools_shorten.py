"""What makes the firmware smaller before it is compiled changes names and numbers, and no more."""

import ast
import os
import subprocess
import sys

import interpreters
import pytest
from shorten import shorten

ONE = '''"""One."""

from micropython import const

LIMIT = const(5)
FAR = const(-1)
TWICE = const(2 * LIMIT)
HUGE = const(1 << 40)
NAME = "word"
_TABLE = (1, 2)


class Base:
    """A base."""

    def __init__(self, number):
        self._number = number
        self.shown = _TABLE

    def _double(self, amount=LIMIT):
        return self._number * amount
'''
TWO = '''"""Two."""

from holdfast.one import (
    FAR,
    LIMIT,
    NAME,
    TWICE,
    Base,
)


class Derived(Base):
    def __init__(self, values):
        super().__init__(len(values))
        self._values = values

    def total(self, *, extra=0):
        return self._double() + sum([value for value in self._values]) + extra


def answer(something):
    _local = Derived(something)
    return _local.total(extra=FAR), LIMIT, TWICE, NAME, getattr(Speaker(), "_spoken")()


def _unspoken(something):
    return something


class Speaker:
    def _spoken(self):
        return "_" + "spoken"
'''


def made(texts, outside=()):
    return shorten({"holdfast." + name: text for name, text in texts.items()}, outside)


def test_numbers_of_other_files_stand_for_their_names():
    texts = made({"one": ONE, "two": TWO}, ["NAME"])
    two = texts["holdfast.two"]
    assert "LIMIT" not in two and "FAR" not in two and "TWICE" not in two
    assert "(-1)" in two and ", 5, 10, NAME" in two
    one = texts["holdfast.one"]
    assert "_LIMIT = const(5)" in one and "_TWICE = const(2 * _LIMIT)" in one
    assert "\nHUGE = const(1 << 40)" in one  # it would take heap wherever it stands


def test_lines_stay_where_they_are():
    texts = made({"one": ONE, "two": TWO})
    for name, text in (("one", ONE), ("two", TWO)):
        short = texts["holdfast." + name]
        assert short.count("\n") == text.count("\n")
        for line, before in zip(short.splitlines(), text.splitlines()):
            for word in ("class", "def", "return"):
                assert line.lstrip().startswith(word) == before.lstrip().startswith(word)


def test_a_class_and_its_base_keep_their_names_apart():
    texts = made({"one": ONE, "two": TWO})
    assert "_number" not in texts["holdfast.one"] and "_values" not in texts["holdfast.two"]
    stored = set()
    for text in texts.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                assert node.attr not in stored
                stored.add(node.attr)
    assert len(stored) == 3


def test_names_in_texts_and_named_parameters_stay():
    two = made({"one": ONE, "two": TWO})["holdfast.two"]
    assert "extra=" in two and "_spoken" in two
    assert "something" not in two


def test_what_others_speak_of_stays():
    assert "shown" not in made({"one": ONE, "two": TWO})["holdfast.one"]
    texts = made({"one": ONE, "two": TWO}, ["print(base.shown)"])
    assert "self.shown" in texts["holdfast.one"]


def test_it_does_the_same(tmp_path):
    answers = []
    short = made({"one": ONE, "two": TWO}, ["answer"])
    for one, two in ((ONE, TWO), (short["holdfast.one"], short["holdfast.two"])):
        folder = tmp_path / str(len(answers)) / "holdfast"
        folder.mkdir(parents=True)
        (folder / "one.py").write_text(one)
        (folder / "two.py").write_text(two)
        code = "from holdfast.two import answer; print(answer([1, 2]))"
        path = ":".join([str(folder.parent), *interpreters.IMPORTS[1:]])
        command = [sys.executable, "-c", code]
        environment = {**os.environ, "PYTHONPATH": path}
        answers.append(subprocess.check_output(command, env=environment, text=True))
    assert answers == ["(12, 5, 10, 'word', '_spoken')\n"] * 2


def test_no_two_parameters_become_one():
    text = "class A:\n    def __init__(self, first, second):\n        self.first = first\n"
    text += "        self.other = second\n"
    ast.parse(made({"one": text})["holdfast.one"])
    compile(made({"one": text})["holdfast.one"], "one", "exec")


def test_a_constant_that_is_none_elsewhere_is_left_alone():
    first = "from micropython import const\n\n_SIZE = const(3)\n\n\n"
    first += "def f(i):\n    return [i for i in (_SIZE,)]\n"
    second = "_SIZE = [3]\n\n\ndef g():\n    return _SIZE\n"
    texts = made({"one": first, "two": second})
    assert "_SIZE = const(3)" in texts["holdfast.one"]


@pytest.fixture(scope="module")
def firmware():
    return interpreters.shortened()


def test_the_whole_firmware_still_compiles_and_keeps_its_lines(firmware):
    for source, text in firmware.items():
        compile(text, str(source), "exec")
        before = (interpreters.FIRMWARE / source).read_text()
        assert text.count("\n") == before.count("\n"), source


def test_names_are_what_is_saved(firmware):
    """Names that MicroPython keeps: attributes, functions, classes, parameters, globals."""

    def kept(texts):
        found = set()
        for text in texts:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Attribute):
                    found.add(node.attr)
                elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
                    found.add(node.name)
                elif isinstance(node, ast.arg):
                    found.add(node.arg)
        return len(found)

    before = kept([(interpreters.FIRMWARE / source).read_text() for source in firmware])
    assert kept(firmware.values()) < before * 3 // 4


def test_an_error_names_the_module_and_the_true_line():
    micropython = interpreters.micropython()
    folder = interpreters.compile_firmware()
    if micropython is None or folder is None:
        pytest.skip("no MicroPython or no mpy-cross here")
    code = "from holdfast.core.module import Module\nModule(None, b'', None, 0)"
    result = subprocess.run(
        [micropython, "-c", code],
        env={**os.environ, "MICROPYPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = (interpreters.FIRMWARE / "holdfast/core/module.py").read_text().splitlines()
    row = 1 + lines.index("        self.name = settings.name")
    assert 'File "holdfast.core.module", line %d, in __init__' % row in result.stdout


@pytest.mark.parametrize("chip", ["rp2", "esp32"])
def test_what_runs_on_chips_alone_does_as_before(firmware, tmp_path, chip):
    """No simulated board under MicroPython runs it, so its own tests do, on CPython."""
    for source, text in firmware.items():
        target = tmp_path / source
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    root = interpreters.ROOT
    paths = [tmp_path, root / "boards/simulated/cpython", root / "host_tests", root / "tools"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["-o", "pythonpath=%s" % " ".join(map(str, paths))]
    command += [root / "host_tests" / ("test_hal_%s.py" % chip)]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
