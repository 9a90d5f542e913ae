"""Where the firmware and the boards are: in the checkout, or in the wheel this comes from."""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path

from holdfast_cli.problems import FAILED, SETTINGS, UNSUITABLE, USAGE, Problem

_HERE = Path(__file__).resolve().parent
_PACKED = _HERE / "product"  # as pyproject.toml lays it in a wheel

ROOT = _PACKED if _PACKED.is_dir() else _HERE.parent.parent
FIRMWARE = ROOT / "firmware"
BOARDS = ROOT / "boards"
SIMULATED = "simulated"

# The scripts of tools/ and the pure parts of the firmware, which this command shares.
sys.path[:0] = [str(ROOT / "tools"), str(FIRMWARE), str(BOARDS / SIMULATED / "cpython")]

import interpreters  # noqa: E402


def version():
    """The firmware's version."""
    from holdfast import VERSION

    return VERSION


def _folders():
    """Where boards are: ours, and wirings of one's own in the folder HOLDFAST_BOARDS."""
    own = os.environ.get("HOLDFAST_BOARDS")
    return [Path(own), BOARDS] if own else [BOARDS]


def boards():
    """The names of all boards, the simulated one last."""
    paths = [path for folder in _folders() for path in folder.glob("*/board.py")]
    names = sorted({path.parent.name for path in paths})
    return [name for name in names if name != SIMULATED] + [SIMULATED]


def board_file(name):
    """The path of a board's board.py."""
    for folder in _folders():
        path = folder / name / "board.py"
        if name in boards() and path.exists():
            return path
    raise Problem("there is no board %s; there are: %s" % (name, ", ".join(boards())), USAGE)


def wiring(name):
    """The module board.py of a board."""
    path = board_file(name)
    spec = importlib.util.spec_from_file_location("board_" + name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compiled():
    """The folder of the firmware as it goes onto boards: boot.py, main.py and .mpy files."""
    if ROOT == _PACKED:
        target = Path(tempfile.mkdtemp(prefix="holdfast-"))
        folder = interpreters.compile_firmware(target)
    else:
        folder = interpreters.compile_firmware()
    if folder is None:
        raise Problem("there is no mpy-cross; install it, or set MPY_CROSS=/path/to/it", FAILED)
    return folder


def mpy_format():
    """The version of the .mpy files that mpy-cross makes here (py/persistentcode.c)."""
    return (compiled() / "holdfast" / "__init__.mpy").read_bytes()[1]


def files(board):
    """What belongs on a board: {path on it without the first slash: bytes}."""
    source = board_file(board)
    if board == SIMULATED:
        raise Problem(
            "the simulated board is not flashed; `holdfast simulate` runs it", UNSUITABLE
        )
    folder = compiled()
    others = _others(board)
    found = {"board.py": source.read_bytes()}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name in ("boot.py", "main.py") or (path.suffix == ".mpy" and name not in others):
            found[name] = path.read_bytes()
    return found


def _others(board):
    """What only other boards import: their hardware, and CPython's half of the sockets."""
    own = wiring(board).HAL
    halves = {wiring(name).HAL for name in boards()} - {own}
    halves |= {"cable"}  # of the simulated board
    return {"holdfast/runtime/portable_cpython.mpy"} | {
        "holdfast/hal/%s.mpy" % name for name in halves
    }


def check_settings(document, board):
    """Check a settings document for a board as the module will; Problem names the bad key."""
    from holdfast.settings.model import SettingsError
    from holdfast.settings.schema import check

    document = {key: document[key] for key in document if key not in ("checksum", "format")}
    try:
        return check(document, wiring(board).PORTS)
    except SettingsError as error:
        raise Problem("settings: %s" % error, SETTINGS) from None


def rules(document, board):
    """The rules of a settings document as a module of a board would tell them in its status: rows
    with "rule", "name", "blocked"; a Problem for settings that it would not take.
    """
    from holdfast.core.blocked import blocked
    from holdfast.core.module import Module

    settings = check_settings(document, board)
    module = Module(settings, bytes(len(settings.ports)), os.urandom, 0)
    found = [] if module.rules is None else module.rules.rules
    return [
        {"rule": rule.id, "name": rule.name, "blocked": blocked(module, rule)} for rule in found
    ]
