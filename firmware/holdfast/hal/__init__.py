"""WHERE it runs: the only files that import `machine` or `network`. A board is five nouns.

pins        `Pins(board)`: every output at its safe level, level before direction, when it returns;
            `read(index) -> 0|1`, `write(levels)`: one byte per port, outputs that differ are set,
            nothing is allocated
clock       `now() -> ms`, an int from 0 that never wraps; `epoch_ms()`: what to add to it for UTC
            since 1970, 0 when that is not known
storage     `read(name) -> bytes`, None when there is no such file, OSError when it cannot be read:
            without settings a device lets anybody set it up, with damaged ones it does not;
            `write(name, data)`, `append(name, data)` and `rename(name, to)`, which replaces,
            complete in flash when they return, OSError; `remove(name)`, which may not be there
network     `address() -> (host, port)` to listen on, once it is up; `dns()`: who knows host names,
            rows `(address, port)`, addresses in digits
watchdog    `feed()`

and `reset()`, which starts the board again and does not return; none where that cannot be done.

and `reset_cause() -> text`, why the board has started.

Ports are counted as in the board's PORTS; their rows are `(gpio, "input"|"output", closed_level)`.
"""


def load(board):
    """The module of this folder that the board names."""
    return __import__("holdfast.hal." + board.HAL, None, None, ("Pins",))


def safe_levels(board):
    """Per port the level of an open circuit: what an output has before any settings are known."""
    return bytes([1 - closed_level for _, _, closed_level in board.PORTS])
