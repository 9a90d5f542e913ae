"""ESP32-S3 modules and development boards: the wiring, as data.

Contacts at 4 to 7 close to GND. 9 to 12 go to the inputs of a relay module, with 10 kOhm to GND
each. An LED at 13, a jumper from 14 to GND for maintenance.
"""

NAME = "ESP32_GENERIC_S3"
HAL = "esp32"

# Port by port: GPIO, direction, the electrical level of a closed circuit.
PORTS = (
    (4, "input", 0),  # dry contact to GND
    (5, "input", 0),  # dry contact to GND
    (6, "input", 0),  # dry contact to GND
    (7, "input", 0),  # dry contact to GND
    (9, "output", 1),  # relay energised by a high level
    (10, "output", 1),  # relay energised by a high level
    (11, "output", 1),  # relay energised by a high level
    (12, "output", 1),  # relay energised by a high level
)
WITHOUT_PULL = ()  # inputs whose pull is on the board
ALLOW = ()  # outputs on pins that tools/pins.py refuses, because this board's wiring allows them

LED = 13  # lit: on the network; blinking: a master is lost
MAINTENANCE = 14  # jumper to GND: the application is not started, the console is free
NETWORK = "wifi"

SAMPLE_MS = 10  # how often inputs are looked at
CONNECTIONS = 8  # TCP connections in all
STALL_MS = 400  # how long a write to flash may hold up the loop, and every interrupt
TLS_STALL_MS = 950  # as a step of a TLS handshake may; not measured here: a Pico W's
WATCHDOG_MS = 8000
DATA = ""  # the root of the file system

# What it says of itself. The MAC address and the chip's number are read when they are known.
PRODUCT = "ESP32-S3"
SERIAL = ""
ARCHITECTURE = "xtensawin"
SOC = "ESP32-S3"
SOC_SERIAL = ""
