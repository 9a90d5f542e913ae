"""The ticker: pins first, events second, the watchdog last, and what happens when a turn fails."""

from holdfast.core.events import VIRTUAL_INPUT
from holdfast.core.log import Log
from holdfast.runtime import ticker as ticker_module
from holdfast.runtime.ticker import (
    PATIENCE_MS,
    ROUNDS,
    SILENT_MS,
    SILENT_STEPS,
    STARVED_MS,
    Ticker,
)
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


def edge_rules(*ports):
    """A rule for each of these outputs, which sets it when virtual input 1 becomes active."""
    content = 'boolean(//SimpleItem[@Name="active" and @Value="1"])'
    start = {"topic": "tns1:Device/tnsaxis:IO/VirtualInput", "content": content}
    actions = {}
    rules = {}
    for port in ports:
        parameters = {"port": port, "state": "high", "duration": ""}
        actions[port] = {
            "template": "com.axis.action.fixed.io.toggle",
            "parameters": parameters,
        }
        rules[port] = {"name": "for " + port, "action": port, "start": start}
    free = {"fallback": {"locked": False, "steps": [{"state": "hold"}]}}
    return Bench({"2": free, "3": free}, actions=actions, rules=rules)


def starve(bench, port, times):
    """The rule of a port finds no memory so many times, with `times` None never."""
    rules = bench.module.rules
    act = rules._act
    tries = []

    def starved(rule, *arguments):
        if rule.name == "for " + port and (times is None or len(tries) < times):
            tries.append(1)
            raise MemoryError
        return act(rule, *arguments)

    rules._act = starved
    return tries


def fired(bench):
    return [rule.fired for rule in bench.module.rules.rules]


