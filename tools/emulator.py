"""The firmware in an image of MicroPython for the RP2040, run in an emulator of the chip: what it
costs, how deep its stack gets and whether outputs fall back, measured and held to bounds
(make emulator).

    python tools/emulator.py [--build] [--short] [--slow] [--form FORM] [--only TRIAL]
                             [--timeout SECONDS]

1. The image (rp2040/image.py): from Debian's sources, `make firmware`'s own way, with a client
   that tries the firmware from inside (rp2040/boards/RP2040_LOOPBACK). In two forms: the
   application built in (frozen), and executed in place from its file (romfs).
2. The emulator: rp2040py with a core in C (rp2040/core.c), compiled with the machine's cc. With
   --slow rp2040py's own core, some fifty times slower, which is the judge of ours.
3. The trials, each in a chip of its own. Levels and times are the emulator's, seen from outside at
   the pins, not the image's word; stack, ticks and heap are read without an instruction of it.

    story      heartbeats, a trip with the loop blocked, the watchdog and the start after it
    endpoints  every endpoint and every change of settings: answers, stack, ticks of the alarm
    held       a master's deadline passes while the program is held where each of them is deepest
    near       changes of settings at every distance before a deadline, with a real flash's times
    slow-near  the same with a flash that takes 400 ms to erase
    day        a realistic hour, compressed: does the heap last?

The chip has 125 MHz; its times do not depend on the machine's speed.
"""

import argparse
import asyncio
import sys

from rp2040 import core, figures, image
from rp2040.chip import Chip, Failed
from rp2040.image import HOME, say

FLASH_MS = (45, 0.7)  # to erase a sector and to write a page, of a W25Q16JV as it mostly is, ..
SLOW_FLASH_MS = (400, 3)  # .. and at its worst
MISS_CYCLES = 64  # of an access to flash that is not in its cache: an estimate
TRIALS = ("story", "endpoints", "held", "near", "slow-near", "day")
SHORT = ("story", "endpoints")  # with --short
# Trials by form; with --short, --only and --slow the first alone. A Pico W's image is frozen:
# executed in place, the application fills the heap on the realistic day (--form romfs --only day).
FORMS = {"frozen": TRIALS, "romfs": ("story", "endpoints")}
SCRIPTS = {"story": 0, "endpoints": 1, "held": 1, "near": 2, "slow-near": 2, "day": 3}  # trial.py
ROUNDS = 5
DUE_MS = 2500  # a held request begins so long before the deadline
NEAR_MS = 40  # from one distance before a deadline to the next
DEEP_BYTES = 256  # a request is held where it is within so much of its deepest


class Runner:
    """Runs trials of one image, in a folder."""

    def __init__(self, form, folder, slow, short, timeout):
        self._form = form
        self._image = image.uf2(folder / "holdfast.bin")
        self._elf = folder / "firmware.elf"
        self._size = (folder / "firmware.bin").stat().st_size
        self._library = None if slow else core.library(HOME)
        self._rounds = 1 if short else ROUNDS
        self._timeout = timeout
        self._deepest = {}  # by name of a request: its stack pointer where it was deepest

    def trial(self, name):
        """Run one, print its figures; how many are out of bounds."""
        print("\n%s, %s" % (name, self._form), flush=True)
        if name == "story":
            return figures.story(self._run(name), self._size, self._form)
        if name == "endpoints":
            chip = self._endpoints()
            return figures.endpoints(chip, FLASH_MS[0])
        if name == "held":
            if not self._deepest:
                self._endpoints(1)
            hold = {("1", row): sp for row, sp in self._deepest.items()}
            return figures.held(self._run(name, DUE_MS, 1, hold=hold))
        if name == "day":
            return figures.day(self._run(name, flash_ms=FLASH_MS), FLASH_MS[0], self._form)
        flash_ms = SLOW_FLASH_MS if name == "slow-near" else FLASH_MS
        return figures.near(self._run(name, NEAR_MS, flash_ms=flash_ms), flash_ms[0])

    def _endpoints(self, rounds=None):
        chip = self._run("endpoints", 0, rounds or self._rounds, flash_ms=FLASH_MS)
        for line in chip.lines:
            if line.words[0] == "answer" and line.words[1] == "1":
                self._deepest[" ".join(line.words[4:])] = chip.top - line.thread + DEEP_BYTES
        self._deepest.pop("heartbeat", None)
        return chip

    def _run(self, name, number=0, rounds=1, **more):
        miss_cycles = 0 if name == "story" else MISS_CYCLES
        chip = Chip(
            self._image,
            self._elf,
            self._library,
            say,
            SCRIPTS[name],
            number,
            rounds | 255 << 16,
            miss_cycles=miss_cycles,
            **more,
        )
        say("%s: the chip's time is on the left" % name)
        asyncio.run(chip.run(self._timeout))
        return chip


def main():
    parser = argparse.ArgumentParser(description="The firmware in an emulated RP2040.")
    parser.add_argument("--build", action="store_true", help="build the image, and no more")
    parser.add_argument("--short", action="store_true", help="only %s" % " and ".join(SHORT))
    parser.add_argument(
        "--slow",
        action="store_true",
        help="rp2040py's own core; the story alone, nothing measured",
    )
    parser.add_argument("--form", choices=FORMS, help="this form alone")
    parser.add_argument("--only", choices=TRIALS, help="this trial alone")
    parser.add_argument("--timeout", type=float, default=1800, metavar="SECONDS", help="per trial")
    options = parser.parse_args()
    if options.slow and options.only not in (None, TRIALS[0]):
        parser.error("--slow measures nothing: it runs the story alone")
    one = options.short or options.slow or options.only
    forms = [options.form] if options.form else list(FORMS)[: 1 if one else 2]
    bad = 0
    try:
        for form in forms:
            folder = image.build(form)
            if options.build:
                print(folder)
                continue
            names = TRIALS[:1] if options.slow else SHORT if options.short else FORMS[form]
            if options.only:
                names = (options.only,)
            runner = Runner(form, folder, options.slow, options.short, options.timeout)
            bad += sum([runner.trial(name) for name in names])
    except (Failed, core.Missing) as problem:
        sys.exit("emulator: %s" % problem)
    except KeyboardInterrupt:
        sys.exit("emulator: interrupted")
    if bad:
        sys.exit("emulator: %d out of bounds" % bad)


if __name__ == "__main__":
    main()
