"""What the services of our own share: what a request asks for, lists and values as JSON."""

from holdfast.wire import json
from holdfast.wire.http import HttpError


def asked(request, name, kind, beside=()):
    """The member `name`, of this type, of the JSON object in a request's body, which has no other
    but those `beside` it; HttpError 400, 422 for another member.
    """
    try:
        value = json.loads(request.body)
    except json.JsonError:
        value = None
    if not isinstance(value, dict):
        raise refused(400, "", "the body must be a JSON object")
    for key in value:
        if key != name and key not in beside:
            raise refused(422, key, "unknown key; known is: " + ", ".join((name,) + beside))
    found = value.get(name)
    if not isinstance(found, kind) or kind is int and isinstance(found, bool):
        problems = {bool: "must be true or false", int: "must be a whole number"}
        raise refused(400, name, problems.get(kind, "must be text"))
    return found


def refused(status, key, problem):
    """An HttpError that names the bad key, "" for none, and what is wrong with it."""
    error = HttpError(status)
    error.json = '{"error":{"key":%s,"problem":%s}}' % (json.quote(key), json.quote(problem))
    return error


def listed(shown, rows, *more):
    """The rows of a JSON list as texts, `shown(row, *more)` of each. Others may have their turn
    between two of them, and change what is listed: these are told as they were.
    """
    for i, row in enumerate(list(rows)):
        if i:
            yield ","
        yield shown(row, *more)


def boolean(value):
    return "true" if value else "false"


def number(value):
    """An int, or null for None."""
    return "null" if value is None else "%d" % value
