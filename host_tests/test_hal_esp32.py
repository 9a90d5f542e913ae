"""ESP32, against a scripted chip: where it differs from an RP2040."""

import chips
from holdfast.hal import load


def chip_and_hal(cause=1, **more):
    chip = chips.install("esp32", cause)
    board = chips.Board("esp32", **more)
    return chip, board, load(board)


def test_inputs_without_pulls_are_left_without():
    chip, board, hal = chip_and_hal(
        PORTS=((34, "input", 0), (26, "output", 1)), WITHOUT_PULL=(34,)
    )
    hal.Pins(board)
    assert chip.story == [("out", 26, 0), ("in", 34, None)]


def test_the_word_lies_in_the_memory_of_the_clock():
    for memory, word in ((b"", None), (b"abc", None), (b"\x81\x23\x45\x67", 0x81234567)):
        chip, board, hal = chip_and_hal(3)
        chip.memory = memory
        retained = hal.Retained(board)
        assert (retained.cause, retained.word) == ("watchdog", word)
        retained.write(0xFFEEDDCC)
        assert chip.memory == b"\xff\xee\xdd\xcc"


def test_the_radio_does_not_join_by_itself_beside_us():
    chip, board, hal = chip_and_hal()
    network = hal.Network(board, ("wifi", "Yard", "long enough", "", "", None), lambda ms: True)
    for now in range(0, 3000, 250):
        address = network.step(now, None)
    assert address == "10.0.0.9"
    at = chip.story.index(("config", {"reconnects": 0}))
    assert at < chip.story.index(("connect", "Yard", "long enough"))


def test_without_room_for_a_thread_a_soft_timer_serves():
    import sys

    class NoThreads:
        def start_new_thread(self, function, arguments):
            raise OSError(12)

    chip, board, hal = chip_and_hal()
    real = sys.modules.get("_thread")
    sys.modules["_thread"] = NoThreads()
    try:
        count = []
        hal.Alarm(lambda: count.append(1))
        ((period, callback, hard),) = chip.timers
        assert (period, hard) == (20, False)
        callback(None)
        assert count == [1]
    finally:
        if real is None:
            del sys.modules["_thread"]
        else:
            sys.modules["_thread"] = real


def test_with_room_the_thread_calls():
    chip, board, hal = chip_and_hal()
    started = []
    import sys

    class Threads:
        def start_new_thread(self, function, arguments):
            started.append(function)

    real = sys.modules.get("_thread")
    sys.modules["_thread"] = Threads()
    try:
        hal.Alarm(lambda: None)
    finally:
        if real is None:
            del sys.modules["_thread"]
        else:
            sys.modules["_thread"] = real
    assert len(started) == 1 and chip.timers == []
