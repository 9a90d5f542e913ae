"""A heartbeat as Unifi sends it."""

from holdfast.uplink.unifi import heartbeat


class Link:
    receiver = (False, "192.0.2.1", 8080)
    target = "/api/x_snd_eb/unifi/incident"

    def __init__(self, *details):
        self.details = details


def made(*details):
    steps = heartbeat(Link(*details), None, "")
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_it_is_a_post_with_the_mark():
    assert made("", "", "", (), "{}") == (
        b"POST /api/x_snd_eb/unifi/incident HTTP/1.1\r\nHost: 192.0.2.1:8080\r\n"
        b"User-Agent: Holdfast\r\nConnection: close\r\nx-snd-eb-heartbeat: 1\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )


def test_it_logs_in_as_the_platform_wants():
    data = made("Aladdin", "open sesame", "", (), "{}")
    assert b"\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n" in data
    data = made("", "", "token", ("X-Key: 1", "X-Org: 2"), '{"a": 1}')
    assert b"\r\nAuthorization: Bearer token\r\nX-Key: 1\r\nX-Org: 2\r\n" in data
    assert data.endswith(b"Content-Length: 8\r\n\r\n" + b'{"a": 1}')
    assert made("", "", "", (), "").startswith(b"POST ")
