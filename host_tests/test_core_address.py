"""URLs taken apart, and what is no address."""

from claims import raises
from holdfast.core.address import is_ipv4, is_name, url
from holdfast.core.check import Keys
from holdfast.core.settings import SettingsError


def parse(text, certificate=True):
    return url(Keys({}, "here", ()), "url", text, certificate)


def test_a_url_is_taken_apart():
    assert parse("http://192.0.2.1") == ((False, "192.0.2.1", 80), "/")
    assert parse("https://Example.COM/A?b=C") == ((True, "example.com", 443), "/A?b=C")
    assert parse("HTTP://example.com:8080/") == ((False, "example.com", 8080), "/")
    assert parse("http://example.com?a=/b") == ((False, "example.com", 80), "/?a=/b")
    assert parse("http://a:1/b:2@c") == ((False, "a", 1), "/b:2@c")


def test_without_a_certificate_https_is_refused_and_says_why():
    error = raises(SettingsError, parse, "https://example.com/", False)
    assert error.key == "here.url" and "uplinks.certificate" in error.problem
    assert parse("http://example.com/", False)


def test_what_is_no_url_is_refused():
    for text in (
        "",
        "http:",
        "http://",
        "example.com",
        "ftp://example.com/",
        "http:///path",
        "http://?a",
        "http://me:secret@example.com/",
        "http://me@example.com/",
        "http://example.com/a#b",
        "http://example.com/a b",
        "http://example.com/a\r\nX: y",
        "http://example.com/\u00fc",
        "http://ex\u00e4mple.com/",
        "http://example.com:/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:99999999999/",
        "http://example.com:-1/",
        "http://example.com:8o/",
        "http://[::1]/",
        "http://example..com/",
        "http://.example.com/",
        "http://example.com./",
        "http://-a.example/",
        "http://192.0.2/",
        "http://192.0.2.256/",
        "http://192.0.2.1.1/",
        "http://4294967295/",
    ):
        assert raises(SettingsError, parse, text).key == "here.url", text


def test_addresses_and_names_are_not_taken_for_each_other():
    for text in ("0.0.0.0", "255.255.255.255", "192.0.2.001"):
        assert is_ipv4(text) and not is_name(text), text
    for text in ("localhost", "a1", "1a.b-c", "xn--bcher-kva.example", "_x.y", "a." * 126 + "a"):
        assert is_name(text) and not is_ipv4(text), text
    neither = ("", ".", "1", "a.1", "a" * 64, "A", "a" + ".a" * 127, "1.2.3", "1.2.3.4.5", "a-.b")
    for text in neither:
        assert not is_name(text) and not is_ipv4(text), text
