"""I/O port management, `POST /axis-cgi/io/portmanagement.cgi` (VAPIX I/O port management).

Ports are counted from "0". Errors come with HTTP 200, as the vendor's do, but for missing rights.
Names, usages and normal states are saved, all of a request in one write, and only what differs:
clients repeat themselves, and flash wears.

setStateSequence moves outputs, so it takes the right to actuate, as setPorts does; the vendor's
page lets a viewer do it.
"""

from micropython import const

from holdfast.core.accounts import ACTUATE
from holdfast.core.module import BUSY, LOCKED
from holdfast.core.port import STATES
from holdfast.core.text import MAX_NAME, by_whom, printable
from holdfast.settings.model import NotSaved, SettingsError
from holdfast.vapix import api
from holdfast.vapix.access import require
from holdfast.wire.http import Response
from holdfast.wire.json import quote

VERSION = "1.1"
_MAX_ITEMS = const(256)  # of one setPorts
_MAX_FAILURES = const(32)  # noted of one: each is 120 bytes of the answer
_MAX_STEPS = const(64)  # of a state sequence: about what fits into a request
_MAX_STEP_MS = const(65535)
_RUNNING = const(2200)  # a sequence is under way
_LOCKED = const(2201)  # ours: the port's master is lost and its settings lock it

_DETAILS = {
    _RUNNING: "a state sequence is under way on the port",
    _LOCKED: "the port is locked while its master is lost",
    api.INTERNAL: "not saved, try again",
}
# What is saved under which key of the settings.
_SAVED = (("usage", "usage"), ("name", "name"), ("normalState", "normal"))


