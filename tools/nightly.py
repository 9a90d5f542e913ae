"""Runs the tests in their long form and the long runs that are no tests: `make nightly`.

A part that fails does not keep the others from running. At the end a table tells of each part how
long it took and how it ended; the status is 1 when one has failed.
"""

import os
import subprocess
import sys
import time

import interpreters

PYTEST = (sys.executable, "-m", "pytest", "--durations=10")
MAKE = os.environ.get("MAKE", "make")
# (name, command), in this order. What measures ms runs by itself.
PARTS = (
    ("tests that measure ms", (*PYTEST, "-m", "alone")),
    ("all other tests", (*PYTEST, "-n", "auto", "--dist", "worksteal", "-m", "not alone")),
    ("make soak", (MAKE, "soak")),
    ("make emulator", (MAKE, "emulator")),
)


def run(parts) -> int:
    """Run (name, command) pairs, print the table, and give the exit status of all."""
    table = []
    environment = {**os.environ, "HOLDFAST_NIGHTLY": "1"}
    failed = False
    for number, (name, command) in enumerate(parts, 1):
        print("\n== %d of %d: %s" % (number, len(parts), name), flush=True)
        began = time.monotonic()
        try:
            status = subprocess.call(command, cwd=interpreters.ROOT, env=environment)
            outcome = "failed, status %d" % status if status else "passed"
        except OSError as error:
            outcome = "failed, %s" % error
        except KeyboardInterrupt:
            outcome = "interrupted"
        failed = failed or outcome != "passed"
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        table.append("%-24s %3d min %02d s   %s" % (name, minutes, seconds, outcome))
        if outcome == "interrupted":
            break
    print("\n== nightly\n" + "\n".join(table), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run(PARTS))
