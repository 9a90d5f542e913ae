"""Raspberry Pi Pico 2 W: the wiring, as data.

Contacts at GP2 to GP5 close to GND, because of erratum E9. GP6 to GP9 go to the inputs of a relay
module, with 8.2 kOhm or less to GND each. A jumper from GP22 to GND is for maintenance.
"""

NAME = "RPI_PICO2_W"
HAL = "rp2"

# Port by port: GPIO, direction, the electrical level of a closed circuit.
PORTS = (
    (2, "input", 0),  # dry contact to GND
    (3, "input", 0),  # dry contact to GND
    (4, "input", 0),  # dry contact to GND
    (5, "input", 0),  # dry contact to GND
    (6, "output", 1),  # relay energised by a high level
    (7, "output", 1),  # relay energised by a high level
    (8, "output", 1),  # relay energised by a high level
    (9, "output", 1),  # relay energised by a high level
)
WITHOUT_PULL = ()  # inputs whose pull is on the board
ALLOW = ()  # outputs on pins that tools/pins.py refuses, because this board's wiring allows them

LED = "LED"  # lit: on the network; blinking: a master is lost
MAINTENANCE = 22  # jumper to GND: the application is not started, the console is free
NETWORK = "wifi"
# The watchdog's SCRATCH0 (pico-sdk, rp2350 addressmap.h and watchdog.h). The boot ROM and the SDK
# use 4 to 7 alone.
SCRATCH = 0x400D800C

SAMPLE_MS = 10  # how often inputs are looked at
CONNECTIONS = 5  # TCP connections in all
STALL_MS = 400  # how long a write to flash may hold up the loop, and every interrupt
TLS_STALL_MS = 950  # as a step of a TLS handshake may; not measured here: a Pico W's
WATCHDOG_MS = 8000  # 8388 is the most in MicroPython up to 1.28 (ports/rp2/machine_wdt.c)
DATA = ""  # the root of the file system

# What it says of itself. The MAC address and the chip's number are read when they are known.
PRODUCT = "Pico 2 W"
SERIAL = ""
ARCHITECTURE = "armv8m"
SOC = "RP2350"
SOC_SERIAL = ""
