"""Monitors in Pinghome's language (Heartbeat monitoring operations, records, statistics).

    POST /v1/heartbeat, DELETE /v1/heartbeat?id=..&id=..
    GET, PUT, DELETE /v1/heartbeat/{id}
    GET, POST /v1/heartbeat/{id}?result=..&message=..       check in
    GET /v1/service/{id}/heartbeats?page&limit
    GET /v1/heartbeat/{id}/statistic?interval&start_date&end_date
    GET /v1/heartbeat/{id}/events?limit&last_received_at

The document has four hosts, and on two of them GET /v1/heartbeat/{id} means different things. A
GET of a Host that begins with `data-gateway.` checks in, whatever its token; one that begins with
`resource-query.` reads, and needs a token. By any other name of the module, its address among
them: a GET with a token reads, unless it names a result or a message; one without a token checks
in. Who knows the id may check in. What a check-in says is read by monitors.check_in.

What the document leaves open is decided here: answers are the monitor as an object, that of a
change with the "message" the document wants, lists have it under "data", errors are {"error":
{"code", "field", "message"}}. DELETE takes ids repeated, separated by commas, or as `id[]`; it
removes all of them or none. Events come oldest first: the latest `limit`, or the first `limit`
after `last_received_at`, so that the last one's `received_at` asks for those that follow.
Statistics come in buckets of `interval` from `start_date` on, those in which nothing was counted
are left out; `received_at` is a bucket's beginning. Where the module did not know the time of day,
what was kept by its guess has "estimated": true.
"""

from micropython import const

# What others here import comes first: an import inside another takes 550 bytes of the C stack.
from holdfast.wire.query import field, parameters, unquote

# isort: split
from holdfast.core.checkins import DOWN, HOUR_MS, RESULTS, Refused
from holdfast.core.events import VALUES
from holdfast.core.tokens import OPERATOR, VIEWER
from holdfast.core.topics import MONITOR
from holdfast.monitors.check_in import (
    Problem,
    answer,
    one_line,
    require,
    said,
    says_something,
    seconds,
)
from holdfast.settings.model import NotSaved
from holdfast.wire import json
from holdfast.wire.date import date_text, moment
from holdfast.wire.http import HttpError, Response, all_digits
from holdfast.wire.json import quote

_MOST = const(100)  # of a page, and of events
_BUCKETS = const(1000)  # of statistics, in one answer
_ID_LENGTH = const(36)  # of an id that is told to be none
_INTERVALS = {"1h": 1, "3h": 3, "12h": 12, "1d": 24, "3d": 72, "7d": 168, "30d": 720}
_MONTH_H = const(720)
_READ_HOST = "resource-query."
_CHECK_IN_HOST = "data-gateway."


