"""A check-in with Pinghome."""

from holdfast.uplink.pinghome import heartbeat


class Link:
    receiver = (True, "data-gateway.example", 443)
    details = ("complete", "T\u00fcr & Tor")

    def __init__(self, target):
        self.target = target


def made(target, details=Link.details):
    link = Link(target)
    link.details = details
    steps = heartbeat(link, None, "")
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value.split(b"\r\n")


def test_result_and_message_are_in_the_query():
    lines = made("/v1/heartbeat/7")
    assert lines[0] == (
        b"GET /v1/heartbeat/7?result=complete&message=T%C3%BCr%20%26%20Tor HTTP/1.1"
    )
    assert lines[1] == b"Host: data-gateway.example"
    assert made("/h?a=b", ("tick", ""))[0] == b"GET /h?a=b&result=tick HTTP/1.1"
