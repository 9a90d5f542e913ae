"""Pins of a chip, through `machine`: the level of an output is set before its direction."""

import machine

from holdfast.hal import pins, safe_levels


class Pins(pins.Pins):
    """The board's PORTS. An input is pulled so that an open contact reads as one."""

    def __init__(self, board):
        levels = safe_levels(board)
        self._ports = []
        # Outputs first: nothing of the inputs may delay them.
        for index, (gpio, direction, _) in enumerate(board.PORTS):
            pin = None
            if direction == "output":
                pin = machine.Pin(gpio, machine.Pin.OUT, value=levels[index])
            self._ports.append(pin)
        for index, (gpio, direction, closed_level) in enumerate(board.PORTS):
            if direction != "output":
                if gpio in board.WITHOUT_PULL:
                    pin = machine.Pin(gpio, machine.Pin.IN)
                elif closed_level:
                    pin = machine.Pin(gpio, machine.Pin.IN, machine.Pin.PULL_DOWN)
                else:
                    pin = machine.Pin(gpio, machine.Pin.IN, machine.Pin.PULL_UP)
                self._ports[index] = pin
        # Bound once: an interrupt that sets them allocates nothing.
        self._values = tuple(pin.value for pin in self._ports)
        super().__init__(board, levels)

    def read(self, index):
        """The level at a port: of an output the one it was given."""
        if index in self._outputs:
            return self._levels[index]
        level = self._values[index]()
        self._levels[index] = level
        return level

    def _put(self, index, level):
        self._values[index](level)
