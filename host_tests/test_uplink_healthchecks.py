"""A ping of healthchecks.io's kind."""

from holdfast.uplink.healthchecks import heartbeat


class Link:
    receiver = (False, "hc.example", 8000)
    target = "/ping/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"

    def __init__(self, message):
        self.details = (message,)


def made(message):
    steps = heartbeat(Link(message), None, "")
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_it_is_a_get_or_a_post_with_a_message():
    assert made("").startswith(b"GET /ping/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278 HTTP/1.1\r\n")
    data = made("all is well")
    assert data.startswith(b"POST /ping/") and data.endswith(b"\r\n\r\nall is well")
