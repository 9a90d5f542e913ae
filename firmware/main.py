"""Run the module. boot.py ran first, in this same namespace: its pins are safe and handed on."""

import board

from holdfast.shell.heap import loaded, loading

loading()

from holdfast.start import start  # noqa: E402

running = start(board, hal, pins)  # noqa: F821
del start  # it is not needed again

# Only now that the outputs are where the settings say.
from holdfast import app  # noqa: E402

loaded()
app.run(board, hal, pins, *running)  # noqa: F821
