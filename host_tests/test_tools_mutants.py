"""`make mutants`: which changes it makes of a source, what it makes of a test that notices none,
and of a list of survivors that is not up to date.
"""

import ast
import os
import subprocess
import sys

import mutants
import pytest

SOURCE = '''
LIMIT = const(3)
NAME = "a text"


def due(now, at=None):
    """A docstring."""
    if at is not None and now >= at:
        return "%s is due" % now
    self.left += 1
    self.call(True)
    return not (now - LIMIT) // 2


class Thing:
    def act(self):
        value = 5 if self.on else 7
        raise ValueError("no")
'''


def texts(source=SOURCE):
    return [mutant.text for mutant in mutants.mutants("core/x.py", ast.parse(source))]


def test_every_operator_is_tried_and_texts_are_left_alone():
    assert texts() == [
        "module: LIMIT = const(3)  ->  LIMIT = const(4)",
        "module: LIMIT = const(3)  ->  LIMIT = const(2)",
        "due: if at is not None and now >= at  ->  if not (at is not None and now >= at)",
        "due: if at is not None and now >= at  ->  if at is not None or now >= at",
        "due: if at is not None and now >= at  ->  if now >= at",
        "due: if at is not None and now >= at  ->  if at is not None",
        "due: if at is not None and now >= at  ->  if at is None and now >= at",
        "due: if at is not None and now >= at  ->  if at is not None and now > at",
        "due: if at is not None and now >= at  ->  if at is not None and now < at",
        "due: return '%s is due' % now  ->  return None",
        "due: self.left += 1  ->  self.left -= 1",
        "due: self.left += 1  ->  pass",
        "due: self.left += 1  ->  self.left += 2",
        "due: self.left += 1  ->  self.left += 0",
        "due: self.call(True)  ->  pass",
        "due: self.call(True)  ->  self.call(False)",
        "due: return not (now - LIMIT) // 2  ->  return None",
        "due: return not (now - LIMIT) // 2  ->  return (now - LIMIT) // 2",
        "due: return not (now - LIMIT) // 2  ->  return not (now - LIMIT) * 2",
        "due: return not (now - LIMIT) // 2  ->  return not (now + LIMIT) // 2",
        "due: return not (now - LIMIT) // 2  ->  return not (now - LIMIT) // 3",
        "due: return not (now - LIMIT) // 2  ->  return not (now - LIMIT) // 1",
        "Thing.act: value = 5 if self.on else 7  ->  value = 5 if not self.on else 7",
        "Thing.act: value = 5 if self.on else 7  ->  value = 6 if self.on else 7",
        "Thing.act: value = 5 if self.on else 7  ->  value = 4 if self.on else 7",
        "Thing.act: value = 5 if self.on else 7  ->  value = 5 if self.on else 8",
        "Thing.act: value = 5 if self.on else 7  ->  value = 5 if self.on else 6",
        "Thing.act: raise ValueError('no')  ->  pass",
    ]


def test_equal_changes_in_one_function_are_told_apart():
    source = "def f(self):\n    self.a = 1\n    self.a = 1\n"
    assert texts(source)[::3] == [
        "f: self.a = 1  ->  pass",
        "f: self.a = 1  ->  pass  (2)",
    ]


def test_making_mutants_changes_nothing_and_each_is_one_change():
    tree = ast.parse(SOURCE)
    before = ast.unparse(tree)
    made = mutants.mutants("core/x.py", tree)
    assert ast.unparse(tree) == before
    for number in range(len(made)):
        tree = ast.parse(SOURCE)
        mutants.mutants("core/x.py", tree)[number].apply()
        ast.fix_missing_locations(tree)
        compile(tree, "x", "exec")
        after = ast.unparse(tree).splitlines()
        differ = [row for row in zip(before.splitlines(), after) if row[0] != row[1]]
        assert len(differ) == 1, made[number].text


