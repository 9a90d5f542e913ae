"""Check-ins in healthchecks.io's language (Pinging API), because that is what stands in cron tabs.

    /ping/{uuid}, and with /start, /fail, /log or /{exit status} behind it
    /ping/{ping key}/{slug}, with the same behind it; ?create=1 makes a monitor that is not there

HEAD, GET and POST; a POST's body is the message, of which the history keeps the beginning
(`Ping-Body-Limit`). `rid` names the run, a UUID. A ping key is a token of the role "ping". A
monitor's slug is its name in lower case, with a dash for blanks and without what is neither letter
nor digit. Texts of the answers and their status are theirs (hc/api/views.py).

A monitor that is made by create=1 gets what they give: an interval of a day, an hour of grace;
its service is named after the token.
"""

from micropython import const

from holdfast.core.checkins import COMPLETE, FAIL, LOG, MESSAGE_BYTES, RUN, TICK, Refused
from holdfast.core.settings import NotSaved
from holdfast.core.tokens import token_row
from holdfast.monitors.answers import one_line, seconds
from holdfast.wire.http import HttpError, Response, all_digits
from holdfast.wire.query import parameter
from holdfast.wire.utf8 import utf8

_DAY_S = const(86400)
_HOUR_S = const(3600)
_DASHES = (8, 13, 18, 23)  # in a UUID
_WORDS = {"start": RUN, "fail": FAIL, "log": LOG}
_SLUG = "abcdefghijklmnopqrstuvwxyz0123456789-_"


class Healthchecks:
    """keeper: a Lazy of shell.keeping's Keeper; tokens: a function() that gives the rows."""

    def __init__(self, keeper, monitor_tokens):
        self._keeper = keeper
        self._tokens = monitor_tokens

    def by_uuid(self, caller, request, now):
        """/ping/{uuid}"""
        return self._ping(request, request.path.split("/")[2], TICK, None, now)

    def by_two(self, caller, request, now):
        """/ping/{uuid}/{action} or /ping/{ping key}/{slug}"""
        _, _, first, second = request.path.split("/")
        if is_uuid(first):
            result, status = _action(second)
            if result is None:
                return _text(400, "invalid url format")
            return self._ping(request, first, result, status, now)
        return self._by_slug(request, first, second, TICK, None, now)

    def by_three(self, caller, request, now):
        """/ping/{ping key}/{slug}/{action}"""
        _, _, key, name, word = request.path.split("/")
        result, status = _action(word)
        if result is None:
            return _text(400, "invalid url format")
        return self._by_slug(request, key, name, result, status, now)

    def _ping(self, request, identifier, result, status, now):
        if not is_uuid(identifier):
            return _text(400, "invalid url format")
        monitor = None
        if self._keeper.made is not None:
            monitor = self._keeper.made.find(identifier.lower())
        if monitor is None:
            return _text(404, "not found")
        return self._take(request, monitor, result, status, now)

    def _by_slug(self, request, key, name, result, status, now):
        row = token_row(self._tokens(), key)
        if row is None:
            return _text(404, "not found")
        if not name or name.strip(_SLUG):
            return _text(400, "invalid url format")
        made = self._keeper.made
        found = [] if made is None else [m for m in made.engine.all if slug(m.name) == name]
        if len(found) > 1:
            return _text(409, "ambiguous slug")
        if found:
            return self._take(request, found[0], result, status, now)
        try:
            if parameter(request.query, "create") != "1":
                return _text(404, "not found")
            if not _run_id(request.query)[0]:
                return _text(400, "invalid uuid format")
            fields = {"service_id": row[0], "name": name, "interval": _DAY_S, "grace": _HOUR_S}
            monitor = self._keeper.call("create", fields, now)
        except HttpError:
            return _text(400, "invalid url format")
        except Refused as refused:
            return _text(409 if refused.taken else 422, refused.problem)
        except NotSaved:
            return _text(503, "try again", ("Retry-After: 1",))
        response = self._take(request, monitor, result, status, now)
        return _text(201, "Created") if response.status == 200 else response

    def _take(self, request, monitor, result, status, now):
        """The check-in itself; its answer."""
        try:
            valid, run_id = _run_id(request.query)
        except HttpError:
            valid = False
        if not valid:
            return _text(400, "invalid uuid format")
        message = _beginning(request.body) if request.method == "POST" else ""
        wait = self._keeper.made.check_in(monitor, result, now, message, run_id, status)
        if wait:
            return _text(429, "rate limited", ("Retry-After: %d" % seconds(wait),))
        return _text(200, "OK", ("Ping-Body-Limit: %d" % MESSAGE_BYTES,))


def slug(name):
    """What a monitor of this name is called in an address (Django's slugify, ASCII)."""
    text = ""
    for character in name.lower():
        if character in " -":
            text += "" if text.endswith("-") else "-"
        elif character in _SLUG:
            text += character
    return text.strip("-_")


def is_uuid(text):
    """True for the text of a UUID, in either case."""
    if len(text) != 36:
        return False
    for at in _DASHES:
        if text[at] != "-":
            return False
    return not text.replace("-", "").strip("0123456789abcdefABCDEF") and text.count("-") == 4


def _action(word):
    """(result, exit status) of the last part of an address; (None, None) for what is none."""
    result = _WORDS.get(word)
    if result is not None:
        return result, None
    if all_digits(word) and len(word) <= 3 and int(word) <= 255:
        return (COMPLETE if int(word) == 0 else FAIL), int(word)
    return None, None


def _run_id(query):
    """(is it valid?, the run id in lower case, None without one)."""
    text = parameter(query, "rid") if "rid" in query else None
    if text is None:
        return True, None
    return is_uuid(text), text.lower()


def _beginning(body):
    """As much of a body as the history keeps, and a little more; what is no UTF-8 is left out."""
    part = body[: MESSAGE_BYTES + 4]
    for end in range(len(part), max(-1, len(part) - 4), -1):
        try:
            return one_line(utf8(part[:end]).strip())
        except ValueError:
            pass  # cut within a character, or no text at all
    return ""


def _text(status, text, lines=()):
    more = ("Access-Control-Allow-Origin: *",) + tuple(lines)
    return Response(status, text.encode(), "text/plain; charset=utf-8", more)
