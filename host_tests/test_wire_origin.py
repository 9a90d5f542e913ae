"""What another site's page makes a browser ask for is refused; other programs are not bothered."""

from claims import raises
from holdfast.wire.http import HttpError
from holdfast.wire.origin import changes, check
from makers import Asked

DOOR = ("GET", "/axis-cgi/io/port.cgi", "action=5:/")


def request(method="GET", path="/holdfast/status", query="", **headers):
    headers.setdefault("host", "192.168.0.90")
    headers = {name.replace("_", "-"): headers[name] for name in headers}
    asked = Asked(method=method, query=query, headers=headers)
    asked.path = path
    return asked


def refused(*arguments, **headers):
    return raises(HttpError, check, request(*arguments, **headers)).status == 403


def passes(*arguments, **headers):
    return check(request(*arguments, **headers)) is None


def test_our_own_pages_may_ask():
    for origin in ("http://192.168.0.90", "http://192.168.0.90:80", "HTTP://192.168.0.90"):
        assert passes("POST", origin=origin)
    assert passes("POST", host="a:8080", origin="http://a:8080")
    assert passes("POST", host="A:443", origin="https://a")
    assert passes("POST", host="root:pass@192.168.0.90", origin="http://192.168.0.90")


def test_pages_of_others_may_not_whatever_they_ask_for():
    for origin in (
        "http://evil.example",
        "https://192.168.0.90.evil.example",
        "http://192.168.0.90:8080",
        "http://evil.example/192.168.0.90",
        "http://192.168.0.90@evil.example",
        "http://",
        "null",
    ):
        for method in ("GET", "POST", "PUT", "DELETE"):
            assert refused(method, origin=origin), origin
        assert refused("GET", "/vapix/ws-data-stream", "sources=events", origin=origin)
    assert refused("POST", host="", origin="http://")


def test_a_scheme_that_no_site_has_may_have_the_stream_and_nothing_else():
    for origin in (
        "chrome-extension://pfdhoblngboilpfeibdedpjgfnlcodoo",
        "moz-extension://a-b",
        "file://",
    ):
        assert passes("GET", "/vapix/ws-data-stream", "sources=events", origin=origin)
        assert passes("GET", "/axis-cgi/wssession.cgi", origin=origin)
        assert refused("POST", origin=origin)
        assert refused(*DOOR, origin=origin)


def test_programs_that_call_themselves_mozilla_are_no_browsers():
    assert passes(*DOOR)
    assert passes("GET", "/axis-cgi/wssession.cgi")


def test_a_browser_on_plain_http_is_known_by_its_language():
    assert refused(*DOOR, accept_language="")
    assert refused("GET", "/axis-cgi/wssession.cgi", accept_language="")
    assert refused("GET", "/axis-cgi/io/port.cgi", "monitor=1", accept_language="")
    assert passes(*DOOR, accept_language="", referer="http://192.168.0.90/")
    assert passes("GET", "/axis-cgi/param.cgi", "action=list", accept_language="")


def test_a_browser_that_tells_the_site_is_believed():
    for site in ("cross-site", "same-site", "none", ""):
        assert refused(*DOOR, sec_fetch_site=site, referer="http://192.168.0.90/")
    assert passes(*DOOR, sec_fetch_site="same-origin")


def test_a_name_that_another_site_may_have_is_misdirected():
    def status(host, names=(), hostname="", **headers):
        try:
            check(request(host=host, **headers), names, hostname)
        except HttpError as error:
            return error.status
        return 200

    for host in (
        "192.168.0.90",
        "192.168.0.90:8080",
        "[fe80::1]",
        "[fe80::1]:80",
        "localhost",
        "LocalHost:8080",
        "holdfast",
        "holdfast.local",
        "Holdfast.local.:8080",
        "holdfast.lan",
        "holdfast.home.arpa",
        "root:pass@192.168.0.90",
    ):
        assert status(host) == 200, host
        assert status(host, hostname="holdfast") == 200, host
    for host in (
        "evil.example",
        "evil.example:80",
        "192.168.0.90.evil.example",
        "local",
        "holdfast.evil.example",
        "192.168.0.90@evil.example",
        "evil.example:80@192.168.0.90.evil.example",
    ):
        wanted = 200 if host == "local" else 421
        assert status(host) == wanted, host
        assert status(host, hostname="holdfast") == 421, host
        assert status(host, origin="http://" + host) == wanted, host
    assert status("other.local", hostname="holdfast") == 421
    assert status("door7.plant.example", ("door7.plant.example",)) == 200
    assert status("door7.plant.example:80", ("door7.plant.example",), "holdfast") == 200
    assert status("door8.plant.example", ("door7.plant.example",)) == 421


def test_a_browsers_get_that_changes_something_needs_our_own_page():
    assert refused(*DOOR, referer="http://evil.example/192.168.0.90")
    assert passes(*DOOR, referer="http://192.168.0.90/")
    assert passes(*DOOR, referer="http://192.168.0.90?x")
    assert passes(*DOOR, origin="http://192.168.0.90")


def test_a_get_that_only_reads_needs_nothing():
    for path, query in (
        ("/", ""),
        ("/holdfast/status", ""),
        ("/holdfast/status", "action=5:/"),
        ("/axis-cgi/param.cgi", "action=list&group=IOPort"),
        ("/axis-cgi/pwdgrp.cgi", "action=get"),
        ("/axis-cgi/io/port.cgi", "check=1,2"),
        ("/axis-cgi/virtualinput/getschemaversions.cgi", ""),
    ):
        assert not changes("GET", path, query)
        assert passes("GET", path, query, referer="http://portal.example/")


def test_what_changes_is_found_however_it_is_written():
    for path, query in (
        ("/axis-cgi/io/port.cgi", "%61ction=5:/"),
        ("/axis-cgi/io/port.cgi", "check=1&action=5%3A%2F"),
        ("/axis-cgi/io/virtualinput.cgi", "action=6:/"),
        ("/axis-cgi/param.cgi", "action=update&root.IOPort.I0.Input.Name=x"),
        ("/axis-cgi/param.cgi", "action=list&action=update"),
        ("/axis-cgi/pwdgrp.cgi", "action=add&user=x"),
        ("/axis-cgi/pwdgrp.cgi", "action=remove&user=x"),
        ("/axis-cgi/virtualinput/activate.cgi", "schemaversion=1&port=1"),
        ("/axis-cgi/virtualinput/deactivate.cgi", "schemaversion=1&port=1"),
    ):
        assert changes("GET", path, query), query
        assert refused("GET", path, query, accept_language="")
        assert refused("HEAD", path, query, accept_language="")
