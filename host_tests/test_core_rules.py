"""The rule engine: events in, commands out; bounded, and below the fallback."""

from claims import raises
from holdfast.core.events import PORT, REMOVED, VIRTUAL_INPUT
from holdfast.core.log import RULES, Log
from holdfast.core.port import CLOSED, OPEN
from holdfast.core.reconfigure import reconfigure
from holdfast.core.rules import BURST, FOLLOW, NOTIFY, OUTGOING, PLAY, REST_MS, SET
from makers import account, module, settings

IO_PORT = "tns1:Device/tnsaxis:IO/Port"
VIRTUAL = "tns1:Device/tnsaxis:IO/VirtualInput"
LOST = "tns1:Device/tnsaxis:Monitor/Heartbeat"


def content(name, value, port=None):
    text = 'boolean(//SimpleItem[@Name="%s" and @Value="%s"])' % (name, value)
    if port is not None:
        text += ' and boolean(//SimpleItem[@Name="port" and @Value="%s"])' % port
    return text


def on(topic, text=""):
    return {"topic": topic, "content": text}


INPUT_0 = on(IO_PORT, content("state", "1", "0"))
INPUT_1 = on(IO_PORT, content("state", "1", "1"))
V1 = on(VIRTUAL, content("active", "1", "1"))


def toggle(port="2", state="high", duration="0"):
    parameters = {"port": port, "state": state, "duration": duration}
    return {"template": "com.axis.action.fixed.io.toggle", "parameters": parameters}


def follow(port="2", state="high"):
    parameters = {"port": port, "state": state}
    return {"template": "com.axis.action.unlimited.io.toggle", "parameters": parameters}


def notification(message="it happened"):
    names = "parameters login password proxy_host proxy_port proxy_login proxy_password qos"
    parameters = dict.fromkeys(names.split(), "")
    parameters["message"] = message
    parameters["upload_url"] = "http://192.0.2.1/x"
    return {"template": "com.axis.action.fixed.notification.http", "parameters": parameters}


def ruled(*rules, **more):
    """A module with rules."""
    return module(**written(rules), **more)


def written(rules):
    """The settings of rules: (action, start or None, conditions...)."""
    actions = {}
    rows = {}
    for i, (action, start, *conditions) in enumerate(rules):
        identifier = str(i + 1)
        actions[identifier] = action
        rows[identifier] = {"action": identifier, "conditions": conditions}
        if start:
            rows[identifier]["start"] = start
    return {"actions": actions, "rules": rows}


def turn(subject, now):
    """As the ticker does: act, tell, rules, tell again."""
    subject.act(now)
    subject.tell(now)
    if subject.rules.resume(now):
        subject.tell(now)
    changes = subject.events.take()
    rounds = 0
    while changes:
        rounds += 1
        if subject.rules.react(changes, now):
            subject.tell(now)
        changes = subject.events.take()
    return rounds


def press(subject, index, now, for_ms=10):
    subject.input(index, 1 - subject.levels[index], now)
    turn(subject, now)
    subject.input(index, 1 - subject.levels[index], now + for_ms)
    turn(subject, now + for_ms)


def test_a_start_event_sets_a_port():
    subject = ruled((toggle(), INPUT_0))
    assert subject.levels[2] == 0
    press(subject, 1, 5)
    assert subject.levels[2] == 0
    press(subject, 0, 20)
    assert subject.levels[2] == 1
    assert subject.ports[2].who == "rule Rule 1"
    assert subject.rules.rules[0].fired == 1


def test_a_start_counts_only_while_the_conditions_hold():
    subject = ruled((toggle(), INPUT_0, V1))
    press(subject, 0, 5)
    assert subject.levels[2] == 0
    subject.switch(VIRTUAL_INPUT, 1, True, None, 30)
    turn(subject, 30)
    assert subject.levels[2] == 0  # a condition alone starts nothing
    press(subject, 0, 50)
    assert subject.levels[2] == 1


def test_without_a_start_the_moment_counts_at_which_all_conditions_hold():
    subject = ruled((toggle(), None, INPUT_0, INPUT_1))
    subject.input(0, 1, 5)
    turn(subject, 5)
    assert subject.levels[2] == 0
    subject.input(1, 0, 6)  # closed is level 0 there
    turn(subject, 6)
    assert subject.levels[2] == 1
    subject.command(subject.ports[2], OPEN, "a", 7)
    press(subject, 0, 8)  # off and on again
    assert subject.levels[2] == 1
    assert subject.rules.rules[0].fired == 2


