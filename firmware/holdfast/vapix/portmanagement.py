"""I/O port management, `POST /axis-cgi/io/portmanagement.cgi` (VAPIX I/O port management).

Ports are counted from "0". Errors come with HTTP 200, as the vendor's do, but for missing rights.
"""

from micropython import const

from holdfast.core.accounts import ACTUATE
from holdfast.core.port import STATES
from holdfast.core.settings import MAX_NAME, printable
from holdfast.vapix import api
from holdfast.wire.http import HttpError, Response
from holdfast.wire.json import quote

VERSION = "1.1"
_MAX_ITEMS = const(256)  # of one setPorts
_LOCKED = const(2201)  # ours: the port's master is lost and its settings lock it

# Before state, as the vendor documents: a new normal state flips an output, then state counts.
_PROPERTIES = ("usage", "direction", "name", "normalState", "state")


class PortManagement:
    """Translates between the API and the ports of the module."""

    def __init__(self, module):
        self._module = module

    def post(self, caller, request, now):
        """Answer one call."""
        try:
            call = api.read(request.body, ("getSupportedVersions",))
            try:
                data = self._call(call, caller, now)
            except api.ApiError as error:
                error.call = call
                raise
            text = api.answer(call, "data", data)
        except PartialFailure as failure:
            text = api.answer(call, "error", failure.text)
        except api.ApiError as error:
            text = api.answer(error.call, "error", api.error_object(error.code, error.detail))
        return Response(200, text.encode(), "application/json")

    def _call(self, call, caller, now):
        if call.method == "getPorts":
            return self._get_ports()
        if call.method == "setPorts":
            if caller.account.role < ACTUATE:
                raise HttpError(403)
            return self._set_ports(call.params, caller.account.name, now)
        if call.method == "getSupportedVersions":
            return '{"apiVersions":["%s"]}' % VERSION
        raise api.ApiError(api.METHOD)

    def _get_ports(self):
        ports = self._module.ports
        if not ports:
            return '{"numberOfPorts":0}'
        items = ",".join([_describe(port) for port in ports])
        return '{"numberOfPorts":%d,"items":[%s]}' % (len(ports), items)

    def _set_ports(self, params, who, now):
        changes = self._changes(params)
        changed = []
        failures = []
        for port, item in changes:
            asked = [name for name in _PROPERTIES if name in item]
            done = False
            for name in asked:
                error = self._set(port, name, item[name], who, now)
                if error is None:
                    done = True
                else:
                    failures.append(_failure(error, port, name))
            if done and quote(port.id) not in changed:
                changed.append(quote(port.id))
        if failures:
            # The vendor's shape: the first in full, then all of them.
            raise PartialFailure('%s,"errors":[%s]}' % (failures[0][:-1], ",".join(failures)))
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
            if "port" not in item:
                raise api.ApiError(api.MISSING, "port")
            changes.append((self._port(item["port"]), item))
        return changes

    def _port(self, identifier):
        """A port by its id; some clients send a number."""
        if isinstance(identifier, int) and not isinstance(identifier, bool):
            identifier = str(identifier)
        for port in self._module.ports:
            if port.id == identifier:
                return port
        raise api.ApiError(api.INVALID, "port")

    def _set(self, port, name, value, who, now):
        """Set one property; return None or an error code."""
        if not isinstance(value, str):
            return api.INVALID
        if name in ("usage", "name"):
            if len(value) > MAX_NAME or not printable(value):
                return api.INVALID
            setattr(port, name, value)
            return None
        if name == "direction":
            # The wiring decides; a request that asks for what is there is not wrong.
            return None if value == _direction(port) else api.INVALID
        if value not in STATES[:2]:
            return api.INVALID
        state = STATES.index(value)
        if name == "normalState":
            refused = self._module.set_normal(port, state, who, now)
        else:
            refused = self._module.command(port, state, who, now)
        if refused is None:
            return None
        return _LOCKED if refused == "locked" else api.INVALID


class PartialFailure(Exception):
    """Some properties could not be set, the others are; `text` is the error object."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text


def _failure(code, port, name):
    detail = "the port is locked while its master is lost" if code == _LOCKED else None
    extra = ',"details":{"port":%s,"propertyName":%s}' % (quote(port.id), quote(name))
    return api.error_object(code, detail, extra)


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
