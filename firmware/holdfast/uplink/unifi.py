"""A heartbeat as Unifi sends it (Unifi, Heartbeat Messages): a POST with `x-snd-eb-heartbeat: 1`,
to which any 2xx is a good answer.

The page leaves open what the body holds; an empty JSON object, unless settings say otherwise.
"""

from holdfast.uplink import MARK
from holdfast.wire.httpclient import JSON, basic, request


def heartbeat(link, utc_s, serial):
    """A generator, as all of these: yields between its steps, returns the whole request."""
    login, password, token, more, body = link.details
    lines = [MARK + ": 1"]
    if login:
        lines.append(basic(login, password))
    elif token:
        lines.append("Authorization: Bearer " + token)
    lines.extend(more)
    yield
    # An empty body would make it a GET.
    return request(link.receiver, link.target, (body or "{}").encode(), lines, JSON)
