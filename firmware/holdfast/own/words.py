"""What the services of our own share: what a request asks for, and values as JSON."""

from holdfast.wire import json
from holdfast.wire.http import HttpError


def asked(request, name, kind):
    """The member `name`, of this type, of the JSON object in a request's body, which has no other;
    HttpError 400, 422 for another member.
    """
    try:
        value = json.loads(request.body)
    except json.JsonError:
        value = None
    if not isinstance(value, dict):
        raise _refused(400, "", "the body must be a JSON object")
    for key in value:
        if key != name:
            raise _refused(422, key, "unknown key; known is: " + name)
    if not isinstance(value.get(name), kind):
        problem = "must be true or false" if kind is bool else "must be text"
        raise _refused(400, name, problem)
    return value[name]


def _refused(status, key, problem):
    error = HttpError(status)
    error.json = '{"error":{"key":%s,"problem":%s}}' % (json.quote(key), json.quote(problem))
    return error


def boolean(value):
    return "true" if value else "false"


def number(value):
    """An int, or null for None."""
    return "null" if value is None else "%d" % value