class Pinghome:
    """keeper: a Lazy of monitors.store's Keeper; tokens: a function() that gives the rows."""

    def __init__(self, keeper, monitor_tokens):
        self._keeper = keeper
        self._tokens = monitor_tokens

    # -- monitors ---------------------------------------------------------------------------------

    def create(self, caller, request, now):
        return self._answer(self._create, caller, request, now, OPERATOR)

    def _create(self, caller, request, now):
        monitor = self._keeper.method("create")(_object(request), now)
        return answer(self._shown(monitor, caller, request), 201)

    def remove_many(self, caller, request, now):
        return self._answer(self._remove_many, caller, request, now, OPERATOR)

    def _remove_many(self, caller, request, now):
        monitors = []
        for name, value in parameters(request.query):
            if name in ("id", "id[]"):
                for part in value.split(","):
                    if not part.strip(" \t\r\n"):
                        continue
                    monitor = self._find(part.strip(" \t\r\n"))
                    if monitor not in monitors:
                        monitors.append(monitor)
        if not monitors:
            raise Problem(400, "the ids of the monitors to remove are needed", "id")
        self._keeper.method("remove")(monitors, now)
        return _deleted(monitors)

    def one(self, caller, request, now):
        """GET: read, or check in; see the top."""
        host = _host(request)
        if not host.startswith(_READ_HOST) and (
            host.startswith(_CHECK_IN_HOST)
            or request.authorization is None
            or says_something(request)
        ):
            return self.check_in(caller, request, now)
        return self._answer(self._one, caller, request, now, VIEWER)

    def _one(self, caller, request, now):
        return answer(self._shown(self._named(request), caller, request))

    def change(self, caller, request, now):
        return self._answer(self._change, caller, request, now, OPERATOR)

    def _change(self, caller, request, now):
        monitor = self._named(request)
        self._keeper.method("change")(monitor, _object(request), now)
        return answer('{"message":"updated",' + self._shown(monitor, caller, request)[1:])

    def remove(self, caller, request, now):
        return self._answer(self._remove, caller, request, now, OPERATOR)

    def _remove(self, caller, request, now):
        monitors = [self._named(request)]
        self._keeper.method("remove")(monitors, now)
        return _deleted(monitors)

    def listed(self, caller, request, now):
        return self._answer(self._listed, caller, request, now, VIEWER)

    def _listed(self, caller, request, now):
        service = unquote(request.path.split("/")[3], True)
        fields = parameters(request.query)
        page = _positive(fields, "page", 1, 1000000)
        limit = _positive(fields, "limit", _MOST, _MOST)
        found = [m for m in self._all() if m.service == service]
        shown = found[(page - 1) * limit : page * limit]
        head = '{"page":%d,"limit":%d,"total":%d,"data":[' % (page, limit, len(found))
        return _told(lambda: self._rows(head, shown, caller, request))

    def _rows(self, head, monitors, caller, request):
        for monitor in monitors:
            yield head
            yield self._shown(monitor, caller, request)
            head = ","
        yield "]}" if monitors else head + "]}"

    # -- history ----------------------------------------------------------------------------------

    def events(self, caller, request, now):
        return self._answer(self._events, caller, request, now, VIEWER)

    def _events(self, caller, request, now):
        monitor = self._named(request)
        fields = parameters(request.query)
        limit = _positive(fields, "limit", _MOST, _MOST)
        after = _date(fields, "last_received_at")
        events = self._keeper.made.events
        return _told(lambda: _rows('{"data":[', events(monitor, limit, after), _event))

    def statistic(self, caller, request, now):
        return self._answer(self._statistic, caller, request, now, VIEWER)

    def _statistic(self, caller, request, now):
        monitor = self._named(request)
        fields = parameters(request.query)
        interval = field(fields, "interval")
        if interval is None:
            interval = "1d"
        hours = _INTERVALS.get(interval)
        if hours is None:
            known = ", ".join(sorted(_INTERVALS, key=lambda name: _INTERVALS[name]))
            raise Problem(422, "must be one of: " + known, "interval")
        keeper = self._keeper.made
        end = _date(fields, "end_date")
        # Hours that have begun count, so the one of the end does, unless it ends just there.
        end = keeper.utc(now)[0] // HOUR_MS + 1 if end is None else -(-end // HOUR_MS)
        start = _date(fields, "start_date")
        start = max(0, end - _MONTH_H) if start is None else start // HOUR_MS
        if start > end:
            raise Problem(422, "must be later than start_date", "end_date")
        if (end - start) // hours > _BUCKETS:
            problem = "must leave up to %d intervals up to end_date" % _BUCKETS
            raise Problem(422, problem, "start_date")
        monitor.settle(now)
        head = '{"interval":"%s","data":[' % interval

        def told():
            hourly = keeper.statistics(monitor, start, end)
            return _rows(head, _buckets(hourly, start, hours), _bucket)

        return _told(told)

    # -- check-ins --------------------------------------------------------------------------------

    def check_in(self, caller, request, now):
        return self._answer(self._check_in, caller, request, now, None)

    def _check_in(self, caller, request, now):
        monitor = self._named(request)
        result, message = said(request)
        wait = self._keeper.made.check_in(monitor, result, now, one_line(message))
        if wait:
            lines = ("Retry-After: %d" % seconds(wait),)
            raise Problem(429, "too many check-ins of this monitor", None, lines)
        ms, known = self._keeper.made.utc(now)
        return answer(
            '{"id":"%s","result":"%s","state":"%s","received_at":"%s"%s}'
            % (
                monitor.id,
                RESULTS[result],
                MONITOR[VALUES][monitor.state],
                date_text(ms),
                _guessed(known),
            )
        )

    # -- common -----------------------------------------------------------------------------------

    def _answer(self, operation, caller, request, now, role):
        """Ask for the token, do it, and say what went wrong."""
        try:
            if role is not None:
                require(self._tokens(), request, role)
            if role == OPERATOR:
                self._keeper.method("create")  # loaded here: below it the stack would be too short
            return operation(caller, request, now)
        except Problem as problem:
            return problem.response
        except Refused as refused:
            status = 409 if refused.taken else 422
            return Problem(status, refused.problem, refused.field).response
        except HttpError:
            return Problem(400, "the query or the form cannot be read", "query").response
        except NotSaved as error:
            return Problem(503, str(error), None, ("Retry-After: 1",)).response

    def _all(self):
        return [] if self._keeper.made is None else self._keeper.made.engine.all

    def _find(self, identifier):
        monitor = None
        if self._keeper.made is not None:
            monitor = self._keeper.made.find(identifier.lower())
        if monitor is None:
            problem = "there is no monitor with the id " + identifier[:_ID_LENGTH]
            raise Problem(404, problem, "id")
        return monitor

    def _named(self, request):
        return self._find(request.path.split("/")[3])

    def _shown(self, monitor, caller, request):
        """A monitor as JSON, with the addresses at which the caller reaches it."""
        made = self._keeper.made
        ms, known = made.utc(monitor.since)
        last = due = "null"
        if monitor.last_at is not None:
            last = quote(date_text(max(0, made.utc(monitor.last_at)[0])))
        if monitor.due is not None and monitor.state != DOWN:
            due = quote(date_text(made.utc(monitor.due - monitor.grace_ms)[0]))
        base = ""
        host = _host(request)
        if host.startswith(_READ_HOST):
            host = _CHECK_IN_HOST + host[len(_READ_HOST) :]  # where its address checks in
        if host:
            base = ("https://" if caller.secure else "http://") + host
        text = (
            '{"id":"%s","service_id":%s,"name":%s,"interval":%d,"grace":%d,"enabled":%s,'
            '"wait_for_first":%s,"state":"%s","since":"%s","running":%s,"last_received_at":%s,"expected_at":%s,'
            '"event_source":%s,"url":"%s/v1/heartbeat/%s","ping_url":"%s/ping/%s"%s}'
        )
        return text % (
            monitor.id,
            quote(monitor.service),
            quote(monitor.name),
            monitor.interval_ms // 1000,
            monitor.grace_ms // 1000,
            "false" if MONITOR[VALUES][monitor.state] == "paused" else "true",
            "true" if monitor.waits else "false",
            MONITOR[VALUES][monitor.state],
            date_text(max(0, ms)),
            "false" if monitor.run_at is None else "true",
            last,
            due,
            quote(monitor.label),
            base,
            monitor.id,
            base,
            monitor.id,
            _guessed(known),
        )


