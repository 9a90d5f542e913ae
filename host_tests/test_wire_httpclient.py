"""What the client sends, and what it makes of replies."""

from claims import raises
from holdfast.wire.httpclient import BadReply, request, status


def test_without_a_body_it_is_a_get():
    assert request("192.0.2.1", 80, "/a?b=c", b"") == (
        b"GET /a?b=c HTTP/1.1\r\nHost: 192.0.2.1\r\nUser-Agent: Holdfast\r\n"
        b"Connection: close\r\n\r\n"
    )


def test_with_a_body_it_is_a_post_whose_length_counts_bytes():
    body = "Tür".encode()
    data = request("192.0.2.1", 8080, "/", body)
    assert data.startswith(b"POST / HTTP/1.1\r\nHost: 192.0.2.1:8080\r\n")
    assert b"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\n" in data
    assert data.endswith(b"\r\n\r\n" + body)


def test_a_login_is_sent_as_basic():
    """RFC 7617 section 2, its example."""
    data = request("a", 80, "/", b"", "Aladdin", "open sesame")
    assert b"\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n" in data
    assert b"Authorization" not in request("a", 80, "/", b"", "", "secret")


def test_long_credentials_stay_on_one_line():
    data = request("a", 80, "/", b"", "l" * 256, "p" * 256)
    assert data.count(b"\r\n") == 6


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
