"""What a check-in says: results that are never lost, and never taken for better than they are."""

from holdfast.core.checkins import COMPLETE, FAIL, RUN, TICK
from holdfast.monitors.check_in import Problem, beginning, fields, one_line, said, says_something
from holdfast.wire.json import loads

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class Asked:
    def __init__(self, query="", body=b"", kind=None, coding=None):
        self.query = query
        self.body = body if isinstance(body, bytes) else body.encode()
        self.headers = {}
        if kind is not None:
            self.headers["content-type"] = kind
        if coding is not None:
            self.headers["content-encoding"] = coding


def refused(*arguments):
    """(status, what is named) of a check-in that is refused."""
    try:
        told = said(Asked(*arguments))
    except Problem as problem:
        return problem.response.status, loads(problem.response.body)["error"]["field"]
    raise AssertionError("%r was taken: %r" % (arguments, told))


FAILS = (
    ("result=fail",),
    ("Result=FAIL",),
    ("RESULT=%20fail",),
    ("%72esult=fail",),
    ("result=fail&result=success",),
    ("result=success&result=fail",),
    ("result=fail&result=bogus",),
    ("result=fail&status=up",),
    ("result=fail&message=100%",),
    ("result=fail&message=%",),
    ("result=fail&message=%zz%C",),
    ("result=fail&message=caf%E9",),
    ("result=fail&message=%00",),
    ("result=fail" + "&" * 500,),
    ("result=fail", "{broken"),
    ("result=fail", b"\xff\xfe{\x00"),
    ("result=fail", b"\x1f\x8b\x08", None, "gzip"),
    ("result=fail", "<x/>", "application/xml"),
    ("result=fail", "[1]", JSON),
    ("result=fail", '{"message":5}', JSON),
    ("result=fail", '{"result":"success"}', JSON),
    ("", "result=fail"),
    ("", "result=fail", FORM),
    ("", "result=fail\r\n", FORM + "; charset=UTF-8"),
    ("", "%72esult=fail", FORM),
    ("", "Result=Fail&x=1", FORM),
    ("", "message=a&b&result=fail", FORM),
    ("", "result=fail&message=disk+100%+full", FORM),
    ("", b"result=fail&message=caf\xe9", FORM),
    ("", "result=fail&message=" + "&" * 3000, FORM),
    ("", b"\xef\xbb\xbfresult=fail"),
    ("", '{"result":"fail"}'),
    ("", b'\xef\xbb\xbf{"result":"fail"}'),
    ("", b'\xef\xbb\xbf \r\n{"result":"fail"}', JSON),
    ("", '{"Result":"Fail"}', "application/json; charset=utf-8"),
    ("", '{"RESULT":" fail\\n"}', "APPLICATION/JSON"),
    ("", '{"result":"fail","message":123}'),
    ("", '{"result":"fail","message":null,"host":"a"}'),
    ("", '{"result":"fail","message":{"a":[]}}'),
    ("", b'{"result":"fail","message":"caf\xe9"}', JSON),
    ("", '{"result":"fail","message":"two\nlines\tand a tab"}', JSON),
    ("", '{"result":"fail","message":"it said "no""}', JSON),
    ("", '{"result": "fail", "message":"C:\\Users"}', JSON),
    ("", '{"result":"fail","message":"' + "x" * 4096, JSON),
    ("", '{"result":"fail"', JSON),
    ("", '\'{"result":"fail"}\'', FORM),
    ("", "fail"),
    ("", " FAIL\n", "text/plain"),
    ("", '"fail"', JSON),
)


def test_a_fail_is_a_fail_whatever_comes_with_it():
    for arguments in FAILS:
        try:
            assert said(Asked(*arguments))[0] == FAIL, arguments
        except Problem as problem:
            raise AssertionError((arguments, problem.response.body))


