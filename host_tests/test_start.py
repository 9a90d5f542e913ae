"""The first half of the start: settings into a core, outputs into their power-on states."""

import json

from holdfast.hal import simulated
from holdfast.start import start

from boards import account


class Board:
    PORTS = ((0, "input", 1), (4, "output", 1), (5, "output", 0))
    PINS = None
    SWITCH = ""


class Pins(simulated.Pins):
    def __init__(self, board):
        super().__init__(board)
        self.written = []

    def write(self, levels):
        self.written.append(bytes(levels))


def started(folder, data):
    board = Board()
    board.DATA = str(folder)
    (folder / "settings.json").write_bytes(data)
    pins = Pins(board)
    return pins, start(board, simulated, pins)


def test_the_start_ends_with_power_on_levels_at_the_pins(tmp_path):
    ports = {"1": {"power_on": "closed"}, "2": {"power_on": "closed"}}
    data = json.dumps({"name": "N", "accounts": [account("a")], "ports": ports}).encode()
    pins, (_, store, settings, module) = started(tmp_path, data)
    assert pins.written == [bytes([0, 1, 0])]
    assert (module.name, settings.accounts[0].name) == ("N", "a")
    assert not store.fresh


def test_broken_settings_start_with_every_output_open(tmp_path, capsys):
    pins, (_, store, settings, module) = started(tmp_path, b"{")
    assert pins.written == [bytes([0, 0, 1])]
    assert settings.accounts == ()
    assert not store.fresh  # somebody set it up once: a stranger may not do so again
    assert "safe defaults" in capsys.readouterr().out