class PortManagement:
    """Translates between the API and the ports of the module; `store` keeps the settings."""

    def __init__(self, module, store):
        self._module = module
        self._store = store

    async def post(self, caller, request, now):
        """Answer one call."""
        try:
            call = api.read(request.body, ("getSupportedVersions",))
            if call.method == "getPorts":
                return Response(200, lambda: self._get_ports(call), "application/json")
            try:
                data = await self._call(call, caller, request, now)
            except api.ApiError as error:
                error.call = call
                raise
            text = api.answer(call, "data", data)
        except PartialFailure as error:
            failures = error.failures
            return Response(200, lambda: _told(call, failures), "application/json")
        except api.ApiError as error:
            detail = error.detail or _DETAILS.get(error.code)
            text = api.answer(error.call, "error", api.error_object(error.code, detail))
        return Response(200, text.encode(), "application/json")

    async def _call(self, call, caller, request, now):
        if call.method == "setPorts":
            require(caller, ACTUATE)
            return await self._set_ports(call.params, caller, request, now)
        if call.method == "setStateSequence":
            require(caller, ACTUATE)
            return self._set_sequence(call.params, caller.account.name, now)
        if call.method == "getSupportedVersions":
            return '{"apiVersions":["%s"]}' % VERSION
        raise api.ApiError(api.METHOD)

    def _get_ports(self, call):
        ports = list(self._module.ports)
        yield api.begun(call, "data")
        yield '{"numberOfPorts":%d' % len(ports)
        start = ',"items":['
        for port in ports:
            yield start
            yield _describe(port)
            start = ","
        yield "]}}" if ports else "}}"

    # -- setPorts ---------------------------------------------------------------------------------

    async def _set_ports(self, params, caller, request, now):
        changes = self._changes(params)
        done = []
        failures = []
        edits = []  # (port, property, key of the settings, value)
        for port, item in changes:
            for name, key in _SAVED:
                if name in item:
                    error = self._look(port, name, item[name], now)
                    if error is None:
                        edits.append((port, name, key, item[name]))
                    else:
                        _note(failures, error, port, name)
            if "direction" in item:
                # The wiring decides; a request that asks for what is there is not wrong.
                if item["direction"] == _direction(port):
                    done.append(port)
                else:
                    _note(failures, api.INVALID, port, "direction")
        error, now = await self._save(edits, by_whom(caller, request.path), now)
        for port, name, _, _ in edits:
            if error is None:
                done.append(port)
            else:
                _note(failures, error, port, name)
        # Last, as the vendor documents: a new normal state flips an output, then state counts.
        for port, item in changes:
            if "state" in item:
                error = self._command(port, item["state"], caller.account.name, now)
                if error is None:
                    done.append(port)
                else:
                    _note(failures, error, port, "state")
        if failures:
            raise PartialFailure(failures)
        changed = []
        for port, _ in changes:
            if port in done and quote(port.id) not in changed:
                changed.append(quote(port.id))
        return '{"ports":[%s]}' % ",".join(changed)

    def _changes(self, params):
        """The (port, item) pairs asked for. Both shapes in use: {"ports": [...]} and a bare
        list.
        """
        items = params.get("ports") if isinstance(params, dict) else params
        if items is None:
            raise api.ApiError(api.MISSING, "ports")
        if not isinstance(items, list):
            raise api.ApiError(api.INVALID, "ports")
        if len(items) > _MAX_ITEMS:
            raise api.ApiError(api.TOO_LARGE)
        changes = []
        for item in items:
            if not isinstance(item, dict):
                raise api.ApiError(api.INVALID, "ports")
            changes.append((self._port(item), item))
        return changes

    def _port(self, item):
        """The port that an object names; some clients send a number."""
        if "port" not in item:
            raise api.ApiError(api.MISSING, "port")
        identifier = item["port"]
        if isinstance(identifier, int) and not isinstance(identifier, bool):
            identifier = str(identifier)
        for port in self._module.ports:
            if port.id == identifier:
                return port
        raise api.ApiError(api.INVALID, "port")

    def _look(self, port, name, value, now):
        """Could this value be saved? None, or an error code."""
        if name != "normalState":
            good = isinstance(value, str) and len(value) <= MAX_NAME and printable(value)
            return None if good else api.INVALID
        if not isinstance(value, str) or value not in STATES[:2]:
            return api.INVALID
        if port.output and value != STATES[port.normal]:
            return _refusal(self._module.refuses(port, now))
        return None

    async def _save(self, edits, by, now):
        """Save what differs; (None or an error code, the time then)."""
        news = {}
        for port, name, key, value in edits:
            before = STATES[port.normal] if name == "normalState" else getattr(port, name)
            news.pop((port.id, key), None)  # of two for the same, the last counts
            if value != before:
                news[(port.id, key)] = value

        def edit(document):
            ports = document.setdefault("ports", {})
            for (identifier, key), value in news.items():
                ports.setdefault(identifier, {})[key] = value

        if not news:
            return None, now
        try:
            # Adopted by the module at once: there an output's circuit flips with its normal state.
            return None, await self._store.change(edit, by)
        except NotSaved:
            return api.INTERNAL, now
        except SettingsError:
            return api.INVALID, now

    def _command(self, port, value, who, now):
        """Set the state; None, or an error code."""
        if not isinstance(value, str) or value not in STATES[:2]:
            return api.INVALID
        return _refusal(self._module.command(port, STATES.index(value), who, now))

    # -- setStateSequence -------------------------------------------------------------------------

    def _set_sequence(self, params, who, now):
        if not isinstance(params, dict):
            raise api.ApiError(api.MISSING, "port")
        port = self._port(params)
        rows = params.get("sequence")
        if rows is None:
            raise api.ApiError(api.MISSING, "sequence")
        if not isinstance(rows, list) or not rows:
            raise api.ApiError(api.INVALID, "sequence")
        if len(rows) > _MAX_STEPS:
            raise api.ApiError(api.TOO_LARGE, "sequence")
        steps = []
        for row in rows:
            if not isinstance(row, dict):
                raise api.ApiError(api.INVALID, "sequence")
            for key in ("state", "time"):
                if key not in row:
                    raise api.ApiError(api.MISSING, key)
            state, time = row["state"], row["time"]
            if not isinstance(state, str) or state not in STATES[:2]:
                raise api.ApiError(api.INVALID, "state")
            if (
                isinstance(time, bool)
                or not isinstance(time, int)
                or not 0 <= time <= _MAX_STEP_MS
            ):
                raise api.ApiError(api.INVALID, "time")
            steps.append((STATES.index(state), time))
        error = _refusal(self._module.sequence(port, tuple(steps), who, now))
        if error is not None:
            raise api.ApiError(error)
        return '{"port":%s}' % quote(port.id)


class PartialFailure(Exception):
    """Some properties could not be set, the others are; `failures`: (code, port, property)."""

    def __init__(self, failures):
        super().__init__(failures)
        self.failures = failures


def _refusal(refused):
    """The error code for what the module says."""
    if refused is None:
        return None
    return {BUSY: _RUNNING, LOCKED: _LOCKED}.get(refused, api.INVALID)


def _note(failures, code, port, name):
    """Note what could not be set, as much as is told."""
    if len(failures) < _MAX_FAILURES:
        failures.append((code, port, name))


def _told(call, failures):
    """The answer in the vendor's shape: the first failure in full, then all of them."""
    yield api.begun(call, "error")
    yield _failure(*failures[0])
    start = ',"errors":['
    for failure in failures:
        yield start
        yield _failure(*failure) + "}"
        start = ","
    yield "]}}"


def _failure(code, port, name):
    """An error object but for its end."""
    details = quote(port.id), name
    return (
        api.error_object(code, _DETAILS.get(code))[:-1]
        + ',"details":{"port":%s,"propertyName":"%s"}' % details
    )


def _direction(port):
    return "output" if port.output else "input"


def _describe(port):
    return (
        '{"port":%s,"state":"%s","configurable":false,"usage":%s,"direction":"%s","name":%s,'
        '"normalState":"%s"}'
    ) % (
        quote(port.id),
        STATES[port.state],
        quote(port.usage),
        _direction(port),
        quote(port.name),
        STATES[port.normal],
    )