def test_a_rule_without_memory_fires_in_a_later_turn_and_none_fires_twice():
    for times in (1, 2, 3, 7):
        bench = edge_rules("2", "3")
        bench.ticker.turn()
        tries = starve(bench, "3", times)
        bench.module.switch(VIRTUAL_INPUT, 1, True, None, 0)
        for _ in range(1 + times // 2):
            bench.ticker.turn()
            bench.clock.time += 10
        assert len(tries) == times
        assert fired(bench) == [1, 1]
        assert bytes(bench.pins.levels[2:]) == b"\1\0"  # the second's closed level is 0
        told = [step for step in bench.story if step != "relieve"]
        # Whatever happened was told, once: the switch, and what the two rules made of it.
        assert sum(step[2] for step in told) == 1 + 2 * 3
        assert not bench.module.events.pending()


def test_a_rule_that_never_finds_memory_holds_up_nobody_for_ever_and_is_told():
    bench = edge_rules("2", "3")
    bench.module.log = Log()
    bench.ticker.turn()
    starve(bench, "2", None)
    bench.module.switch(VIRTUAL_INPUT, 1, True, None, 0)
    while bench.clock.time < PATIENCE_MS:
        bench.ticker.turn()
        bench.clock.time += 10
        assert bench.story[-1:] == ["relieve"] and fired(bench) == [0, 0]
    for _ in range(3):
        bench.ticker.turn()
    assert fired(bench) == [0, 1]
    assert bench.pins.levels[3] == 0
    assert [rule.missed for rule in bench.module.rules.rules] == [1, 0]
    texts = [entry[4] for entry in bench.module.log.books[1].waiting]
    assert texts == ["rule for 2: an event missed, the heap is full"]
    # And the next event finds it as it was.
    bench.module.switch(VIRTUAL_INPUT, 1, False, None, bench.clock.time)
    bench.ticker.turn()
    assert bench.story[-1] != "relieve"


def test_a_turn_whose_core_could_not_fail_yet_makes_up_for_it():
    bench = Bench()
    bench.module.heartbeat("a", 100000, 0)
    bench.module.heartbeat("b", 100000, 0)
    act, fail = bench.module.act, bench.module.fail
    bench.module.act = bench.module.fail = broken
    bench.ticker.turn()
    assert bench.pins.levels[2] == 1
    assert not bench.module.session("a").lost
    bench.module.act, bench.module.fail = act, fail
    bench.ticker.turn()
    # What is on the wire and what the core says are the same again, and nobody is alive.
    assert bench.pins.levels[2] == 1 and bench.module.levels[2] == 1
    assert bench.module.session("a").id is None and bench.module.session("b").id is None


def test_inputs_without_memory_are_looked_at_once_more_and_fail_nothing():
    bench = Bench()
    now = bench.clock.now
    failures = [MemoryError(), MemoryError(), MemoryError()]

    def starved():
        if failures:
            raise failures.pop()
        return now()

    bench.pins.inputs[0] = 1
    bench.clock.now = starved
    bench.ticker.sample()
    assert bench.module.ports[0].state == 0 and bench.ticker.sound
    bench.ticker.sample()
    assert bench.module.ports[0].state == 1 and bench.ticker.sound


# -- the order of a turn, and what a failed one leaves --------------------------------------------


class Holding(Pins):
    """Pins that an alarm holds: nothing is written before they are released."""

    held = True

    def write(self, levels):
        if not self.held:
            Pins.write(self, levels)

    def release(self):
        self.held = False


class Alarm:
    """Stands for runtime.hard_fallback: what it is asked, and the levels at that time."""

    def __init__(self, bench):
        self.bench = bench
        self.acted = False
        self.told = []

    def arm(self):
        self.told.append(("arm", bytes(self.bench.pins.levels), len(self.bench.story)))

    def settle(self):
        self.acted = False
        self.told.append(("settle",))


def alarmed():
    bench = Bench()
    alarm = bench.ticker._alarm = Alarm(bench)
    return bench, alarm


def test_the_bounds_of_a_turn():
    assert (ROUNDS, PATIENCE_MS) == (4, 2000)


def test_the_alarm_is_armed_after_the_pins_and_before_anybody_is_told():
    bench, alarm = alarmed()
    bench.lose()
    del alarm.told[:], bench.story[:]
    bench.ticker.turn()
    assert alarm.told == [("arm", b"\0\0\1\1", 0)]
    assert len(bench.story) == 1


def test_what_the_alarm_did_is_settled_before_anything_else_of_the_turn():
    bench, alarm = alarmed()
    alarm.acted = True
    act = bench.module.act

    def acting(now):
        alarm.told.append(("act",))
        return act(now)

    bench.module.act = acting
    bench.ticker.turn()
    assert [row[0] for row in alarm.told] == ["settle", "act", "arm"]
    bench.ticker.turn()
    assert [row[0] for row in alarm.told[3:]] == ["act", "arm"]


def test_a_failed_turn_writes_the_fallback_though_an_alarm_holds_the_pins():
    for fails in (("act",), ("act", "fail")):
        bench, _ = alarmed()
        bench.module.heartbeat("a", 100000, 0)
        bench.pins = bench.ticker._pins = Holding()
        act = bench.module.act
        tries = []

        def once(now, act=act, tries=tries, fails=fails):
            tries.append(now)
            if len(tries) == 1 or len(fails) == 2:
                raise ValueError("a bug")
            return act(now)

        bench.module.act = once
        bench.ticker.turn()
        assert bench.pins.levels[2] == 1, fails


def test_a_sound_turn_after_a_failed_one_feeds_the_watchdog_and_fails_no_master_again():
    bench = Bench()
    bench.module.heartbeat("a", 100000, 0)
    tell = bench.module.tell
    bench.module.tell = broken
    bench.ticker.step()
    assert (bench.watchdog.fed, bench.ticker.sound) == (0, False)
    bench.module.tell = tell
    bench.ticker.step()
    assert (bench.watchdog.fed, bench.ticker.sound) == (1, True)
    bench.module.heartbeat("a", 100000, 0)
    bench.ticker.step()
    assert not bench.module.session("a").lost and bench.watchdog.fed == 2


def test_a_step_looks_at_the_inputs_and_tells_the_time():
    bench = Bench()
    bench.pins.inputs[0] = 1
    bench.clock.time = 70
    assert bench.ticker.step() == 70
    assert bench.module.ports[0].state == 1


class Enough(Exception):
    """The loop has run for long enough."""


def test_it_steps_until_somebody_ends_it_and_sleeps_until_the_next_deadline():
    bench = Bench()
    bench.module.heartbeat("a", 25, 0)
    slept = []

    async def sleep_ms(ms):
        slept.append((bench.clock.time, ms))
        bench.clock.time += ms
        if len(slept) == 4:
            raise Enough

    before = ticker_module.sleep_ms
    ticker_module.sleep_ms = sleep_ms
    try:
        bench.ticker.run().send(None)
    except Enough:
        pass
    finally:
        ticker_module.sleep_ms = before
    assert slept == [(0, 10), (10, 10), (20, 6), (26, 10)]
    assert bench.watchdog.fed == 4 and bench.pins.levels[2] == 1


def test_the_time_of_a_turn_is_told_though_it_fails():
    bench = Bench()
    bench.clock.time = 50
    assert bench.ticker.turn() == 50
    bench.clock.time = 60
    bench.module.act = bench.module.fail = broken
    assert bench.ticker.turn() == 60
    bench.clock.now = broken
    assert bench.ticker.turn() == 60
    # Nothing is known of the time yet.
    bench = Bench()
    bench.clock.now = broken
    assert bench.ticker.turn() == 0


def test_how_late_a_loss_was_counts_until_its_pins_have_moved():
    bench = Bench()
    bench.lose()
    write = bench.pins.write

    def slow(levels):
        write(levels)
        bench.clock.time += 7

    bench.pins.write = slow
    before = bench.clock.time
    assert bench.ticker.turn() == before + 7
    assert bench.module.trips[-1][:3] == ("a", before, before + 7)
    assert bench.module.worst_lateness_ms == 7
    # Where nothing was due the time is the one that was read at first.
    assert bench.ticker.turn() == before + 7
    assert bench.clock.time == before + 14


def test_the_heap_is_relieved_before_anything_is_tried_again():
    for part in ("act", "tell"):
        bench = Bench()
        method = getattr(bench.module, part)
        tries = []

        def starved(now, method=method, tries=tries):
            tries.append(1)
            if len(tries) == 1:
                raise MemoryError
            return method(now)

        setattr(bench.module, part, starved)
        bench.ticker.turn()
        assert bench.story == ["relieve"] and bench.ticker.sound, part
    bench = Bench()
    now = bench.clock.now
    tries = []

    def starved_clock():
        tries.append(1)
        if len(tries) == 1:
            raise MemoryError
        return now()

    bench.clock.now = starved_clock
    bench.pins.inputs[0] = 1
    bench.ticker.sample()
    assert bench.story == ["relieve"] and bench.module.ports[0].state == 1


def test_what_rules_move_after_their_rest_is_at_the_pins_and_told_in_the_same_turn():
    bench = edge_rules("2")
    bench.ticker.turn()
    del bench.story[:]

    def resume(now):
        return bench.module.command(bench.module.ports[3], 1, "rule", now) is None

    bench.module.rules.resume = resume
    bench.ticker.turn()
    assert bench.pins.levels[3] == 0
    assert [step[0] for step in bench.story] == ["events"]
    assert bench.story[0][1] == bytes(bench.pins.levels)
    # Without rules nobody rests, and events are only told.
    bench = Bench()
    bench.module.switch(VIRTUAL_INPUT, 1, True, None, 0)
    bench.ticker.turn()
    assert bench.ticker.sound and bench.story[-1][0] == "events"


def test_the_pins_of_rules_come_before_anybody_is_told_what_moved_them():
    bench = edge_rules("2")
    bench.ticker.turn()
    del bench.story[:]
    bench.module.switch(VIRTUAL_INPUT, 1, True, None, 0)
    bench.ticker.turn()
    assert bench.story[0][0] == "events"
    assert bench.story[0][1][2] == 1


def test_an_event_that_fails_a_turn_is_not_tried_for_ever():
    bench = edge_rules("2")
    bench.ticker.turn()
    react = bench.module.rules.react
    seen = []

    def failing(changes, now):
        seen.append([change[0].topic for change in changes])
        if len(seen) == 1:
            raise ValueError("a bug")
        return react(changes, now)

    bench.module.rules.react = failing
    bench.module.switch(VIRTUAL_INPUT, 1, True, None, 0)
    bench.ticker.turn()
    assert seen == [[VIRTUAL_INPUT]] and not bench.ticker.sound
    assert len(bench.reports) == 1
    for _ in range(3):
        bench.ticker.step()
    assert VIRTUAL_INPUT not in [topic for topics in seen[1:] for topic in topics]
    assert len(bench.reports) == 1 and bench.ticker.sound


def test_every_rule_that_finds_no_memory_has_its_own_patience():
    bench = edge_rules("2", "3")
    bench.ticker.turn()

    def starved(*arguments):
        raise MemoryError

    bench.module.rules._act = starved
    bench.module.switch(VIRTUAL_INPUT, 1, True, None, 0)
    bench.ticker.turn()  # patience begins at 0

    def missed(now):
        bench.clock.time = now
        bench.ticker.turn()
        return [rule.missed for rule in bench.module.rules.rules]

    assert missed(PATIENCE_MS - 1) == [0, 0]
    assert missed(PATIENCE_MS) == [1, 0]
    assert missed(PATIENCE_MS + 1) == [1, 0]  # now the second one's begins
    assert missed(2 * PATIENCE_MS) == [1, 0]
    assert missed(2 * PATIENCE_MS + 1) == [1, 1]
    assert bench.story.count("relieve") >= 6


def test_memory_is_made_between_two_tries_of_a_rule():
    bench = edge_rules("2")
    bench.ticker.turn()
    del bench.story[:]
    starve(bench, "2", 1)
    bench.module.switch(VIRTUAL_INPUT, 1, True, None, 0)
    bench.ticker.turn()
    assert bench.story[0] == "relieve" and bench.story.count("relieve") == 1
    assert fired(bench) == [1]


class Timer:
    """An alarm as the ticker sees it, whose ticks may end."""

    acted = False

    def __init__(self):
        self.ticks = 0

    def arm(self):
        pass


def watched(bench, revive):
    """The bench's ticker, with an alarm that it watches."""
    alarm = Timer()
    bench.ticker = Ticker(
        bench.module,
        bench.clock,
        bench.pins,
        bench.watchdog,
        bench.publish,
        bench.relieve,
        10,
        alarm,
        revive,
    )
    return alarm


def steps(bench, count, ms=10, tick=lambda: None):
    for _ in range(count):
        bench.clock.time += ms
        tick()
        bench.ticker.step()


def test_an_alarm_that_ticks_no_more_is_made_anew_and_only_that():
    bench = Bench()
    made = []
    alarm = watched(bench, made.append)

    def tick():
        alarm.ticks = (alarm.ticks + 1) & 0xFFFF

    steps(bench, 0x10100, 10, tick)  # also where the count begins anew
    assert made == []
    # A loop that stood still has not seen it tick, and looks first.
    steps(bench, 2, 10 * SILENT_MS)
    assert made == []
    steps(bench, 1, 10, tick)
    last = bench.clock.time
    steps(bench, SILENT_MS // 10 - 1)
    assert made == []
    steps(bench, 1)
    assert made == [last + SILENT_MS]
    # What takes its place may end, too.
    steps(bench, SILENT_MS // 10)
    assert len(made) == 2
    steps(bench, SILENT_STEPS, 10, tick)
    assert len(made) == 2 and bench.reports == []
    assert bench.watchdog.fed


def test_an_alarm_that_cannot_be_made_anew_is_tried_again_and_the_turns_go_on():
    bench = Bench()
    watched(bench, broken)
    steps(bench, 3 * SILENT_MS // 10)
    assert len(bench.reports) == 3
    assert bench.watchdog.fed == 3 * SILENT_MS // 10


def test_the_watchdog_is_fed_no_more_when_nothing_can_be_allocated_for_long():
    bench = Bench()
    steps(bench, 100)
    fed = bench.watchdog.fed
    assert fed == 100

    def full(size):
        raise MemoryError

    ticker_module.bytearray = full
    try:
        steps(bench, STARVED_MS // 10 - 30)
        assert bench.watchdog.fed == fed + STARVED_MS // 10 - 30  # a moment's want is survived
        steps(bench, 30)
        fed = bench.watchdog.fed
        steps(bench, 500)
        assert bench.watchdog.fed == fed
        bench.lose()
        bench.ticker.step()
        assert bench.pins.levels[2] == 1  # and outputs still fall back
    finally:
        del ticker_module.bytearray
    steps(bench, 1)
    assert bench.watchdog.fed == fed + 1


def test_an_alarm_is_given_a_second_and_sixteen_steps_each_time():
    assert (SILENT_MS, SILENT_STEPS, STARVED_MS) == (1000, 16, 5000)
    for ms, at in ((1, [1000, 2000]), (10, [1000, 2000]), (100, [1600, 3200])):
        bench = Bench()
        made = []
        watched(bench, made.append)
        steps(bench, at[1] // ms + 1, ms)
        assert made == at, ms


def test_a_tick_begins_the_second_anew():
    bench = Bench()
    made = []
    alarm = watched(bench, made.append)
    steps(bench, 999, 1)
    alarm.ticks += 1
    steps(bench, 1, 1)
    steps(bench, 999, 1)
    assert made == []
    steps(bench, 1, 1)
    assert made == [2000]


def test_memory_is_tried_each_quarter_of_a_second_and_missed_for_five_seconds():
    bench = Bench()
    tried = []

    def full(size):
        tried.append((bench.clock.time, size))
        if refused:
            raise MemoryError

    refused = False
    ticker_module.bytearray = full
    try:
        steps(bench, 1000, 1)
        assert tried == [(250, 64), (500, 64), (750, 64), (1000, 64)]
        refused = True
        steps(bench, 4999, 1)
        assert bench.watchdog.fed == 1000 + 4999
        steps(bench, 1, 1)
        assert bench.watchdog.fed == 1000 + 4999
    finally:
        del ticker_module.bytearray
