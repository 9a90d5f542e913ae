"""URLs taken apart, and what is no address."""

from claims import raises
from holdfast.settings.address import MAX_URL, ipv4, is_name, place, url
from holdfast.settings.model import SettingsError
from holdfast.settings.schema import Keys, check
from holdfast.settings.schema_rules import NOTIFICATION, TEMPLATES
from makers import WIRING


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
    for text, number in (
        ("0.0.0.0", 0),
        ("255.255.255.255", 0xFFFFFFFF),
        ("192.0.2.1", 0xC0000201),
    ):
        assert ipv4(text) == number and not is_name(text), text
    for text in ("localhost", "a1", "1a.b-c", "xn--bcher-kva.example", "_x.y", "a." * 126 + "a"):
        assert is_name(text) and ipv4(text) is None, text
    neither = ("", ".", "1", "a.1", "a" * 64, "A", "a" + ".a" * 127, "1.2.3", "1.2.3.4.5", "a-.b")
    neither += (
        "192.0.2.001",
        "127.0.0.010",
        "00.0.0.0",
        "0x7f.0.0.1",
        "0x7f000001",
        "a.0xf",
        "0x",
    )
    for text in neither:
        assert not is_name(text) and ipv4(text) is None, text


def test_zeros_in_front_are_refused_in_every_key_that_takes_an_address():
    """What is decimal here is octal where a socket is opened: another host."""
    good, bad = "127.0.0.10", "127.0.0.010"

    def link(address):
        row = {"name": "a", "kind": "unifi", "url": "http://%s:8000/" % address}
        return {"uplinks": {"links": [row]}}

    def notification(address):
        parameters = dict.fromkeys(TEMPLATES[NOTIFICATION], "")
        parameters["upload_url"] = "http://%s/" % address
        return {"actions": {"1": {"template": NOTIFICATION, "parameters": parameters}}}

    def static(key):
        rows = {"address": "127.0.0.20", "netmask": "255.255.255.0", "gateway": "127.0.0.1"}
        network = dict(rows, kind="ethernet")
        return lambda address: {"network": dict(network, **{key: address})}

    def servers(address):
        return {"network": {"dns": ["192.0.2.1", address]}}

    def ntp(address):
        return {"time": {"server": address + ":123"}}

    for document, key in (
        (link, "settings.uplinks.links[0].url"),
        (notification, "settings.actions.1.parameters.upload_url"),
        (static("address"), "settings.network.address"),
        (static("gateway"), "settings.network.gateway"),
        (servers, "settings.network.dns[1]"),
        (ntp, "settings.time.server"),
    ):
        check(document(good), WIRING)
        assert raises(SettingsError, check, document(bad), WIRING).key == key
    assert raises(SettingsError, check, static("netmask")("255.255.255.00"), WIRING)


def test_an_address_may_have_a_port():
    assert place("k", "192.0.2.1", 123) == ("192.0.2.1", 123)
    for port in (1, 80, 65535):
        assert place("k", "192.0.2.1:%d" % port, 123) == ("192.0.2.1", port)
        assert parse("http://a:%d/" % port) == ((False, "a", port), "/")
    for text in ("", "a", "192.0.2", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "1.1.1.1:+1"):
        assert raises(SettingsError, place, "k", text, 123).key == "k"
    for text in (None, 7, ["192.0.2.1"], b"192.0.2.1"):
        assert raises(SettingsError, place, "k", text, 123).key == "k"
    # By their number of digits, not by their value.
    raises(SettingsError, place, "k", "192.0.2.1:000080", 123)
    raises(SettingsError, parse, "http://a:000080/")


def test_every_printable_character_may_stand_behind_the_host():
    for text in ("!", "~", "a!~b", "?!", "?~"):
        assert parse("http://a/" + text)[1] == "/" + text
    assert parse("http://a?")[1] == "/?"


def test_a_login_is_refused_as_such():
    assert "login" in raises(SettingsError, parse, "http://me:secret@a/").problem
    assert "login" in raises(SettingsError, parse, "http://@a/").problem


def test_lengths_are_those_of_the_standards():
    """RFC 1035: 63 for a label, 253 for a name; a URL of our own choice."""
    assert MAX_URL == 256
    assert is_name("a" * 63) is True and is_name("a" * 64) is False
    name = ".".join(["a" * 49] * 5)
    assert len(name) == 249
    assert is_name(name + ".abc") is True and is_name(name + ".abcd") is False


def test_the_answer_is_yes_or_no():
    for text in ("", "1.2.3", "a.b.c.d", "1.2.3.1000", "0001.2.3.4", "256.1.1.1"):
        assert ipv4(text) is None, text
    for text in ("", "a..b", "-a", "a-", "1"):
        assert is_name(text) is False, text
    assert ipv4("1.2.3.4") == 0x01020304 and is_name("a") is True
