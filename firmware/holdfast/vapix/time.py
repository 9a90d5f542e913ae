"""The time, `POST /axis-cgi/time.cgi` (VAPIX Time API), to be read: the module asks an NTP server
and is not set by anybody. It has no time zone; its local time is UTC.

A module that does not know the time answers with an error: no client takes 1970 for it.
"""

from holdfast.vapix import api
from holdfast.vapix.reply import reply
from holdfast.wire.date import date_text

VERSION = "1.0"
_ZONE = '"timeZone":"UTC","posixTimeZone":"UTC0","dstEnabled":false'


class TimeService:
    """clock: of the board."""

    def __init__(self, clock):
        self._clock = clock

    def post(self, caller, request, now):
        """Answer one call."""
        return reply(request, self._call, now)

    def _call(self, call, now):
        if call.method == "getSupportedVersions":
            return '{"apiVersions":["%s"]}' % VERSION
        if call.method not in ("getDateTimeInfo", "getAll"):
            raise api.ApiError(api.METHOD)
        epoch_ms = self._clock.epoch_ms()
        if not epoch_ms:
            raise api.ApiError(api.INTERNAL, "the time is not known, set time.server")
        text = date_text((now + epoch_ms) // 1000 * 1000)
        data = '"dateTime":"%s","localDateTime":"%s",%s' % (text, text[:-1], _ZONE)
        if call.method == "getAll":
            data += ',"maxSupportedYear":9999,"timeZones":["UTC"]'
        return "{%s}" % data