PACKAGE = {
    "firmware/holdfast/__init__.py": "",
    "firmware/holdfast/core/__init__.py": "",
    "firmware/holdfast/core/x.py": "def most(a, b):\n    return a if a >= b else b\n\n\n"
    "def down(n):\n    while n > 0:\n        n -= 1\n    return n\n",
    "host_tests/test_core_x.py": "from holdfast.core.x import down, most\n\n\n"
    "def test_most():\n    assert (most(1, 2), most(2, 1)) == (2, 2)\n\n\n"
    "def test_down():\n    assert (down(3), down(0)) == (0, 0)\n",
}
EQUAL = "most: return a if a >= b else b  ->  return a if a > b else b"
LIST = '[[survivor]]\nfile = "core/x.py"\nwhy = "either will do"\nmutants = [%s]\n'


@pytest.fixture
def house(tmp_path):
    """A function(list, *changes) that runs the tool on a house with one file: (status, output)."""

    def run(accepted=None, **changes):
        for name, text in PACKAGE.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(changes.get(path.stem, text))
        (tmp_path / "tools").mkdir(exist_ok=True)
        tool = tmp_path / "tools" / "mutants.py"
        tool.write_bytes((mutants.ROOT / "tools" / "mutants.py").read_bytes())
        names = ", ".join("'''%s'''" % text for text in accepted or ())
        tool.with_suffix(".toml").write_text(LIST % names if accepted else "survivor = []\n")
        result = subprocess.run(
            [sys.executable, str(tool), "core/x.py"],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return result.returncode, result.stdout + result.stderr

    return run


def test_survivors_are_told_with_their_place_and_a_loop_without_end_is_none(house):
    status, output = house()
    assert "core/x.py:2 " + EQUAL in output
    # `while n > 0` with n += 1, or with no change of n at all, runs for ever.
    assert output.count(" -> ") <= 3, output
    assert "killed:" in output


def test_a_listed_survivor_is_accepted_as_long_as_it_survives(house):
    others = [line.split(" ", 1)[1] for line in house()[1].splitlines() if " -> " in line]
    others = [line.strip().split(" ", 1)[1] for line in others]
    status, output = house([EQUAL] + [text for text in others if text != EQUAL])
    assert status == 0 and "100.0 %" in output, output
    status, output = house([EQUAL, "most: gone  ->  pass"])
    assert status == 1 and "no mutant: most: gone" in output
    noticed = PACKAGE["host_tests/test_core_x.py"].replace(
        "(most(1, 2), most(2, 1)) == (2, 2)", "most(1, 1.0).__class__ is int"
    )
    status, output = house([EQUAL], test_core_x=noticed)
    assert status == 1 and "but killed: " + EQUAL in output


def test_tests_that_fail_by_themselves_or_are_not_plain_are_told(house):
    bad = PACKAGE["host_tests/test_core_x.py"].replace("== (0, 0)", "== (0, 1)")
    status, output = house(test_core_x=bad)
    assert status == 1 and "fail without any change" in output
    status, output = house(test_core_x="def test_it(tmp_path):\n    pass\n")
    assert status == 1 and "no plain function" in output
    status, output = house(test_core_x="def test_nothing():\n    pass\n")
    assert status == 1 and "0.0 %" in output


def test_every_source_is_there_and_has_tests():
    for source in mutants.SOURCES:
        assert (mutants.HOUSE / source).exists(), source
        assert mutants.test_files(source), source
        for name in mutants.test_files(source):
            assert (mutants.TESTS / (name + ".py")).exists(), name
    assert set(mutants.ALSO) <= set(mutants.SOURCES)


def test_every_accepted_survivor_is_a_mutant_and_has_a_reason():
    """That they survive is for `make mutants` to say."""
    for (name, text), why in mutants.accepted().items():
        tree = ast.parse((mutants.HOUSE / name).read_text())
        assert text in [mutant.text for mutant in mutants.mutants(name, tree)], (name, text)
        assert len(why) > 20


def test_it_needs_no_pytest():
    """Whatever it imports has to be cheap to fork."""
    code = "import sys; sys.path.insert(0, %r); import mutants; print('pytest' in sys.modules)"
    folder = os.path.dirname(mutants.__file__)
    result = subprocess.run([sys.executable, "-c", code % folder], capture_output=True, check=True)
    assert result.stdout.strip() == b"False"
