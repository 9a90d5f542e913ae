"""The ticker: pins first, events second, the watchdog last, and what happens when a turn fails."""

from holdfast.shell import ticker as ticker_module
from holdfast.shell.ticker import ROUNDS, Ticker
from makers import module

CLOSED_ON_LOSS = {"2": {"fallback": {"steps": [{"state": "closed"}]}}}


class Clock:
    def __init__(self):
        self.time = 0

    def now(self):
        return self.time


class Pins:
    """Remembers what was written; may refuse."""

    def __init__(self):
        self.levels = bytearray(4)
        self.inputs = [0, 0]
        self.broken = 0  # so many calls fail

    def read(self, index):
        return self.inputs[index]

    def write(self, levels):
        if self.broken:
            self.broken -= 1
            raise OSError(5)
        self.levels[:] = levels


class Watchdog:
    def __init__(self):
        self.fed = 0

    def feed(self):
        self.fed += 1


class Bench:
    """A ticker over a real module and fakes; `story` tells the order of things."""

    def __init__(self, ports=CLOSED_ON_LOSS, **more):
        self.clock = Clock()
        self.pins = Pins()
        self.watchdog = Watchdog()
        self.module = module(ports, levels=b"\0\0\0\0", **more)
        self.pins.inputs[1] = 0
        self.story = []
        self.trouble = None
        self.ticker = Ticker(
            self.module, self.clock, self.pins, self.watchdog, self.publish, self.relieve, 10
        )
        self.reports = []
        ticker_module.report = self.reports.append

    def publish(self, changes):
        self.story.append(("events", bytes(self.pins.levels), len(changes)))
        if self.trouble:
            raise self.trouble

    def relieve(self):
        self.story.append("relieve")

    def lose(self):
        """A master beats and falls silent; the next turn is a trip."""
        self.module.heartbeat("a", 100, self.clock.time)
        self.ticker.turn()
        self.clock.time += 101


def broken(*arguments):
    raise ValueError("a bug")


def test_pins_have_moved_when_events_are_told():
    bench = Bench()
    bench.lose()
    bench.ticker.turn()
    assert bench.pins.levels[2] == 1
    assert [step[1][2] for step in bench.story] == [1]


def test_the_pause_ends_exactly_at_the_next_deadline():
    bench = Bench()
    assert bench.ticker.pause_ms(0) == 10
    bench.module.heartbeat("a", 5, 0)
    assert bench.ticker.pause_ms(0) == 6
    assert bench.ticker.pause_ms(3) == 3
    assert bench.ticker.pause_ms(50) == 0


def test_rules_that_chase_each_other_hold_up_no_turn_and_no_fallback():
    def rule(action, state):
        content = 'boolean(//SimpleItem[@Name="port" and @Value="3"]) and '
        content += 'boolean(//SimpleItem[@Name="state" and @Value="%s"])' % state
        topic = "tns1:Device/tnsaxis:IO/Port"
        return {"action": action, "start": {"topic": topic, "content": content}}

    def toggle(state):
        parameters = {"port": "3", "state": state, "duration": "0"}
        return {"template": "com.axis.action.fixed.io.toggle", "parameters": parameters}

    free = {"fallback": {"locked": False, "steps": [{"after": 0, "state": "hold"}]}}
    bench = Bench(
        {"2": CLOSED_ON_LOSS["2"], "3": free},
        actions={"1": toggle("low"), "2": toggle("high")},
        rules={"1": rule("1", "1"), "2": rule("2", "0")},
    )
    subject = bench.module
    subject.heartbeat("a", 100, 0)
    bench.ticker.turn()
    subject.command(subject.ports[3], 1, "a", 0)
    turns = fallen = 0
    while turns == 0 or bench.ticker.pause_ms(bench.clock.time) == 0:
        bench.story.clear()
        bench.ticker.turn()
        assert len(bench.story) <= ROUNDS
        turns += 1
        bench.clock.time += 30  # a slow board
        if bench.pins.levels[2] == 1 and not fallen:
            fallen = bench.clock.time
        assert turns < 100
    assert turns > 3
    # The master was lost while they were at it; the next turn after that has acted.
    assert 100 < fallen <= 100 + 2 * 30
    assert not subject.events.pending()


def test_a_turn_that_fails_puts_every_output_into_its_fallback():
    bench = Bench()
    bench.module.heartbeat("a", 100000, 0)
    bench.module.tell = broken
    bench.ticker.turn()
    assert bench.pins.levels[2] == 1
    assert bench.module.session("a").lost
    assert len(bench.reports) == 1


def test_when_the_core_fails_altogether_the_prepared_table_is_written():
    bench = Bench()
    bench.module.heartbeat("a", 100000, 0)
    bench.module.act = bench.module.fail = broken
    bench.ticker.turn()
    assert bytes(bench.pins.levels) == bytes(bench.module.fallback_levels)
    assert bench.pins.levels[2] == 1


def test_pins_that_refuse_once_are_written_again():
    bench = Bench()
    bench.lose()
    bench.pins.broken = 1
    bench.ticker.turn()
    assert bench.pins.levels[2] == 1


def test_a_failed_turn_is_not_sound_and_the_next_may_be():
    bench = Bench()
    tell = bench.module.tell
    bench.module.tell = broken
    bench.ticker.turn()
    assert not bench.ticker.sound
    bench.module.tell = tell
    bench.ticker.sound = True
    bench.ticker.turn()
    assert bench.ticker.sound


def test_running_out_of_memory_while_telling_costs_listeners_and_no_output():
    bench = Bench()
    bench.trouble = MemoryError()
    bench.module.heartbeat("a", 100000, 0)
    bench.module.command(bench.module.ports[3], 1, "a", 0)
    bench.ticker.turn()
    assert bench.story[-1] == "relieve"
    assert not bench.module.session("a").lost
    assert bench.ticker.sound


def test_an_input_that_cannot_be_read_is_a_failed_turn():
    bench = Bench()
    bench.pins.read = broken
    bench.ticker.sample()
    assert bench.pins.levels[2] == 1
    assert not bench.ticker.sound


def test_the_watchdog_is_fed_after_a_whole_sound_turn_and_never_else():
    bench = Bench()
    bench.ticker.step()
    assert bench.watchdog.fed == 1
    bench.module.act = broken
    for _ in range(3):
        bench.ticker.step()
    assert bench.watchdog.fed == 1