def _deleted(monitors):
    ids = ",".join([quote(monitor.id) for monitor in monitors])
    return answer('{"message":"deleted","ids":[%s]}' % ids)


def _host(request):
    """The name or address, with its port, by which the module was called; "" for none."""
    return request.headers.get("host", "").rpartition("@")[2].lower()


def _told(rows):
    """The answer whose body is made while it is sent: a file is read at a time, and the module's
    turns come between.
    """
    return Response(200, rows, "application/json")


def _rows(head, rows, shown):
    """Rows as texts; None passes the turn on."""
    for row in rows:
        if row is None:
            yield ""
        else:
            yield head
            yield shown(row)
            head = ","
    yield (head if head != "," else "") + "]}"


def _event(row):
    ms, known, result, duration, status, message = row
    text = '{"received_at":"%s","result":"%s","message":%s' % (
        date_text(ms),
        RESULTS[result],
        quote(message.decode()),
    )
    if duration is not None:
        text += ',"duration_ms":%d' % duration
    if status is not None:
        text += ',"exit_status":%d' % status
    return text + _guessed(known) + "}"


def _buckets(rows, start, hours):
    """Hours added up: (first hour, known, counts); None as it comes."""
    bucket = known = None
    sums = [0, 0, 0, 0]
    for row in rows:
        if row is None:
            yield None
            continue
        first = row[0] - (row[0] - start) % hours
        if bucket is not None and first != bucket:
            yield bucket, known, sums
            sums = [0, 0, 0, 0]
            known = None
        bucket = first
        known = row[1] if known is None else known and row[1]
        for place in range(4):
            sums[place] += row[2][place]
    if bucket is not None:
        yield bucket, known, sums


def _bucket(row):
    first, known, counts = row
    text = (
        '{"received_at":"%s","tick_count":%d,"run_count":%d,"fail_count":%d,"complete_count":%d%s}'
    )
    return text % ((date_text(first * HOUR_MS),) + tuple(counts) + (_guessed(known),))


def _guessed(known):
    return "" if known else ',"estimated":true'


def _object(request):
    """The JSON object in a request's body."""
    try:
        value = json.loads(request.body)
    except json.JsonError:
        raise Problem(400, "must be JSON", "body")
    if not isinstance(value, dict):
        raise Problem(400, "must be a JSON object", "body")
    return value


def _positive(fields, name, default, highest):
    value = field(fields, name)
    if value is None:
        return default
    if not all_digits(value, 7) or int(value) < 1:
        raise Problem(422, "must be a positive integer", name)
    return min(int(value), highest)


def _date(fields, name):
    value = field(fields, name)
    if value is None:
        return None
    try:
        return moment(value)
    except ValueError:
        raise Problem(422, "must be a date such as 2026-11-25T21:00:00Z", name)
