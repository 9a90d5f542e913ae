"""`GET /holdfast/status`: what the module knows about itself; `POST /holdfast/release`: a lost
master let go.

Times are ms of the module's clock, which starts at 0 and never wraps; `now` tells where it stands.
"""

from holdfast.core.port import STATES
from holdfast.wire import json
from holdfast.wire.http import HttpError, Response
from holdfast.wire.json import quote


class StatusService:
    """Tells masters, ports, trips and rules; lets an administrator release a master.

    notified: a function() that gives how many notifications were sent, failed, and wait. keeper: a
    Lazy of the monitors' keeper.
    """

    def __init__(self, module, version, notified=lambda: (0, 0, 0), keeper=None):
        self._keeper = keeper
        self._module = module
        self._version = version
        self._notified = notified

    def get(self, caller, request, now):
        """Answer with the whole status as JSON."""
        module = self._module
        rules = module.rules
        text = (
            '{"name":%s,"version":"%s","now":%d,"lost":%s,"masters":[%s],"ports":[%s],'
            '"trips":{"count":%d,"worst_lateness_ms":%d,"latest":[%s]},"rules":[%s],'
        ) % (
            quote(module.name),
            self._version,
            now,
            _boolean(module.lost),
            ",".join([_master(session, now) for session in module.sessions]),
            ",".join([_port(port) for port in module.ports]),
            module.trip_count,
            module.worst_lateness_ms,
            ",".join([_trip(trip) for trip in module.trips]),
            "" if rules is None else ",".join([_rule(rule, now) for rule in rules.rules]),
        )
        text += '"notifications":{"sent":%d,"failed":%d,"waiting":%d}' % self._notified()
        if self._keeper is not None and self._keeper.made is not None:
            text += (
                ',"monitors":{"count":%d,"down":%d,"events_lost":%d,"files_set_aside":%d}'
                % self._keeper.made.figures()
            )
        facts = ",".join([quote(fact) for fact in module.boot_facts])
        text += ',"start":{"why":%s,"facts":[%s]}}' % (quote(module.reset_cause), facts)
        return Response(200, text.encode(), "application/json")

    def release(self, caller, request, now):
        """`{"master": "<name>"}`: it is not awaited any more; "" stands for a fault of the
        module.
        """
        try:
            asked = json.loads(request.body)
        except json.JsonError:
            raise HttpError(400)
        master = asked.get("master") if isinstance(asked, dict) else None
        if not isinstance(master, str):
            raise HttpError(400)
        if master and self._module.session(master) is None:
            raise HttpError(404)
        self._module.release(master, now)
        return self.get(caller, request, now)


def _master(session, now):
    left = None if session.expires_at is None else session.expires_at - now
    return (
        '{"master":%s,"session":%s,"lost":%s,"left_ms":%s,"duration_ms":%s,"beats":%d,'
        '"least_margin_ms":%s}'
    ) % (
        quote(session.master),
        "null" if session.id is None else '"%s"' % session.id,
        _boolean(session.lost),
        _number(left),
        _number(session.duration_ms),
        session.beats,
        _number(session.least_margin_ms),
    )


def _port(port):
    return '{"port":"%s","name":%s,"state":"%s","since":%d,"why":"%s","who":%s,"locked":%s}' % (
        port.id,
        quote(port.name),
        STATES[port.state],
        port.since,
        port.why if port.output else "input",
        "null" if port.who is None else quote(port.who),
        _boolean(port.lost and port.fallback.locked),
    )


def _trip(trip):
    master, due, moved, why = trip
    return '{"master":%s,"due":%d,"moved":%d,"why":%s}' % (quote(master), due, moved, quote(why))


def _rule(rule, now):
    """`refused`: by a lock; `missed`: while it rested, or because it fired too often."""
    text = '{"rule":"%s","name":%s,"fired":%d,"missed":%d,"refused":%d,"resting":%s}'
    resting = rule.resting_until is not None and now < rule.resting_until
    return text % (
        rule.id,
        quote(rule.name),
        rule.fired,
        rule.missed,
        rule.refused,
        _boolean(resting),
    )


def _boolean(value):
    return "true" if value else "false"


def _number(value):
    return "null" if value is None else "%d" % value
