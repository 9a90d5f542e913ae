"""`GET /holdfast/status`: what the module knows about itself, `GET /holdfast/masters`: the part of
it that every heartbeat changes; `POST /holdfast/release`: a lost master let go, `POST
/holdfast/drill`: one lost on purpose, `POST /holdfast/bypass`: an output that no loss moves.

`needed`: how many masters must be alive: "all" or a number of those that settings name; "one"
where they name none: one heartbeat, whoever sends it. `counts`: a master is one of those. `why`:
the cause of the loss of one that is lost, as far as it is known.

Times are ms of the module's clock, which starts at 0 and never wraps; `now` tells where it stands,
and so how long the module runs, `epoch_ms` what to add to it for UTC since 1970, 0 when that is
not known. `events` tells a numbered event stream where to go on: `epoch` and `number` of the
latest event, and how many before it are `kept`.
"""

import gc

from micropython import const

from holdfast.core.accounts import ROLES
from holdfast.core.port import STATES
from holdfast.rest.json import asked, boolean, listed, number, refused
from holdfast.settings.model import NotSaved
from holdfast.wire.http import HttpError, Response
from holdfast.wire.json import quote

_ENOUGH_BEATS = const(100)  # of a session, before a Duration is suggested, ..
_ENOUGH_MS = const(3600000)  # .. or so much of its time
_ROUND_MS = const(100)
_LONGEST_BYPASS_MS = const(8 * 60 * 60 * 1000)


def _no_facts():
    return "", 0, None, None, None, 0, 0, False


