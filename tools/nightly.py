"""Runs the tests in their long form and the long runs that are no tests: `make nightly`.

A part that fails does not keep the others from running. At the end a table tells of each part how
long it took and how it ended; the status is 1 when one has failed. What runs side by side writes
to a log of its own in build/nightly/, and once a minute its last line is shown.
"""

import os
import subprocess
import sys
import time

import interpreters

PYTEST = (sys.executable, "-m", "pytest", "--durations=10")
MAKE = os.environ.get("MAKE", "make")
# Stages, one after another; the parts of a stage, (name, command), run side by side. What measures
# ms runs by itself, and first: it leaves the compiled tests to the many that follow.
STAGES = (
    (("tests that measure ms", (*PYTEST, "-m", "alone")),),
    (("all other tests", (*PYTEST, "-n", "auto", "--dist", "worksteal", "-m", "not alone")),),
    (("soak", (MAKE, "soak")), ("emulator", (MAKE, "emulator"))),
    (("explore", (MAKE, "explore")),),
    (("mutants", (MAKE, "mutants")),),
)
LOGS = interpreters.BUILD / "nightly"
LOOK_S = 0.2
TELL_S = 60
LAST_LINES = 25  # of a log, when its part has ended


class Part:
    """A part that runs. outcome: None until it has ended. log: its file, None for the terminal."""

    def __init__(self, name, command, environment, log):
        self.name = name
        self.log = log
        self.outcome = None
        self._began = time.monotonic()
        self._process = None
        try:
            self._start(command, environment)
        except OSError as error:
            self._ended("failed: %s" % error)

    def _start(self, command, environment):
        more = {"cwd": interpreters.ROOT, "env": environment}
        if self.log is None:
            self._process = subprocess.Popen(command, **more)
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "w") as file:
            self._process = subprocess.Popen(
                command, stdout=file, stderr=subprocess.STDOUT, **more
            )

    def _ended(self, outcome):
        self.outcome = outcome
        self.took = int(time.monotonic() - self._began)

    def look(self):
        """Note when it has ended."""
        status = self._process.poll()
        if status is not None:
            self._ended("failed with status %d" % status if status else "passed")

    def interrupt(self):
        """End it."""
        self._process.terminate()
        self._process.wait()
        self._ended("interrupted")

    def last(self, count):
        """The last lines of its log."""
        if self.log is None or not self.log.exists():
            return []
        return self.log.read_text(errors="replace").splitlines()[-count:]

    def row(self):
        """Its line of the table."""
        return "%-24s %3d min %02d s   %s" % (self.name, *divmod(self.took, 60), self.outcome)


def run_stage(stage, environment):
    """Run the parts of a stage to their end; those parts."""
    parts = []
    for name, command in stage:
        log = LOGS / (name + ".log") if len(stage) > 1 else None
        parts.append(Part(name, command, environment, log))
    running = [part for part in parts if part.outcome is None]
    tell_at = time.monotonic() + TELL_S
    try:
        while running:
            time.sleep(LOOK_S)
            for part in running:
                part.look()
                if part.outcome is not None:
                    lines = ["-- %s: %s" % (part.name, part.outcome), *part.last(LAST_LINES)]
                    print("\n".join(lines), flush=True)
            running = [part for part in running if part.outcome is None]
            if time.monotonic() >= tell_at:
                tell_at += TELL_S
                for part in running:
                    print("-- %s: %s" % (part.name, "".join(part.last(1))), flush=True)
    except KeyboardInterrupt:
        for part in running:
            part.interrupt()
    return parts


def run(stages) -> int:
    """Run the stages, print the table, and give the exit status of all."""
    environment = {**os.environ, "HOLDFAST_NIGHTLY": "1"}
    done = []
    for number, stage in enumerate(stages, 1):
        names = ", ".join([name for name, _ in stage])
        print("\n== %d of %d: %s" % (number, len(stages), names), flush=True)
        done += run_stage(stage, environment)
        if any(part.outcome == "interrupted" for part in done):
            break
    print("\n== nightly", flush=True)
    print("\n".join([part.row() for part in done]), flush=True)
    return 0 if all(part.outcome == "passed" for part in done) else 1


if __name__ == "__main__":
    sys.exit(run(STAGES))
