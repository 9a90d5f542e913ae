"""Refuses a board whose wiring would move a relay at boot, or cannot work; `make lint` runs it.

    python tools/pins.py [BOARD...]

What each pin does at boot, and why it is no output, stands here once, chip by chip. A board that
wires such a pin on purpose names it in ALLOW; what cannot work at all is refused even then.

RP2040: every pad begins with its pull-down (pads_bank0.h of pico-sdk, reset 0x56); RP2350:
isolated, with its pull-down (reset 0x116). ESP32: Espressif's hardware design guidelines, table
"IO Pin Default Configuration"; strapping: its datasheet, table "Strapping Pins". ESP32-S3:
datasheet v2.2, tables 2-1 (states at and after reset), 2-2 (glitches at power-up) and 3-1
(strapping). Boards: the headers of pico-sdk and MicroPython for them.
"""

import argparse
import runpy
import sys

import interpreters

# By chip: the pins there are; those that cannot be an output, and those that should not.
CHIPS = {
    "RP2040": (range(30), {}, {}),
    "RP2350": (range(30), {}, {}),
    "ESP32": (
        [*range(24), *range(25, 28), *range(32, 40)],
        {
            **dict.fromkeys(range(6, 12), "is the flash's"),
            **dict.fromkeys(range(34, 40), "is input only"),
        },
        {
            0: "is a strapping pin (boot mode), and pulled up",
            1: "is the UART, where the loader prints",
            2: "is a strapping pin (boot mode)",
            3: "is the UART, and pulled up",
            5: "is a strapping pin (timing of SDIO), and pulled up",
            12: "is a strapping pin (voltage of the flash)",
            14: "is pulled up after reset (JTAG)",
            15: "is a strapping pin (what the loader prints), and pulled up",
            16: "is the PSRAM's on WROVER modules",
            17: "is the PSRAM's on WROVER modules",
        },
    ),
    "ESP32-S3": (
        [*range(22), *range(26, 49)],
        dict.fromkeys(range(26, 33), "is the flash's"),
        {
            0: "is a strapping pin (boot mode)",
            3: "is a strapping pin (JTAG)",
            18: "pulses high at power-up",
            19: "is USB, and pulses high at power-up",
            20: "is USB, pulled up, and pulses high at power-up",
            **dict.fromkeys(range(33, 38), "is the memory's on octal modules"),
            39: "is pulled up after reset (JTAG)",
            43: "is the UART, where the loader prints",
            44: "is the UART",
            45: "is a strapping pin (voltage of the flash)",
            46: "is a strapping pin (boot mode)",
        },
    ),
}
# By board: pins that something on it has.
TAKEN = {
    "RPI_PICO_W": dict.fromkeys((23, 24, 25, 29), "is the radio's"),
    "RPI_PICO2_W": dict.fromkeys((23, 24, 25, 29), "is the radio's"),
    "W5500_EVB_PICO": {
        **dict.fromkeys(range(16, 22), "is the W5500's"),
        **dict.fromkeys((23, 24, 29), "is the power supply's (as on a Pico)"),
    },
}


def problems(board):
    """What is wrong with a board, as texts. board: the names of its board.py."""
    chip = CHIPS.get(board["SOC"])
    if chip is None:
        return []  # not on a chip
    there, never, seldom = chip
    never = {**never, **TAKEN.get(board["NAME"], {})}
    found = []
    uses = [(row[0], row[1]) for row in board["PORTS"]]
    uses.append((board["MAINTENANCE"], "input"))
    if isinstance(board["LED"], int):
        uses.append((board["LED"], "LED"))
    seen = set()
    for gpio, what in uses:
        reason = never.get(gpio)
        if what == "input" and reason == "is input only":
            reason = None if gpio in board["WITHOUT_PULL"] else "has no pull: see WITHOUT_PULL"
        if gpio not in there:
            reason = "is not there"
        elif gpio in seen:
            reason = "is used twice"
        elif reason is None and what != "input" and gpio not in board["ALLOW"]:
            reason = seldom.get(gpio)
        if reason is not None:
            found.append("%s on GPIO %d: it %s" % (what, gpio, reason))
        seen.add(gpio)
    outputs = [gpio for gpio, what in uses if what != "input"]
    for gpio in board["ALLOW"]:
        if gpio not in outputs or gpio not in seldom:
            found.append("ALLOW names GPIO %d without need" % gpio)
    return found


def main(arguments):
    """Check these boards, or all; status 1 when one is refused."""
    folder = interpreters.ROOT / "boards"
    known = sorted(path.parent.name for path in folder.glob("*/board.py"))
    parser = argparse.ArgumentParser(description="Refuse a board whose wiring cannot work.")
    parser.add_argument("board", nargs="*", help="of boards/; else all: " + ", ".join(known))
    names = parser.parse_args(arguments).board or known
    for name in names:
        if name not in known:
            parser.error("there is no board %s; there are: %s" % (name, ", ".join(known)))
    bad = 0
    for name in names:
        for problem in problems(runpy.run_path(str(folder / name / "board.py"))):
            print("boards/%s/board.py: %s" % (name, problem))
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
