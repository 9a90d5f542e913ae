"""`/axis-cgi/io/port.cgi` and `/axis-cgi/io/virtualinput.cgi` (VAPIX Input and outputs): ports by
GET, or by POST with a form. Ports are counted from 1 here, one more than their ids.

    action=3:/300\\500/    active, after 300 ms inactive, after 500 ms active; no number: port 1
    check=1,2              port1=1 for a closed circuit, 0 for an open one
    checkactive=1,2        port1=active
    checkdirection=1,2     port1=input
    monitor=1,2            a stream of changes, see vapix.portmonitor

The vendor lets viewers do all of that; here whatever moves an output, or a trigger that a rule may
follow, takes the right to actuate. What a bad request is answered the vendor does not say: here
400 and one line, and nothing of it is done. Parameters that nobody knows mean nothing, but there
must be one that means something.

The latest action counts: it ends one that is still under way, and so does any other command to the
port. Contacts cannot be simulated with
io/virtualinput.cgi as on the vendor's products; its numbers are those of the manual triggers.
"""

from micropython import const

from holdfast.core.accounts import ACTUATE
from holdfast.core.events import VIRTUAL_PORT
from holdfast.core.virtual_inputs import COUNT
from holdfast.vapix.access import require
from holdfast.wire.http import HttpError, Response, all_digits
from holdfast.wire.query import form

_CHECKS = ("check", "checkactive", "checkdirection")
_MAX_STEPS = const(32)  # of an action
_MAX_DIGITS = const(6)  # of a wait: a quarter of an hour
_MAX_PORTS = const(64)  # in all lists of a request
_MAX_MOVES = const(64)  # steps of all actions of a request


class PortCgi:
    """Translates; monitors: an object whose `call("get", ports)` answers with a stream."""

    def __init__(self, module, monitors):
        self._module = module
        self._monitors = monitors

    def ports(self, caller, request, now):
        """Answer a request of port.cgi."""
        lines = []
        actions = []
        moves = 0
        try:
            asked = _known(form(request), ("action", "monitor") + _CHECKS)
            for name, value in asked:
                if name == "action":
                    require(caller, ACTUATE)
                    actions.append(self._action(value, now))
                    moves += len(actions[-1][1])
                    if moves > _MAX_MOVES:
                        raise BadRequest("up to %d steps at once" % _MAX_MOVES)
                elif name in _CHECKS:
                    for number, port in self._listed(value):
                        lines.append((name, number, port))
                    if len(lines) > _MAX_PORTS:
                        raise BadRequest("too many ports")
                elif len(asked) > 1:
                    raise BadRequest("monitor stands alone")
                elif request.method == "HEAD":
                    raise HttpError(405, "GET, POST")  # there is no end to wait for
                else:
                    return self._monitor(value)
        except BadRequest as error:
            return _refused(error)
        for port, steps in actions:
            self._module.sequence(port, steps, caller.account.name, now, True)
        text = "".join(["port%d=%s\n" % (line[1], _told(line[0], line[2])) for line in lines])
        return Response(200, text.encode(), "text/plain")

    def manual_trigger(self, caller, request, now):
        """Answer a request of io/virtualinput.cgi: `action=6:/2000\\`, on for 2 s."""
        actions = []
        try:
            for _, value in _known(form(request), ("action",)):
                require(caller, ACTUATE)
                number, steps = _parse(value)
                active, wait_ms = steps[0]
                if len(steps) > 2 or (len(steps) == 2 and (not active or steps[1][0])):
                    raise BadRequest("an action is like 1:/ or 1:\\ or 1:/500\\")
                if not 1 <= number <= COUNT:
                    raise BadRequest("there is no port %d" % number)
                actions.append((number, active, wait_ms if len(steps) == 2 else None))
        except BadRequest as error:
            return _refused(error)
        for number, active, duration_ms in actions:
            self._module.switch(VIRTUAL_PORT, number, active, duration_ms, now)
        return Response(200, b"", "text/plain")

    def _action(self, text, now):
        """(port, steps for the module) of an action that would be taken at `now`."""
        number, actions = _parse(text)
        port = self._port(number)
        refused = self._module.refuses(port, now)
        if refused is not None:
            raise BadRequest("port %d is %s" % (number, refused))
        steps = []
        for active, wait_ms in actions:
            steps.append((1 - port.normal if active else port.normal, wait_ms))
        return port, tuple(steps)

    def _monitor(self, text):
        ports = self._listed(text)
        for _, port in ports:
            if port.output != ports[0][1].output:
                raise BadRequest("inputs and outputs are monitored separately")
        return self._monitors.method("get")(ports)

    def _listed(self, text):
        """The (number, port) of a list like "1,2"."""
        parts = text.split(",")
        if len(parts) > _MAX_PORTS:
            raise BadRequest("too many ports")
        ports = []
        for part in parts:
            part = part.strip(" \t\r\n")
            if not all_digits(part, _MAX_DIGITS):
                raise BadRequest("a list of ports is like 1,2")
            ports.append((int(part), self._port(int(part))))
        return ports

    def _port(self, number):
        if not 1 <= number <= len(self._module.ports):
            raise BadRequest("there is no port %d" % number)
        return self._module.ports[number - 1]


class BadRequest(Exception):
    """A request that cannot be served; the text tells the client why."""


def _known(fields, names):
    """The fields that mean something here."""
    known = [field for field in fields if field[0] in names]
    if not known:
        raise BadRequest("what to do is missing: " + ", ".join(names))
    return known


def _refused(error):
    return Response(400, ("Error: %s\n" % error).encode(), "text/plain")


def _parse(text):
    """`[number]:action[wait action...]` as (number, ((active?, ms until the next), ...))."""
    number, colon, actions = text.partition(":")
    number = number.strip(" \t\r\n")
    if not colon or not (number == "" or all_digits(number, _MAX_DIGITS)):
        raise BadRequest("an action is like 1:/500\\")
    steps = []
    wait = ""
    for character in actions.strip(" \t\r\n"):
        if character in "/\\":
            if steps:
                if not wait or len(steps) == _MAX_STEPS:
                    raise BadRequest("a wait in ms stands between two actions, up to 32 of them")
                steps[-1] = (steps[-1][0], int(wait))
            elif wait:
                raise BadRequest("an action comes first")
            steps.append((character == "/", 0))
            wait = ""
        elif character in "0123456789" and len(wait) < _MAX_DIGITS:
            wait = character if wait == "0" else wait + character
        else:
            raise BadRequest("an action is like 1:/500\\")
    if not steps or wait:
        raise BadRequest("an action is / or \\")
    return int(number or "1"), tuple(steps)


def _told(name, port):
    if name == "check":
        return "%d" % port.state  # CLOSED is 1
    if name == "checkactive":
        return "active" if port.active() else "inactive"
    return "output" if port.output else "input"
