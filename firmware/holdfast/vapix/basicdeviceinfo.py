"""Basic device information, `POST /axis-cgi/basicdeviceinfo.cgi` (VAPIX Basic device
information): which product this is. Strangers are told less than operators.
"""

from micropython import const

from holdfast.core.accounts import READ_SYSTEM_SENSITIVE
from holdfast.vapix import api
from holdfast.vapix.access import require
from holdfast.vapix.earlier import post, versions
from holdfast.vapix.identity import PROPERTIES, RESTRICTED, Device
from holdfast.wire.json import quote

VERSION = "1.3"
_MAX_NAMES = const(64)  # of one getProperties; there are 14


class BasicDeviceInfo:
    """Tells properties; about: the arguments of identity.Device."""

    def __init__(self, about):
        self._device = Device(*about)

    def post(self, caller, request, now):
        """Answer one call."""

        def operation(call):
            method = call.method
            if method == "getSupportedVersions":
                return versions(VERSION)
            if method == "getAllUnrestrictedProperties":
                return self._list([row for row in PROPERTIES if row[0] not in RESTRICTED])
            if method not in ("getAllProperties", "getProperties"):
                raise api.ApiError(api.METHOD)
            require(caller, READ_SYSTEM_SENSITIVE)
            if method == "getAllProperties":
                return self._list(PROPERTIES)
            asked = _asked(call.params)
            return self._list([row for row in PROPERTIES if row[0] in asked])

        return post(request, operation)

    def _list(self, rows):
        pairs = []
        for name, attribute in rows:
            pairs.append('"%s":%s' % (name, quote(getattr(self._device, attribute))))
        return '{"propertyList":{%s}}' % ",".join(pairs)


def _asked(params):
    """The names a getProperties asks for: `{"propertyList": ["Brand", ...]}`."""
    names = params.get("propertyList") if isinstance(params, dict) else None
    if names is None:
        raise api.ApiError(api.MISSING, "propertyList")
    if not isinstance(names, list) or len(names) > _MAX_NAMES:
        raise api.ApiError(api.INVALID, "propertyList")
    known = [row[0] for row in PROPERTIES]
    for name in names:
        if name not in known:
            raise api.ApiError(api.INVALID, "propertyList")
    return names