def test_a_pulse_ends_by_itself_and_a_second_one_begins_anew():
    subject = ruled((toggle(duration="2"), INPUT_0))
    press(subject, 0, 1000)
    assert subject.levels[2] == 1
    press(subject, 0, 2000)
    turn(subject, 3999)
    assert subject.levels[2] == 1
    turn(subject, 4000)
    assert subject.levels[2] == 0


def test_a_sequence_plays_by_active_and_inactive():
    parameters = {"port": "3", "sequence": "high:100,low:50,high"}
    action = {"template": "com.holdfast.action.fixed.io.sequence", "parameters": parameters}
    subject = ruled((action, INPUT_0), ports={"3": {"normal": "closed", "power_on": "closed"}})
    press(subject, 0, 1000)
    states = []
    for now in (1000, 1099, 1100, 1149, 1150, 5000):
        turn(subject, now)
        states.append(subject.ports[3].active())
    assert states == [True, True, False, False, True, True]


def test_what_follows_its_conditions_goes_on_and_off_with_them():
    subject = ruled((follow(), None, INPUT_0))
    for now, level in ((5, 1), (10, 0), (15, 1)):
        subject.input(0, level, now)
        turn(subject, now)
        assert subject.levels[2] == level


def test_what_follows_with_a_start_begins_there_and_ends_with_the_conditions():
    subject = ruled((follow(), INPUT_0, V1))
    subject.switch(VIRTUAL_INPUT, 1, True, None, 5)
    turn(subject, 5)
    assert subject.levels[2] == 0
    press(subject, 0, 10)
    assert subject.levels[2] == 1
    subject.switch(VIRTUAL_INPUT, 1, False, None, 30)
    turn(subject, 30)
    assert subject.levels[2] == 0


def test_a_restart_is_no_event_but_what_follows_takes_its_place():
    levels = b"\x01\x01\x00\x01"  # input 0 is closed from the beginning
    subject = ruled((toggle(), None, INPUT_0), (follow("3"), None, INPUT_0), levels=levels)
    turn(subject, 0)
    assert subject.levels[2] == 0
    assert subject.ports[3].active()
    assert subject.ports[3].who == "rule Rule 2"


def test_a_condition_without_content_holds_while_active():
    subject = ruled((follow(), None, on(LOST)), ports={"2": {"fallback": {"locked": True}}})
    subject.heartbeat("b", 100, 0)
    turn(subject, 50)
    assert subject.levels[2] == 0
    turn(subject, 101)
    # The port falls back to open and is locked: no rule moves it.
    assert subject.levels[2] == 0
    assert subject.rules.rules[0].refused == 1
    subject = ruled((follow(), None, on(LOST)), ports={})
    subject.heartbeat("b", 100, 0)
    turn(subject, 101)
    assert subject.levels[2] == 1


def test_no_rule_holds_up_a_fallback():
    # One that closes the port whenever it opens, on a port whose fallback is open and locked.
    opened = on(IO_PORT, content("state", "0", "2"))
    subject = ruled((toggle(), opened), ports={"2": {"fallback": {"locked": True}}})
    subject.heartbeat("a", 100, 0)
    subject.command(subject.ports[2], CLOSED, "a", 1)
    turn(subject, 1)
    assert subject.act(101)
    assert subject.levels[2] == 0
    turn(subject, 101)
    assert subject.levels[2] == 0
    assert subject.trips[0][1] == 101


def test_rules_that_chase_each_other_rest_and_say_so():
    opened = on(IO_PORT, content("state", "0", "2"))
    closed = on(IO_PORT, content("state", "1", "2"))
    subject = ruled((toggle(state="high"), opened), (toggle(state="low"), closed))
    subject.command(subject.ports[2], CLOSED, "a", 0)
    assert turn(subject, 0) <= 2 * BURST + 2
    first, second = subject.rules.rules
    assert second.resting_until == REST_MS
    assert first.fired + second.fired <= 2 * BURST
    before = first.fired + second.fired
    for now in range(10, 5000, 10):
        turn(subject, now)
    assert first.fired + second.fired == before
    # After the rest an event may set them going again, for as long.
    subject.command(subject.ports[2], OPEN, "a", REST_MS + 1)
    turn(subject, REST_MS + 1)
    assert first.fired + second.fired <= 2 * before + 2


