"""The I/O module: facts in with the time, levels and events out."""

from holdfast.core.events import VIRTUAL_INPUT, VIRTUAL_PORT
from holdfast.core.log import BYPASS, FAILED, RELEASE, RETURN, STRAY, TRIP, Log
from holdfast.core.module import BUSY, LOCKED, NOT_OUTPUT, TRIPS_KEPT
from holdfast.core.port import CLOSED, OPEN
from holdfast.core.reconfigure import bypass, reconfigure, release, restarted, set_normal
from makers import account, events, module, settings, turn

CLOSE_ON_LOSS = {"2": {"fallback": {"steps": [{"state": "closed"}]}}}
LOCKING = {"2": {"fallback": {"locked": True}}, "3": {"fallback": {"locked": True}}}
BOTH = {"shortest": 1, "masters": ["a", "b"]}  # of heartbeat: each is awaited by itself


def test_a_module_wakes_up_with_its_power_on_levels():
    subject = module({"2": {"power_on": "closed"}, "3": {"power_on": "closed"}})
    assert bytes(subject.levels) == b"\x00\x01\x01\x00"  # port 3: closed is level 0
    assert events(subject) == []


def test_every_stateful_property_is_declared_with_its_first_value():
    subject = module({"2": {"power_on": "closed"}}, levels=b"\x01\x01\x00\x00")
    declared = [(p.topic[0].split("/")[-1], p.source, p.data) for p in subject.events.properties]
    kinds = ("VirtualInput", "VirtualPort")
    virtual = [(kind, str(number), "0") for kind in kinds for number in range(1, 9)]
    assert declared[-16:] == virtual
    assert declared[:-16] == [
        ("Heartbeat", None, "0"),
        ("SystemReady", None, "0"),
        ("Port", "0", "1"),
        ("DigitalInput", "0", "1"),
        ("Port", "1", "0"),
        ("DigitalInput", "1", "0"),
        ("Port", "2", "1"),
        ("Relay", "2", "active"),
        ("OutputPort", "2", "high"),
        ("Port", "3", "0"),
        ("Relay", "3", "inactive"),
        ("OutputPort", "3", "low"),
    ]


def test_a_session_keeps_its_id_while_it_lives():
    subject = module()
    first = subject.heartbeat("a", 100, 0).id
    assert subject.heartbeat("a", 100, 100).id == first  # the gap is Duration, not more
    assert subject.heartbeat("a", 100, 201).id != first
    assert len(first) == 36
    assert first[14] == "4"


def test_expiry_is_never_early_though_the_clock_cuts_off():
    # A heartbeat at 0.9 ms is seen at 0: at 100 on this clock only 99.1 ms have passed.
    subject = module(CLOSE_ON_LOSS)
    subject.heartbeat("a", 100, 0)
    assert subject.next_deadline() == 101
    assert not subject.act(100)
    assert subject.levels[2] == 0
    assert subject.act(101)
    assert subject.levels[2] == 1


def test_a_loss_is_told_once_with_the_time_it_was_due():
    subject = module(CLOSE_ON_LOSS)
    subject.heartbeat("a", 100, 0)
    assert turn(subject, 50) == []
    assert turn(subject, 250) == [
        ("Heartbeat", None, "1", 101),
        ("Port", "2", "1", 101),
        ("Relay", "2", "active", 101),
        ("OutputPort", "2", "high", 101),
    ]
    assert turn(subject, 300) == []
    assert subject.trips == [("a", 101, 250, "no heartbeat for 100 ms")]
    assert subject.trip_count == 1
    assert subject.worst_lateness_ms == 149


def test_lost_stays_true_until_every_lost_master_is_back():
    subject = module(heartbeat=BOTH)
    subject.heartbeat("a", 100, 0)
    subject.heartbeat("b", 100, 0)
    assert [event[2] for event in turn(subject, 200)] == ["1"]
    subject.heartbeat("a", 100, 210)
    assert turn(subject, 210) == []
    assert subject.lost
    subject.heartbeat("b", 100, 220)
    assert turn(subject, 220) == [("Heartbeat", None, "0", 220)]


def test_the_earlier_of_two_losses_seen_late_dates_the_event():
    subject = module(heartbeat=BOTH)
    subject.heartbeat("b", 300, 0)
    subject.heartbeat("a", 100, 0)
    assert turn(subject, 1000) == [("Heartbeat", None, "1", 101)]


def test_a_living_master_does_not_hide_a_dead_one_that_settings_name():
    subject = module(CLOSE_ON_LOSS, heartbeat=BOTH)
    subject.heartbeat("a", 100, 0)
    for now in range(0, 300, 50):
        subject.heartbeat("b", 100, now)
    assert subject.lost
    assert subject.levels[2] == 1


def test_a_named_master_alone_triggers_its_ports():
    subject = module({"2": {"fallback": {"master": "a", "steps": [{"state": "closed"}]}}})
    subject.heartbeat("a", 1000, 0)
    subject.heartbeat("b", 100, 0)
    turn(subject, 500)
    assert subject.levels[2] == 0
    turn(subject, 1001)
    assert subject.levels[2] == 1
    subject.heartbeat("a", 1000, 1100)  # b is still lost, but not this port's matter
    assert not subject.ports[2].lost


def test_a_late_heartbeat_finds_the_trip_done():
    subject = module(CLOSE_ON_LOSS)
    before = subject.heartbeat("a", 100, 0).id
    after = subject.heartbeat("a", 100, 500).id
    assert before != after
    assert subject.levels[2] == 1  # on_return is hold
    assert events(subject, 500) == [
        ("Heartbeat", None, "1", 101),
        ("Port", "2", "1", 101),
        ("Relay", "2", "active", 101),
        ("OutputPort", "2", "high", 101),
        ("Heartbeat", None, "0", 500),
    ]


def test_a_timeline_runs_from_the_loss_however_late_it_is_looked_at():
    steps = [
        {"after": 0, "state": "closed"},
        {"after": 50, "state": "open"},
        {"after": 100, "state": "closed", "pulse": 30},
    ]
    ports = {"2": {"fallback": {"steps": steps}}}
    subject = module(ports)
    subject.heartbeat("a", 100, 0)
    seen = []
    while subject.next_deadline() is not None:
        now = subject.next_deadline()
        turn(subject, now)
        seen.append((now, subject.levels[2]))
    assert seen == [(101, 1), (151, 0), (201, 1), (231, 0)]
    late = module(ports)
    late.heartbeat("a", 100, 0)
    turn(late, 210)
    assert late.levels[2] == 1
    assert late.ports[2].since == 201
    assert late.next_deadline() == 231


def test_hold_leaves_an_output_as_it_was():
    subject = module({"2": {"fallback": {"steps": [{"state": "hold"}]}}})
    subject.command(subject.ports[2], CLOSED, "a", 0)
    subject.heartbeat("a", 100, 0)
    turn(subject, 200)
    assert subject.levels[2] == 1


def test_a_first_step_may_come_later_than_the_loss():
    subject = module({"2": {"fallback": {"steps": [{"after": 40, "state": "closed"}]}}})
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    assert subject.lost
    assert subject.levels[2] == 0
    assert subject.next_deadline() == 141
    turn(subject, 141)
    assert subject.levels[2] == 1


def test_a_return_ends_the_timeline():
    steps = [{"after": 0, "state": "closed"}, {"after": 50, "state": "open"}]
    subject = module({"2": {"fallback": {"steps": steps}}})
    subject.heartbeat("a", 100, 0)
    turn(subject, 110)
    subject.heartbeat("a", 1000, 120)
    turn(subject, 500)
    assert subject.levels[2] == 1


