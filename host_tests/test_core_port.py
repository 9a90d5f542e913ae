"""One port: its image, its timeline, its reasons."""

from holdfast.core.port import (
    CLOSED,
    COMMAND,
    FALLBACK,
    OPEN,
    POWER_ON,
    RESTORE,
    Port,
    PortSettings,
)
from makers import settings


def make(**fallback):
    image = bytearray(4)
    row = settings({"3": {"fallback": fallback}}).ports[3]
    return Port(3, row, image), image


def test_the_level_follows_the_wiring():
    port, image = make()
    port.put(CLOSED, 1, COMMAND, "a")
    assert image[3] == 0  # closed is level 0 on this port
    port.put(OPEN, 2, COMMAND, "a")
    assert image[3] == 1


def test_since_moves_with_the_state_only():
    port, _ = make()
    port.command(CLOSED, 10, "a")
    port.command(CLOSED, 20, "b")
    assert (port.since, port.who, port.why) == (10, "b", COMMAND)


def test_a_timeline_is_walked_step_by_step():
    port, _ = make(steps=[{"state": "closed"}, {"after": 7, "state": "open"}])
    port.lose(100, "a")
    assert port.due == 100
    port.advance()
    assert (port.state, port.due, port.why, port.who) == (CLOSED, 107, FALLBACK, "a")
    port.advance()
    assert (port.state, port.due, port.since) == (OPEN, None, 107)


def test_restore_takes_back_the_last_command():
    port, _ = make(on_return="restore")
    port.command(CLOSED, 1, "a")
    port.lose(5, "a")
    port.advance()
    port.regain(9)
    assert (port.state, port.why, port.lost) == (CLOSED, RESTORE, False)


PULSE = ((CLOSED, 30), (OPEN, 20), (CLOSED, 0))


def walk(port):
    """Take every step that is left: [(state, since)]."""
    seen = []
    while port.due is not None:
        port.advance()
        seen.append((port.state, port.since))
    return seen


def test_a_sequence_is_walked_step_by_step_and_its_last_state_stays():
    port, image = make()
    port.play(PULSE, 100, "a")
    assert (port.state, port.due, port.why, port.who) == (CLOSED, 130, COMMAND, "a")
    assert image[3] == 0
    assert walk(port) == [(OPEN, 130), (CLOSED, 150)]
    assert (port.sequence, port.wanted, image[3]) == (None, CLOSED, 0)


def test_a_sequence_of_one_step_is_over_at_once():
    port, _ = make()
    port.play(((CLOSED, 500),), 100, "a")
    assert (port.state, port.sequence, port.due, port.wanted) == (CLOSED, None, None, CLOSED)


def test_a_step_of_no_time_is_due_at_once():
    port, _ = make()
    port.play(((CLOSED, 0), (OPEN, 0)), 100, "a")
    assert (port.state, port.due) == (CLOSED, 100)
    assert walk(port) == [(OPEN, 100)]


def test_a_command_is_overridden_by_the_next_step():
    port, _ = make()
    port.play(PULSE, 100, "a")
    port.command(OPEN, 110, "b")
    assert (port.state, port.due, port.wanted, port.who) == (OPEN, 130, CLOSED, "b")
    assert walk(port)[-1] == (CLOSED, 150)
    assert port.who == "a"


def test_a_command_ends_a_pulse_for_good():
    port, _ = make()
    for state in (OPEN, CLOSED):
        port.play(PULSE, 100, "a", True)
        port.command(state, 110, "b")
        assert (port.state, port.due, port.wanted, port.who) == (state, None, state, "b")
        assert port.sequence is None
    # One that does not pass afterwards is as the vendor has it.
    port.play(PULSE, 200, "a")
    port.command(OPEN, 210, "b")
    assert port.due == 230


def test_a_stopped_sequence_leaves_the_port_as_it_is():
    port, _ = make()
    port.stop()  # there is none
    assert port.wanted == OPEN
    port.play(((CLOSED, 30), (OPEN, 0)), 100, "a")
    port.stop()
    assert (port.state, port.sequence, port.due, port.wanted) == (CLOSED, None, None, CLOSED)


def test_a_new_sequence_replaces_the_old_one():
    port, _ = make()
    port.play(PULSE, 100, "a")
    port.play(((OPEN, 7), (CLOSED, 5), (OPEN, 0)), 110, "b")
    assert walk(port) == [(CLOSED, 117), (OPEN, 122)]
    assert port.wanted == OPEN


def test_a_loss_cuts_a_sequence_and_restore_is_not_the_middle_of_it():
    port, _ = make(on_return="restore", steps=[{"state": "open"}])
    port.play(((OPEN, 30), (CLOSED, 30), (OPEN, 30), (CLOSED, 0)), 100, "a")
    port.lose(140, "m")
    assert (port.sequence, port.due) == (None, 140)
    port.advance()
    assert (port.state, port.why, port.due) == (OPEN, FALLBACK, None)
    port.regain(200)
    assert (port.state, port.why) == (CLOSED, RESTORE)


