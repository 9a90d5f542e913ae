"""What another site's page makes a browser ask for is refused; other programs are not bothered."""

from claims import raises
from holdfast.wire.http import HttpError
from holdfast.wire.origin import changes, check
from makers import Asked

DOOR = ("GET", "/axis-cgi/io/port.cgi", "action=5:/")


def request(method="GET", path="/holdfast/status", query="", **headers):
    headers.setdefault("host", "192.168.0.90")
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


def test_a_scheme_that_no_site_has_is_a_programs_own():
    for origin in ("chrome-extension://pfdhoblngboilpfeibdedpjgfnlcodoo", "moz-extension://a-b"):
        assert passes("GET", "/vapix/ws-data-stream", "sources=events", origin=origin)
        assert passes("POST", origin=origin)


def test_a_browsers_get_that_changes_something_needs_our_own_page():
    assert refused(*DOOR)
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
        assert not changes(request("GET", path, query))
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
        assert changes(request("GET", path, query)), query
        assert refused("GET", path, query)
        assert refused("HEAD", path, query)
