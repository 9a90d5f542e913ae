"""An RP2040 in an emulator: the wiring of the W5500-EVB-Pico, on a network that is the chip's
own loopback. At its end trial.py takes the network's place and tells the host what it sees.
"""

NAME = "RP2040_LOOPBACK"
HAL = "rp2"

# Port by port: GPIO, direction, the electrical level of a closed circuit.
PORTS = (
    (2, "input", 0),
    (3, "input", 0),
    (4, "input", 0),
    (5, "input", 0),
    (6, "output", 1),
    (7, "output", 1),
    (8, "output", 1),
    (9, "output", 1),
)
WITHOUT_PULL = ()
ALLOW = ()

LED = 25
MAINTENANCE = 22
NETWORK = "ethernet"
SPI = (0, 18, 19, 16, 17, 20, 21)
# The watchdog's SCRATCH0; SCRATCH1 is trial.py's line to the host.
SCRATCH = 0x4005800C

SAMPLE_MS = 10
CONNECTIONS = 5
STALL_MS = 400
TLS_STALL_MS = 950
WATCHDOG_MS = 8000
DATA = ""

PRODUCT = "RP2040 in an emulator"
SERIAL = ""
ARCHITECTURE = "armv6m"
SOC = "RP2040"
SOC_SERIAL = ""

import trial  # noqa: E402

trial.begin(SCRATCH)
