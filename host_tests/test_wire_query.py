"""The parameters of a query."""

from claims import raises
from holdfast.wire.http import HttpError
from holdfast.wire.query import parameter, parameters, unquote


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