def test_return_restores_what_was_commanded_where_settings_say_so():
    subject = module({"2": {"fallback": {"on_return": "restore"}}})
    port = subject.ports[2]
    subject.command(port, CLOSED, "a", 0)
    subject.heartbeat("a", 100, 0)
    turn(subject, 200)
    assert port.state == OPEN
    subject.heartbeat("a", 100, 300)
    assert port.state == CLOSED
    assert port.why == "restore"


def test_a_locked_port_refuses_commands_while_its_master_is_lost():
    subject = module(LOCKING)
    port = subject.ports[2]
    subject.heartbeat("a", 100, 0)
    assert subject.command(port, CLOSED, "b", 50) is None
    assert subject.command(port, CLOSED, "b", 101) == LOCKED
    assert port.state == OPEN
    subject.heartbeat("a", 100, 300)
    assert subject.command(port, CLOSED, "b", 300) is None
    assert subject.levels[2] == 1


def test_an_unlocked_port_takes_commands_while_lost_and_ends_its_timeline():
    steps = [{"state": "open"}, {"after": 50, "state": "closed"}]
    subject = module({"2": {"fallback": {"locked": False, "steps": steps}}})
    subject.heartbeat("a", 100, 0)
    turn(subject, 110)
    assert subject.command(subject.ports[2], OPEN, "b", 120) is None
    turn(subject, 200)
    assert subject.levels[2] == 0


def test_a_further_loss_ends_what_was_commanded_on_an_unlocked_port():
    subject = module({"2": {"fallback": {"locked": False}}})
    port = subject.ports[2]
    subject.heartbeat("b", 100, 0)
    turn(subject, 200)
    # b stays away; a takes over, and goes, too.
    subject.heartbeat("a", 100, 300)
    subject.command(port, CLOSED, "a", 310)
    turn(subject, 320)
    assert subject.levels[2] == 1
    turn(subject, 500)
    assert (subject.levels[2], port.why, port.who, port.since) == (0, "fallback", "a", 401)
    # A sequence is cut short likewise.
    subject.heartbeat("a", 100, 600)
    subject.sequence(port, ((CLOSED, 5000), (OPEN, 0)), "a", 610)
    turn(subject, 620)
    assert subject.levels[2] == 1
    turn(subject, 800)
    assert subject.levels[2] == 0 and subject.next_deadline() is None


def test_a_further_loss_leaves_a_timeline_under_way_alone():
    steps = [{"state": "open"}, {"after": 100, "state": "closed"}]
    subject = module({"2": {"fallback": {"locked": False, "steps": steps}}}, heartbeat=BOTH)
    subject.heartbeat("a", 99, 0)
    subject.heartbeat("b", 149, 0)
    turn(subject, 199)
    assert subject.levels[2] == 0
    turn(subject, 200)
    assert subject.levels[2] == 1


def test_an_input_cannot_be_commanded():
    subject = module()
    assert subject.command(subject.ports[0], CLOSED, "a", 0) == NOT_OUTPUT


def test_the_same_command_twice_is_one_event():
    subject = module()
    for _ in range(2):
        subject.command(subject.ports[3], CLOSED, "a", 5)
    assert events(subject) == [
        ("Port", "3", "1", 5),
        ("Relay", "3", "active", 5),
        ("OutputPort", "3", "high", 5),
    ]
    assert subject.levels[3] == 0  # closed is level 0 there


def test_an_input_tells_its_changes_only():
    subject = module({"1": {"normal": "closed"}})
    subject.input(0, 1, 10)
    subject.input(0, 1, 20)
    subject.input(1, 1, 30)  # open already: level 1 is open there
    assert events(subject) == [("Port", "0", "1", 10), ("DigitalInput", "0", "1", 10)]
    subject.input(1, 0, 40)
    assert events(subject) == [("Port", "1", "0", 40), ("DigitalInput", "1", "0", 40)]


def test_a_new_normal_state_flips_an_output_and_keeps_it_inactive():
    subject = module()
    assert set_normal(subject, subject.ports[2], CLOSED, "a", 7) is None
    assert subject.levels[2] == 1
    assert events(subject) == []


def test_a_new_normal_state_turns_an_input_active():
    subject = module()
    assert set_normal(subject, subject.ports[0], CLOSED, "a", 7) is None
    assert events(subject) == [("Port", "0", "1", 7), ("DigitalInput", "0", "1", 7)]


def test_a_new_normal_state_is_refused_on_a_locked_port():
    subject = module(LOCKING)
    subject.heartbeat("a", 100, 0)
    assert set_normal(subject, subject.ports[2], CLOSED, "b", 200) == LOCKED
    assert subject.ports[2].normal == OPEN


def test_an_administrator_can_release_a_lost_master():
    subject = module(CLOSE_ON_LOSS)
    subject.heartbeat("a", 100, 0)
    turn(subject, 200)
    release(subject, "a", 300)
    assert events(subject, 300) == [("Heartbeat", None, "0", 300)]
    assert subject.command(subject.ports[2], OPEN, "b", 310) is None
    assert subject.next_deadline() is None


def test_releasing_one_master_does_not_free_a_port_that_another_lost():
    subject = module(LOCKING, heartbeat=BOTH)
    subject.heartbeat("a", 100, 0)
    subject.heartbeat("b", 100, 0)
    turn(subject, 200)
    release(subject, "a", 300)
    assert subject.lost
    assert subject.refuses(subject.ports[2], 300) == LOCKED


def test_a_master_that_never_calls_after_a_restart_counts_as_lost():
    subject = module(CLOSE_ON_LOSS, [account("a", within=500), account("b")], now=1000)
    assert turn(subject, 1500) == []
    assert turn(subject, 1501)[0] == ("Heartbeat", None, "1", 1501)
    assert subject.trips[0][3] == "no heartbeat since the start (power on)"
    assert subject.levels[2] == 1


def test_a_master_that_calls_in_time_after_a_restart_is_not_lost():
    subject = module(None, [account("a", within=500)])
    assert subject.heartbeat("a", 10000, 400).least_margin_ms is None
    assert turn(subject, 9000) == []


def test_the_least_margin_is_the_nearest_the_session_came():
    subject = module()
    for now in (0, 40, 130, 150):
        session = subject.heartbeat("a", 100, now)
    assert session.least_margin_ms == 11
    assert session.beats == 4


def test_a_failed_turn_ends_every_session_and_locks_the_outputs():
    subject = module(CLOSE_ON_LOSS)
    subject.heartbeat("a", 10000, 0)
    subject.fail(50)
    subject.act(50)
    assert subject.levels[2] == 1
    assert turn(subject, 50)[0] == ("Heartbeat", None, "1", 50)
    assert [trip[0] for trip in subject.trips] == ["a", ""]
    subject.fail(60)  # again is not another trip
    turn(subject, 60)
    assert subject.trip_count == 2
    # Returning is a master's decision.
    subject.heartbeat("a", 10000, 100)
    assert not subject.ports[2].lost


def test_a_failed_turn_without_any_master_is_released_by_an_administrator():
    subject = module(LOCKING)
    subject.fail(10)
    turn(subject, 10)
    assert subject.refuses(subject.ports[2], 20) == LOCKED
    release(subject, "", 30)
    assert subject.refuses(subject.ports[2], 30) is None
    assert not subject.lost or events(subject)[-1][2] == "0"


