"""WHERE it runs: the only files that import `machine` or `network`. A board is eight nouns.

pins        `Pins(board)`: every output at its safe level, level before direction, when it returns;
            `read(index) -> 0|1`, `write(levels)`: one byte per port, outputs that differ are set,
            nothing is allocated; `force(index, level)` from an alarm, which holds them until
            `release()`
clock       `now() -> ms`, an int from 0 that never wraps; `epoch_ms()`: what to add to it for UTC
            since 1970, 0 when that is not known
storage     `read(name) -> bytes`, None when there is no such file, OSError when it cannot be read:
            without settings a device lets anybody set it up, with damaged ones it does not;
            `write(name, data)`, `append(name, data)` and `rename(name, to)`, which replaces,
            complete in flash when they return, OSError; `remove(name)`, which may not be there;
            `free()`: bytes of flash, None where that is not known
network     `Network(board, settings, quiet)`; `address() -> (host, port)` to listen on, at any
            time; `step(now, heard_at)` keeps it up, the address text or None; `show(lit)`;
            `refused(error)` when there is no listening; `signal()`: of Wi-Fi in dBm, or None;
            `dns()`: who knows host names, rows `(address, port)`, addresses in digits
random      `Random()`; `bytes(count)` of cryptographic quality
watchdog    `Watchdog(board)` runs from then on; `feed()`
alarm       where HAS_ALARM: `Alarm(check)` calls it beside the loop, while it is held;
            `cancel()`
retained    `Retained(board)`: `cause`, "power on", "watchdog" or "reset"; `word`, 32 bits that
            survived it, or None; `write(word)`

And functions: `reset(board, asked=True)`, `stop(board)` when the application ended as it should,
`ended(board)` when whatever it was has ended, `maintenance(board)`, `lock_console()`,
`report(error)`, `sleep_ms(ms)`, `ticks()`, `wall_ms`.

Ports are counted as in the board's PORTS; their rows are `(gpio, "input"|"output", closed_level)`.
"""


def load(board):
    """The module of this folder that the board names."""
    return __import__("holdfast.hal." + board.HAL, None, None, ("Pins",))


def safe_levels(board):
    """Per port the level of an open circuit: what an output has before any settings are known."""
    return bytes([1 - closed_level for _, _, closed_level in board.PORTS])
