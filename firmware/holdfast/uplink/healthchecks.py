"""A ping as healthchecks.io and its kin take it: a GET of the check's own URL, or a POST with a
message, which is kept beside the ping."""

from holdfast.wire.httpclient import request


def heartbeat(link, utc_s, serial):
    """Yield between its steps; return the whole request."""
    yield
    return request(link.receiver, link.target, link.details[0].encode())
