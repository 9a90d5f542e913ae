"""The General purpose I/O service, axgpio (VAPIX Input and outputs): ports of an I/O module, in
JSON at `POST /vapix/axgpio` and in SOAP, by one implementation.

A request is taken as what the JSON of it would be: dict, list, text. SOAP elements are made into
that, and answers, made of the same, are written as either. Numbers and booleans are texts where
the vendor's examples have them as texts. Port ids are those of I/O port management, from "0".

What the wiring has cannot be changed by a client: CurrentMode is accepted when it says what is
there, and so is CurrentState, which Active sets. There are no supervised inputs. Limits of a port
list and unknown ids as the vendor's page has them: unknown ids in GetPort are left out, in SetPort
they are a fault.
"""

from micropython import const

from holdfast.core.accounts import PRE_AUTH, READ_SYSTEM_SENSITIVE, WRITE_SYSTEM
from holdfast.core.port import STATES, Port
from holdfast.core.text import MAX_NAME, by_whom, printable
from holdfast.settings.model import NotSaved, SettingsError
from holdfast.vapix.access import require
from holdfast.vapix.fault import Fault
from holdfast.wire import json
from holdfast.wire.http import Response, all_digits
from holdfast.wire.json import quote
from holdfast.wire.xml import escape

_MAX_LIMIT = const(1000)  # as the vendor's example says
_MAX_PORTS = const(64)  # in one request

# By operation: lowest role, method.
_OPERATIONS = {
    "GetServiceCapabilities": (PRE_AUTH, "capabilities"),
    "GetPortList": (READ_SYSTEM_SENSITIVE, "port_list"),
    "GetPort": (READ_SYSTEM_SENSITIVE, "ports"),
    "SetPort": (WRITE_SYSTEM, "change"),
}
_PROPERTIES = ("NiceName", "ActiveState")
# Of a port in SetPort: what is looked at by its name, and what is only told.
_SET = (
    "PortId",
    "CurrentMode",
    "Active",
    "InputProperties",
    "OutputProperties",
    "SupervisedInput",
)
_TOLD = ("CurrentState", "SupportedModes", "PortUsage")