def test_what_follows_catches_up_after_its_rest():
    subject = ruled((follow(), None, INPUT_0))
    for i in range(2 * BURST):
        subject.input(0, 1 - i % 2, i)
        turn(subject, i)
    rule = subject.rules.rules[0]
    assert rule.missed > 0
    subject.input(0, 1, 1000)
    turn(subject, 1000)
    assert subject.levels[2] != 1
    turn(subject, rule.resting_until)
    assert subject.levels[2] == 1


def test_notifications_wait_in_a_bounded_queue():
    subject = ruled((notification(), INPUT_0))
    for i in range(OUTGOING + 3):
        press(subject, 0, 1000 * i)
    outgoing = subject.rules.outgoing
    assert len(outgoing) == OUTGOING
    assert subject.rules.lost == 3
    action, declared, data, at = outgoing[-1]
    assert action == (NOTIFY, (False, "192.0.2.1", 80), "/x", "it happened", "", "")
    assert (declared.topic, declared.source, data, at) == (PORT, "0", "1", 1000 * (OUTGOING + 2))


def test_new_rules_replace_the_old_ones_and_what_was_held_is_let_go():
    subject = ruled((follow(), None, INPUT_0), (follow("3"), None, INPUT_0))
    subject.input(0, 1, 5)
    turn(subject, 5)
    assert subject.ports[2].active() and subject.ports[3].active()
    before = ruled((follow("3"), None, INPUT_0))
    rows = [(r.id, r.name, None, (), r.action) for r in before.rules.rules]
    assert len(rows) == 1
    reconfigure(subject, settings_with((follow("3"), None, INPUT_0)), 10)
    turn(subject, 10)
    assert not subject.ports[2].active()
    assert subject.ports[3].active()
    reconfigure(subject, settings_with(), 20)
    turn(subject, 20)
    assert not subject.ports[3].active()


def settings_with(*rules, **more):
    return settings(**written(rules), **more)


def test_a_rule_that_stays_holds_its_port_through_a_change_of_something_else():
    rows = (follow(), INPUT_0, V1), (follow("3"), None, V1)
    subject = ruled(*rows)
    subject.switch(VIRTUAL_INPUT, 1, True, None, 5)
    turn(subject, 5)
    press(subject, 0, 10)
    assert subject.ports[2].active() and subject.ports[3].active()
    # What somebody has set since is not set again by it either.
    subject.command(subject.ports[3], subject.ports[3].normal, "a", 30)
    turn(subject, 30)
    reconfigure(subject, settings_with(*rows, ports={"0": {"name": "Door"}}), 40)
    turn(subject, 40)
    assert subject.ports[0].name == "Door"
    assert subject.ports[2].active() and not subject.ports[3].active()
    assert [rule.fired for rule in subject.rules.rules] == [1, 1]
    subject.switch(VIRTUAL_INPUT, 1, False, None, 50)
    turn(subject, 50)
    assert not subject.ports[2].active()


def test_no_change_of_settings_ends_a_rest_or_forgets_what_was_counted():
    opened = on(IO_PORT, content("state", "0", "2"))
    closed = on(IO_PORT, content("state", "1", "2"))
    rows = (toggle(state="high"), opened), (toggle(state="low"), closed)
    subject = ruled(*rows)
    subject.command(subject.ports[2], CLOSED, "a", 0)
    turn(subject, 0)
    before = [(rule.fired, rule.missed, rule.resting_until) for rule in subject.rules.rules]
    assert before[1][2] == REST_MS
    reconfigure(subject, settings_with(*rows, (toggle("3"), INPUT_0)), 10)
    turn(subject, 10)
    rules = subject.rules.rules
    assert [(rule.fired, rule.missed, rule.resting_until) for rule in rules[:2]] == before
    assert len(rules) == 3


