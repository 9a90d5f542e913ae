"""The alarm: fallback at the pins though the loop is blocked, and a core that then agrees."""

import gc

from hog import Hog
from holdfast.core.module import Module
from holdfast.core.reconfigure import bypass, reconfigure
from holdfast.hal.clock import Clock
from holdfast.hal.pins import Pins
from holdfast.runtime import ticker as ticker_module
from holdfast.runtime.hard_fallback import MARGIN_MS, Alarm
from holdfast.runtime.ticker import Ticker
from makers import WIRING, Numbers, account, settings

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython has nothing of the kind; there the test only runs through
    heap_lock = heap_unlock = gc.collect

CLOSED = {"steps": [{"state": "closed"}]}


class Board:
    def __init__(self, wiring):
        self.PORTS = wiring


class Wires(Pins):
    """Pins whose changes are told with their time; `before` is called before each."""

    def __init__(self, bench, levels, wiring):
        super().__init__(Board(wiring), levels)
        self.bench = bench
        self.story = []
        self.levels = bytearray(levels)
        self.before = None

    def _put(self, index, level):
        if self.before is not None:
            before, self.before = self.before, None
            before()
        if self.levels[index] != level and self.bench.telling:
            self.story.append((self.bench.time, index, level))
        self.levels[index] = level