def test_a_fallback_that_holds_does_not_hold_the_middle_of_a_sequence():
    for steps in ([{"state": "hold"}], [{"after": 50, "state": "hold"}]):
        port, image = make(steps=steps)
        port.play(((CLOSED, 30), (OPEN, 0)), 100, "a")
        port.lose(110, "m")
        assert (port.state, port.since, port.why, port.who) == (OPEN, 110, FALLBACK, "m")
        assert image[3] == 1
        walk(port)
        assert port.state == OPEN


def test_steps_that_were_due_before_a_loss_have_happened_before_it():
    port, _ = make(steps=[{"state": "hold"}])
    port.play(((CLOSED, 30), (OPEN, 0)), 100, "a")
    port.lose(140, "m")
    assert (port.state, port.since, port.why) == (OPEN, 130, COMMAND)


def test_a_sequence_begun_while_lost_ends_the_timeline_and_survives_the_return():
    steps = [{"state": "open"}, {"after": 50, "state": "closed"}]
    port, _ = make(steps=steps, on_return="restore", locked=False)
    port.lose(100, "m")
    port.advance()
    port.play(((CLOSED, 30), (OPEN, 0)), 120, "b")
    port.regain(130)
    assert (port.state, port.lost, port.due) == (CLOSED, False, 150)
    assert walk(port) == [(OPEN, 150)]
    assert port.sequence is None


def test_a_new_port_is_as_it_was_after_power_on_and_waits_for_nothing():
    image = bytearray(4)
    row = settings({"3": {"name": "Strike", "usage": "Door", "normal": "closed"}}).ports[3]
    port = Port(3, row, image)
    assert (port.index, port.id, port.name, port.usage) == (3, "3", "Strike", "Door")
    assert (port.output, port.normal, port.debounce_ms) == (True, CLOSED, 0)
    assert (port.state, port.wanted, port.since) == (OPEN, OPEN, 0)
    assert (port.why, port.who) == (POWER_ON, None)
    assert (port.lost, port.overruled) == (False, False)
    assert (port.due, port.sequence, port.changed_at) == (None, None, None)
    assert port.levels == (1, 0)


def test_a_step_of_a_sequence_at_the_very_ms_of_a_loss_is_the_fallbacks():
    port, _ = make(steps=[{"after": 5, "state": "closed"}])
    port.play(((CLOSED, 30), (OPEN, 0)), 100, "a")
    port.lose(130, "m")
    assert (port.state, port.since, port.why, port.who) == (OPEN, 130, FALLBACK, "m")
    assert port.due == 135
    # One ms later the sequence was over, by itself.
    port, _ = make(steps=[{"after": 5, "state": "closed"}])
    port.play(((CLOSED, 30), (OPEN, 0)), 100, "a")
    port.lose(131, "m")
    assert (port.state, port.since, port.why, port.who) == (OPEN, 130, COMMAND, "m")


def test_what_is_still_to_come_is_told_from_the_next_step_on():
    """As the alarm needs it: (ms from `due`, level); what holds is no level."""
    port, _ = make(steps=[{"after": 10, "state": "hold"}, {"after": 30, "state": "closed"}])
    port.play(((CLOSED, 30), (OPEN, 20), (CLOSED, 7), (OPEN, 0)), 100, "a")
    assert port.rest() == ((0, 1), (20, 0), (27, 1))
    port.advance()
    assert port.rest() == ((0, 0), (7, 1))
    port.lose(200, "m")
    assert port.due == 210
    assert port.rest() == ((20, 0),)
    port.advance()
    assert (port.due, port.rest()) == (230, ((0, 0),))


def test_a_loss_after_the_return_that_an_output_waited_for_finds_it_restored():
    """Though the turn comes late for both. A loss before it keeps the output as it is."""
    for lost_at, state in ((159, CLOSED), (160, CLOSED), (161, OPEN)):
        port, _ = make(on_return="restore", steps=[{"state": "closed"}, {"after": 50}])
        port.lose(100, "a")
        port.advance()
        port.defer(160, RESTORE)
        port.lose(lost_at, "a")
        assert port.state == state, lost_at
        assert port.lost and port.returning is None and port.due == lost_at


def test_every_value_of_a_port_arrives():
    port = PortSettings("Strike", "Door", True, 1, 0, 1, "fallback", 20)
    assert (port.name, port.usage, port.output, port.normal) == ("Strike", "Door", True, 1)
    assert (port.closed_level, port.power_on, port.fallback) == (0, 1, "fallback")
    assert port.debounce_ms == 20