def test_what_a_change_of_settings_itself_brings_about_is_seen_by_rules_that_stay():
    # The account of a living master goes: that is a loss, and told as one.
    rows = ((toggle(), None, on(LOST)),)
    free = {"2": {"fallback": {"locked": False}}}
    subject = ruled(*rows, ports=free)
    subject.heartbeat("a", 1000, 0)
    turn(subject, 0)
    reconfigure(subject, settings_with(*rows, ports=free, accounts=[account("b")]), 10)
    turn(subject, 10)
    assert subject.rules.rules[0].fired == 1
    assert subject.ports[2].active()


def test_a_rule_that_is_replaced_under_its_number_begins_anew():
    subject = ruled((follow(), None, INPUT_0))
    subject.input(0, 1, 5)
    turn(subject, 5)
    reconfigure(subject, settings_with((follow("3"), None, INPUT_0)), 10)
    turn(subject, 10)
    assert not subject.ports[2].active() and subject.ports[3].active()
    reconfigure(subject, settings_with((follow("3"), None, INPUT_1)), 20)
    turn(subject, 20)
    assert subject.ports[3].active() == (subject.ports[1].state == CLOSED)


def test_what_a_lock_kept_from_holding_a_port_lets_go_of_nothing():
    """Else the return of a master would end what fallback, or the master itself, has set."""
    lost = on(LOST, content("lost", "1"))
    ports = {"2": {"fallback": {"steps": [{"state": "closed"}], "locked": True}}}
    subject = ruled((follow(), None, lost), ports=ports)
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    rule = subject.rules.rules[0]
    assert (rule.fired, rule.refused, subject.ports[2].state) == (1, 1, CLOSED)
    subject.heartbeat("a", 100, 200)
    turn(subject, 200)
    assert (rule.fired, rule.refused, subject.ports[2].state) == (1, 1, CLOSED)
    assert subject.ports[2].why == "fallback"


def test_what_fallback_took_from_a_rule_is_not_the_rules_to_let_go_of():
    ports = {"2": {"fallback": {"steps": [{"state": "closed"}], "locked": True}}}
    subject = ruled((follow(), None, INPUT_0), ports=ports)
    subject.heartbeat("a", 100, 0)
    subject.input(0, 1, 10)
    turn(subject, 10)
    turn(subject, 101)
    subject.input(0, 0, 110)
    turn(subject, 110)  # refused, and over
    assert subject.rules.rules[0].refused == 1
    subject.heartbeat("a", 100, 200)
    turn(subject, 200)
    assert subject.ports[2].state == CLOSED and subject.ports[2].why == "fallback"


# -- counts, rests, and a heap that is full -------------------------------------------------------

PULSED = (toggle(duration="1"), V1)


def fire(subject, times, now):
    """So many start events in one ms; what `react` says."""
    moved = False
    for _ in range(times):
        subject.switch(VIRTUAL_INPUT, 1, True, None, now)
        subject.switch(VIRTUAL_INPUT, 1, False, None, now)
        moved = subject.rules.react(subject.events.take(), now)
        subject.tell(now)
        subject.events.take()
    return moved


def counted(rule):
    return rule.fired, rule.missed, rule.resting_until


def test_the_numbers_of_actions_and_the_bounds():
    assert (SET, PLAY, FOLLOW, NOTIFY) == (0, 1, 2, 3)
    assert (BURST, REST_MS, OUTGOING) == (20, 60000, 8)


def test_a_rule_may_fire_so_often_in_a_second_and_then_rests_for_a_minute():
    subject = ruled(PULSED)
    subject.log = Log()
    rule = subject.rules.rules[0]
    assert counted(rule) == (0, 0, None)
    assert fire(subject, BURST, 500) is True
    assert counted(rule) == (BURST, 0, None)
    # A second later it is another second.
    assert fire(subject, BURST, 1500) is True
    assert counted(rule) == (2 * BURST, 0, None)
    assert fire(subject, 1, 2499) is False
    assert counted(rule) == (2 * BURST, 1, 62499)
    assert fire(subject, 4, 62498) is False
    assert counted(rule) == (2 * BURST, 5, 62499)
    entries = subject.log.books[1].waiting
    assert entries == [(1, 2499, 0, RULES, "rule Rule 1: fired too often")]
    # At the very ms its rest is over, and with that all that was counted.
    assert fire(subject, BURST, 62499) is True
    assert counted(rule) == (3 * BURST, 5, None)


