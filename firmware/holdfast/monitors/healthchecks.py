"""Check-ins in healthchecks.io's language (Pinging API), because that is what stands in cron tabs.

    /ping/{uuid}, and with /start, /fail, /log or /{exit status} behind it
    /ping/{ping key}/{slug}, with the same behind it; ?create=1 makes a monitor that is not there

HEAD, GET and POST; a POST's body is the message, of which the history keeps the beginning
(`Ping-Body-Limit`), and which never decides whether a ping counts. A slash at the end means
nothing. `rid` names the run, a UUID. A ping key is a token of the role "ping". Texts of the
answers
and their status are theirs (hc/api/views.py).

A monitor is found by its name, where that is as a slug has to be; else by the slug of its name:
lower case, letters without their accents, a dash for blanks, and no other characters.

A monitor that is made by create=1 gets what they give: an interval of a day, an hour of grace, and
while it is new it waits for its first check-in for ever; its service is named after the token.
"""

from micropython import const

from holdfast.core.checkins import COMPLETE, FAIL, LOG, MESSAGE_BYTES, RUN, TICK, Refused
from holdfast.core.tokens import token_row
from holdfast.monitors.check_in import beginning, fields, one_line, seconds
from holdfast.settings.model import NotSaved
from holdfast.wire.http import Response, all_digits
from holdfast.wire.query import field

_DAY_S = const(86400)
_HOUR_S = const(3600)
_DASHES = (8, 13, 18, 23)  # in a UUID
_WORDS = {"start": RUN, "fail": FAIL, "log": LOG}
_SLUG = "abcdefghijklmnopqrstuvwxyz0123456789-_"
# The letters without their accents of U+00C0 to U+017F, as Unicode decomposes them.
_ACCENTED = const(0xC0)
_PLAIN = (
    "aaaaaa.ceeeeiiii.nooooo..uuuuy..aaaaaa.ceeeeiiii.nooooo..uuuuy.y"
    "aaaaaaccccccccdd..eeeeeeeeeegggggggghh..iiiiiiiii.iijjkk.lllllll"
    "l..nnnnnnn..oooooo..rrrrrrsssssssstttt..uuuuuuuuuuuuwwyyyzzzzzzs"
)


class Healthchecks:
    """keeper: a Lazy of monitors.store's Keeper; tokens: a function() that gives the rows."""

    def __init__(self, keeper, monitor_tokens):
        self._keeper = keeper
        self._tokens = monitor_tokens

    def by_uuid(self, caller, request, now):
        """/ping/{uuid}"""
        return self._ping(request, request.path.split("/")[2], TICK, None, now)

    def by_two(self, caller, request, now):
        """/ping/{uuid}/{action} or /ping/{ping key}/{slug}"""
        first, second = _parts(request)
        if is_uuid(first):
            result, status = _action(second)
            if result is None:
                return _text(400, "invalid url format")
            return self._ping(request, first, result, status, now)
        return self._by_slug(request, first, second, TICK, None, now)

    def by_three(self, caller, request, now):
        """/ping/{ping key}/{slug}/{action}"""
        key, name, word = _parts(request)
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
        everybody = [] if made is None else made.engine.all
        found = [monitor for monitor in everybody if monitor.name == name]
        if not found:
            found = [monitor for monitor in everybody if slug(monitor.name) == name]
        if len(found) > 1:
            return _text(409, "ambiguous slug")
        if found:
            return self._take(request, found[0], result, status, now)
        if field(fields(request.query), "create") != "1":
            return _text(404, "not found")
        if not _run_id(request.query)[0]:
            return _text(400, "invalid uuid format")
        try:
            values = {"service_id": row[0], "name": name, "interval": _DAY_S, "grace": _HOUR_S}
            values["wait_for_first"] = True
            monitor = self._keeper.method("create")(values, now)
        except Refused as refused:
            return _text(409 if refused.taken else 422, refused.problem)
        except NotSaved:
            return _text(503, "try again", ("Retry-After: 1",))
        response = self._take(request, monitor, result, status, now)
        return _text(201, "Created") if response.status == 200 else response

    def _take(self, request, monitor, result, status, now):
        """The check-in itself; its answer."""
        valid, run_id = _run_id(request.query)
        if not valid:
            return _text(400, "invalid uuid format")
        message = one_line(beginning(request)) if request.method == "POST" else ""
        wait = self._keeper.made.check_in(monitor, result, now, message, run_id, status)
        if wait:
            return _text(429, "rate limited", ("Retry-After: %d" % seconds(wait),))
        return _text(200, "OK", ("Ping-Body-Limit: %d" % MESSAGE_BYTES,))


def slug(name):
    """What a monitor of this name is called in an address (Django's slugify, ASCII)."""
    text = ""
    for character in name.lower():
        at = ord(character) - _ACCENTED
        if 0 <= at < len(_PLAIN):
            character = _PLAIN[at : at + 1].strip(".")
        if character in (" ", "-"):
            text += "" if text.endswith("-") else "-"
        elif character in _SLUG:
            text += character
    return text.strip("-_")


def _parts(request):
    """What stands behind /ping/."""
    return request.path.rstrip("/").split("/")[2:]


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
    result = _WORDS.get(word.lower())
    if result is not None:
        return result, None
    digits = word.lstrip("0")
    if all_digits(word) and len(digits) <= 3:
        number = int(digits or "0")
        if number <= 255:
            return (FAIL if number else COMPLETE), number
    return None, None


def _run_id(query):
    """(is it valid?, the run id in lower case, None without one)."""
    text = field(fields(query), "rid")
    if text is None:
        return True, None
    return is_uuid(text), text.lower()


def _text(status, text, lines=()):
    more = ("Access-Control-Allow-Origin: *",) + tuple(lines)
    return Response(status, text.encode(), "text/plain; charset=utf-8", more)
