"""The answer to one call of a JSON API that has api's error codes."""

from holdfast.vapix import api
from holdfast.wire.http import Response


def reply(request, operation, now):
    """A Response: operation is a function(call, now) that gives the data as JSON text, or raises
    ApiError. Only getSupportedVersions needs no apiVersion.
    """
    try:
        call = api.read(request.body, ("getSupportedVersions",))
        try:
            text = api.answer(call, "data", operation(call, now))
        except api.ApiError as error:
            error.call = call
            raise
    except api.ApiError as error:
        text = api.answer(error.call, "error", api.error_object(error.code, error.detail))
    return Response(200, text.encode(), "application/json")