class GpioService:
    """Translates between the service and the ports of the module; names are saved in `store`."""

    def __init__(self, module, store):
        self._module = module
        self._store = store

    async def post(self, caller, request, now):
        """Answer one JSON request, `{"axgpio:<operation>": {...}}`; the answer has no wrapper."""
        try:
            asked = json.loads(request.body)
        except json.JsonError:
            raise Fault("ter:WellFormed", "The body is not well-formed JSON")
        row = fields = None
        if isinstance(asked, dict) and len(asked) == 1:
            for name in asked:
                row = _OPERATIONS.get(name.split(":")[-1])
                fields = asked[name]
        if row is None or not isinstance(fields, dict):
            raise Fault("ter:ActionNotSupported", "The body is no request of axgpio")
        if row[0] > PRE_AUTH:
            require(caller, row[0])
        answer = getattr(self, row[1])(caller, fields, now)
        if not isinstance(answer, list):
            answer = await answer
        return Response(200, lambda: _as_json(answer), "application/json")

    # The handlers of vapix.soap, which has checked the role.

    def get_service_capabilities(self, caller, element, now):
        # An attribute in XML.
        ((name, rows),) = self.capabilities(caller, None, now)
        return '<axgpio:%s %s="%s"/>' % (name, rows[0][0], rows[0][1])

    def get_port_list(self, caller, element, now):
        rows = self.port_list(caller, _fields(element), now)
        return lambda: _as_xml(rows)

    def get_port(self, caller, element, now):
        fields = {"PortId": [child.text.strip(" \t\r\n") for child in element.all("PortId")]}
        rows = self.ports(caller, fields, now)
        return lambda: _as_xml(rows)

    async def set_port(self, caller, element, now):
        fields = {"Port": [_fields(child) for child in element.all("Port")]}
        rows = await self.change(caller, fields, now)
        return lambda: _as_xml(rows)

    # What both languages ask for; `fields` as JSON has them, answers likewise: dicts as lists of
    # (name, value), because their order shows in XML; ports in a list are described when they are
    # told.

    def capabilities(self, caller, fields, now):
        return [("Capabilities", [("MaxLimit", str(_MAX_LIMIT))])]

    def port_list(self, caller, fields, now):
        ports = self._module.ports
        limit = _number(fields, "Limit", _MAX_LIMIT)
        if not 1 <= limit <= _MAX_LIMIT:
            raise Fault("ter:InvalidArgVal", "Limit is not from 1 to %d" % _MAX_LIMIT)
        start = fields.get("StartReference")
        if start is None or start == "":
            start = "0"
        if not isinstance(start, str) or not _is_number(start) or int(start) > len(ports):
            reason = "StartReference is none that this service gave"
            raise Fault("ter:InvalidArgVal/ter:InvalidStartReference", reason)
        end = int(start) + limit
        rows = []
        if end < len(ports):
            rows.append(("NextStartReference", str(end)))
        rows.append(("Port", list(ports[int(start) : end])))
        return rows

    def ports(self, caller, fields, now):
        wanted = fields.get("PortId")
        if isinstance(wanted, str):
            wanted = [wanted]
        if not isinstance(wanted, list):
            raise Fault("ter:InvalidArgs", "PortId is missing")
        return [("Port", [port for port in self._module.ports if port.id in wanted])]

    async def change(self, caller, fields, now):
        rows = fields.get("Port")
        if isinstance(rows, dict):
            rows = [rows]
        if not isinstance(rows, list) or not rows:
            raise Fault("ter:InvalidArgs", "Port is missing")
        if len(rows) > _MAX_PORTS:
            reason = "There are more than %d ports" % _MAX_PORTS
            raise Fault("ter:InvalidArgs/ter:TooManyItems", reason)
        # All are looked at before any is changed.
        changes = [self._wanted(row, now) for row in rows]
        now = await self._save(changes, by_whom(caller, "axgpio"), now)
        for port, _, active in changes:
            if active is not None:
                state = 1 - port.normal if active else port.normal
                if self._module.command(port, state, caller.account.name, now) is not None:
                    raise _locked(port)
        return [("PortId", [port.id for port, _, _ in changes])]

    def _wanted(self, row, now):
        """What a row of SetPort asks for: (port, settings to save, active or None)."""
        identifier = row.get("PortId") if isinstance(row, dict) else None
        port = None
        for known in self._module.ports:
            if known.id == identifier:
                port = known
        if port is None:
            raise Fault("ter:InvalidArgVal", "There is no such PortId")
        if row.get("CurrentMode", _mode(port)) != _mode(port):
            raise Fault("ter:InvalidArgVal", "The wiring of port %s is fixed" % port.id)
        if row.get("SupervisedInput") is not None:
            raise Fault("ter:InvalidArgVal", "Port %s is not supervised" % port.id)
        key, other = "OutputProperties", "InputProperties"
        if not port.output:
            key, other = other, key
        if row.get(other) is not None:
            raise Fault("ter:InvalidArgVal", "Port %s has no %s" % (port.id, other))
        settings = _settings(port, row.get(key))
        for name in row:
            if name not in _SET + _TOLD:
                raise Fault("ter:InvalidArgVal", "There is no %s of a port" % name)
        active = row.get("Active")
        if active is not None:
            active = _boolean(active)
            if not port.output:
                # A client may send back all that GetPort gave it.
                if active != port.active():
                    raise Fault("ter:InvalidArgVal", "Port %s is an input" % port.id)
                active = None
        _unchanged(port, row, active)
        moves = port.output and (active is not None or "normal" in settings)
        if moves and self._module.refuses(port, now) is not None:
            raise _locked(port)
        return port, settings, active

    async def _save(self, changes, by, now):
        """Save what differs; the time then."""

        def edit(document):
            ports = document.setdefault("ports", {})
            for port, settings, _ in changes:
                if settings:
                    ports.setdefault(port.id, {}).update(settings)

        for _, settings, _ in changes:
            if settings:
                break
        else:
            return now
        try:
            return await self._store.change(edit, by)
        except NotSaved as error:
            raise Fault("ter:Action", "Not saved: %s" % error, receiver=True)
        except SettingsError as error:
            raise Fault("ter:InvalidArgVal", str(error))


