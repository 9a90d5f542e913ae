"""What the services of our own share: what a request asks for, and values as JSON."""

from holdfast.wire import json
from holdfast.wire.http import HttpError


def asked(request, name, kind):
    """The member `name`, of this type, of the JSON object in a request's body; HttpError 400."""
    try:
        value = json.loads(request.body)
    except json.JsonError:
        raise HttpError(400)
    value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, kind):
        raise HttpError(400)
    return value


def boolean(value):
    return "true" if value else "false"


def number(value):
    """An int, or null for None."""
    return "null" if value is None else "%d" % value
