"""The table of levels behind a board's pins: what is written, what an alarm holds, and for how
long.
"""

from claims import raises
from holdfast.hal import pins
from makers import WIRING


class Board:
    PORTS = WIRING  # two inputs, then two outputs


class Wires(pins.Pins):
    """Tells every level that gets out; `before` is called once, before the first."""

    def __init__(self, levels=b"\0\0\0\0"):
        super().__init__(Board, levels)
        self.story = []
        self.before = None

    def _put(self, index, level):
        if self.before is not None:
            before, self.before = self.before, None
            before()
        self.story.append((index, level))

    def take(self):
        story, self.story = self.story, []
        return story


def test_only_outputs_whose_level_differs_are_set():
    wires = Wires(b"\0\0\1\0")
    wires.write(b"\1\1\1\0")
    assert wires.take() == []
    wires.write(b"\0\1\0\1")
    assert wires.take() == [(2, 0), (3, 1)]
    wires.write(b"\0\1\0\1")
    assert wires.take() == []
    # Inputs are followed, too, and outputs are no inputs: so nothing is compared port by port
    # where nothing is to be done.
    assert bytes(wires._levels) == b"\0\1\0\1"
    assert (wires._inputs, wires._outputs) == ((0, 1), (2, 3))


def test_while_an_alarm_holds_the_pins_nothing_is_written():
    wires = Wires()
    wires.force(2, 1)
    assert wires.take() == [(2, 1)]
    for levels in (b"\0\0\0\0", b"\0\0\0\1", b"\0\0\1\1"):
        wires.write(levels)
    assert wires.take() == []
    wires.release()
    wires.write(b"\0\0\0\1")
    assert wires.take() == [(2, 0), (3, 1)]


def test_the_level_that_an_alarm_has_set_is_the_one_that_the_output_has():
    wires = Wires()
    wires.force(2, 1)
    wires.release()
    wires.write(b"\0\0\1\0")
    assert wires.take() == [(2, 1)]  # by the alarm: the core agrees, and nothing moves


def test_an_alarm_in_the_middle_of_a_write_has_the_last_word():
    for port, level in ((2, 0), (3, 0)):
        wires = Wires()
        wires.before = lambda wires=wires, port=port, level=level: wires.force(port, level)
        wires.write(b"\0\0\1\1")
        last = dict(wires.take())
        assert last[port] == level
        assert last[5 - port] == 1  # the other output is as it was written
        assert wires._levels[port] == level
        wires.write(b"\0\0\1\1")
        assert wires.take() == []


def test_nothing_of_an_alarm_is_left_when_the_next_one_comes():
    """An alarm that holds other outputs must not drive those of the one before again."""
    wires = Wires()
    wires.force(2, 1)
    wires.release()
    wires.write(b"\0\0\0\0")
    wires.take()
    wires.before = lambda: wires.force(3, 0)
    wires.write(b"\0\0\0\1")
    assert wires.take() == [(3, 0), (3, 1), (3, 0)]
    assert wires._levels[2] == 0


def test_a_board_has_to_say_how_a_level_gets_out():
    raises(NotImplementedError, pins.Pins(Board, bytes(4)).write, b"\0\0\1\0")
