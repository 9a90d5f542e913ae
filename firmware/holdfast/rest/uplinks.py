"""`GET /holdfast/uplinks`: what the module knows about its links to others.

Where to is told by scheme, host and port alone: the rest of an address may be a secret. Times are
ms of the module's clock, which starts at 0 and never wraps; `now` tells where it stands.
"""

from holdfast.rest.json import boolean, listed, number
from holdfast.wire.http import Response
from holdfast.wire.json import quote


class UplinksService:
    """Tells links, their queues, and who sends heartbeats to us."""

    def __init__(self, module):
        self._module = module

    def get(self, caller, request, now):
        """Answer with all of it as JSON."""
        if self._module.links is not None:
            self._module.links.look(now)
        return Response(200, lambda: self._told(now), "application/json")

    def _told(self, now):
        links = self._module.links
        inbound = "null"
        yield '{"now":%d,"links":[' % now
        if links is not None:
            yield from listed(_link, links.links, now)
            if links.inbound is not None:
                inbound = _inbound(links.inbound)
        yield '],"inbound":%s}' % inbound


def _link(link, now):
    from holdfast.core.uplinks import KINDS  # it is loaded where there is a link

    secure, host, port = link.receiver
    return (
        '{"name":%s,"kind":"%s","enabled":%s,"receiver":%s,"up":%s,"since":%d,"why":%s,"status":%s,'
        '"last":%s,"next":%s,"sent":%d,"failed":%d,"failed_in_a_row":%d,"queue":%s}'
    ) % (
        quote(link.name),
        KINDS[link.kind],
        boolean(link.enabled),
        quote("%s://%s:%d" % ("https" if secure else "http", host, port)),
        boolean(link.up),
        link.since,
        quote(link.why),
        number(link.status),
        number(link.last_at),
        number(None if link.due is None else max(link.due, now)),
        link.sent,
        link.failed,
        link.failures,
        _queue(link),
    )


def _queue(link):
    if link.pauses == "none":
        return "null"
    return '{"waiting":%d,"delivered":%d,"refused":%d,"dropped":%d}' % (
        len(link.queue),
        link.delivered,
        link.refused,
        link.dropped,
    )


def _inbound(inbound):
    watched = inbound.declared is not None
    return '{"up":%s,"since":%s,"count":%d,"last":%s}' % (
        boolean(inbound.up) if watched else "null",
        "%d" % inbound.since if watched else "null",
        inbound.count,
        number(inbound.last_at),
    )