def test_what_does_not_follow_conditions_has_nothing_to_catch_up_with():
    subject = ruled(PULSED)
    fire(subject, BURST + 1, 0)
    rule = subject.rules.rules[0]
    assert subject.rules.resume(REST_MS - 1) is False and rule.resting_until == REST_MS
    assert subject.rules.resume(REST_MS) is False and rule.resting_until is None
    assert rule.fired == BURST


def resting():
    """A module whose rule follows input 0, rests, and has missed that it is closed."""
    subject = ruled((follow(), None, INPUT_0))
    for i in range(2 * BURST):
        subject.input(0, 1 - i % 2, i)
        turn(subject, i)
    subject.input(0, 1, 1000)
    turn(subject, 1000)
    assert subject.levels[2] == 0
    return subject, subject.rules.rules[0]


def starve(subject, times=1):
    """So many times there is no memory for what a rule is to do."""
    act = subject.rules._act
    left = [times]

    def starved(*arguments):
        if left[0]:
            left[0] -= 1
            raise MemoryError
        return act(*arguments)

    subject.rules._act = starved


def test_what_follows_conditions_catches_up_though_the_heap_is_full_at_first():
    subject, rule = resting()
    until = rule.resting_until
    starve(subject, 2)
    for _ in range(2):
        raises(MemoryError, subject.rules.resume, until)
        assert rule.resting_until == until
    assert subject.rules.resume(until) is True
    assert (subject.levels[2], rule.resting_until) == (1, None)
    assert subject.rules.resume(until) is False


def test_without_memory_a_rule_has_not_fired_and_is_shown_the_same_again():
    subject = ruled((toggle("3"), V1), PULSED)
    first, second = subject.rules.rules
    subject.switch(VIRTUAL_INPUT, 1, True, None, 0)
    changes = subject.events.take()
    act = subject.rules._act
    tries = []

    def starved(rule, *arguments):
        if rule is second and len(tries) < 3 * BURST:
            tries.append(1)
            raise MemoryError
        return act(rule, *arguments)

    subject.rules._act = starved
    for _ in range(3 * BURST):
        raises(MemoryError, subject.rules.react, changes, 0)
        assert counted(second) == (0, 0, None)
    assert subject.rules.react(changes, 0) is True
    assert (counted(first), counted(second)) == ((1, 0, None), (1, 0, None))


def test_what_moved_before_the_heap_was_full_counts_and_another_list_begins_anew():
    subject = ruled((toggle("3"), V1), (notification(), V1))
    subject.switch(VIRTUAL_INPUT, 1, True, None, 0)
    changes = subject.events.take()
    act = subject.rules._act

    def starved(rule, *arguments):
        if rule is subject.rules.rules[1]:
            subject.rules._act = act
            raise MemoryError
        return act(rule, *arguments)

    subject.rules._act = starved
    raises(MemoryError, subject.rules.react, changes, 0)
    assert subject.rules.react(changes, 0) is True
    subject.switch(VIRTUAL_INPUT, 1, False, None, 1)
    assert subject.rules.react(subject.events.take(), 1) is False


def test_what_follows_its_conditions_is_as_it_was_when_there_was_no_memory():
    subject = ruled((follow(), None, INPUT_0))
    rule = subject.rules.rules[0]
    subject.input(0, 1, 5)
    subject.tell(5)
    changes = subject.events.take()
    starve(subject)
    raises(MemoryError, subject.rules.react, changes, 5)
    assert rule.on is False
    assert subject.rules.react(changes, 5) is True
    assert rule.on is True and subject.levels[2] == 1


def test_an_event_that_a_rule_has_to_forgo_is_counted_and_told_and_the_next_rule_sees_it():
    rows = (toggle("3"), V1), PULSED, (notification(), V1)
    subject = ruled(*rows)
    subject.log = Log()
    subject.switch(VIRTUAL_INPUT, 1, True, None, 0)
    changes = subject.events.take()
    act = subject.rules._act

    def starved(rule, *arguments):
        if rule is subject.rules.rules[1]:
            raise MemoryError
        return act(rule, *arguments)

    subject.rules._act = starved
    raises(MemoryError, subject.rules.react, changes, 7)
    subject.rules.forgo(7)
    assert subject.rules.react(changes, 7) is True
    assert [rule.fired for rule in subject.rules.rules] == [1, 0, 1]
    assert [rule.missed for rule in subject.rules.rules] == [0, 1, 0]
    text = "rule Rule 2: an event missed, the heap is full"
    assert subject.log.books[1].waiting == [(1, 7, 0, RULES, text)]
    assert len(subject.rules.outgoing) == 1


