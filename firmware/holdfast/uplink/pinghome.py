"""A check-in with an outside monitor as Pinghome takes it (Submit Heartbeat Event): a GET of
`/v1/heartbeat/{id}` with `result` and `message` in its query, as its own example sends them.

The page's text says "in the request body"; its table and its example say the query.
"""

from holdfast.wire.httpclient import escaped, request


def heartbeat(link, utc_s, serial):
    """Yield between its steps; return the whole request."""
    result, message = link.details
    target = link.target + ("&" if "?" in link.target else "?") + "result=" + result
    if message:
        target += "&message=" + escaped(message)
    yield
    return request(link.receiver, target, b"")