def test_the_prepared_table_is_step_one_of_every_timeline():
    ports = {
        "2": {"fallback": {"steps": [{"after": 900, "state": "closed"}]}},
        "3": {"power_on": "closed", "fallback": {"steps": [{"state": "hold"}]}},
    }
    assert bytes(module(ports).fallback_levels)[2:] == b"\x01\x00"


def test_only_the_latest_trips_are_kept():
    subject = module()
    for i in range(TRIPS_KEPT + 3):
        subject.heartbeat("a", 10, i * 100)
        turn(subject, i * 100 + 50)
    assert len(subject.trips) == TRIPS_KEPT
    assert subject.trip_count == TRIPS_KEPT + 3
    assert subject.trips[-1][1] == (TRIPS_KEPT + 2) * 100 + 11


def test_a_master_with_many_losses_pushes_the_only_one_of_another_out_of_no_list():
    """The newest trip of every master is kept; of the others the oldest go first."""
    subject = module()
    subject.heartbeat("b", 10, 0)
    turn(subject, 50)
    for i in range(1, 3 * TRIPS_KEPT):
        subject.heartbeat("a", 10, i * 100)
        turn(subject, i * 100 + 50)
    trips = [(trip[0], trip[1]) for trip in subject.trips]
    last = 3 * TRIPS_KEPT
    wanted = [("a", i * 100 + 11) for i in range(last - TRIPS_KEPT + 1, last)]
    assert trips == [("b", 11)] + wanted
    subject.heartbeat("b", 10, last * 100)
    turn(subject, last * 100 + 50)
    assert [(trip[0], trip[1]) for trip in subject.trips] == wanted + [("b", last * 100 + 11)]


def test_with_more_masters_than_trips_are_kept_the_oldest_goes():
    names = ["m%d" % i for i in range(TRIPS_KEPT + 2)]
    subject = module(accounts=[account(name) for name in names])
    for i, name in enumerate(names):
        subject.heartbeat(name, 10, i * 100)
        turn(subject, i * 100 + 50)
    assert [trip[0] for trip in subject.trips] == names[2:]


def test_act_allocates_nothing_between_deadline_and_pin():
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        return  # CPython has no such lock; the MicroPython run of this file makes the claim
    steps = [{"after": 0, "state": "closed"}, {"after": 50, "state": "open"}]
    ports = {"2": {"fallback": {"steps": steps}}, "3": {"fallback": {"master": "b"}}}
    subject = module(ports, heartbeat=BOTH)
    subject.heartbeat("a", 100, 0)
    subject.heartbeat("b", 1000, 0)
    subject.sequence(subject.ports[2], ((CLOSED, 300), (OPEN, 0)), "a", 50)  # cut by the loss
    subject.sequence(subject.ports[3], ((CLOSED, 100), (OPEN, 100), (CLOSED, 0)), "a", 60)
    subject.switch(VIRTUAL_INPUT, 1, True, 40, 60)
    heap_lock()
    try:
        subject.act(160)
        subject.act(500)
    finally:
        heap_unlock()
    assert subject.ports[2].since == 151
    assert (subject.ports[3].state, subject.ports[3].since) == (CLOSED, 260)


def test_nor_does_the_end_of_a_bypass_while_a_master_is_lost():
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        return
    subject = module(CLOSE_ON_LOSS, heartbeat=BOTH)
    subject.heartbeat("a", 100, 0)
    bypass(subject, subject.ports[2], 150, "root", 10)
    turn(subject, 101)
    heap_lock()
    try:
        subject.act(150)
    finally:
        heap_unlock()
    assert (subject.ports[2].state, subject.ports[2].who) == (CLOSED, "a")


def test_time_may_be_far_beyond_the_small_integers():
    start = 1 << 45
    subject = module(CLOSE_ON_LOSS, now=start)
    subject.heartbeat("a", 100, start)
    assert turn(subject, start + 100) == []
    assert turn(subject, start + 101)[0] == ("Heartbeat", None, "1", start + 101)


# -- sequences ------------------------------------------------------------------------------------

PULSE = ((CLOSED, 100), (OPEN, 0))


def test_a_sequence_makes_an_event_for_each_change_at_its_time():
    subject = module()
    port = subject.ports[2]
    assert subject.sequence(port, ((CLOSED, 100), (OPEN, 50), (CLOSED, 0)), "a", 1000) is None
    assert events(subject) == [
        ("Port", "2", "1", 1000),
        ("Relay", "2", "active", 1000),
        ("OutputPort", "2", "high", 1000),
    ]
    assert subject.next_deadline() == 1100
    assert turn(subject, 1099) == []
    assert turn(subject, 1105)[0] == ("Port", "2", "0", 1100)
    assert subject.next_deadline() == 1150
    assert turn(subject, 1150)[0] == ("Port", "2", "1", 1150)
    assert subject.next_deadline() is None
    assert (port.state, subject.levels[2]) == (CLOSED, 1)


def test_what_was_missed_is_done_and_the_rest_keeps_its_times():
    subject = module()
    steps = ((CLOSED, 100), (OPEN, 100), (CLOSED, 100), (OPEN, 0))
    subject.sequence(subject.ports[2], steps, "a", 0)
    turn(subject, 250)
    assert (subject.ports[2].state, subject.next_deadline()) == (CLOSED, 300)
    turn(subject, 9000)
    assert (subject.ports[2].state, subject.ports[2].since) == (OPEN, 300)


def test_a_second_sequence_is_refused_unless_it_may_replace_the_first():
    subject = module()
    port = subject.ports[2]
    subject.sequence(port, PULSE, "a", 0)
    assert subject.sequence(port, PULSE, "b", 50) == BUSY
    assert subject.sequence(subject.ports[3], PULSE, "b", 50) is None
    assert subject.sequence(port, PULSE, "b", 60, True) is None
    turn(subject, 159)
    assert port.state == CLOSED
    turn(subject, 160)
    assert port.state == OPEN
    assert subject.sequence(port, PULSE, "a", 160) is None


def test_a_sequence_that_ends_when_the_next_begins_is_over():
    subject = module()
    subject.sequence(subject.ports[2], PULSE, "a", 0)
    assert subject.sequence(subject.ports[2], PULSE, "a", 100) is None


def test_inputs_and_locked_ports_begin_no_sequence():
    subject = module(LOCKING)
    assert subject.sequence(subject.ports[0], PULSE, "a", 0) == NOT_OUTPUT
    subject.heartbeat("a", 100, 0)
    assert subject.sequence(subject.ports[2], PULSE, "a", 101) == LOCKED
    assert subject.sequence(subject.ports[2], PULSE, "a", 101, True) == LOCKED
    assert (subject.ports[2].state, subject.next_deadline()) == (OPEN, None)


def test_a_loss_ends_a_pulse_in_fallback_and_restore_gives_its_end():
    subject = module({"2": {"fallback": {"on_return": "restore", "steps": [{"state": "closed"}]}}})
    subject.heartbeat("a", 100, 0)
    subject.sequence(subject.ports[2], ((CLOSED, 500), (OPEN, 0)), "a", 50)
    turn(subject, 2000)
    assert (subject.ports[2].state, subject.ports[2].why) == (CLOSED, "fallback")
    subject.heartbeat("a", 100, 2100)
    assert (subject.ports[2].state, subject.levels[2]) == (OPEN, 0)
    subject.heartbeat("a", 10000, 2150)
    turn(subject, 9000)
    assert subject.ports[2].state == OPEN


def test_a_failed_turn_ends_a_pulse_in_fallback():
    subject = module({"2": {"fallback": {"steps": [{"state": "hold"}]}}})
    subject.sequence(subject.ports[2], PULSE, "a", 0)
    subject.fail(10)
    subject.act(10)
    assert subject.levels[2] == 0


