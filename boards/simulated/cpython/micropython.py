"""What the firmware takes from MicroPython's own `micropython` module, for CPython."""


def const(value):
    """A constant: MicroPython's compiler puts the value where the name stands."""
    return value
