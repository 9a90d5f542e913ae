"""What the C start-up of MicroPython does on a board: the wiring, then boot.py, then main.py.

micropython run.py FIRMWARE name=value ...      (tools/simulate.py calls this)
"""

import sys


def main(arguments):
    """Fill in the board from name=value arguments and start it."""
    firmware = arguments[0]
    here = __file__.rpartition("/")[0]
    sys.path.insert(0, here)
    if sys.implementation.name != "micropython":
        sys.path.insert(0, here + "/cpython")
    sys.path.insert(0, firmware)
    import board

    for argument in arguments[1:]:
        name, _, value = argument.partition("=")
        if name in ("PORT", "TLS_PORT", "CONNECTIONS"):
            setattr(board, name, int(value))
        elif value:
            setattr(board, name, value)
    namespace = {"__name__": "__main__"}
    for part in ("boot", "main"):
        with open("%s/%s.py" % (firmware, part)) as file:
            exec(file.read(), namespace)


main(sys.argv[1:])
