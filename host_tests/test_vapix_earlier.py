"""The JSON APIs with the older error codes."""

from claims import raises
from holdfast.vapix import api
from holdfast.vapix.earlier import post, versions
from holdfast.wire.http import HttpError
from holdfast.wire.json import loads
from makers import Asked


def ask(body, operation=lambda call: "{}", method="POST"):
    answer = post(Asked(body, method=method), operation)
    assert (answer.status, answer.content_type) == (200, "application/json")
    return loads(answer.body)


def test_an_answer_has_what_clients_look_for():
    answer = ask('{"apiVersion":"1.2","context":"c","method":"m"}', lambda call: '{"a":1}')
    assert answer == {"apiVersion": "1.2", "context": "c", "method": "m", "data": {"a": 1}}


def test_every_fault_has_its_old_code():
    def failing(code):
        def operation(call):
            raise api.ApiError(code, "why")

        return operation

    for body, code in (
        (b"", 4000),
        (b"[]", 4000),
        (b"\xff", 4000),
        (b"[" + b"1," * 500 + b"1]", 4000),
        ('{"method":"m"}', 4002),
        ('{"apiVersion":"1.0"}', 4002),
        ('{"apiVersion":"2.0","method":"m"}', 2003),
        ('{"apiVersion":1,"method":"m"}', 1000),
        ('{"apiVersion":"1.0","method":5}', 1000),
    ):
        error = ask(body)["error"]
        assert error["code"] == code and error["message"], body
    for code, old in (
        (api.METHOD, 2004),
        (api.INTERNAL, 8000),
        (api.TOO_LARGE, 4000),
        (api.MISSING, 4002),
    ):
        assert ask('{"apiVersion":"1.0","method":"m"}', failing(code))["error"]["code"] == old


def test_supported_versions_need_no_version():
    assert "data" in ask('{"method":"getSupportedVersions"}')
    assert loads(versions("1.2").encode()) == {"apiVersions": ["1.0", "1.1", "1.2"]}


def test_anything_but_post_is_refused_with_a_code():
    refused = raises(HttpError, ask, "", method="GET")
    assert (refused.status, refused.allow) == (405, "POST")
    assert loads(refused.json.encode())["error"]["code"] == 2002