def test_what_is_not_understood_is_refused_and_named():
    for arguments, answer in (
        (("status=fail",), (400, "status")),
        (("message=x&status=down",), (400, "status")),
        (("result=failed",), (422, "result")),
        (("result=",), (422, "result")),
        (("result=bogus&result=success",), (422, "result")),
        (("result=f%61%FFil",), (422, "result")),
        (("result=bogus", "result=success"), (422, "result")),
        (("", "status=fail", FORM), (400, "status")),
        (("", "result=log"), (422, "result")),
        (("", "result=0"), (422, "result")),
        (("", '{"status":"fail"}'), (400, "status")),
        (("", '{"data":{"result":"fail"}}', JSON), (400, "data")),
        (("", '{"result":null}'), (422, "result")),
        (("", '{"result":["fail"]}'), (422, "result")),
        (("", '{"result":false}'), (422, "result")),
        (("", '{"message":123}'), (422, "message")),
        (("", '[{"result":"fail"}]'), (400, "body")),
        (("", '["fail"]'), (400, "body")),
        (("", "[[", None), (400, "body")),
        (("", "[]"), (400, "body")),
        (("", "fail", JSON), (400, "body")),
        (("", "true", JSON), (400, "body")),
        (("", '"it failed"', JSON), (400, "body")),
        (("", '"{\\"result\\":\\"fail\\"}"', JSON), (400, "body")),
        (("", "null", JSON), (400, "body")),
        (("", "{broken"), (400, "body")),
        (("", '{"result":"success","message":"it said "no""}'), (400, "body")),
        (("", "'{result:fail}'", FORM), (400, "body")),
        (("", '{"result":"success","message":"' + "x" * 4096), (413, "body")),
        (("", b'\xff\xfe{\x00"\x00'), (400, "body")),
        (("", b"f\x00a\x00i\x00l\x00"), (400, "body")),
        (("", b"\x1f\x8b\x08", JSON, "gzip"), (415, "Content-Encoding")),
        (("", "--x\r\n", "multipart/form-data; boundary=x"), (415, "Content-Type")),
        (("", "<result>fail</result>", "text/xml"), (415, "Content-Type")),
        (("", "x", "image/png"), (415, "Content-Type")),
    ):
        assert refused(*arguments) == answer, arguments


def test_what_is_understood():
    for arguments, told in (
        (("",), (TICK, "")),
        (("", " \r\n"), (TICK, "")),
        (("", "{}", JSON), (TICK, "")),
        (("result=success",), (COMPLETE, "")),
        (("result=Run&message=a+b%21",), (RUN, "a b!")),
        (("message=100%",), (TICK, "100%")),
        (("", "all done", FORM), (TICK, "all done")),
        (("", "[INFO] all done", FORM), (TICK, "[INFO] all done")),
        (("", "took 5s, rc=0", FORM), (TICK, "took 5s, rc=0")),
        (("", "rc=0", "text/plain"), (TICK, "rc=0")),
        (("", "success"), (COMPLETE, "")),
        (("", b"caf\xe9"), (TICK, "caf\ufffd")),
        (("message=q", '{"result":"complete","message":"b"}'), (COMPLETE, "q")),
        (("result=tick", '{"message":"b"}'), (TICK, "b")),
        (("result=tick", "it is so", "text/plain"), (TICK, "it is so")),
        (("", "x", None, "identity"), (TICK, "x")),
        (("result=tick&result=complete",), (TICK, "")),
    ):
        assert said(Asked(*arguments)) == told, arguments


def test_a_request_that_says_nothing_reads():
    for arguments, says in (
        (("",), False),
        (("x=1",), False),
        (("", "{}"), False),
        (("%4Dessage=",), True),
        (("", '{"result":"fail"}'), True),
        (("", "result=fail", FORM), True),
        (("", "{broken"), True),
    ):
        assert says_something(Asked(*arguments)) is says, arguments


def test_fields_of_anything():
    assert fields("") == []
    assert fields("&&a&=b&C=%c3%a4") == [("a", ""), ("", "b"), ("c", "ä")]
    assert fields("a=1%2&b=%+%") == [("a", "1%2"), ("b", "% %")]
    pairs = fields("a=1&" * 100)
    assert len(pairs) == 65 and pairs[-1][1].count("&") == 36


def test_a_body_as_the_message():
    for body, message in (
        (b"", ""),
        (b"\xef\xbb\xbfdone", "done"),
        ("\xe4".encode() * 60, "\xe4" * 26),
        (b"caf\xe9 closed", "caf\ufffd closed"),
        (b"\xff\xfea\x00", ""),
        (b"a\x00b", ""),
    ):
        assert beginning(Asked("", body)) == message, body
    assert beginning(Asked("", b"\x1f\x8b", None, "gzip")) == ""
    assert one_line("a\r\nb\t\x7f c\n") == "a b c"
    assert one_line("") == ""
    assert one_line("T\u00fcr a\u3000b") == "T\u00fcr a\u3000b"
    for mark in ("\x85", "\x9b", "\u2028", "\u2029", "\u202e", "\u2066", "\u061c"):
        assert one_line("a%sb" % mark) in ("a??b", "a???b"), mark
