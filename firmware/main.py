"""Run the module. boot.py ran first, in this same namespace: its pins are safe and handed on.

Nothing that goes wrong ends in the REPL: the chip is reset, and the next life knows why.
"""

import board

if hal.maintenance(board):  # noqa: F821
    from holdfast.lifecycle import maintain

    maintain(board, hal)  # noqa: F821
else:
    try:
        from holdfast.lifecycle import live

        live(board, hal, pins)  # noqa: F821
    finally:
        hal.ended(board)  # noqa: F821
