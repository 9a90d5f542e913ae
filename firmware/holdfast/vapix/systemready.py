"""Systemready, `POST /axis-cgi/systemready.cgi`: does the module serve, and has anybody set it up.
Anyone may ask.

There is no vendor document of it here; this is what published clients send and read.
"""

from holdfast.core.events import SYSTEM_READY, VALUES
from holdfast.core.session import uuid4
from holdfast.vapix import api
from holdfast.vapix.reply import reply

VERSION = "1.1"


class SystemReady:
    """boot: 16 random bytes drawn at the start, which make the boot id."""

    def __init__(self, module, store, boot):
        self._module = module
        self._store = store
        self._boot = boot

    def post(self, caller, request, now):
        """Answer one call, at once: who asks with a timeout is told how things are, and asks
        again.
        """
        return reply(request, self._call, now)

    def _call(self, call, now):
        if call.method == "getSupportedVersions":
            return '{"apiVersions":["1.0","%s"]}' % VERSION
        if call.method != "systemready":
            raise api.ApiError(api.METHOD)
        ready = False
        for declared in self._module.events.properties:
            if declared.topic is SYSTEM_READY:
                ready = declared.data == SYSTEM_READY[VALUES][1]
        return '{"systemready":"%s","needsetup":"%s","uptime":"%d","bootid":"%s"}' % (
            "yes" if ready else "no",
            "yes" if self._store.fresh else "no",
            now // 1000,
            uuid4(self._boot),
        )
