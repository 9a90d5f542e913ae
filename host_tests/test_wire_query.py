"""The parameters of a query, and patterns."""

from claims import raises
from holdfast.wire.http import HttpError
from holdfast.wire.query import field, form, matches, parameter, parameters, unquote
from holdfast.wire.target import plain
from makers import Asked


def test_percent_decoding():
    for text, expected in (
        ("", ""),
        ("abc", "abc"),
        ("a+b", "a b"),
        ("a%2Bb", "a+b"),
        ("a%20b%20", "a b "),
        ("%41%4a%4A", "AJJ"),
        ("%25%32%30", "%20"),
        ("%2541", "%41"),
        ("%C3%A9", "é"),
        ("%e2%82%ac", "€"),
        ("%F0%9F%98%80", "😀"),
        ("é%20é", "é é"),
        ("%00", "\0"),
    ):
        assert unquote(text) == expected


def test_what_cannot_be_decoded_is_400():
    for text in (
        "%",
        "a%",
        "%2",
        "%2g",
        "%g2",
        "%%20",
        "%+1",
        "% 1",
        "%-1",
        "%0x",
        "%1_",
        "%é",
        "%éé",
        "%€1",
        "%FF",
        "%C3",
        "%C3+%A9",
        "%C0%80",
        "%ED%A0%80",
        "%F5%80%80%80",
        "%80",
    ):
        assert raises(HttpError, unquote, text).status == 400


def test_parameters_of_a_query():
    assert parameters("") == []
    assert parameters("&&") == []
    assert parameters("a=1&b=2&a=3") == [("a", "1"), ("b", "2"), ("a", "3")]
    assert parameters("a&b=&=c&a=b=c") == [("a", ""), ("b", ""), ("", "c"), ("a", "b=c")]
    assert parameters("a%3Db=%26") == [("a=b", "&")]
    assert raises(HttpError, parameters, "a=1&b=%").status == 400
    assert raises(HttpError, parameters, "%zz=1").status == 400
    assert parameter("a=1&b=2&a=3", "a") == "1"
    assert parameter("a=1", "b") is None
    assert parameter("b", "b") == ""
    assert raises(HttpError, parameter, "a=%&b=2", "b").status == 400


def test_a_form_is_the_query_and_the_body_of_a_post_whatever_its_type():
    typed = {"content-type": "text/plain"}
    assert form(Asked(query="a=1&b=%20", method="GET")) == [("a", "1"), ("b", " ")]
    assert form(Asked("b=2", query="a=1", headers=typed)) == [("a", "1"), ("b", "2")]
    assert form(Asked("a=1&b=2\r\n")) == [("a", "1"), ("b", "2")]
    assert form(Asked("a=1", method="GET")) == []
    assert form(Asked("n=%C3%A9&m=é")) == [("n", "é"), ("m", "é")]


def test_bad_forms_are_400():
    for body in (b"\xff=1", b"a=%ff", b"a=%", b"&" * 65):
        assert raises(HttpError, form, Asked(body)).status == 400


def test_the_first_field_counts():
    fields = [("a", "1"), ("a", "2"), ("b", "")]
    assert (field(fields, "a"), field(fields, "b"), field(fields, "c")) == ("1", "", None)


def test_patterns():
    for pattern, text, expected in (
        ("", "", True),
        ("", "a", False),
        ("a", "", False),
        ("*", "", True),
        ("**", "abc", True),
        ("?", "", False),
        ("?", "*", True),
        ("a*", "abc", True),
        ("*c", "abc", True),
        ("*c", "abcb", False),
        ("a*c*e", "abcde", True),
        ("a*c*e", "abcdef", False),
        ("*ab*ab", "aabab", True),
        ("1.?", "1.0", True),
        ("1.?", "1.10", False),
        ("I?", "I", False),
        ("*" * 50 + "x", "a" * 500, False),
    ):
        assert matches(pattern, text) == expected, (pattern, text)


def test_a_plus_in_a_path_is_a_plus():
    assert unquote("a+b%2Bc", True) == "a+b+c"
    assert unquote("a+b%2Bc") == "a b+c"


def test_letters_and_digits_of_a_path_may_be_encoded_and_nothing_else_changes():
    for path, meant in (
        ("/%61xis-cgi/param%2Ecgi", "/axis-cgi/param.cgi"),
        ("/%7e%5F%2d%41%7A%30", "/~_-Az0"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%3Bb%00%25%20%c3%bc", "/a%3Bb%00%25%20%c3%bc"),
        ("/%", "/%"),
        ("/%6", "/%6"),
        ("/%zz%61", "/%zza"),
        ("/%2561", "/%2561"),
    ):
        assert plain(path) == meant
