"""Finds MicroPython and mpy-cross, and compiles the firmware as it goes onto boards."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from shorten import shorten

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


def module_of(source):
    """The name of the module in a source, relative to firmware/."""
    parts = source.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def compile_firmware(target=BUILD / "firmware", everything=False):
    """Compile holdfast/ to .mpy into `target`, shortened (tools/shorten.py): what has changed.

    Returns the folder, or None when mpy-cross is not to be had. A compiler error ends the program
    with what mpy-cross said.
    """
    compiler = find("mpy-cross", "MPY_CROSS")
    if compiler is None:
        return None
    outputs = {}  # by source
    for source in sources():
        # boot.py and main.py stay as they are.
        inside = source.parent != Path(".")
        outputs[source] = (target / source).with_suffix(".mpy") if inside else target / source
    if everything or not all(newer(outputs[source], FIRMWARE / source) for source in outputs):
        compile_all(compiler, outputs, everything)
    for old in target.rglob("*.mpy"):
        if old not in outputs.values():
            old.unlink()  # its source is gone
    return target


def compile_all(compiler, outputs, everything):
    """Bring every output up to date. What a name is shortened to depends on all files, so each
    one's text lies beside it: one that would be the same is not compiled again.
    """
    texts = {source: (FIRMWARE / source).read_text() for source in outputs}
    modules = {source: module_of(source) for source in outputs}
    inside = [source for source in outputs if source.parent != Path(".")]
    # What else speaks of the firmware: these files, boards, and what measures it from inside.
    outside = [texts[source] for source in outputs if source not in inside]
    for pattern in (
        "boards/*/*.py",
        "tools/*_probe.py",
        "tools/size_services.py",
        "tools/bench_servers/holdfast*.py",
    ):
        outside += [path.read_text() for path in sorted(ROOT.glob(pattern))]
    short = shorten({modules[source]: texts[source] for source in inside}, outside)
    for source, output in outputs.items():
        output.parent.mkdir(parents=True, exist_ok=True)
        text = short.get(modules[source], texts[source])
        if output.suffix == ".py":
            write(output, text)
            continue
        beside = output.with_suffix(".short")
        if not everything and output.exists() and beside.exists() and beside.read_text() == text:
            os.utime(output)
            continue
        part = output.with_name("%s.%d" % (output.name, os.getpid()))
        given = output.with_name("%s.%d.py" % (output.stem, os.getpid()))
        given.write_text(text)
        # What a traceback shows is kept in the heap: the module's name is there anyway.
        command = [compiler, "-s", modules[source], "-o", str(part), str(given)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        given.unlink()
        if result.returncode:
            sys.exit("mpy-cross refuses %s:\n%s%s" % (source, result.stdout, result.stderr))
        os.replace(part, output)
        write(beside, text)


def write(path, text):
    """Make or replace a file in one step: other programs may be at it, too."""
    part = path.with_name("%s.%d" % (path.name, os.getpid()))
    part.write_text(text)
    os.replace(part, path)
