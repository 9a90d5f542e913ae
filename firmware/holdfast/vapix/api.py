"""What VAPIX' newer JSON APIs share: the envelope of requests and answers, versions, error
codes.
"""

from micropython import const

from holdfast.wire import json
from holdfast.wire.http import all_digits

# VAPIX Event streaming over WebSocket, "General error codes"; I/O port management has the same up
# to 2104, and both leave 2200 and up to the API. Its 2105 and 2106, authorization and
# authentication failed, have no use: that is told by 403 and 401, before any API reads a request.
INTERNAL = const(1100)
VERSION = const(2100)
INVALID_JSON = const(2101)
METHOD = const(2102)
MISSING = const(2103)
INVALID = const(2104)
TOO_LARGE = const(2107)
MESSAGES = {
    INTERNAL: "Internal error",
    VERSION: "API version not supported",
    INVALID_JSON: "Invalid JSON",
    METHOD: "Method not supported",
    MISSING: "Required parameter missing",
    INVALID: "Invalid parameter value specified",
    TOO_LARGE: "Request too large",
}


class ApiError(Exception):
    """A request answered with an error object; `detail` is added to the message of the code."""

    def __init__(self, code, detail=None):
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.call = None


class Call:
    """One request: apiVersion, which its answer repeats, whether it is supported or not; context
    (None when not given), method, params.
    """

    def __init__(self, version, context, method, params):
        self.version = version
        self.context = context
        self.method = method
        self.params = params


def error_object(code, detail=None, extra=""):
    """`{"code":..,"message":..}`; extra: more members as text, each with its leading comma."""
    message = MESSAGES.get(code, "")
    if detail:
        message = message + ": " + detail if message else detail
    return '{"code":%d,"message":%s%s}' % (code, json.quote(message), extra)


def read(data, unversioned=()):
    """The Call in a JSON text (bytes); on ApiError its `call` tells as much as could be read.

    Methods named in `unversioned` need no apiVersion (getSupportedVersions).
    """
    call = Call("1.0", None, None, None)
    try:
        _fill(call, data, unversioned)
    except ApiError as error:
        error.call = call
        raise
    return call


def _fill(call, data, unversioned):
    try:
        request = json.loads(data)
    except json.JsonError as error:
        raise ApiError(TOO_LARGE if error.large else INVALID_JSON)
    if not isinstance(request, dict):
        raise ApiError(INVALID_JSON, "not an object")
    context = request.get("context")
    if isinstance(context, str):
        call.context = context
    method = request.get("method")
    if isinstance(method, str):
        call.method = method
    version = request.get("apiVersion")
    if isinstance(version, str):
        call.version = version
    call.params = request.get("params")
    if method is None:
        raise ApiError(MISSING, "method")
    if version is None and method not in unversioned:
        raise ApiError(MISSING, "apiVersion")
    if version is not None:
        _version(version)
    if call.method is None:
        raise ApiError(INVALID, "method")
    if context is not None and call.context is None:
        raise ApiError(INVALID, "context")


def _version(version):
    """Accept every 1.x: minor versions only add."""
    if not isinstance(version, str):
        raise ApiError(INVALID, "apiVersion")
    major, dot, minor = version.partition(".")
    if major != "1" or not dot or not all_digits(minor):
        raise ApiError(VERSION)


def answer(call, name, value, method=None):
    """The answer to a call: an envelope with `"data"` or `"error"`, whose value is JSON text.

    method: what is named where the call's own could not be read; clients look for it.
    """
    return begun(call, name, method) + value + "}"


def begun(call, name, method=None):
    """As `answer`, up to the value."""
    context = "" if call.context is None else '"context":%s,' % json.quote(call.context)
    return '{"apiVersion":%s,%s"method":%s,"%s":' % (
        json.quote(call.version),
        context,
        json.quote(call.method or method or ""),
        name,
    )
