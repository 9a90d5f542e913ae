"""RP2040 and RP2350, against a scripted chip: pins, what survives, the hard timer, the network."""

import sys

import chips
from claims import raises
from holdfast.hal import load


def chip_and_hal(cause=1, **more):
    chip = chips.install("rp2", cause)
    board = chips.Board("rp2", **more)
    return chip, board, load(board)


def test_the_level_of_an_output_comes_before_its_direction_and_outputs_before_inputs():
    chip, board, hal = chip_and_hal()
    pins = hal.Pins(board)
    assert chip.story == [("out", 6, 0), ("out", 7, 1), ("in", 2, 1), ("in", 3, 2)]
    assert chip.edges == 0
    # An open contact reads as one.
    assert (pins.read(0), pins.read(1)) == (1, 0)
    pins.write(b"\0\0\1\1")
    assert chip.levels[6] == 1 and chip.edges == 1
    pins.write(b"\1\1\1\1")  # what an input would be is nothing to write
    assert chip.edges == 1


def test_an_alarm_holds_the_pins_until_it_is_released():
    chip, board, hal = chip_and_hal()
    pins = hal.Pins(board)
    pins.force(2, 1)
    pins.write(b"\0\0\0\0")
    assert (chip.levels[6], chip.levels[7]) == (1, 1)
    pins.release()
    pins.write(b"\0\0\0\0")
    assert (chip.levels[6], chip.levels[7]) == (0, 0)


def test_the_word_and_the_cause_survive():
    for cause, text in ((1, "power on"), (3, "watchdog"), (2, "reset"), (5, "reset")):
        chip, board, hal = chip_and_hal(cause)
        chip.scratch[board.SCRATCH] = 0x81234567
        retained = hal.Retained(board)
        assert (retained.cause, retained.word) == (text, 0x81234567)
        retained.write(0xFFEEDDCC)
        assert chip.scratch[board.SCRATCH] & 0xFFFFFFFF == 0xFFEEDDCC


def test_the_timer_is_a_hard_one_and_outlives_an_exception():
    chip, board, hal = chip_and_hal()
    count = []

    def check():
        count.append(1)
        raise MemoryError

    alarm = hal.Alarm(check)
    ((period, callback, hard),) = chip.timers
    assert (period, hard) == (10, True)
    callback(None)
    callback(None)
    assert len(count) == 2
    alarm.cancel()
    assert chip.timers == []


def test_every_end_is_a_reset():
    chip, board, hal = chip_and_hal()
    for end in (hal.reset, hal.stop, hal.ended):
        raises(chips.Reset, end, board)


def test_the_jumper_is_read_and_the_console_locked():
    chip, board, hal = chip_and_hal()
    assert not hal.maintenance(board)
    chip.levels[22] = 0
    assert hal.maintenance(board)


def test_the_watchdog_has_the_boards_time():
    chip, board, hal = chip_and_hal()
    hal.Watchdog(board).feed()
    assert (chip.watchdog, chip.fed) == (8000, 1)


WIFI = ("wifi", "Yard", "long enough", "gate", "SE", None)
FIXED = ("10.0.0.5", "255.255.255.0", "10.0.0.1", "10.0.0.1")


def networked(settings, **more):
    chip, board, hal = chip_and_hal(**more)
    network = hal.Network(board, settings, lambda ms: True)
    assert network.address() == ("0.0.0.0", 80)
    return chip, board, network


def run(network, start, end):
    address = None
    for now in range(start, end, 250):
        address = network.step(now, None)
        network.show(address is not None)
    return address


def test_wifi_in_its_order_with_power_saving_off_after_every_start():
    chip, board, network = networked(WIFI)
    assert run(network, 0, 3000) == "10.0.0.9"
    names = [step for step in chip.story if step[0] not in ("out", "level", "in")]
    assert names == [
        ("country", "SE"),
        ("hostname", "gate"),
        ("active", True),
        ("config", {"pm": 16}),
        ("connect", "Yard", "long enough"),
    ]
    assert board.SERIAL == "28CDC10A0B0C" and board.SOC_SERIAL == "E66101"
    assert chip.levels[25] == 1
    assert network.signal() == -61
    chip.air = None
    run(network, 3000, 200000)
    assert network.signal() is None
    starts = [i for i, step in enumerate(chip.story) if step == ("active", True)]
    assert len(starts) >= 2
    for start in starts:
        assert chip.story[start + 1] == ("config", {"pm": 16})


def test_no_network_comes_and_goes_at_an_output():
    """200 times down and up, starts included: not one edge at the ports."""
    chip, board, hal = chip_and_hal(LED=None)
    pins = hal.Pins(board)
    network = hal.Network(board, WIFI, lambda ms: True)
    now = 0
    for i in range(200):
        chip.air = None
        run(network, now, now + (3000, 160000)[i % 20 == 0])
        now += 160000
        chip.air = "10.0.0.9"
        assert run(network, now, now + 60000) == "10.0.0.9"
        now += 60000
    assert chip.edges == 0 and pins.read(2) == 0
    assert ("active", False) in chip.story


def test_a_fixed_address_and_an_open_network():
    chip, board, network = networked(("wifi", "Yard", "", "", "", FIXED))
    assert run(network, 0, 3000) == "10.0.0.5"
    assert ("ifconfig", FIXED) in chip.story
    assert ("connect", "Yard", None) in chip.story


def test_ethernet_needs_no_settings_and_never_waits_for_dhcp():
    chip, board, network = networked(None, NETWORK="ethernet")
    assert run(network, 0, 3000) == "10.0.0.9"
    assert ("wiznet", (0, 18, 19, 16), 17, 20, 21) in chip.story
    assert ("dhcp",) in chip.story
    chip, board, network = networked(("ethernet", "", "", "gate", "", FIXED), NETWORK="ethernet")
    assert run(network, 0, 3000) == "10.0.0.5"
    assert ("dhcp",) not in chip.story


def test_settings_for_another_kind_of_network_are_said_and_left():
    chip, board, network = networked(WIFI, NETWORK="ethernet")
    assert run(network, 0, 3000) == "10.0.0.9"
    chip, board, network = networked(("ethernet", "", "", "", "", None))
    assert run(network, 0, 3000) is None
    assert ("active", True) not in chip.story


def test_random_bytes_are_conditioned_and_never_repeat_whatever_the_chip_gives():
    """A chip that always gives the same: the number of the chip and the counter still count."""
    drawn = []

    def stuck(count):
        drawn.append(count)
        return bytes(count)

    def made(number):
        _, _, hal = chip_and_hal()
        chip = sys.modules["holdfast.hal.chip"]
        chip.machine.unique_id = lambda: number
        before, chip.os = chip.os, Os(stuck)
        try:
            random = hal.Random()
            assert sum(drawn) == 1024
            values = [random.bytes(count) for count in (1, 16, 32, 33, 100)]
            values += [random.bytes(16) for _ in range(50)]
            return values
        finally:
            chip.os = before
            drawn.clear()

    first, again, other = made(b"one"), made(b"one"), made(b"two")
    assert [len(value) for value in first[:5]] == [1, 16, 32, 33, 100]
    assert first == again
    assert not set(first[1:]) & set(other[1:])
    assert len(set(first[5:])) == 50


class Os:
    def __init__(self, urandom):
        self.urandom = urandom
