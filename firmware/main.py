"""Run the module. boot.py ran first, in this same namespace: its pins are safe and handed on."""

import board

from holdfast.start import start

running = start(board, hal, pins)  # noqa: F821
del start  # it is not needed again

# Only now that the outputs are where the settings say.
from holdfast import app  # noqa: E402

app.run(board, hal, pins, *running)  # noqa: F821
