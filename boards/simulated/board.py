"""The simulated board's wiring, as data. The wires are files: gpio4 is `PINS/gpio4`."""

NAME = "simulated"
HAL = "simulated"

# Port by port: GPIO, direction, the electrical level of a closed circuit.
PORTS = (
    (0, "input", 1),  # gpio0, dry contact to supply
    (1, "input", 1),
    (2, "input", 1),
    (3, "input", 1),
    (4, "output", 1),  # gpio4, relay energised by a high level
    (5, "output", 1),
    (6, "output", 1),
    (7, "output", 1),
)

SAMPLE_MS = 10  # how often inputs are looked at
TLS_CONNECTIONS = 2  # of these with TLS, as a Pico W has heap for
CONNECTIONS = 5  # TCP connections in all, as on a Pico W
STALL_MS = 50  # how long a write to flash may hold up the loop
TLS_STALL_MS = 50  # as a step of a TLS handshake may

# What it says of itself. The MAC address is a locally administered one.
PRODUCT = "Simulated"
SERIAL = "02484F4C4446"
ARCHITECTURE = "unix"
SOC = "none"
SOC_SERIAL = ""

# What stands on a real board's own hardware; run.py fills it in from the command line.
HOST = "127.0.0.1"
PORT = 8080
TLS_PORT = 8443
PINS = None
SWITCH = ""  # something: off when standard input closes
DATA = None  # the folder that is its flash
CABLE = None  # the file that says which address its network has given it, or none
MAINTENANCE = None  # the file that is its maintenance jumper