def test_every_failed_turn_ends_what_was_commanded_since_the_last_one():
    subject = module({"2": {"fallback": {"locked": False}}})
    for now in (10, 20):
        subject.command(subject.ports[2], CLOSED, "a", now)
        subject.fail(now + 1)
        subject.act(now + 1)
        assert subject.levels[2] == 0
    subject.tell(30)
    count = subject.trip_count
    subject.fail(40)
    subject.act(40)
    subject.tell(40)
    assert subject.trip_count == count  # there was nothing left to be moved


def test_a_sequence_on_an_unlocked_lost_port_goes_on_when_the_master_is_back():
    subject = module({"2": {"fallback": {"locked": False, "on_return": "restore"}}})
    subject.heartbeat("a", 100, 0)
    subject.sequence(subject.ports[2], PULSE, "b", 200)
    subject.heartbeat("a", 1000, 250)
    assert turn(subject, 250)[-1] == ("Heartbeat", None, "0", 250) or not subject.lost
    assert subject.ports[2].state == CLOSED
    turn(subject, 300)
    assert subject.ports[2].state == OPEN
    assert subject.sequence(subject.ports[2], PULSE, "b", 310) is None


def test_a_new_normal_state_ends_a_sequence_and_flips_the_circuit():
    subject = module()
    port = subject.ports[2]
    subject.sequence(port, PULSE, "a", 0)
    assert set_normal(subject, port, CLOSED, "a", 10) is None
    assert (port.state, port.wanted, port.active()) == (OPEN, OPEN, True)
    subject.act(100)
    assert subject.next_deadline() is None
    turn(subject, 500)
    assert port.state == OPEN


# -- virtual inputs -------------------------------------------------------------------------------


def test_a_virtual_input_ends_by_itself_at_its_time():
    subject = module()
    assert subject.switch(VIRTUAL_INPUT, 3, True, 100, 1000) is True
    assert subject.switch(VIRTUAL_PORT, 9, True, 100, 1000) is None
    assert events(subject) == [("VirtualInput", "3", "1", 1000)]
    assert subject.next_deadline() == 1100
    assert turn(subject, 1099) == []
    assert turn(subject, 1300) == [("VirtualInput", "3", "0", 1100)]
    assert subject.act(1300) is False
    assert subject.next_deadline() is None


def test_what_has_ended_is_over_before_it_is_switched_again():
    subject = module()
    subject.switch(VIRTUAL_INPUT, 3, True, 100, 1000)
    assert subject.switch(VIRTUAL_INPUT, 3, True, None, 1300) is True
    assert events(subject) == [
        ("VirtualInput", "3", "1", 1000),
        ("VirtualInput", "3", "0", 1100),
        ("VirtualInput", "3", "1", 1300),
    ]


# -- debounced inputs -----------------------------------------------------------------------------


def test_a_debounced_input_changes_when_the_level_has_stayed_and_says_since_when():
    subject = module({"0": {"debounce": 100}})
    for now, level in ((0, 1), (40, 0), (50, 1), (149, 1)):
        subject.input(0, level, now)
    assert events(subject) == []
    subject.input(0, 1, 150)
    assert events(subject) == [("Port", "0", "1", 50), ("DigitalInput", "0", "1", 50)]


def test_a_glitch_of_a_debounced_input_is_no_event():
    subject = module({"0": {"debounce": 100}})
    for now in range(0, 1000, 10):
        subject.input(0, 1 if now % 100 < 90 else 0, now)
    assert events(subject) == []


# -- settings that change -------------------------------------------------------------------------


def test_names_and_debounce_times_are_adopted():
    subject = module({"0": {"debounce": 100}})
    subject.input(0, 1, 0)
    reconfigure(subject, settings({"0": {"name": "N", "usage": "Door"}}), 10)
    assert (subject.ports[0].name, subject.ports[0].usage) == ("N", "Door")
    subject.input(0, 1, 20)
    assert events(subject) == [("Port", "0", "1", 20), ("DigitalInput", "0", "1", 20)]


def test_a_change_while_a_level_waits_to_be_believed_does_not_shorten_the_next_wait():
    subject = module({"0": {"debounce": 100}})
    subject.input(0, 1, 0)
    reconfigure(subject, settings({}), 10)
    subject.input(0, 1, 20)
    reconfigure(subject, settings({"0": {"debounce": 100}}), 30)
    events(subject)
    subject.input(0, 0, 200)
    assert events(subject) == []


def test_an_adopted_normal_state_flips_an_output_and_turns_an_input():
    subject = module()
    reconfigure(subject, settings({"0": {"normal": "closed"}, "2": {"normal": "closed"}}), 10)
    assert events(subject) == [("Port", "0", "1", 10), ("DigitalInput", "0", "1", 10)]
    assert (subject.levels[2], subject.ports[2].active()) == (1, False)
    reconfigure(subject, settings({"0": {"normal": "closed"}, "2": {"normal": "closed"}}), 20)
    assert events(subject) == [] and subject.levels[2] == 1  # once


def test_an_adopted_normal_state_does_not_move_a_locked_output():
    subject = module(LOCKING)
    subject.heartbeat("a", 100, 0)
    turn(subject, 200)
    reconfigure(subject, settings({"2": {"normal": "closed", "fallback": {"locked": True}}}), 300)
    assert (subject.levels[2], subject.ports[2].active()) == (0, True)
    assert ("Port", "2", "1", 300) in events(subject)


def test_a_master_that_is_gone_is_lost_once_and_awaited_no_more():
    subject = module(CLOSE_ON_LOSS)
    subject.heartbeat("a", 1000, 0)
    reconfigure(subject, settings(CLOSE_ON_LOSS, [account("b")]), 100)
    assert subject.levels[2] == 1 and subject.trip_count == 1
    assert not subject.lost or events(subject, 100)[-1][:3] == ("Heartbeat", None, "0")
    assert subject.session("a") is None and subject.session("b") is not None
    assert subject.refuses(subject.ports[2], 110) is None


def test_a_master_that_stays_keeps_its_session_and_a_new_one_may_begin():
    subject = module()
    before = subject.heartbeat("a", 1000, 0).id
    reconfigure(subject, settings(None, [account("a"), account("c")]), 100)
    assert subject.heartbeat("a", 1000, 200).id == before
    assert subject.heartbeat("c", 50, 200).id != before
    turn(subject, 300)
    assert not subject.lost and subject.session("c").id is None
    turn(subject, 1201)
    assert subject.lost


# -- fallbacks that are changed while the module runs ---------------------------------------------


def fallback(**more):
    return {"2": {"fallback": more}}


def test_a_new_timeline_counts_from_the_next_loss_on():
    subject = module(fallback(steps=[{"after": 0, "state": "open"}]))
    reconfigure(subject, settings(fallback(steps=[{"after": 10, "state": "closed"}])), 0)
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    assert subject.ports[2].state == 0
    turn(subject, 111)
    assert subject.ports[2].state == 1


def test_a_timeline_under_way_goes_on_when_a_shorter_one_comes():
    long = [{"after": 0, "state": "closed"}, {"after": 50, "state": "open"}]
    subject = module(fallback(steps=long))
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    reconfigure(subject, settings(fallback(steps=[{"after": 0, "state": "closed"}])), 110)
    turn(subject, 151)
    assert subject.ports[2].state == 0
    assert subject.next_deadline() is None


