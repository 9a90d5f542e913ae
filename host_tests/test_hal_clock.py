"""The clock never wraps."""

from holdfast.hal.clock import Clock


class Ticks:
    """ticks_ms of a board, by hand."""

    PERIOD = 1 << 30

    def __init__(self, value):
        self.value = value

    def ms(self):
        return self.value % self.PERIOD

    def diff(self, end, start):
        return (end - start + self.PERIOD // 2) % self.PERIOD - self.PERIOD // 2


def test_time_begins_at_zero_and_goes_on_across_the_wrap():
    for start in (0, (1 << 29) - 3, (1 << 30) - 3, (1 << 32) - 3):
        ticks = Ticks(start)
        clock = Clock(ticks.ms, ticks.diff)
        assert clock.now() == 0
        for _ in range(10):
            ticks.value += (1 << 29) - 1
            assert clock.now() == ticks.value - start


def test_utc_is_a_separate_fact():
    ticks = Ticks(5)
    clock = Clock(ticks.ms, ticks.diff)
    assert clock.epoch_ms() == 0
    clock = Clock(ticks.ms, ticks.diff, lambda: 1700000000000)
    ticks.value += 10
    assert clock.now() + clock.epoch_ms() == 1700000000000


def test_this_interpreters_ticks_go_forward():
    from holdfast.hal import simulated

    ticks_ms, ticks_diff = simulated.ticks()
    first = ticks_ms()
    assert ticks_diff(ticks_ms(), first) >= 0
    assert simulated.wall_ms() > 1700000000000


def test_what_the_time_is_set_to_moves_nothing_and_is_kept():
    ticks = [0]
    wall = [1795617452000]
    clock = Clock(lambda: ticks[0], lambda end, start: end - start, lambda: wall[0])
    ticks[0] = 1000
    assert clock.epoch_ms() == 1795617451000
    for jump in (315360000000, -315360000000, 4294967296000):
        before = clock.epoch_ms()
        now = clock.now()
        assert clock.set(before + now + jump) == jump
        assert clock.now() == now
        assert clock.epoch_ms() == before + jump
        wall[0] += 5  # the port's own is not asked any more
        ticks[0] += 7


def test_a_port_whose_clock_was_never_set_does_not_know_the_time():
    clock = Clock(lambda: 0, lambda end, start: end - start, lambda: None)
    assert clock.epoch_ms() == 0
