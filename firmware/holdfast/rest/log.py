"""`GET /holdfast/log`: the event log, for operators; it tells names and addresses.

`?limit=` gives the latest entries, `?since=<number>` those after it, oldest first; `more` tells
that there are others. `number` goes on after a restart from what was in flash (`saved`); with
`boot`, another after every start, it is told once for all. `at` is ms since that start, `time` ms
of UTC since 1970 or null, `due` when the thing should have happened.
"""

from binascii import hexlify

from micropython import const

from holdfast.core.log import TRIP
from holdfast.wire.http import HttpError, Response, all_digits
from holdfast.wire.json import quote
from holdfast.wire.query import parameter

LIMIT = const(64)
_USUAL = const(32)
_MOST_DIGITS = const(10)

# By kind, see core.log.
NAMES = (
    "trip",
    "return",
    "release",
    "reset",
    "settings",
    "failed turn",
    "login refused",
    "heap",
    "network",
    "clock",
    "rule",
    "notification lost",
    "tls",
    "alarm",
    "bypass",
    "heartbeat not awaited",
    "logins delayed",
)


class LogService:
    """log: core.log.Log. reader: a function() for (`find` and `entries` of storage.log_files,
    storage, a function() for what to add to the module's time for UTC). boot: random bytes of this
    start.
    """

    def __init__(self, log, reader, boot):
        self._log = log
        self._reader = reader
        self._boot = boot

    def get(self, caller, request, now):
        """Answer with entries as JSON."""
        limit = min(_number(request.query, "limit", _USUAL), LIMIT)
        since = _number(request.query, "since", None)
        reader = self._reader()  # here the stack is short: it loads code
        return Response(
            200,
            lambda: self._told(reader, since, max(limit, 1), now),
            "application/json",
            ("Cache-Control: no-store",),
        )

    def _told(self, reader, since, limit, now):
        log = self._log
        find, entries, storage, epoch_ms = reader
        places = []
        # One more than is told says that there are others.
        for _ in find(log, storage, since, limit + (since is not None), places):
            yield ""
        start = '{"entries":['
        # Asked for now: the clock may have been set since, and an entry says so.
        for row in entries(log, storage, places[:limit], epoch_ms()):
            if row is None:
                yield ""
            else:
                yield start
                yield _entry(*row)
                start = ","
        if start != ",":
            yield start
        waiting = [book.waiting[0][0] for book in log.books if book.waiting]
        yield '],"more":%s,"now":%d,"boot":"%s","saved":%d,"lost":%d,' % (
            "true" if len(places) > limit else "false",
            now,
            hexlify(self._boot[:8]).decode(),
            min(waiting) - 1 if waiting else log.number,
            log.lost,
        )
        yield (
            '"flash":{"writes":%d,"bytes":%d,"writes_today":%d,"bytes_today":%d,"failures":%d}}'
            % (log.writes, log.bytes, log.writes_today, log.bytes_today, log.failures)
        )


def _entry(number, at, late, kind, time, text):
    due = ',"due":%d' % (at - late) if kind == TRIP else ""
    return '{"number":%d,"at":%d%s,"time":%s,"kind":"%s","text":%s}' % (
        number,
        at,
        due,
        "%d" % time if time else "null",
        NAMES[kind],
        quote(text),
    )


def _number(query, name, default):
    text = parameter(query, name)
    if text is None or text == "":
        return default
    if not all_digits(text, _MOST_DIGITS):
        raise HttpError(400)
    return int(text)
