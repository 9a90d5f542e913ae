"""Why the module starts, and how often in a row it came down: out of the reset's cause and one
word that survives a reset.

The chips tell a reset that was asked for from one that was not badly or not at all: an RP2040 says
"watchdog" after both. So what is going on is written into the word while it goes on, and whoever
starts next reads there how the life before it ended. Pure; the HAL keeps the word.
"""

from micropython import const

# Why a chip was reset, as the HAL tells it.
POWER_ON = "power on"
WATCHDOG = "watchdog"
RESET = "reset"

# What was going on.
STARTING = const(0)  # and so for the first HEALTHY_MS
HEALTHY = const(1)
FAILED = const(2)  # an exception ended the application, which then had the chip reset
ASKED = const(3)  # somebody asked for a restart
MAINTENANCE = const(4)  # the application was not started, the maintenance jumper is set
SAFE_MODE = const(5)
STARVED = const(6)  # the module had no memory for long, and started anew in a quiet moment

HEALTHY_MS = const(60000)  # a module that ran so long has started well
_CRASHES = const(3)  # in a row, then comes safe mode
_CRASHES_OF_SAFE_MODE = const(6)  # in a row, then not even that
_MOST_CRASHES = const(15)
_PORTS = const(16)  # have a bit in the word


class Restart:
    """What this start is. cause: POWER_ON, WATCHDOG or RESET. word: what survived, None or
    anything when nothing did.

    crashed: the life before ended by itself, outputs go to their fallback. crashes: how often that
    happened, with no healthy life between.
    """

    def __init__(self, cause, word):
        self.cause = cause
        self.crashes = 0
        self.crashed = False
        self._levels = 0
        self.why = "power on"
        if cause == POWER_ON or not _sound(word):
            return
        stage = word >> 20 & 7
        if stage == ASKED:
            self.why = "a restart that was asked for"
        elif stage == STARVED:
            self.why = "a restart for want of memory"
        elif stage == MAINTENANCE:
            self.why = "the end of maintenance"
        else:
            self.crashed = True
            self._levels = word & 0xFFFF
            self.crashes = min((word >> 16 & 15) + 1, _MOST_CRASHES)
            if stage == FAILED:
                self.why = "an exception ended the application"
            elif cause == WATCHDOG:
                self.why = "the watchdog: the application hung"
            else:
                self.why = "a reset that nobody asked for"

    def safe_mode(self):
        """True when the application is not to be tried again for now."""
        return self.crashes >= _CRASHES

    def bare(self):
        """True when safe mode itself came down, again and again: outputs only."""
        return self.crashes >= _CRASHES_OF_SAFE_MODE

    def levels(self, count):
        """The levels of the fallback, for so many ports, as the life before left them."""
        return bytes([self._levels >> index & 1 for index in range(count)])

    def relent(self):
        """Safe mode is over by itself: the application is tried once."""
        self.crashes = _CRASHES - 1

    def forgive(self):
        """The module runs well, or somebody saw to it: no crash counts any more."""
        self.crashes = 0

    def word(self, stage, levels=b""):
        """The word to keep. levels: of the fallback, a byte a port."""
        bits = 0
        for index, level in enumerate(levels[:_PORTS]):
            bits |= level << index
        value = stage << 20 | self.crashes << 16 | bits
        return _check(value) << 24 | value


def _check(value):
    """Eight bits that tell a word of ours from what a register holds after power-on."""
    return (0xA5 ^ value ^ value >> 8 ^ value >> 16) & 0xFF


def _sound(word):
    return word is not None and word >> 24 == _check(word & 0xFFFFFF)
