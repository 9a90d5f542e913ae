"""API Discovery, `POST /axis-cgi/apidiscovery.cgi` (VAPIX API Discovery service): which APIs are
there. Anyone may ask.

Clients take a listed API as supported and send its version with their requests, so what is listed
is what the handlers accept.
"""

from micropython import const

from holdfast.vapix import api
from holdfast.vapix.earlier import post, versions
from holdfast.wire.query import matches

_VERSION = "1.0"
_MAX_PATTERN = const(40)  # characters; anyone may ask, and a long row of wildcards takes its time
# Id, version, name, and the address that is meant.
APIS = (
    ("api-discovery", _VERSION, "API Discovery Service", "/axis-cgi/apidiscovery.cgi"),
    ("basic-device-info", "1.3", "Basic Device Information", "/axis-cgi/basicdeviceinfo.cgi"),
    (
        "event-streaming-over-websocket",
        "1.0",
        "Event Streaming over WebSocket",
        "/vapix/ws-data-stream",
    ),
    ("io-port-management", "1.1", "IO Port Management", "/axis-cgi/io/portmanagement.cgi"),
    ("param-cgi", "1.0", "Legacy Parameter Handling", "/axis-cgi/param.cgi"),
    ("systemready", "1.1", "Systemready", "/axis-cgi/systemready.cgi"),
    ("time-service", "1.0", "Time Service", "/axis-cgi/time.cgi"),
    ("user-management", "1.0", "User Management", "/axis-cgi/pwdgrp.cgi"),
)


class ApiDiscovery:
    """Lists the APIs."""

    def post(self, caller, request, now):
        """Answer one call."""
        return post(request, self._call)

    def _call(self, call):
        if call.method == "getSupportedVersions":
            return versions(_VERSION)
        if call.method != "getApiList":
            raise api.ApiError(api.METHOD)
        params = {} if call.params is None else call.params
        if not isinstance(params, dict):
            raise api.ApiError(api.INVALID, "params")
        id_like = _pattern(params, "id")
        version_like = _pattern(params, "version")
        rows = []
        for identifier, version, name, _ in APIS:
            if matches(id_like, identifier) and matches(version_like, version):
                # docLink: there is no document of ours that describes one API.
                rows.append(
                    '{"id":"%s","version":"%s","name":"%s","docLink":"","status":"official"}'
                    % (identifier, version, name)
                )
        return '{"apiList":[%s]}' % ",".join(rows)


def _pattern(params, name):
    value = params.get(name, "*")
    if not isinstance(value, str) or len(value) > _MAX_PATTERN:
        raise api.ApiError(api.INVALID, name)
    return value
