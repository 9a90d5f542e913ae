"""What a request of our own asks for, and values as JSON."""

from claims import raises
from holdfast.rest.json import asked, boolean, number
from holdfast.wire.http import HttpError
from holdfast.wire.json import loads
from makers import Asked


def test_a_member_of_the_type_it_must_have():
    assert asked(Asked('{"master": "a"}'), "master", str) == "a"
    assert asked(Asked('{"keep": false}'), "keep", bool) is False
    bad = ("", "{", "[]", '["master"]', '"master"', "{}", '{"master": 1}', '{"master": null}')
    for body in bad:
        error = raises(HttpError, asked, Asked(body), "master", str)
        assert error.status == 400 and loads(error.json.encode())["error"]["problem"], body
    for body, key in (('{"master": "a", "more": 1}', "more"), ('{"Master": "a"}', "Master")):
        error = raises(HttpError, asked, Asked(body), "master", str)
        assert error.status == 422 and loads(error.json.encode())["error"]["key"] == key


def test_values():
    assert [boolean(True), boolean(0)] == ["true", "false"]
    assert [number(0), number(-7), number(None)] == ["0", "-7", "null"]
