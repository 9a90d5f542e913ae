"""Why the module starts, out of the reset's cause and a word that survives."""

from holdfast.core.crashloop import (
    ASKED,
    FAILED,
    HEALTHY,
    HEALTHY_MS,
    MAINTENANCE,
    POWER_ON,
    RESET,
    SAFE_MODE,
    STARTING,
    WATCHDOG,
    Restart,
)

LEVELS = bytes([0, 0, 1, 1, 0, 1, 0, 1])


def word(stage, crashes=0, levels=LEVELS):
    restart = Restart(POWER_ON, None)
    restart.crashes = crashes
    return restart.word(stage, levels)


def test_power_on_is_no_crash_whatever_a_register_holds():
    for kept in (None, 0, word(STARTING), word(FAILED, 9), 0xFFFFFFFF):
        restart = Restart(POWER_ON, kept)
        assert (restart.crashed, restart.crashes, restart.safe_mode()) == (False, 0, False)


def test_no_word_of_ours_is_no_crash():
    for cause in (WATCHDOG, RESET):
        for kept in (None, 0, 1, -1, 0xFFFFFFFF, 1 << 32, 0x12345678):
            assert not Restart(cause, kept).crashed, kept


def test_a_flipped_bit_is_noticed():
    good = word(STARTING, 2)
    for bit in range(32):
        assert not Restart(WATCHDOG, good ^ 1 << bit).crashed, bit


def test_a_life_that_ended_by_itself_is_a_crash_with_a_reason():
    for stage, cause, why in (
        (STARTING, WATCHDOG, "watchdog"),
        (HEALTHY, WATCHDOG, "watchdog"),
        (SAFE_MODE, WATCHDOG, "watchdog"),
        (STARTING, RESET, "nobody asked"),
        (FAILED, RESET, "exception"),
        (FAILED, WATCHDOG, "exception"),  # an RP2040 says so after a reset by software
    ):
        restart = Restart(cause, word(stage))
        assert restart.crashed and restart.crashes == 1 and why in restart.why
        assert restart.levels(8) == LEVELS


def test_what_was_asked_for_is_no_crash_and_forgives():
    for cause in (WATCHDOG, RESET):
        for stage in (ASKED, MAINTENANCE):
            restart = Restart(cause, word(stage, 2))
            assert not restart.crashed and restart.crashes == 0


def test_three_in_a_row_are_safe_mode_and_six_are_not_even_that():
    kept = word(STARTING)
    seen = []
    for _ in range(20):
        restart = Restart(WATCHDOG, kept)
        seen.append((restart.crashes, restart.safe_mode(), restart.bare()))
        kept = restart.word(STARTING, LEVELS)
    assert seen[:6] == [
        (1, False, False),
        (2, False, False),
        (3, True, False),
        (4, True, False),
        (5, True, False),
        (6, True, True),
    ]
    assert seen[-1] == (15, True, True)
    restart.relent()
    assert not restart.safe_mode()
    assert Restart(WATCHDOG, restart.word(STARTING)).safe_mode()  # one more is enough
    restart.forgive()
    assert Restart(WATCHDOG, restart.word(HEALTHY)).crashes == 1


def test_a_word_has_32_bits_and_up_to_16_ports():
    assert 0 <= word(MAINTENANCE, 15, bytes([1] * 20)) < 1 << 32
    assert Restart(WATCHDOG, word(STARTING, 0, bytes([1] * 20))).levels(16) == bytes([1] * 16)


def test_what_is_in_the_word_stays_where_it_is():
    """Another version may read it: the stages are numbers, and so is the check."""
    stages = (STARTING, HEALTHY, FAILED, ASKED, MAINTENANCE, SAFE_MODE)
    assert stages == (0, 1, 2, 3, 4, 5)
    assert HEALTHY_MS == 60000
    assert word(FAILED, 2) == 0xAA << 24 ^ word_check(2 << 20 | 2 << 16 | 0xAC) << 24 | 0x2200AC


def word_check(value):
    """What is added to 0xAA for a value, as the register keeps it."""
    return 0xAA ^ 0xA5 ^ value & 0xFF ^ value >> 8 & 0xFF ^ value >> 16


def test_every_start_says_why_and_knows_no_levels_when_nothing_survived():
    for cause, kept, why in (
        (POWER_ON, None, "power on"),
        (WATCHDOG, None, "power on"),
        (RESET, word(ASKED), "a restart that was asked for"),
        (WATCHDOG, word(MAINTENANCE), "the end of maintenance"),
        (WATCHDOG, word(FAILED), "an exception ended the application"),
        (WATCHDOG, word(HEALTHY), "the watchdog: the application hung"),
        (RESET, word(HEALTHY), "a reset that nobody asked for"),
    ):
        restart = Restart(cause, kept)
        assert (restart.cause, restart.why) == (cause, why)
        if not restart.crashed:
            assert restart.levels(8) == bytes(8)


def test_a_seventeenth_port_does_not_reach_into_what_is_counted():
    restart = Restart(WATCHDOG, word(STARTING, 1, bytes([0] * 16 + [1])))
    assert (restart.crashes, restart.levels(16)) == (2, bytes(16))
    assert word(STARTING, 0, bytes([0] * 16 + [1])) == word(STARTING, 0, bytes(16))
