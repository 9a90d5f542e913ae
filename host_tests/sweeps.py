"""Programs beside this file that run whole modules in one process, on either interpreter."""

import os
import sys
from pathlib import Path

import interpreters
import reckoning
from plain import compile_plain

HERE = Path(__file__).resolve().parent
NIGHTLY = "HOLDFAST_NIGHTLY" in os.environ
LIMIT_S = 3600 if NIGHTLY else 120


def sweep(runtime, program, *arguments):
    """Run a program, which must end with the line `done`: its result and its lines before that."""
    if runtime == "cpython":
        paths = [*interpreters.IMPORTS, str(HERE)]
        command, variable, separator = [sys.executable], "PYTHONPATH", os.pathsep
    else:
        firmware = compile_plain()
        paths = [".frozen", str(firmware), str(HERE)]
        command, variable, separator = [interpreters.micropython()], "MICROPYPATH", ":"
    result = reckoning.run(
        [*command, HERE / program, *arguments],
        LIMIT_S,
        env={**os.environ, variable: separator.join(paths)},
        cwd=HERE,
    )
    lines = result.stdout.splitlines()
    assert result.returncode == 0, "\n".join(lines[-25:]) + result.stderr[-2000:]
    assert lines[-1] == "done"
    return lines[:-1]
