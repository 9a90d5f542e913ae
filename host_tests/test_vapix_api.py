"""The envelope of the newer JSON APIs."""

from claims import raises
from holdfast.vapix import api
from holdfast.wire.json import loads


def read(text, *unversioned):
    return api.read(text.encode(), unversioned)


def test_a_call_is_taken_apart():
    call = read('{"apiVersion":"1.3","context":"c","method":"m","params":[1]}')
    assert (call.version, call.context, call.method, call.params) == ("1.3", "c", "m", [1])


def test_bad_calls_get_the_code_of_the_vendors_table():
    for text, code in (
        ("{", api.INVALID_JSON),
        ("[]", api.INVALID_JSON),
        ("{}", api.MISSING),
        ('{"apiVersion":"1.0"}', api.MISSING),
        ('{"method":"m"}', api.MISSING),
        ('{"method":"m","apiVersion":"2.0"}', api.VERSION),
        ('{"method":"m","apiVersion":"1"}', api.VERSION),
        ('{"method":"m","apiVersion":"1."}', api.VERSION),
        ('{"method":"m","apiVersion":"1.x"}', api.VERSION),
        ('{"method":"m","apiVersion":1.0}', api.INVALID),
        ('{"method":1,"apiVersion":"1.0"}', api.INVALID),
        ('{"method":"m","apiVersion":"1.0","context":1}', api.INVALID),
    ):
        assert raises(api.ApiError, read, text).code == code, text


def test_an_error_answers_with_what_could_be_read():
    error = raises(api.ApiError, read, '{"context":"me","method":"m","apiVersion":"9.0"}')
    text = api.answer(error.call, "error", api.error_object(error.code))
    assert loads(text.encode()) == {
        "apiVersion": "9.0",
        "context": "me",
        "method": "m",
        "error": {"code": 2100, "message": "API version not supported"},
    }


def test_a_method_that_needs_no_version_needs_none():
    assert read('{"method":"getSupportedVersions"}', "getSupportedVersions").version == "1.0"


def test_every_code_of_the_table_has_a_message():
    # 2105 and 2106 are told by 403 and 401, before an API is asked.
    assert sorted(api.MESSAGES) == [1100, 2100, 2101, 2102, 2103, 2104, 2107]
    assert '"message":"Invalid JSON: here"' in api.error_object(2101, "here")
