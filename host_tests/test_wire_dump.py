"""Values as JSON text, the same on both interpreters."""

from claims import raises
from holdfast.wire.dump import dumps
from holdfast.wire.json import loads


def test_what_is_written_reads_back():
    for value in (
        {},
        [],
        {"b": [1, -2, True, False, None], "a": {"x": 'quote " and \\ and \n', "": []}},
        {"": {"": {"": [[[]]]}}},
        "text",
        0,
    ):
        assert loads(dumps(value).encode()) == value


def test_keys_come_in_order_a_line_for_each():
    assert dumps({"b": 1, "a": [True]}) == '{\n "a": [\n  true\n ],\n "b": 1\n}'


def test_what_settings_never_hold_is_refused():
    raises(TypeError, dumps, 1.5)
    raises(TypeError, dumps, {"a": b""})
