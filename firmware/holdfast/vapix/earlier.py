"""The JSON APIs that came before api's error codes: the same envelope, older numbers (VAPIX API
Discovery, VAPIX Basic device information).
"""

from micropython import const

from holdfast.vapix import api
from holdfast.wire.http import HttpError, Response
from holdfast.wire.json import quote

_POST_ONLY = const(2002)
# What api finds, and what these APIs say of it.
_CODES = {
    api.INTERNAL: (8000, "Internal error"),
    api.VERSION: (2003, "Requested API version is not supported"),
    api.INVALID_JSON: (4000, "Invalid JSON"),
    api.TOO_LARGE: (4000, "Invalid JSON: too many values"),
    api.METHOD: (2004, "Method not supported"),
    api.MISSING: (4002, "Required parameter missing or invalid"),
    api.INVALID: (1000, "Invalid parameter value specified"),
}


def post(request, operation):
    """The answer to one call: operation is a function(call) that gives the data as JSON text, or
    raises ApiError. Only getSupportedVersions needs no apiVersion.
    """
    if request.method != "POST":
        refused = HttpError(405, "POST")
        refused.json = (
            '{"apiVersion":"1.0","error":{"code":%d,'
            '"message":"HTTP request type not supported. Only POST is supported"}}'
        ) % _POST_ONLY
        raise refused
    try:
        call = api.read(request.body, ("getSupportedVersions",))
        try:
            text = api.answer(call, "data", operation(call))
        except api.ApiError as error:
            error.call = call
            raise
    except api.ApiError as error:
        code, message = _CODES.get(error.code, _CODES[api.INTERNAL])
        if error.detail:
            message += ": " + error.detail
        text = '{"code":%d,"message":%s}' % (code, quote(message))
        text = api.answer(error.call, "error", text)
    return Response(200, text.encode(), "application/json")


def versions(last):
    """The data of getSupportedVersions for 1.0 up to the last: minor versions only add."""
    minors = range(int(last.partition(".")[2]) + 1)
    return '{"apiVersions":[%s]}' % ",".join(['"1.%d"' % minor for minor in minors])