def _settings(port, properties):
    """What of InputProperties or OutputProperties differs from what is there, as settings."""
    settings = {}
    if properties is None:
        return settings
    if not isinstance(properties, dict):
        raise Fault("ter:InvalidArgVal", "Properties of port %s are no object" % port.id)
    for name in properties:
        if name not in _PROPERTIES:
            raise Fault("ter:InvalidArgVal", "There is no property %s" % name)
    name = properties.get("NiceName", port.name)
    if not isinstance(name, str) or len(name) > MAX_NAME or not printable(name):
        raise Fault("ter:InvalidArgVal", "NiceName is too long, or no text")
    if name != port.name:
        settings["name"] = name
    active = properties.get("ActiveState", _active_state(port))
    if active not in STATES[:2]:
        raise Fault("ter:InvalidArgVal", "ActiveState is neither open nor closed")
    if active != _active_state(port):
        settings["normal"] = STATES[1 - STATES.index(active)]
    return settings


def _unchanged(port, row, active):
    """Fault for a row that wants what can only be read: a client may send back all that GetPort
    gave it, and is not to believe that it closed a circuit by that.
    """
    states = [STATES[port.state]]
    if active is not None:
        states.append(STATES[1 - port.normal if active else port.normal])
    if row.get("CurrentState", states[0]) not in states:
        raise Fault("ter:InvalidArgVal", "CurrentState can only be read: set Active")
    if row.get("PortUsage", port.usage) != port.usage:
        raise Fault("ter:InvalidArgVal", "PortUsage can only be read")


def _locked(port):
    return Fault("ter:Action", "Port %s is locked while its master is lost" % port.id)


def _mode(port):
    return "RelayOutput" if port.output else "DigitalInput"


def _active_state(port):
    return STATES[1 - port.normal]


def _describe(port):
    kind = "OutputProperties" if port.output else "InputProperties"
    rows = [("PortId", port.id), ("SupportedModes", [_mode(port)])]
    if port.usage:
        rows.append(("PortUsage", port.usage))
    return rows + [
        ("CurrentMode", _mode(port)),
        ("CurrentState", STATES[port.state]),
        ("Active", port.active()),
        (kind, [("NiceName", port.name), ("ActiveState", _active_state(port))]),
    ]


def _number(fields, name, default):
    value = fields.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not isinstance(value, (int, str)) or not _is_number(str(value)):
        raise Fault("ter:InvalidArgVal", "%s is no number" % name)
    return int(value)


def _is_number(text):
    return all_digits(text, 6)


def _boolean(value):
    if isinstance(value, str):
        value = {"true": True, "1": True, "false": False, "0": False}.get(
            value.strip(" \t\r\n").lower()
        )
    if not isinstance(value, bool):
        raise Fault("ter:InvalidArgVal", "Active is neither true nor false")
    return value


def _fields(element):
    """An element as the dict that the JSON of it would be; no child of these comes twice."""
    fields = {}
    for child in element.children:
        fields[child.name] = _fields(child) if child.children else child.text.strip(" \t\r\n")
    return fields


def _is_object(value):
    return isinstance(value, list) and len(value) > 0 and isinstance(value[0], tuple)


def _as_json(value):
    """The JSON of a value in small texts."""
    if isinstance(value, Port):
        value = _describe(value)
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str):
        yield quote(value)
    else:
        ends = "{}" if _is_object(value) else "[]"
        yield ends[0]
        for i, item in enumerate(value):
            if i:
                yield ","
            if isinstance(item, tuple):
                yield quote(item[0]) + ":"
                item = item[1]
            yield from _as_json(item)
        yield ends[1]


def _as_xml(rows):
    """Elements for (name, value) rows in small texts; a list of values is an element for each."""
    for name, value in rows:
        several = isinstance(value, list) and not _is_object(value)
        for item in value if several else (value,):
            yield "<axgpio:%s>" % name
            if isinstance(item, Port):
                item = _describe(item)
            if isinstance(item, bool):
                yield "true" if item else "false"
            elif isinstance(item, str):
                yield escape(item)
            else:
                yield from _as_xml(item)
            yield "</axgpio:%s>" % name
