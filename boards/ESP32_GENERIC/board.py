"""ESP32 modules and development boards: the wiring, as data.

Contacts at 18, 19, 21 and 22 close to GND. 26, 27, 32 and 33 go to the inputs of a relay module,
with 10 kOhm to GND each. An LED at 23, a jumper from 25 to GND for maintenance.
"""

NAME = "ESP32_GENERIC"
HAL = "esp32"

# Port by port: GPIO, direction, the electrical level of a closed circuit.
PORTS = (
    (18, "input", 0),  # dry contact to GND
    (19, "input", 0),  # dry contact to GND
    (21, "input", 0),  # dry contact to GND
    (22, "input", 0),  # dry contact to GND
    (26, "output", 1),  # relay energised by a high level
    (27, "output", 1),  # relay energised by a high level
    (32, "output", 1),  # relay energised by a high level
    (33, "output", 1),  # relay energised by a high level
)
WITHOUT_PULL = ()  # inputs whose pull is on the board
ALLOW = ()  # outputs on pins that tools/pins.py refuses, because this board's wiring allows them

LED = 23  # lit: on the network; blinking: a master is lost
MAINTENANCE = 25  # jumper to GND: the application is not started, the console is free
NETWORK = "wifi"

SAMPLE_MS = 10  # how often inputs are looked at
CONNECTIONS = 8  # TCP connections in all
STALL_MS = 400  # how long a write to flash may hold up the loop, and every interrupt
TLS_STALL_MS = 950  # as a step of a TLS handshake may; not measured here: a Pico W's
WATCHDOG_MS = 8000
DATA = ""  # the root of the file system

# What it says of itself. The MAC address and the chip's number are read when they are known.
PRODUCT = "ESP32"
SERIAL = ""
ARCHITECTURE = "xtensawin"
SOC = "ESP32"
SOC_SERIAL = ""