class StatusService:
    """Tells masters, ports, trips and rules; lets an administrator release a master.

    notified: a function() that gives how many notifications were sent, failed, and wait. facts: a
    function() that gives the epoch of the events, what makes UTC of the module's time, until when
    settings are on trial, the signal of Wi-Fi in dBm, what is wrong with TLS, how often the alarm
    was made anew, how many changes of settings were too many, and whether memory is short. keeper:
    a Lazy of the monitors' keeper. store: of the settings, which keeps what is bypassed.
    """

    def __init__(
        self,
        module,
        version,
        notified=lambda: (0, 0, 0),
        facts=_no_facts,
        keeper=None,
        store=None,
    ):
        self._keeper = keeper
        self._store = store
        self._module = module
        self._version = version
        self._notified = notified
        self._facts = facts

    def get(self, caller, request, now):
        """Answer with the whole status as JSON."""
        return Response(200, lambda: self._status(caller.account, now), "application/json")

    def _status(self, account, now):
        """The status in small texts; the module goes on while they are sent."""
        module = self._module
        rules = module.rules
        yield '{"name":%s,"version":"%s",' % (quote(module.name), self._version)
        yield from self._masters(now)
        yield ',"ports":['
        yield from listed(_port, module.ports, module)
        yield '],"trips":{"count":%d,"worst_lateness_ms":%d,"latest":[' % (
            module.trip_count,
            module.worst_lateness_ms,
        )
        yield from listed(_trip, module.trips)
        yield ']},"rules":['
        if rules is not None:
            yield from listed(_rule, rules.rules, module, now)
        yield '],"notifications":{"sent":%d,"failed":%d,"waiting":%d},' % self._notified()
        if self._keeper is not None and self._keeper.made is not None:
            yield (
                '"monitors":{"count":%d,"down":%d,"events_lost":%d,"files_set_aside":%d},'
                % self._keeper.made.figures()
            )
        yield '"logins":{"refused":%d,"delayed":%d},' % tuple(module.logins)
        yield '"start":{"why":%s,"facts":[' % quote(module.reset_cause)
        yield from listed(quote, module.boot_facts)
        epoch, epoch_ms, until, signal, trouble, alarms, refused, scarce = self._facts()
        events = module.events
        yield ']},"events":{"epoch":"%s","number":%d,"kept":%d},"epoch_ms":%d,"heap":%s,' % (
            epoch,
            events.sequence,
            len(events.history or ()),
            epoch_ms,
            _heap(),
        )
        if signal is not None:
            yield '"network":{"rssi":%d},' % signal
        if trouble is not None:
            yield '"tls":{"trouble":%s},' % quote(trouble)
        if alarms:
            yield '"alarm":{"made_anew":%d},' % alarms
        if refused:
            yield '"settings":{"refused":%d},' % refused
        if scarce:
            yield '"scarce":true,'
        yield '"caller":{"name":%s,"role":"%s"}' % (quote(account.name), ROLES[account.role])
        yield _trial(until, now) + "}"

    def _masters(self, now):
        """The members of the status that every heartbeat changes."""
        module = self._module
        yield '"now":%d,"lost":%s,"needed":%s,"masters":[' % (
            now,
            boolean(module.lost),
            _needed(module),
        )
        yield from listed(_master, module.sessions, module, now)
        yield "]"

    def masters(self, caller, request, now):
        """Answer with what is left of the masters' time, and of a trial's, for who counts down."""
        return Response(200, lambda: self._counting(now), "application/json")

    def _counting(self, now):
        yield "{"
        yield from self._masters(now)
        yield ',"bypassed":{'
        bypassed = [port for port in self._module.outputs if port.bypassed_until is not None]
        yield from listed(_bypassed, bypassed)
        yield "}%s}" % _trial(self._facts()[2], now)

    def release(self, caller, request, now):
        """`{"master": "<name>"}`: it is not awaited any more; "" stands for a fault of the
        module.
        """
        from holdfast.core.reconfigure import release

        release(self._module, self._asked(request, True), now, caller.account.name)
        return self.get(caller, request, now)

    def drill(self, caller, request, now):
        """`{"master": "<name>"}`: it counts as lost until its next heartbeat, or its release; 409
        when it is lost already, or settings name other masters.
        """
        module = self._module
        master = self._asked(request, False)
        module.act(now)
        module.tell(now)
        session = module.session(master)
        if session.lost or not session.counts:
            raise HttpError(409)
        module.drilled = session
        module.lose(session, now)
        return Response(202, b'{"drill":true}', "application/json")

    async def bypass(self, caller, request, now):
        """`{"port": "4", "for": 900000}`: no loss moves this output for so many ms, also after a
        restart; 0 ends that. 409 where there is none to end, or the port is an input.
        """
        module = self._module
        name = asked(request, "port", str, ("for",))
        ms = asked(request, "for", int, ("port",))
        if not 0 <= ms <= _LONGEST_BYPASS_MS:
            raise refused(422, "for", "must be from 0 to %d ms" % _LONGEST_BYPASS_MS)
        for port in module.ports:
            if port.id == name:
                break
        else:
            raise HttpError(404)
        module.act(now)
        if not port.output or not ms and port.bypassed_until is None:
            raise HttpError(409)
        who = caller.account.name
        store = self._store
        epoch_ms = self._facts()[1]
        try:
            if ms:
                # In flash first: where that cannot be, nothing has changed.
                await store.ask("bypass", epoch_ms, (port, ms, who))
            else:
                from holdfast.core.reconfigure import bypass

                bypass(module, port, None, who, now)
                store.bypass = [other for other in store.bypass if other != name]
                store.due = now  # should this fail, the app tries it again
                await store.ask("bypass", epoch_ms)
        except NotSaved as error:
            if ms:
                raise HttpError(503, retry_s=error.retry_s)
        text = '{"port":"%s","bypassed_until":%s}' % (name, number(port.bypassed_until))
        return Response(200, text.encode(), "application/json")

    def _asked(self, request, fault):
        """The master that a request names; HttpError."""
        master = asked(request, "master", str)
        if not (fault and not master) and self._module.session(master) is None:
            raise HttpError(404)
        return master


def _trial(until, now):
    """The member that tells of settings on trial, until then; none without."""
    return "" if until is None else ',"trial":{"left_ms":%d}' % max(0, until - now)


def _needed(module):
    if not module.named:
        return '"one"'
    return '"all"' if module.needed is None else "%d" % module.needed


def _why(module, session):
    """The cause of a master's loss, null while it is not lost."""
    if session.lost:
        for trip in reversed(module.trips):
            if trip[0] == session.master:
                return quote(trip[3])
    return "null"


