"""The truth table; sweep_truth.py holds it to what pins do."""

from holdfast.core.port import CLOSED, OPEN, STATES
from holdfast.core.truth import COMMANDED, EVENTS, _Played, happens, span, words
from makers import settings


def table(power_on=OPEN, **fallback):
    row = settings({"2": {"fallback": fallback}}).ports[2]
    return {event: happens(event, power_on, row.fallback) for event in EVENTS}


def test_a_first_step_that_waits_is_taken_at_once_after_a_crash():
    told = table(steps=[{"after": 8000, "state": "closed"}])
    assert told["crash"] == ((0, CLOSED),)
    assert told["loss"] == ((8000, CLOSED),)
    assert told["restarting"] == ((0, CLOSED),)
    assert told["restart"] == told["power_on"] == ((0, OPEN),)


def test_its_pulse_ends_when_it_would_have_without_the_crash():
    told = table(steps=[{"after": 8000, "state": "closed", "pulse": 500}])
    assert told["crash"] == ((0, CLOSED), (8500, OPEN))


def test_hold_is_the_power_on_state_where_the_module_starts():
    for power_on in (OPEN, CLOSED):
        told = table(power_on, steps=[{"state": "hold"}])
        assert told["loss"] == ()
        for event in ("crash", "restarting", "restart", "power_on"):
            assert told[event] == ((0, power_on),), event


def test_what_does_not_change_is_not_told():
    steps = [{"state": "closed"}, {"after": 5, "state": "closed"}, {"after": 9, "state": "hold"}]
    assert table(steps=steps)["loss"] == ((0, CLOSED),)


def test_a_return_restores_or_leaves_it():
    assert table()["return"] == ()
    assert table(on_return="restore")["return"] == ((0, COMMANDED),)


def test_in_words():
    assert words(()) == "stays as it is"
    assert words(((0, OPEN),)) == "open"
    assert words(((0, CLOSED), (8500, OPEN))) == "closed, open after 8.5 s"
    assert words(((400, CLOSED),)) == "stays as it is, closed after 0.4 s"
    assert words(((0, COMMANDED),)) == "as last commanded"


def test_times_are_exact():
    told = [span(ms) for ms in (1, 1000, 59999, 60000, 60500, 7200000)]
    assert told == ["0.001 s", "1 s", "59.999 s", "1 min", "1 min 0.5 s", "120 min"]


def test_a_state_that_lasts_no_time_is_not_told():
    """A step that ends in the very moment in which another begins."""
    port = _Played(OPEN, settings().ports[2].fallback)
    for state, at, told in (
        (OPEN, 0, [(0, OPEN)]),
        (CLOSED, 0, [(0, CLOSED)]),
        (CLOSED, 5, [(0, CLOSED)]),
        (OPEN, 7, [(0, CLOSED), (7, OPEN)]),
        (CLOSED, 9, [(0, CLOSED), (7, OPEN), (9, CLOSED)]),
        (OPEN, 9, [(0, CLOSED), (7, OPEN)]),
        (CLOSED, 20, [(0, CLOSED), (7, OPEN), (20, CLOSED)]),
    ):
        port.put(state, at, "", None)
        assert port.changes == told, (state, at)


def test_it_is_an_output_that_is_played():
    port = _Played(CLOSED, settings().ports[2].fallback)
    assert (port.output, port.index, port.name, port.debounce_ms) == (True, 0, "", 0)
    assert port.levels == (0, 1)
    assert COMMANDED == 3 and len(STATES) <= COMMANDED


def test_a_return_is_told_without_the_loss_before_it():
    steps = [{"after": 500, "state": "closed"}]
    assert table(steps=steps, on_return="restore")["return"] == ((0, COMMANDED),)
    steps = [{"after": 0, "state": "closed"}]
    assert table(steps=steps)["return"] == ()


def test_the_first_thing_said_is_how_it_stays():
    assert words(((400, CLOSED), (900, OPEN))) == (
        "stays as it is, closed after 0.4 s, open after 0.9 s"
    )
