"""The alarm over years: it acts when and only when it should."""

from test_runtime_hard_fallback import CLOSED, Bench


def test_ten_virtual_years_of_beats_and_hangs():
    """A beat every nine minutes for ten years; a hang every hundredth time: no trip that is not
    due, none that is missed, across some 290 wraps of the ticks.
    """
    bench = Bench({"2": {"fallback": CLOSED}}, (1 << 30) - 5)
    rounds = 10 * 365 * 24 * 60 // 9
    hangs = 0
    step = 9 * 60 * 1000
    for i in range(rounds // 20):
        bench.beat("a", 10 * 60 * 1000)
        bench.time += step
        bench.alarm.check()
        if i % 100 == 99:
            bench.time += step
            bench.alarm.check()
            hangs += 1
            assert bench.pins.levels[2] == 1
        elif i % 100 == 0:
            assert not bench.module.session("a").lost
        # Nineteen quiet rounds of the same, without the work of each.
        bench.ticker.turn()
        for _ in range(19):
            bench.module.heartbeat("a", 10 * 60 * 1000, bench.ticker.turn())
            bench.ticker.turn()
            bench.time += step
        bench.ticker.turn()
    assert bench.module.trip_count == hangs
    assert bench.clock.now() > 9 * 365 * 24 * 3600 * 1000