def test_what_is_written_when_a_turn_fails_follows_in_place():
    subject = module(fallback(steps=[{"state": "open"}]))
    levels = subject.fallback_levels
    reconfigure(subject, settings(fallback(steps=[{"state": "closed"}])), 0)
    assert subject.fallback_levels is levels and levels[2] == 1


def test_a_port_that_comes_to_a_lost_master_falls_back_and_one_that_leaves_it_does_not_stay():
    subject = module(fallback(master="b", steps=[{"state": "closed"}]), heartbeat=BOTH)
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    assert not subject.ports[2].lost
    reconfigure(
        subject,
        settings(fallback(master="a", steps=[{"state": "closed"}], locked=True), heartbeat=BOTH),
        200,
    )
    turn(subject, 200)
    assert subject.ports[2].lost and subject.ports[2].state == 1
    assert subject.refuses(subject.ports[2], 200) == "locked"
    reconfigure(
        subject, settings(fallback(master="b", steps=[{"state": "closed"}]), heartbeat=BOTH), 300
    )
    turn(subject, 300)
    assert not subject.ports[2].lost


def relocked(command):
    """A module whose port 2 is commanded while its master is lost, and then locked."""
    steps = [{"state": "closed"}, {"after": 1000, "state": "open"}]
    subject = module(fallback(steps=steps, locked=False))
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    assert command(subject, subject.ports[2]) is None
    turn(subject, 150)
    assert subject.ports[2].state == OPEN
    reconfigure(subject, settings(fallback(steps=steps, locked=True)), 200)
    turn(subject, 200)
    return subject, subject.ports[2]


def test_a_port_that_is_locked_while_its_master_is_lost_keeps_nothing_that_was_commanded():
    subject, port = relocked(lambda subject, port: subject.command(port, OPEN, "b", 150))
    assert (port.state, port.why, port.who) == (CLOSED, "fallback", "a")
    assert subject.command(port, OPEN, "b", 210) == LOCKED
    turn(subject, 1200)
    assert port.state == OPEN and port.due is None
    # No further change of settings begins the timeline anew.
    reconfigure(subject, settings(fallback(steps=[{"state": "closed"}], locked=True)), 1300)
    turn(subject, 1300)
    assert port.state == OPEN


def test_nor_does_a_sequence_go_on_there():
    steps = ((OPEN, 100), (CLOSED, 100), (OPEN, 0))
    subject, port = relocked(lambda subject, port: subject.sequence(port, steps, "b", 150))
    assert (port.state, port.why, port.sequence) == (CLOSED, "fallback", None)
    turn(subject, 400)
    assert (port.state, port.why) == (CLOSED, "fallback")


def test_a_port_that_is_locked_during_a_fault_of_the_module_falls_back_too():
    subject = module(fallback(steps=[{"state": "closed"}], locked=False))
    subject.fail(10)
    turn(subject, 10)
    subject.command(subject.ports[2], OPEN, "a", 20)
    reconfigure(subject, settings(fallback(steps=[{"state": "closed"}], locked=True)), 30)
    turn(subject, 30)
    assert (subject.ports[2].state, subject.ports[2].why) == (CLOSED, "fallback")


def test_an_alarm_for_a_master_that_is_removed_meanwhile_locks_nothing_for_ever():
    subject = module()
    gone = subject.heartbeat("a", 100, 0)
    reconfigure(subject, settings(None, [account("b")]), 150)
    turn(subject, 150)
    subject.overtaken(gone, 101, 121)
    turn(subject, 160)
    assert not subject.ports[2].lost and not subject.lost
    assert subject.refuses(subject.ports[2], 160) is None


# -- what a module is when it is made -------------------------------------------------------------


def test_a_new_module_has_lost_nobody_and_waits_for_nothing():
    subject = module(name="Gate", heartbeat={"shortest": 20, "longest": 3000})
    assert (subject.name, subject.shortest_ms, subject.longest_ms) == ("Gate", 20, 3000)
    assert (subject.lost, subject.trips, subject.trip_count) == (False, [], 0)
    assert (subject.worst_lateness_ms, subject.drilled) == (0, None)
    assert (subject.links, subject.monitors, subject.rules, subject.log) == (None,) * 4
    assert (subject.reset_cause, subject.boot_facts) == ("power on", ())
    assert (subject.next_deadline(), subject.events.pending()) == (None, False)
    assert subject.act(10**9) is False
    assert TRIPS_KEPT == 8


LINK = {"name": "p", "kind": "unifi", "url": "http://192.0.2.1/", "frequency": 9}


def test_uplinks_are_made_where_there_is_one_or_others_are_heard():
    for uplinks, count in (({"links": [LINK]}, 1), ({"inbound": {"path": "/a"}}, 0)):
        subject = module(uplinks=uplinks)
        assert len(subject.links.links) == count
        assert (subject.links.inbound is None) == (count == 1)
    assert module(uplinks={"certificate": "c.pem"}).links is None
    assert module(uplinks={}).links is None


def test_what_was_wanted_before_any_command_is_the_power_on_state():
    subject = module({"2": {"power_on": "closed", "fallback": {"on_return": "restore"}}})
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    assert subject.levels[2] == 0
    subject.heartbeat("a", 100, 200)
    assert subject.levels[2] == 1


def test_the_table_is_of_the_first_step_though_others_follow():
    steps = [{"state": "closed"}, {"after": 5, "state": "open"}]
    assert module({"2": {"fallback": {"steps": steps}}}).fallback_levels[2] == 1


# -- at the very ms -------------------------------------------------------------------------------


def test_of_two_losses_in_the_same_ms_the_first_master_in_the_settings_is_first():
    subject = module(CLOSE_ON_LOSS, heartbeat=BOTH)
    subject.heartbeat("b", 100, 0)
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    assert [trip[:2] for trip in subject.trips] == [("a", 101), ("b", 101)]
    assert subject.ports[2].who == "a"


def test_a_loss_that_moves_no_output_is_told_all_the_same():
    only_b = {"fallback": {"master": "b"}}
    subject = module({"2": only_b, "3": only_b}, heartbeat=BOTH)
    subject.heartbeat("a", 100, 0)
    assert subject.act(101) is True
    assert turn(subject, 101) == [("Heartbeat", None, "1", 101)]


def test_to_come_early_is_harmless():
    """The next deadline is a lower bound: a heartbeat moves the real one away."""
    subject = module(CLOSE_ON_LOSS)
    subject.heartbeat("a", 100, 0)
    subject.heartbeat("a", 100, 50)
    subject.tell(50)
    assert subject.next_deadline() == 101
    assert subject.act(101) is False
    assert subject.next_deadline() == 151


def test_a_virtual_input_ends_at_its_very_ms():
    subject = module()
    subject.switch(VIRTUAL_INPUT, 3, True, 100, 1000)
    subject.events.take()
    assert subject.act(1099) is False
    assert subject.act(1100) is True
    assert turn(subject, 1100) == [("VirtualInput", "3", "0", 1100)]


class Monitors:
    """Stands for core.monitors: something is due once."""

    def __init__(self, due):
        self.due = due
        self.advanced = []

    def advance(self, now):
        self.advanced.append(now)
        self.due = None


def watching(due):
    subject = module()
    subject.monitors = Monitors(due)
    subject.wake_by(subject.monitors.due)
    subject.tell(0)
    return subject


