"""What a monitor is told: every field's range, and the field that is named when it is bad."""

from claims import raises
from holdfast.core.checkins import Refused
from holdfast.core.definition import MAX_MONITORS, MAX_TEXT, made
from holdfast.core.monitors import Monitor

GOOD = {"service_id": "s", "name": "n"}


def test_what_is_not_told_has_a_default_or_stays():
    assert made(GOOD, []) == ("s", "n", "n", 60, 0, True, False)
    monitor = Monitor(1, "id", "s", "n", "label", 5, 7, False)
    assert made({}, [monitor], monitor) == ("s", "n", "label", 5, 7, False, False)
    assert made({"enabled": True, "grace": 0}, [monitor], monitor)[3:] == (5, 0, True, False)
    assert made({"wait_for_first": True}, [monitor], monitor)[5:] == (False, True)
    waiting = Monitor(1, "id", "s", "n", "label", 5, 7, True, True)
    assert made({}, [waiting], waiting)[5:] == (True, True)
    assert made({"wait_for_first": False}, [waiting], waiting)[5:] == (True, False)
    # The document's own example names a field that it does not describe.
    assert made(dict(GOOD, methods=["GET"]), [])[0] == "s"


def test_a_field_that_nobody_knows_is_named_with_those_that_are_known():
    for field in ("Interval", "grce", "id", "wait"):
        fields = dict(GOOD)
        fields[field] = 5
        error = raises(Refused, made, fields, [])
        assert error.field == field and error.problem == (
            "unknown field; known are: service_id, name, interval, grace, enabled, wait_for_first"
        )


def test_the_bad_field_is_named():
    for field, values in (
        ("service_id", (None, "", 7, "x" * 65, "a\nb", ["s"])),
        ("name", (None, "", 0, "x" * 65, "\x7f")),
        ("interval", (0, -1, 31536001, "60", True, None, 6.5, [])),
        ("grace", (-1, 31536001, "0", False, None)),
        ("enabled", (0, 1, "true", None)),
        ("wait_for_first", (0, 1, "true", None)),
    ):
        for value in values:
            fields = dict(GOOD)
            fields[field] = value
            error = raises(Refused, made, fields, [])
            assert error.field == field and not error.taken, (field, value)
    for field in GOOD:
        fields = dict(GOOD)
        del fields[field]
        assert raises(Refused, made, fields, []).field == field
    for seconds in (1, 31536000):
        assert made(dict(GOOD, interval=seconds), [])[3] == seconds


def test_names_are_taken_within_a_service_only():
    first = Monitor(1, "1", "s", "n", "n", 60, 0, True)
    error = raises(Refused, made, GOOD, [first])
    assert error.field == "name" and error.taken
    assert made({"service_id": "t", "name": "n"}, [first])[2] == "n (2)"
    second = Monitor(2, "2", "t", "n", "n (2)", 60, 0, True)
    assert made({"service_id": "u", "name": "n"}, [first, second])[2] == "n (3)"
    assert made({"name": "n"}, [first, second], second)[2] == "n (2)"
    assert made({"name": "m"}, [first, second], second)[2] == "m"
    assert raises(Refused, made, {"service_id": "s"}, [first, second], second).taken


def test_there_are_so_many_and_their_texts_are_so_long():
    assert (MAX_MONITORS, MAX_TEXT) == (32, 64)
    many = [Monitor(i, str(i), "s", "n%d" % i, "n%d" % i, 60, 0, True) for i in range(32)]
    fields = {"service_id": "t", "name": "x" * 64}
    assert made(fields, many[1:])[1] == "x" * 64
    error = raises(Refused, made, fields, many)
    assert (error.field, error.taken) == ("id", True)
    assert made({"name": "other"}, many, many[0])[1] == "other"  # a change makes none


def test_what_is_missing_is_required_and_what_is_wrong_is_described():
    assert raises(Refused, made, {"name": "n"}, []).problem == "is required"
    error = raises(Refused, made, dict(GOOD, name=None), [])
    assert error.problem == "must be text of 1 to 64 characters"
    assert str(error) == "name" and error.taken is False


def test_times_are_seconds_there_and_ms_here():
    monitor = Monitor(1, "id", "s", "n", "n", 90000, 3600, True)
    assert (monitor.interval_ms, monitor.grace_ms) == (90000000, 3600000)
    assert made({}, [monitor], monitor)[3:] == (90000, 3600, True, False)
