"""Outputs to their safe level, before anything that could fail or take its time is imported."""

import board
from holdfast.hal import load

hal = load(board)
pins = hal.Pins(board)
