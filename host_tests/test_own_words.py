"""What a request of our own asks for, and values as JSON."""

from claims import raises
from holdfast.own.words import asked, boolean, number
from holdfast.wire.http import HttpError
from makers import Asked


def test_a_member_of_the_type_it_must_have():
    assert asked(Asked('{"master": "a", "more": 1}'), "master", str) == "a"
    assert asked(Asked('{"keep": false}'), "keep", bool) is False
    bad = ("", "{", "[]", '["master"]', '"master"', "{}", '{"master": 1}', '{"master": null}')
    for body in bad:
        assert raises(HttpError, asked, Asked(body), "master", str).status == 400


def test_values():
    assert [boolean(True), boolean(0)] == ["true", "false"]
    assert [number(0), number(-7), number(None)] == ["0", "-7", "null"]