def test_what_monitors_have_due_is_a_deadline_and_is_done_when_it_is_told():
    subject = watching(50)
    assert subject.next_deadline() == 50
    assert subject.act(49) is False
    assert subject.act(50) is True
    assert subject.monitors.advanced == []
    subject.tell(50)
    assert subject.monitors.advanced == [50]
    assert subject.act(50) is False
    assert subject.next_deadline() is None
    # Something else that is due before them, or after, leaves them alone.
    for duration, first in ((10, 11), (80, 50)):
        subject = watching(50)
        subject.heartbeat("a", duration, 0)
        assert subject.next_deadline() == first
        assert turn(subject, 40) == [] or first == 11
        assert subject.monitors.advanced == [] and subject.next_deadline() == 50


def test_how_long_nothing_is_due_that_a_pin_hangs_on():
    subject = module()
    assert subject.quiet(0, 10**9) is True
    subject.heartbeat("a", 100, 0)
    assert subject.quiet(0, 100) is True
    assert subject.quiet(0, 101) is False
    assert subject.quiet(1, 100) is False
    assert subject.quiet(500, 100) is False  # it is over, and not yet done
    subject = watching(50)
    assert subject.quiet(0, 10**9) is True
    subject.heartbeat("a", 100, 0)
    assert subject.quiet(0, 100) is True
    assert subject.quiet(0, 101) is False
    subject = module()
    subject.sequence(subject.ports[2], ((CLOSED, 200), (OPEN, 0)), "a", 0)
    subject.switch(VIRTUAL_INPUT, 1, True, 300, 0)
    assert (subject.quiet(0, 199), subject.quiet(0, 200)) == (True, False)
    turn(subject, 200)
    assert (subject.quiet(200, 99), subject.quiet(200, 100)) == (True, False)


def test_that_the_module_serves_is_an_event():
    subject = module()
    subject.events.set(subject.ready, True, 5)
    subject.events.set(subject.ready, True, 6)
    subject.events.set(subject.ready, False, 7)
    assert events(subject) == [("SystemReady", None, "1", 5), ("SystemReady", None, "0", 7)]


# -- the alarm, the module's own fault, a restart -------------------------------------------------


def test_what_the_alarm_did_is_one_loss_dated_when_it_was_due_and_says_how_long_it_hung():
    subject = module(CLOSE_ON_LOSS)
    subject.log = Log()
    session = subject.heartbeat("a", 100, 0)
    session.armed_at = session.expires_at
    subject.overtaken(subject.triggers[0], 101, 130)
    assert (session.lost, session.id) == (True, None)
    turn(subject, 500)
    why = "no heartbeat for 100 ms; the module hung for 399 ms, its alarm acted"
    assert subject.trips == [("a", 101, 130, why)]
    assert subject.log.books[0].waiting == [(1, 130, 29, TRIP, "a: " + why)]
    assert subject.worst_lateness_ms == 29
    # It is lost already: another alarm for it says nothing new.
    subject.overtaken(subject.triggers[0], 101, 600)
    turn(subject, 700)
    assert subject.trip_count == 1
    # And the next loss is one without an alarm.
    subject.heartbeat("a", 100, 800)
    turn(subject, 901)
    assert subject.trips[-1] == ("a", 901, 901, "no heartbeat for 100 ms")
    assert subject.worst_lateness_ms == 29


def test_a_loss_on_purpose_says_so_once():
    subject = module()
    subject.drilled = subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    subject.heartbeat("a", 100, 200)
    turn(subject, 301)
    assert [trip[3] for trip in subject.trips] == ["a drill", "no heartbeat for 100 ms"]


def test_the_modules_own_fault_is_every_masters_loss():
    subject = module(
        {"2": {"fallback": {"master": "b", "locked": True}}, "3": {"fallback": {"locked": True}}},
        heartbeat=BOTH,
    )
    subject.log = Log()
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    subject.fail(110)
    turn(subject, 110)
    assert subject.trips[-1] == ("", 110, 110, "a turn of the module failed")
    assert subject.log.books[0].waiting[-1][3:] == (FAILED, "all: a turn of the module failed")
    # Nobody of the masters is lost any more: the fault is.
    release(subject, "a", 120)
    assert subject.lost
    for port in subject.outputs:
        assert subject.refuses(port, 130) == LOCKED
    release(subject, "", 140)
    assert subject.log.books[0].waiting[-1] == (
        subject.log.number,
        140,
        0,
        RELEASE,
        "all: not awaited any more, says somebody",
    )
    for port in subject.outputs:
        assert subject.refuses(port, 150) is None


def test_after_a_restart_by_itself_outputs_are_at_their_first_step_at_once():
    """Though that step comes later after a loss; the later ones count from the restart on."""
    late = [{"after": 50, "state": "closed"}, {"after": 80, "state": "open"}]
    hold = [{"state": "hold"}, {"after": 30, "state": "open"}]
    subject = module(
        {"2": {"fallback": {"steps": late, "locked": True}}, "3": {"fallback": {"steps": hold}}}
    )
    restarted(subject, "the watchdog: it hung", 1000)
    assert subject.levels[2] == 1
    assert (subject.ports[2].state, subject.ports[2].since) == (CLOSED, 1000)
    assert (subject.ports[3].state, subject.ports[3].lost) == (OPEN, True)
    assert subject.next_deadline() == 1030
    assert turn(subject, 1000)[0] == ("Heartbeat", None, "1", 1000)
    assert subject.trips == [("", 1000, 1000, "restarted: the watchdog: it hung")]
    turn(subject, 1079)
    assert subject.levels[2] == 1
    turn(subject, 1080)
    assert subject.levels[2] == 0 and subject.next_deadline() is None
    assert subject.refuses(subject.ports[2], 1100) == LOCKED
    subject.heartbeat("a", 100, 1200)
    assert subject.refuses(subject.ports[2], 1200) is None


# -- what is due comes before any new fact --------------------------------------------------------


def told(subject):
    """The events that were told by now, by nobody's help."""
    return [(p.topic[0].split("/")[-1], data, at) for p, data, at, _ in subject.events.take()]


def test_a_release_comes_after_every_loss_before_it():
    subject = module(heartbeat=BOTH)
    subject.heartbeat("b", 300, 0)
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    release(subject, "a", 400)
    assert told(subject) == [] and subject.lost  # b was lost at 301
    assert [trip[:3] for trip in subject.trips] == [("a", 101, 101), ("b", 301, 400)]
    subject = module(heartbeat=BOTH)
    subject.heartbeat("a", 100, 0)
    release(subject, "a", 200)
    assert told(subject) == [("Heartbeat", "1", 101), ("Heartbeat", "0", 200)]


def test_whoever_asks_for_a_port_hears_of_the_loss_that_refuses_it():
    subject = module(LOCKING)
    subject.heartbeat("a", 100, 0)
    assert subject.refuses(subject.ports[2], 101) == LOCKED
    assert told(subject) == [("Heartbeat", "1", 101)]


def test_what_is_noted_is_in_time_unless_somebody_says_how_late_it_was():
    subject = module()
    subject.note(TRIP, "nobody keeps a log", 5)
    subject.log = Log()
    subject.note(TRIP, "x", 5)
    subject.note(TRIP, "y", 6, 3, "a")
    assert subject.log.books[0].waiting == [(1, 5, 0, TRIP, "x"), (2, 6, 3, TRIP, "a: y")]
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    subject.heartbeat("a", 100, 200)
    subject.heartbeat("a", 100, 210)
    assert subject.log.books[0].waiting[3:] == [(4, 200, 0, RETURN, "a: heartbeats again")]


def test_a_new_module_has_refused_no_login_and_has_nothing_to_tell():
    subject = module()
    assert subject.logins == [0, 0]
    assert subject.act(0) is False
    assert subject.rules is None


