"""A heartbeat that a Unifi integration sends to the module (Unifi, Inbound Heartbeat Messages): a
POST with `x-snd-eb-heartbeat: 1` to the path in the settings, by an account that may actuate.
"""

from holdfast.uplink.unifi import MARK
from holdfast.wire.http import HttpError, Response


class InboundService:
    """Notes that the other side is alive."""

    def __init__(self, module):
        self._module = module

    def post(self, caller, request, now):
        """The reply of the settings; HttpError 400 for what is no heartbeat."""
        if request.headers.get(MARK) != "1":
            raise HttpError(400)
        self._module.act(now)
        self._module.tell(now)
        self._module.links.heard(now)
        status, kind, body = self._module.links.inbound.reply
        return Response(status, body, kind)