def standing(session):
    """What a master is now, the word of everybody who tells it: `lost`, `returning` (lost, and its
    heartbeats come again, but not enough yet), `alive`, `awaited` (not heard, and lost when that
    goes on), `released` (nobody waits for it), `over` (its session has ended, and that was no
    loss), `idle` (never heard since the start).
    """
    if session.lost:
        return "lost" if session.id is None else "returning"
    if session.expires_at is not None:
        return "awaited" if session.id is None else "alive"
    if session.released:
        return "released"
    return "idle" if session.last_at is None else "over"


def _suggested(module, session, now):
    """The Duration, in ms, that the heartbeats of a living session suggest: three periods, and
    30 % above the longest pause; None while they are too few, or no Duration is long enough. It
    may be less than the one in use.
    """
    count = session.count
    if session.id is None or not count:
        return None
    if count < _ENOUGH_BEATS and now - session.began_at < _ENOUGH_MS:
        return None
    period = (session.last_at - session.began_at) // count + 1
    needed = max(3 * period, (session.longest_ms * 13 + 9) // 10, module.shortest_ms)
    needed = (needed + _ROUND_MS - 1) // _ROUND_MS * _ROUND_MS
    return needed if needed <= module.longest_ms else None


def _master(session, module, now):
    left = None if session.expires_at is None else session.expires_at - now
    return (
        '{"master":%s,"is":"%s","counts":%s,"why":%s,"session":%s,"lost":%s,"left_ms":%s,'
        '"duration_ms":%s,"beats":%d,"least_margin_ms":%s,"suggested_ms":%s,"began":%s,"last":%s,'
        '"lost_at":%s}'
    ) % (
        quote(session.master),
        standing(session),
        boolean(session.counts),
        _why(module, session),
        "null" if session.id is None else '"%s"' % session.id,
        boolean(session.lost),
        number(left),
        number(session.duration_ms),
        session.beats,
        number(session.least_margin_ms),
        number(_suggested(module, session, now)),
        number(session.began_at if session.id else None),
        number(session.last_at),
        number(session.lost_at if session.lost else None),
    )


def _port(port, module):
    """`lost`: the masters for whose loss the output is in its fallback, "" for a fault of the
    module's own; none when the fallback is not in force, though its state may have stayed.
    `bypassed_until`: no loss moves it before, null for one that is not bypassed.
    """
    lost = ()
    if port.output and port.lost:
        lost = [quote(master) for master in _losers(module, port)]
    text = (
        '{"port":"%s","name":%s,"direction":"%s","state":"%s","active":%s,"since":%d,"why":"%s",'
        '"who":%s,"lost":[%s],"locked":%s,"next":%s,"bypassed_until":%s}'
    )
    return text % (
        port.id,
        quote(port.name),
        "output" if port.output else "input",
        STATES[port.state],
        boolean(port.active()),
        port.since,
        port.why if port.output else "input",
        "null" if port.who is None else quote(port.who),
        ",".join(lost),
        boolean(port.lost and port.fallback.locked),
        number(port.due),
        number(port.bypassed_until),
    )


def _bypassed(port):
    return '"%s":%s' % (port.id, number(port.bypassed_until))


def _losers(module, port):
    """For whose loss an output falls back: accounts, "" for a fault of the module's own."""
    own = port.fallback.master
    return [
        session.master
        for session in module.watched
        if session.lost
        and (session is module.fault or own == session.master or own is None and session.counts)
    ]


def _trip(trip):
    master, due, moved, why = trip
    return '{"master":%s,"due":%d,"moved":%d,"why":%s}' % (quote(master), due, moved, quote(why))


def _rule(rule, module, now):
    """`refused`: by a lock; `missed`: while it rested, or because it fired too often; `blocked`:
    why it has no effect at a loss, which triggers it.
    """
    from holdfast.core.blocked import blocked

    why = blocked(module, rule)
    text = '{"rule":"%s","name":%s,"fired":%d,"missed":%d,"refused":%d,"resting":%s,"blocked":%s}'
    resting = rule.resting_until is not None and now < rule.resting_until
    return text % (
        rule.id,
        quote(rule.name),
        rule.fired,
        rule.missed,
        rule.refused,
        boolean(resting),
        "null" if why is None else quote(why),
    )


def _heap():
    """Bytes of MicroPython's heap; null on CPython, which has no such bound."""
    if not hasattr(gc, "mem_free"):
        return "null"
    return '{"free":%d,"used":%d}' % (gc.mem_free(), gc.mem_alloc())
