"""What a monitor is told: every field's range, and the field that is named when it is bad."""

from claims import raises
from holdfast.core.checkins import Refused
from holdfast.core.definition import made
from holdfast.core.monitors import Monitor

GOOD = {"service_id": "s", "name": "n"}


def test_what_is_not_told_has_a_default_or_stays():
    assert made(GOOD, []) == ("s", "n", "n", 60, 0, True)
    monitor = Monitor(1, "id", "s", "n", "label", 5, 7, False)
    assert made({}, [monitor], monitor) == ("s", "n", "label", 5, 7, False)
    assert made({"enabled": True, "grace": 0}, [monitor], monitor)[3:] == (5, 0, True)
    # The document's own example names a field that it does not describe.
    assert made(dict(GOOD, methods=["GET"]), [])[0] == "s"


def test_the_bad_field_is_named():
    for field, values in (
        ("service_id", (None, "", 7, "x" * 65, "a\nb", ["s"])),
        ("name", (None, "", 0, "x" * 65, "\x7f")),
        ("interval", (0, -1, 31536001, "60", True, None, 6.5, [])),
        ("grace", (-1, 31536001, "0", False, None)),
        ("enabled", (0, 1, "true", None)),
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
