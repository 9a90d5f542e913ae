"""Run the module. boot.py ran first, in this same namespace: its pins are safe and handed on."""

import board
from holdfast import app

app.run(board, hal, pins)  # noqa: F821