class Bench:
    """A module, a ticker and an alarm by hand; `period`: of the ticks."""

    def __init__(
        self, ports=None, start=0, accounts=None, period=1 << 30, wiring=WIRING, **heartbeat
    ):
        self.time = start
        self.period = period
        self.telling = True
        self.clock = Clock(self.ticks_ms, self.ticks_diff)
        self.zero = start
        levels = bytes([1 - row[2] for row in wiring])
        rows = settings(ports, accounts, wiring, heartbeat=dict(heartbeat, shortest=1))
        self.module = Module(rows, levels, Numbers(), self.clock.now())
        self.pins = Wires(self, levels, wiring)
        self.alarm = Alarm(self.module, self.clock, self.pins)
        self.fed = 0
        self.ticker = Ticker(
            self.module, self.clock, self.pins, self, self.publish, self.relieve, 10, self.alarm
        )
        self.reports = []
        ticker_module.report = self.reports.append
        self.trouble = None

    def ticks_ms(self):
        return self.time % self.period

    def ticks_diff(self, end, start):
        return (end - start + self.period // 2) % self.period - self.period // 2

    def feed(self):
        self.fed += 1

    def publish(self, changes):
        if self.trouble is not None:
            self.trouble()

    def relieve(self):
        pass

    def beat(self, master="a", duration=100):
        self.module.heartbeat(master, duration, self.ticker.turn())
        self.ticker.turn()

    def blocked(self, ms):
        """The loop stands still; the timer does not."""
        for _ in range(ms):
            self.time += 1
            if self.time % 10 == 0:
                self.alarm.check()


def test_a_blocked_loop_does_not_keep_outputs_from_their_fallback():
    bench = Bench({"2": {"fallback": CLOSED}, "3": {"fallback": CLOSED}})
    bench.beat()
    bench.blocked(5000)
    # Expired at 101, the margin is over at 121, the timer came at 130.
    assert bench.pins.story == [(130, 2, 1), (130, 3, 0)]
    assert not bench.module.session("a").lost  # the core has not been there yet
    bench.ticker.turn()
    session = bench.module.session("a")
    assert session.lost and session.id is None
    assert len(bench.pins.story) == 2
    assert bench.module.trips == [
        ("a", 101, 130, "no heartbeat for 100 ms; the module hung for 4899 ms, its alarm acted")
    ]
    assert bench.module.worst_lateness_ms == 29
    # And everything goes on.
    bench.beat()
    assert not session.lost
    assert bench.module.command(bench.module.ports[2], 0, "a", bench.clock.now()) is None
    bench.ticker.turn()
    assert bench.pins.levels[2] == 0


def test_a_loop_that_is_in_time_never_meets_the_alarm():
    bench = Bench({"2": {"fallback": CLOSED}})
    bench.beat()
    while bench.time < 100 + MARGIN_MS:
        bench.time += 1
        bench.alarm.check()
        bench.ticker.turn()
    assert bench.pins.story == [(101, 2, 1)]
    assert bench.module.trips[0][3] == "no heartbeat for 100 ms"


def test_it_is_never_early():
    bench = Bench({"2": {"fallback": CLOSED}})
    bench.beat()
    bench.time = 100 + MARGIN_MS
    bench.alarm.check()
    assert bench.pins.story == []
    bench.time += 1
    bench.alarm.check()
    assert bench.pins.story == [(121, 2, 1)]


def test_only_outputs_of_the_master_that_fell_silent_move():
    ports = {
        "2": {"fallback": {"master": "a", "steps": [{"state": "closed"}]}},
        "3": {"fallback": {"master": "b", "steps": [{"state": "closed"}]}},
    }
    bench = Bench(ports)
    bench.beat("a", 100)
    bench.beat("b", 1000)
    bench.blocked(500)
    assert bench.pins.story == [(130, 2, 1)]
    bench.blocked(1000)
    assert bench.pins.story == [(130, 2, 1), (1030, 3, 0)]
    bench.ticker.turn()
    assert [trip[:3] for trip in bench.module.trips] == [("a", 101, 130), ("b", 1001, 1030)]
    assert len(bench.pins.story) == 2


def test_a_first_step_that_comes_later_comes_later():
    steps = [{"state": "hold"}, {"after": 300, "state": "closed"}]
    bench = Bench({"2": {"fallback": {"steps": steps}}, "3": {"fallback": CLOSED}})
    bench.beat()
    bench.blocked(1000)
    assert bench.pins.story == [(130, 3, 0), (430, 2, 1)]


def test_a_port_in_its_timeline_is_left_to_it():
    """The second master's loss does not begin it anew."""
    steps = [{"state": "closed"}, {"after": 50, "state": "open"}]
    bench = Bench({"2": {"fallback": {"steps": steps}}}, masters=["a", "b"])
    bench.beat("a", 100)
    bench.beat("b", 300)
    for _ in range(20):
        bench.time += 10
        bench.ticker.turn()
    assert bench.pins.story == [(110, 2, 1), (160, 2, 0)]
    bench.blocked(1000)
    assert bench.pins.story == [(110, 2, 1), (160, 2, 0)]
    bench.ticker.turn()
    assert bench.module.session("b").lost


PULSE = {
    "steps": [
        {"state": "closed"},
        {"after": 50, "state": "open"},
        {"after": 500, "state": "closed"},
    ]
}


def test_later_steps_come_though_the_loop_has_been_blocked_since_before_the_loss():
    steps = [{"state": "hold"}, {"after": 200, "state": "closed", "pulse": 100}]
    bench = Bench({"2": {"fallback": PULSE}, "3": {"fallback": {"steps": steps}}})
    bench.beat()
    bench.blocked(2000)
    assert bench.pins.story == [
        (130, 2, 1),
        (180, 2, 0),
        (330, 3, 0),
        (430, 3, 1),
        (630, 2, 1),
    ]
    bench.ticker.turn()
    assert bench.module.trips[0][:3] == ("a", 101, 130)
    assert len(bench.pins.story) == 5  # the core has come to the same
    assert bench.module.ports[2].state == 1 and bench.module.ports[3].state == 0


def test_later_steps_come_though_the_loop_is_blocked_between_them():
    bench = Bench({"2": {"fallback": PULSE}})
    bench.beat()
    bench.time = 110
    bench.ticker.turn()
    bench.blocked(2000)
    assert bench.pins.story == [(110, 2, 1), (180, 2, 0), (630, 2, 1)]
    bench.ticker.turn()
    assert len(bench.pins.story) == 3
    assert bench.module.trip_count == 1
    # And the next loss is as the first.
    bench.beat()
    bench.module.command(bench.module.ports[2], 0, "a", bench.clock.now())
    bench.ticker.turn()
    del bench.pins.story[:]
    zero = bench.time
    bench.blocked(2000)
    assert [(time - zero, level) for time, _, level in bench.pins.story] == [
        (130, 1),
        (180, 0),
        (630, 1),
    ]


def test_a_second_master_that_falls_silent_meanwhile_does_not_begin_it_anew():
    bench = Bench({"2": {"fallback": PULSE}}, masters=["a", "b"])
    bench.beat("a", 100)
    bench.beat("b", 200)
    bench.blocked(2000)
    assert bench.pins.story == [(130, 2, 1), (180, 2, 0), (630, 2, 1)]
    bench.ticker.turn()
    assert len(bench.pins.story) == 3
    assert bench.module.session("a").lost and bench.module.session("b").lost


def test_whoever_is_back_or_has_set_the_port_meets_no_later_step():
    for unlocked in (False, True):
        bench = Bench({"2": {"fallback": dict(PULSE, locked=not unlocked, on_return="hold")}})
        bench.beat()
        bench.time = 110
        bench.ticker.turn()
        if unlocked:
            assert bench.module.command(bench.module.ports[2], 1, "b", bench.clock.now()) is None
            bench.ticker.turn()
        else:
            bench.beat("a", 100000)
        bench.blocked(2000)
        assert bench.pins.story == [(110, 2, 1)]


def play(bench, *steps):
    bench.ticker.turn()
    port = bench.module.ports[2]
    assert bench.module.sequence(port, steps, "b", bench.clock.now(), True) is None
    bench.ticker.turn()


def test_a_pulse_or_a_sequence_ends_though_the_loop_is_blocked():
    bench = Bench({"2": {"fallback": CLOSED}})
    bench.beat("a", 100000)
    play(bench, (1, 500), (0, 0))
    bench.blocked(2000)
    assert bench.pins.story == [(0, 2, 1), (520, 2, 0)]
    bench.ticker.turn()
    assert len(bench.pins.story) == 2 and bench.module.ports[2].since == 500
    bench.time = 3000
    play(bench, (1, 300), (0, 200), (1, 100), (0, 0))
    bench.time = 3310
    bench.ticker.turn()
    del bench.pins.story[:]
    bench.blocked(1000)
    assert bench.pins.story == [(3520, 2, 1), (3620, 2, 0)]
    assert bench.module.trip_count == 0


def test_another_sequence_with_its_next_step_at_the_same_time_is_another():
    bench = Bench()
    bench.beat("a", 100000)
    play(bench, (1, 100), (0, 0))
    bench.time = 50
    play(bench, (0, 50), (1, 0))
    bench.blocked(1000)
    assert bench.pins.story == [(0, 2, 1), (50, 2, 0), (120, 2, 1)]


def test_a_loss_while_the_loop_is_blocked_ends_a_sequence():
    bench = Bench({"2": {"fallback": CLOSED}})
    bench.beat("a", 100)
    play(bench, (1, 50), (0, 40), (1, 1000), (0, 1000), (1, 1000), (0, 0))
    bench.blocked(5000)
    assert bench.pins.story == [(0, 2, 1), (70, 2, 0), (110, 2, 1)]
    bench.ticker.turn()
    assert len(bench.pins.story) == 3 and bench.module.session("a").lost


def test_a_sequence_of_somebody_is_no_step_of_a_fallback():
    bench = Bench({"2": {"fallback": dict(PULSE, locked=False)}})
    bench.beat("a", 100)
    bench.time = 110
    bench.ticker.turn()
    play(bench, (0, 20), (1, 20), (0, 20))
    bench.blocked(2000)
    assert bench.pins.story == [(110, 2, 1), (110, 2, 0), (150, 2, 1), (170, 2, 0)]


def test_a_heartbeat_in_time_is_no_trip_though_its_turn_takes_long():
    bench = Bench({"2": {"fallback": CLOSED}})
    bench.beat()
    bench.time = 95
    bench.module.heartbeat("a", 100, bench.ticker.turn())
    bench.blocked(60)  # a collection of garbage before the turn that arms anew
    bench.ticker.turn()
    assert bench.pins.story == [] and not bench.module.session("a").lost


def test_a_heartbeat_that_the_blocked_turn_took_too_late_does_not_undo_the_trip():
    bench = Bench({"2": {"fallback": CLOSED}})
    bench.beat()
    bench.time = 95
    now = bench.ticker.turn()
    bench.blocked(60)
    bench.module.heartbeat("a", 100, now)
    bench.pins.write(bench.module.levels)  # whoever writes now does not get through
    assert bench.pins.story == [(130, 2, 1)]
    bench.ticker.turn()
    assert bench.pins.story == [(130, 2, 1)]
    assert bench.module.session("a").lost
    assert bench.module.trips[-1][:3] == ("a", 101, 130)


def test_an_alarm_in_the_middle_of_a_write_has_the_last_word():
    bench = Bench({"2": {"fallback": CLOSED}, "3": {}})
    bench.beat()
    bench.module.command(bench.module.ports[3], 1, "a", bench.clock.now())
    bench.time = 121
    bench.module.levels[2] = 0
    bench.pins.before = bench.alarm.check
    bench.pins.write(bench.module.levels)
    assert bench.pins.levels[2] == 1
    assert bench.pins.levels[3] == 1  # its fallback is open: level 1 there


def test_the_rows_follow_masters_that_come_and_go():
    bench = Bench({"2": {"fallback": CLOSED}})
    bench.beat()
    now = bench.clock.now()
    reconfigure(bench.module, settings({"2": {"fallback": CLOSED}}, [account("new")]), now)
    bench.ticker.turn()  # `a` is gone: lost, and awaited no more
    bench.beat("new", 50)
    bench.module.command(bench.module.ports[2], 0, "new", bench.clock.now())
    bench.ticker.turn()
    del bench.pins.story[:]
    bench.blocked(1000)
    assert bench.pins.story == [(80, 2, 1)]


def test_masters_may_come_and_go_while_check_is_under_way():
    """Where it is a thread it has been interrupted itself."""
    ports = {"2": {"fallback": CLOSED}, "3": {"fallback": CLOSED}}
    bench = Bench(ports, 0, [account("a"), account("b"), account("c")])
    for master in "abc":
        bench.beat(master)

    def adopt():
        reconfigure(bench.module, settings(ports, [account("c")]), bench.clock.now())
        bench.alarm.arm()

    bench.pins.before = adopt
    bench.time = 150
    bench.alarm.check()
    assert bench.pins.levels[2] == 1
    bench.ticker.turn()
    assert bench.module.session("c").lost
    bench.beat("c", 50)
    del bench.pins.story[:]
    bench.module.command(bench.module.ports[2], 0, "c", bench.clock.now())
    bench.ticker.turn()
    bench.blocked(1000)
    assert [row[1:] for row in bench.pins.story] == [(2, 0), (2, 1)]


def test_check_allocates_nothing():
    """In a hard interrupt the heap is locked: whoever allocates there fails."""
    bench = Bench({"2": {"fallback": PULSE}, "3": {"fallback": CLOSED}})
    bench.beat()
    bench.telling = False  # the story would allocate
    for time in (50, 121, 130, 180, 2000, 2001):
        if time == 2001:
            bench.time = 2000
            bench.ticker.turn()
            bench.beat()
            bench.time += 110
            bench.ticker.turn()  # in the timeline
            time = bench.time + 1000
        bench.time = time
        heap_lock()
        try:
            bench.alarm.check()
        finally:
            heap_unlock()
    assert bytes(bench.pins.levels[2:]) == b"\1\0"


def test_act_and_the_write_after_it_allocate_nothing():
    bench = Bench({"2": {"fallback": CLOSED}, "3": {"fallback": CLOSED}})
    bench.beat()
    bench.telling = False
    bench.time = 300
    now = bench.clock.now()
    heap_lock()
    try:
        bench.module.act(now)
        bench.pins.write(bench.module.levels)
    finally:
        heap_unlock()
    assert bytes(bench.pins.levels[2:]) == b"\1\0"


def test_it_works_across_every_wrap_of_the_ticks():
    for start in (0, 1 << 29, 1 << 30, 1 << 32):
        for before in (1, 60, 101, 121, 130):
            bench = Bench({"2": {"fallback": CLOSED}}, start - before + (1 << 33))
            zero = bench.time
            bench.beat()
            for _ in range(500):
                bench.time += 1
                bench.alarm.check()
            assert bench.pins.story == [(zero + 121, 2, 1)], (start, before)
            bench.ticker.turn()
            assert bench.module.trips[0][:3] == ("a", 101, 121)


def test_durations_beyond_what_ticks_can_tell_are_armed_when_they_come_near():
    week = 7 * 24 * 60 * 60 * 1000
    accounts = [account("a", within=(1 << 29) - 2)]
    bench = Bench({"2": {"fallback": CLOSED}}, accounts=accounts)
    due = (1 << 29) - 1
    while bench.time < due - 1000:
        bench.ticker.turn()
        bench.alarm.check()
        bench.time = min(bench.time + week // 100, due - 1000)
    bench.ticker.turn()
    assert bench.pins.story == []
    bench.time = due + MARGIN_MS
    bench.alarm.check()
    assert bench.pins.story == [(due + MARGIN_MS, 2, 1)]


def test_no_memory_for_the_new_deadline_is_no_alarm_rather_than_a_false_one():
    bench = Bench({"2": {"fallback": CLOSED}})
    bench.beat()

    def full(at):
        raise MemoryError

    until = bench.clock.until
    bench.clock.until = full
    bench.time = 90
    bench.beat()
    bench.blocked(60)
    assert bench.pins.story == []
    bench.clock.until = until
    bench.ticker.turn()
    bench.blocked(1000)
    assert bench.pins.story == [(220, 2, 1)]


def test_no_memory_at_any_allocation_of_a_turn_and_outputs_fall_back_all_the_same():
    """The heap is full but for 0, 1, 2, ... blocks when the deadline passes: pins move in that
    very turn, and the turn after it tells what happened. Only MicroPython's heap can be filled.
    """
    if not hasattr(gc, "mem_free"):
        return
    worked = 0
    for blocks in range(0, 240, 4):
        bench = Bench({"2": {"fallback": CLOSED}, "3": {"fallback": CLOSED}})
        bench.beat()
        bench.telling = False
        bench.time = 101 if blocks % 2 else 130
        ticker_module.report = quiet
        hog = Hog(blocks)
        try:
            bench.ticker.turn()
        except MemoryError:
            pass
        moved = bench.pins.levels[2] == 1 and bench.pins.levels[3] == 0
        hog.end()
        hog = None
        assert moved, blocks
        bench.ticker.step()
        assert bench.module.session("a").lost, blocks
        assert bench.module.trip_count >= 1, blocks
        worked += 1
    assert worked == 60


def quiet(error):
    """Nothing is printed."""


# -- what is armed, and what is left of an alarm --------------------------------------------------


def test_what_is_farther_than_ticks_can_tell_is_armed_later_to_the_very_ms():
    far = 1 << 28
    for left, armed in ((far - 1, True), (far, False), (far + 1, False)):
        bench = Bench({"2": {"fallback": CLOSED}}, accounts=[account("a")])
        session = bench.module.session("a")
        session.expires_at = left - MARGIN_MS
        bench.module.reckon()
        bench.ticker.turn()
        bench.time = left
        bench.alarm.check()
        assert (bench.pins.story == [(left, 2, 1)]) is armed, left
        bench = Bench()
        play(bench, (1, left - MARGIN_MS), (0, 0))
        bench.time = left
        bench.alarm.check()
        assert (bench.pins.story[1:] == [(left, 2, 0)]) is armed, left


def test_a_new_alarm_has_not_acted_and_one_that_was_settled_has_not_either():
    bench = Bench({"2": {"fallback": CLOSED}})
    assert bench.alarm.acted is False
    bench.alarm.check()
    assert bench.alarm.acted is False
    bench.beat()
    bench.blocked(500)
    assert bench.alarm.acted is True
    bench.ticker.turn()
    assert bench.alarm.acted is False


def test_an_alarm_for_a_sequence_takes_nobodys_session_with_it():
    """What it did for a loss before is settled: it is not done again."""
    bench = Bench({"2": {"fallback": CLOSED}})
    bench.beat()
    bench.blocked(500)
    bench.ticker.turn()
    assert bench.module.trip_count == 1
    bench.beat("a", 100000)
    identifier = bench.module.session("a").id
    play(bench, (1, 100), (0, 0))
    bench.blocked(500)
    assert bench.alarm.acted
    bench.ticker.turn()
    assert bench.module.session("a").id == identifier and bench.module.trip_count == 1


def test_the_rows_are_made_when_masters_change_and_not_in_every_turn():
    bench = Bench({"2": {"fallback": CLOSED}})
    bench.beat()
    table = bench.alarm._table
    bench.beat()
    assert bench.alarm._table is table
    reconfigure(bench.module, settings(None, [account("b")]), bench.clock.now())
    bench.ticker.turn()
    assert bench.alarm._table is not table


THREE = WIRING + ((14, "output", 1),)


def test_every_output_has_its_own_steps():
    """Of three outputs in a sequence each goes on at its own times while the loop is blocked."""
    bench = Bench(wiring=THREE)
    bench.beat("a", 100000)
    for index, ms in ((2, 100), (3, 200), (4, 300)):
        port = bench.module.ports[index]
        steps = ((1, ms), (0, 50), (1, 0))
        assert bench.module.sequence(port, steps, "b", bench.clock.now()) is None
    bench.ticker.turn()
    del bench.pins.story[:]
    bench.blocked(1000)
    assert bench.pins.story == [
        (120, 2, 0),
        (170, 2, 1),
        (220, 3, 1),
        (270, 3, 0),
        (320, 4, 0),
        (370, 4, 1),
    ]
    bench.ticker.turn()
    assert len(bench.pins.story) == 6


def test_every_output_falls_back_at_its_own_time():
    ports = {}
    for index, after in (("2", 0), ("3", 100), ("4", 200)):
        ports[index] = {"fallback": {"steps": [{"after": after, "state": "closed"}]}}
    bench = Bench(ports, wiring=THREE)
    bench.beat()
    bench.blocked(1000)
    assert bench.pins.story == [(130, 2, 1), (230, 3, 0), (330, 4, 1)]


def test_each_look_is_counted_and_the_count_begins_anew():
    bench = Bench()
    assert bench.alarm.ticks == 0
    told = []
    for _ in range(3):
        bench.alarm.check()
        told.append(bench.alarm.ticks)
    bench.alarm.ticks = 0xFFFE
    for _ in range(3):
        bench.alarm.check()
        told.append(bench.alarm.ticks)
    assert told == [1, 2, 3, 0xFFFF, 0, 1]


def test_nothing_is_armed_anew_while_deadlines_stay():
    bench = Bench({"2": {"fallback": CLOSED}})
    bench.beat()
    asked = []
    until = bench.clock.until
    bench.clock.until = lambda at: asked.append(at) or until(at)
    for _ in range(5):
        bench.alarm.arm()
    assert asked == []
    bench.time += 1
    bench.beat()
    assert asked == [bench.module.session("a").expires_at + MARGIN_MS]


def test_a_returning_master_that_falls_silent_again_is_watched():
    """What was commanded meanwhile does not stay though the loop is blocked."""
    bench = Bench({"2": {"fallback": {}}}, masters=["a"], return_after=2)
    bench.beat()
    bench.time = 200
    bench.ticker.turn()
    bench.beat()  # the first of two
    assert bench.module.command(bench.module.ports[2], 1, "b", bench.clock.now()) is None
    bench.ticker.turn()
    bench.blocked(1000)
    assert bench.pins.story == [(200, 2, 1), (330, 2, 0)]
    bench.ticker.turn()
    assert bench.module.trip_count == 2


def test_of_two_losses_while_the_loop_is_blocked_the_earlier_one_counts_first():
    """The alarm has nothing to write for the loss of `a`: it is due all the same."""
    hold = {"steps": [{"state": "hold"}, {"after": 10000, "state": "closed"}]}
    ports = {"2": {"fallback": hold}, "3": {"fallback": dict(CLOSED, master="b")}}
    bench = Bench(ports, masters=["a"])
    bench.beat("a", 100)
    bench.beat("b", 200)
    bench.blocked(1000)
    bench.ticker.turn()
    lost = bench.module.events.properties[0]
    assert (lost.data, lost.at) == ("1", 101)
    assert bench.module.next_deadline() == 10101
    trips = sorted([(trip[0], trip[1]) for trip in bench.module.trips])
    assert trips == [("a", 101), ("b", 201)]
    assert "its alarm acted" not in bench.module.trips[0][3]


def test_a_bypass_that_ends_after_one_loss_and_before_another_ends_between_them():
    later = {"steps": [{"state": "hold"}, {"after": 10000, "state": "closed"}], "master": "b"}
    bench = Bench(
        {"2": {"fallback": later}, "3": {"fallback": CLOSED}}, masters=["a"], needed="any"
    )
    bench.beat("b", 100)
    bench.beat("a", 200)
    bypass(bench.module, bench.module.ports[2], 150, "root", bench.clock.now())
    bench.blocked(1000)
    assert bench.pins.story == [(230, 3, 0)]
    bench.ticker.turn()
    assert bench.module.ports[2].bypassed_until is None
    assert bench.module.next_deadline() == 150 + 10000


def test_of_sessions_that_end_in_the_same_ms_the_last_one_is_lost_as_without_the_alarm():
    for blocked in (0, 30):
        bench = Bench({"2": {"fallback": CLOSED}})
        bench.beat("a", 100)
        bench.beat("b", 100)
        bench.time = 101
        bench.blocked(blocked)
        bench.ticker.turn()
        assert [trip[:2] for trip in bench.module.trips] == [("b", 101)], blocked
        assert (bench.module.session("a").lost, bench.pins.levels[2]) == (False, 1)