def test_a_change_of_settings_arrives_at_the_ports_and_ends_a_loss_with_its_master():
    subject = module({"2": {"fallback": {"master": "b", "steps": [{"state": "closed"}]}}})
    subject.heartbeat("b", 100, 0)
    row = {"name": "Strike", "usage": "Door", "power_on": "closed"}
    gone = subject.session("b")
    reconfigure(subject, settings({"2": row}, [account("a")]), 50)
    port = subject.ports[2]
    assert (port.name, port.usage, port.power_on) == ("Strike", "Door", 1)
    assert gone.lost is False and gone not in subject.sessions
    # The loss is acted upon and told, though nothing else happens in this turn.
    assert [trip[0] for trip in subject.trips] == ["b"]


def stream(subject, *beats):
    """Heartbeats (master, at), each of 100 ms, and a turn at each."""
    for master, at in beats:
        turn(subject, at)
        subject.heartbeat(master, 100, at)
        turn(subject, at)


def test_of_one_heartbeat_a_stray_call_changes_nothing():
    """A technician calls once beside a living controller: neither that nor its end is a loss."""
    subject = module(CLOSE_ON_LOSS)
    stream(subject, ("a", 0), ("b", 50), ("a", 90), ("a", 180))
    assert subject.session("b").id is None
    assert not subject.lost and subject.levels[2] == 0 and subject.trips == []
    turn(subject, 281)
    assert subject.lost and subject.levels[2] == 1
    assert [trip[:2] for trip in subject.trips] == [("a", 281)]
    # Any heartbeat restores it.
    subject.heartbeat("b", 100, 300)
    turn(subject, 300)
    assert not subject.lost and not subject.session("a").lost


def test_named_masters_are_awaited_from_the_start_and_others_count_for_nothing():
    subject = module(
        CLOSE_ON_LOSS, heartbeat={"shortest": 1, "masters": ["b"], "first_within": 500}
    )
    stream(subject, ("a", 0), ("a", 90))
    turn(subject, 300)
    assert not subject.lost and subject.session("a").id is None
    turn(subject, 501)
    assert subject.lost and subject.levels[2] == 1
    assert subject.trips == [("b", 501, 501, "no heartbeat since the start (power on)")]
    subject.heartbeat("a", 100, 510)
    assert subject.missed
    subject.heartbeat("b", 100, 520)
    assert not subject.missed


def needing(needed, count=3):
    names = "abc"[:count]
    heartbeat = {"shortest": 1, "masters": list(names), "needed": needed}
    subject = module(CLOSE_ON_LOSS, [account(name) for name in names], heartbeat=heartbeat)
    for i, name in enumerate(names):
        subject.heartbeat(name, 100 * (i + 1), 0)
    return subject


def lost_at(subject):
    for now in range(0, 400):
        if turn(subject, now) and subject.lost:
            return now, subject.levels[2]
    return None


def test_a_loss_comes_when_fewer_live_than_are_needed():
    assert lost_at(needing("all")) == (101, 1)
    assert lost_at(needing(2)) == (201, 1)
    assert lost_at(needing("any")) == (301, 1)
    # The alarm knows it beforehand.
    assert [needing(kind).heart.expires_at for kind in ("all", 2, "any")] == [101, 201, 301]


def test_who_was_released_is_not_one_of_those_that_are_needed():
    subject = needing(2)
    turn(subject, 101)
    release(subject, "a", 110)
    turn(subject, 201)
    assert subject.lost  # of two that are awaited both are needed
    subject.heartbeat("a", 100, 210)
    assert not subject.missed and subject.ports[2].lost is False


def test_a_lost_master_is_restored_by_so_many_heartbeats_in_time():
    subject = module(CLOSE_ON_LOSS, heartbeat={"shortest": 1, "return_after": 3})
    stream(subject, ("a", 0))
    stream(subject, ("a", 200), ("a", 290))
    assert subject.lost and subject.session("a").id is not None
    assert subject.heart.expires_at == 391
    turn(subject, 391)  # not in time: from the beginning
    assert [trip[1] for trip in subject.trips] == [101, 391]
    stream(subject, ("a", 400), ("a", 490), ("a", 580))
    assert not subject.lost
    assert subject.session("a").id is not None


def test_outputs_return_one_after_the_other():
    fallback = {"fallback": {"steps": [{"state": "closed"}], "on_return": "restore"}}
    subject = module({"2": fallback, "3": fallback}, heartbeat={"shortest": 1, "stagger": 40})
    stream(subject, ("a", 0), ("a", 200))
    assert (subject.ports[2].lost, subject.ports[3].lost) == (False, True)
    assert (subject.ports[3].state, subject.next_deadline()) == (CLOSED, 240)
    turn(subject, 240)
    assert (subject.ports[3].state, subject.ports[3].lost) == (OPEN, False)
    # A loss meanwhile begins the timeline anew, also one that is seen late.
    stream(subject, ("a", 290), ("a", 500))
    subject.heartbeat("a", 30, 510)
    turn(subject, 541)
    assert subject.ports[3].lost and subject.ports[3].returning is None
    assert subject.ports[3].state == CLOSED


def test_a_bypassed_output_is_moved_by_no_loss_until_that_ends():
    subject = module(CLOSE_ON_LOSS)
    subject.heartbeat("a", 100, 0)
    port = subject.ports[2]
    assert bypass(subject, subject.ports[0], 1000, "root", 10) == NOT_OUTPUT
    assert bypass(subject, port, 1000, "root", 10) is None
    turn(subject, 101)
    assert subject.lost and (port.state, port.lost) == (OPEN, False)
    subject.fail(110)
    turn(subject, 110)
    assert (port.state, subject.fallback_levels[2]) == (OPEN, 0)
    assert subject.command(port, CLOSED, "a", 120) is None
    assert subject.fallback_levels[2] == 1
    assert subject.command(port, OPEN, "a", 130) is None
    assert subject.next_deadline() == 1000
    turn(subject, 1000)
    assert (port.state, port.lost, port.bypassed_until) == (CLOSED, True, None)
    # In the fallback: it stays as it is, its steps end; and it falls back again at the end.
    bypass(subject, port, 2000, "root", 1010)
    assert not port.lost and port.due is None
    subject.command(port, OPEN, "a", 1020)
    bypass(subject, port, None, "root", 1100)
    assert (port.state, port.lost) == (CLOSED, True)


def test_masters_that_settings_name_or_no_longer_name_count_at_once():
    subject = module(CLOSE_ON_LOSS)
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    assert subject.lost
    # Lost was a, whom nobody awaits any more; b is awaited from now on.
    named = {"shortest": 1, "masters": ["b"], "first_within": 50}
    reconfigure(subject, settings(CLOSE_ON_LOSS, heartbeat=named), 200)
    turn(subject, 200)
    assert not subject.lost and not subject.ports[2].lost
    turn(subject, 251)
    assert subject.lost and subject.session("b").lost
    reconfigure(subject, settings(CLOSE_ON_LOSS), 300)
    assert subject.lost  # there is one heartbeat, and it is lost
    subject.heartbeat("a", 100, 310)
    turn(subject, 310)
    assert not subject.lost


