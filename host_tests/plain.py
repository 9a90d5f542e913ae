"""The firmware compiled as it is written: what tests run from inside has to find its names, which
tools/shorten.py changes for boards.
"""

import interpreters


def compile_plain():
    """The folder with every file of holdfast/ as .mpy, else that of the sources."""
    return interpreters.compile_plain() or interpreters.FIRMWARE
