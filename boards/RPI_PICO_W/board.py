"""Raspberry Pi Pico W: the wiring, as data.

Contacts at GP2 to GP5 close to GND. GP6 to GP9 go to the inputs of a relay module, with 10 kOhm to
GND each. A jumper from GP22 to GND is for maintenance.
"""

NAME = "RPI_PICO_W"
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
# The watchdog's SCRATCH0 (RP2040 datasheet 4.7.6). The boot ROM and the SDK use 4 to 7 alone.
SCRATCH = 0x4005800C

SAMPLE_MS = 10  # how often inputs are looked at
CONNECTIONS = 5  # TCP connections in all
STALL_MS = 400  # how long a write to flash may hold up the loop, and every interrupt
TLS_STALL_MS = 950  # as a step of a TLS handshake may: 939 in an emulated Pico W, .mpy
WATCHDOG_MS = 8000  # the most is 8388: 24 bits of 0.5 us (erratum RP2040-E1)
DATA = ""  # the root of the file system

# What it says of itself. The MAC address and the chip's number are read when they are known.
PRODUCT = "Pico W"
SERIAL = ""
ARCHITECTURE = "armv6m"
SOC = "RP2040"
SOC_SERIAL = ""
