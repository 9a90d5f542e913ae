"""What the client sends, and what it makes of replies."""

from claims import raises
from holdfast.wire.httpclient import JSON, BadReply, basic, escaped, request, status

HERE = (False, "192.0.2.1", 80)


def test_without_a_body_it_is_a_get():
    assert request(HERE, "/a?b=c", b"") == (
        b"GET /a?b=c HTTP/1.1\r\nHost: 192.0.2.1\r\nUser-Agent: Holdfast\r\n"
        b"Connection: close\r\n\r\n"
    )


def test_with_a_body_it_is_a_post_whose_length_counts_bytes():
    body = "Tür".encode()
    data = request((False, "192.0.2.1", 8080), "/", body)
    assert data.startswith(b"POST / HTTP/1.1\r\nHost: 192.0.2.1:8080\r\n")
    assert b"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\n" in data
    assert data.endswith(b"\r\n\r\n" + body)
    assert b"\r\nContent-Type: application/json\r\n" in request(HERE, "/", b"{}", (), JSON)


def test_the_host_names_a_port_that_is_not_the_usual_one():
    for receiver, host in (
        ((True, "a.example", 443), b"a.example"),
        ((True, "a.example", 80), b"a.example:80"),
        ((False, "a.example", 443), b"a.example:443"),
    ):
        assert b"\r\nHost: " + host + b"\r\n" in request(receiver, "/", b"")


def test_a_login_is_sent_as_basic():
    """RFC 7617 section 2, its example."""
    line = basic("Aladdin", "open sesame")
    assert line == "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert b"\r\n" + line.encode() + b"\r\n" in request(HERE, "/", b"", [line])


def test_long_credentials_stay_on_one_line():
    assert "\n" not in basic("l" * 256, "p" * 256)


def test_a_query_is_escaped():
    assert escaped("aZ09-._~") == "aZ09-._~"
    assert escaped("a b&c=d/\u00fc\u20ac+%") == "a%20b%26c%3Dd%2F%C3%BC%E2%82%AC%2B%25"


def test_a_status_is_known_as_soon_as_its_line_is():
    whole = b"HTTP/1.1 204 No Content\r\n\r\n"
    for end in range(len(whole)):
        assert status(whole[:end]) == (204 if end >= 13 else None)
    assert status(b"HTTP/1.0 500\r\n") == 500


def test_interim_replies_are_passed_over():
    interim = b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n"
    assert status(interim) is None
    assert status(interim + interim + b"HTTP/1.1 200 OK\r\n") == 200
    whole = interim + b"HTTP/1.1 200 OK\r\n"
    for end in range(len(interim) + 13):
        assert status(whole[:end]) is None


def test_what_is_no_http_is_said_to_be():
    for data in (
        b"SSH-2.0-x",
        b"h",
        b"HTTP/2.0 200 OK\r\n",
        b"HTTP/1.1  200 OK\r\n",
        b"HTTP/1.1 2x0 OK\r\n",
        b"HTTP/1.1 2000 OK\r\n",
        b"HTTP/1.1 +20 OK\r\n",
        b"HTTP/1.1 100 C\r\n\r\nSSH",
    ):
        raises(BadReply, status, data)