# -- one rule -------------------------------------------------------------------------------------


def test_the_answers_of_a_rule_are_yes_or_no():
    subject = ruled((toggle(), None, INPUT_0), (toggle(), INPUT_0), (toggle(), V1))
    first, second, third = subject.rules.rules
    port = subject.events.properties[2]
    assert (port.topic, port.source) == (PORT, "0")
    assert (first.holds(), first.starts(port, "1")) == (False, False)
    assert (second.holds(), second.starts(port, "1")) == (True, True)
    assert (second.starts(port, "0"), third.starts(port, "1")) == (False, False)
    first.resting_until = 100
    assert (first.may(99), first.may(100)) == (False, True)
    assert subject.rules.fire(first, port, "1", 0, 200) is True


def test_a_start_without_content_is_any_event_of_its_topic():
    subject = ruled((notification(), on(IO_PORT)))
    for now, level in ((5, 0), (10, 1), (15, 0)):  # closed, open, closed
        subject.input(1, level, now)
        turn(subject, now)
    assert [row[2] for row in subject.rules.outgoing] == ["1", "0", "1"]


def test_whether_any_rule_notifies_is_known():
    assert ruled((toggle(), INPUT_0)).rules.notifies is False
    subject = ruled((toggle(), INPUT_0), (notification(), INPUT_0))
    assert subject.rules.notifies is True
    reconfigure(subject, settings_with((toggle("3"), INPUT_0)), 5)
    assert subject.rules.notifies is False


def test_of_too_many_notifications_the_oldest_gives_way_and_none_moves_a_port():
    subject = ruled((notification(), INPUT_0))
    for i in range(OUTGOING + 3):
        subject.input(0, 1, 1000 * i)
        subject.tell(1000 * i)
        assert subject.rules.react(subject.events.take(), 1000 * i) is False
        subject.input(0, 0, 1000 * i + 10)
        turn(subject, 1000 * i + 10)
    times = [at for _, _, _, at in subject.rules.outgoing]
    assert len(times) == OUTGOING and times == sorted(times)
    assert times[0] == 3000 and subject.rules.lost == 3


def test_what_follows_with_the_inactive_state_lets_go_into_the_active_one():
    subject = ruled((follow(state="low"), None, INPUT_0))
    for now, level in ((5, 0), (10, 1), (15, 0)):
        subject.input(0, 1 - level, now)
        turn(subject, now)
        assert subject.levels[2] == level


def test_what_a_lock_refuses_moves_nothing_and_is_told():
    subject = ruled((toggle(), V1), ports={"2": {"fallback": {"locked": True}}})
    subject.log = Log()
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    assert fire(subject, 1, 110) is False
    rule = subject.rules.rules[0]
    assert (rule.fired, rule.refused) == (1, 1)
    text = "port 2 is locked, refused: rule Rule 1"
    assert subject.log.books[1].waiting == [(2, 110, 0, RULES, text)]
    # Nor does what had nothing to hold let go of anything.
    subject = ruled((follow(), None, INPUT_0))
    assert subject.rules.fire(subject.rules.rules[0], None, None, 0, 0) is False


def test_a_condition_that_holds_twice_holds_once():
    subject = ruled((toggle(), on(VIRTUAL), INPUT_0))
    rule = subject.rules.rules[0]
    port = subject.events.properties[2]
    for data, holds in (("1", True), ("1", True), ("0", False), ("0", False), ("1", True)):
        rule.note(port, data)
        assert rule.holds() is holds


def test_what_was_withdrawn_meets_no_condition():
    subject = ruled((toggle(), on(VIRTUAL), on(IO_PORT, content("state", REMOVED, "9"))))
    port = subject.events.add(PORT, "9", False, 5)
    subject.events.set(port, None, 6)
    subject.rules.react(subject.events.take(), 6)
    assert port.gone() and not subject.rules.rules[0].holds()