def test_the_modules_own_fault_ends_for_an_output_of_a_living_master_though_another_is_lost():
    own = {"fallback": {"master": "a", "steps": [{"state": "closed"}], "on_return": "restore"}}
    heartbeat = {"shortest": 1, "masters": ["a", "b"], "first_within": 100}
    subject = module({"2": own, "3": {}}, heartbeat=heartbeat)
    restarted(subject, "the watchdog: it hung", 0)
    subject.heartbeat("a", 1000, 50)
    assert subject.ports[2].state == OPEN
    subject.fail(60)
    turn(subject, 101)
    assert subject.session("b").lost and subject.ports[2].state == CLOSED
    subject.heartbeat("a", 1000, 110)
    turn(subject, 110)
    assert (subject.ports[2].state, subject.ports[2].lost) == (OPEN, False)
    assert subject.lost and subject.ports[3].lost


def test_what_is_known_of_the_network_belongs_to_the_cause_of_a_silence():
    subject = module()
    subject.around = lambda: "; network down"
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    assert subject.trips[-1][3] == "no heartbeat for 100 ms; network down"
    subject.fail(200)
    turn(subject, 200)
    assert subject.trips[-1][3] == "a turn of the module failed"


def test_the_log_tells_once_that_an_account_is_not_awaited():
    subject = module(heartbeat={"shortest": 1, "masters": ["b"]})
    subject.log = Log()
    for now in (0, 10, 20):
        subject.heartbeat("a", 100, now)
    assert subject.log.books[1].waiting == [(1, 0, 0, STRAY, "a: settings name other masters")]


def test_whose_loss_an_output_falls_back_for_is_the_first_that_concerns_it():
    ports = {"2": {"fallback": {"master": "b"}}, "3": {}}
    subject = module(ports, heartbeat=BOTH)
    assert [subject.loser(port) for port in subject.outputs] == ["", ""]
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    assert [subject.loser(port) for port in subject.outputs] == ["", "a"]
    subject.heartbeat("b", 100, 110)
    turn(subject, 211)
    assert [subject.loser(port) for port in subject.outputs] == ["b", "a"]


def test_the_end_of_a_bypass_is_told_at_once_and_its_levels_are_prepared_again():
    subject = module(CLOSE_ON_LOSS)
    bypass(subject, subject.ports[2], 50, "root", 0)
    assert subject.fallback_levels[2] == 0
    assert not subject.act(49)
    assert subject.act(50)
    assert subject.fallback_levels[2] == 1
    assert subject.next_deadline() is None


def returning():
    """A module whose output 3 waits for its return at 240."""
    fallback = {"fallback": {"steps": [{"state": "closed"}], "on_return": "restore"}}
    subject = module({"2": fallback, "3": fallback}, heartbeat={"shortest": 1, "stagger": 40})
    stream(subject, ("a", 0), ("a", 200))
    port = subject.ports[3]
    assert (port.lost, port.returning, port.due, port.rest()) == (True, "restore", 240, ())
    return subject, port


def test_who_commands_an_output_that_waits_for_its_return_has_it():
    subject, port = returning()
    assert subject.command(port, CLOSED, "a", 210) is None
    assert (port.lost, port.returning, port.due) == (False, None, None)
    turn(subject, 240)
    assert port.state == CLOSED


def test_a_bypass_ends_the_wait_for_a_return():
    subject, port = returning()
    bypass(subject, port, 1000, "root", 210)
    assert (port.lost, port.returning, port.due, port.state) == (False, None, None, CLOSED)
    turn(subject, 240)
    assert port.state == CLOSED


def test_an_output_with_a_sequence_under_way_is_free_at_once_and_goes_on():
    fallback = {"fallback": {"steps": [{"state": "closed"}], "on_return": "restore"}}
    subject = module({"2": fallback, "3": fallback}, heartbeat={"shortest": 1, "stagger": 40})
    stream(subject, ("a", 0))
    turn(subject, 101)
    subject.sequence(subject.ports[3], ((OPEN, 500), (CLOSED, 0)), "a", 150)
    stream(subject, ("a", 200))
    port = subject.ports[3]
    assert (port.lost, port.returning, port.due) == (False, None, 650)


def test_who_was_released_is_awaited_again_with_its_next_heartbeat():
    subject = module(heartbeat=BOTH)
    subject.heartbeat("a", 100, 0)
    turn(subject, 101)
    release(subject, "a", 110)
    assert subject.session("a").released
    subject.heartbeat("a", 100, 120)
    assert not subject.session("a").released
    turn(subject, 221)
    assert subject.session("a").lost


def test_a_turn_has_no_news_twice_and_none_before_anything_happened():
    subject = module()
    assert not subject.missed and not subject.news
    assert turn(subject, 5) == []
    subject.heartbeat("a", 100, 5)
    subject.act(106)
    subject.tell(106)
    assert not subject.news and not subject.act(107)


def test_the_log_tells_of_a_bypass_and_who_ended_it():
    subject = module(CLOSE_ON_LOSS)
    subject.log = Log()
    bypass(subject, subject.ports[2], 900500, "root", 500)
    bypass(subject, subject.ports[2], None, "eve", 600)
    assert subject.log.books[0].waiting == [
        (1, 500, 0, BYPASS, "port 2: for 900 s, by root"),
        (2, 600, 0, BYPASS, "port 2: ended by eve"),
    ]
    assert subject.next_deadline() is None


def test_settings_end_an_account_that_sends_without_a_loss_where_another_lives():
    subject = module(CLOSE_ON_LOSS)
    subject.heartbeat("a", 1000, 0)
    subject.heartbeat("b", 1000, 0)
    gone = subject.session("b")
    reconfigure(subject, settings(CLOSE_ON_LOSS, [account("a")]), 10)
    assert (gone.id, gone.expires_at, subject.lost, subject.trips) == (None, None, False, [])
    # The last one's end is a loss, and nobody is awaited then.
    reconfigure(subject, settings(CLOSE_ON_LOSS, [account("c")]), 20)
    assert [trip[:2] for trip in subject.trips] == [("a", 20)]
    assert not subject.lost and not subject.ports[2].lost


def test_who_is_named_no_more_is_awaited_no_more_and_what_it_lost_is_over():
    one = {"shortest": 1, "masters": ["a", "b"], "first_within": 50}
    subject = module(CLOSE_ON_LOSS, heartbeat=one)
    subject.heartbeat("a", 10, 0)
    turn(subject, 11)
    assert subject.session("a").lost and subject.session("b").expires_at == 51
    only = dict(one, masters=["b"])
    reconfigure(subject, settings(CLOSE_ON_LOSS, heartbeat=only), 20)
    assert not subject.session("a").lost and not subject.ports[2].lost
    assert subject.session("b").expires_at == 51  # it goes on being awaited
    reconfigure(subject, settings(CLOSE_ON_LOSS), 30)
    assert subject.session("b").expires_at is None
    assert subject.act(51) is False
    assert subject.next_deadline() is None


def test_a_bypass_that_ends_when_settings_change_ends_under_the_settings_before():
    subject = module(CLOSE_ON_LOSS)
    bypass(subject, subject.ports[2], 100, "root", 0)
    own = {"2": {"fallback": {"master": "c"}}}
    reconfigure(subject, settings(own, [account("c")]), 100)
    assert subject.ports[2].bypassed_until is None
    assert subject.session("c").expires_at == 100 + 60000 + 1


def test_a_drill_of_a_released_master_takes_none_from_those_that_live():
    named = {"shortest": 1, "masters": ["a", "b"], "needed": "any"}
    subject = module(CLOSE_ON_LOSS, heartbeat=named)
    subject.heartbeat("a", 1000, 0)
    subject.heartbeat("b", 100, 0)
    turn(subject, 101)
    release(subject, "b", 110)
    subject.lose(subject.session("b"), 120)
    subject.act(120)
    assert not subject.missed and subject.ports[2].state == OPEN
