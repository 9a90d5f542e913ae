"""`/axis-cgi/virtualinput/activate.cgi`, `deactivate.cgi` and `getschemaversions.cgi` (VAPIX Input
and outputs).

`?schemaversion=1&port=N[&duration=S]`: virtual input N, from 1, active for S seconds or until it
is deactivated; 0 seconds activate it and deactivate it at once. Errors come in the XML with HTTP
200, as the vendor's do.
"""

from micropython import const

from holdfast.core.events import VIRTUAL_INPUT
from holdfast.wire.http import Response, all_digits
from holdfast.wire.query import form

_MISSING = const(10)
_NO_SUCH_INPUT = const(20)
_SCHEMA = const(30)
_DURATION = const(50)
_MAX_DIGITS = const(6)  # of a duration: eleven days

_DESCRIPTIONS = {
    _MISSING: "A required argument is missing",
    _NO_SUCH_INPUT: "There is no such virtual input",
    _SCHEMA: "The schema version is not supported",
    _DURATION: "The duration is not a number of seconds up to 999999",
}


class VirtualInputService:
    """Switches the virtual inputs of the module."""

    def __init__(self, module):
        self._module = module

    def activate(self, caller, request, now):
        return self._switch(form(request), True, now)

    def deactivate(self, caller, request, now):
        return self._switch(form(request), False, now)

    def schemas(self, caller, request, now):
        """Answer getschemaversions.cgi."""
        version = "<MajorVersion>1</MajorVersion><MinorVersion>1</MinorVersion>"
        return _answer(
            "<Success><GetSchemaVersionsSuccess><SchemaVersion>%s<Deprecated>false</Deprecated>"
            "</SchemaVersion></GetSchemaVersionsSuccess></Success>" % version
        )

    def _switch(self, pairs, active, now):
        arguments = dict(pairs)
        schema = arguments.get("schemaversion")
        port = arguments.get("port")
        duration = arguments.get("duration") if active else None
        if schema is None or port is None:
            return _error(_MISSING)
        if schema != "1":
            return _error(_SCHEMA)
        duration_ms = None
        if duration is not None:
            if not _is_number(duration):
                return _error(_DURATION)
            duration_ms = int(duration) * 1000
        changed = None
        if _is_number(port):
            switch = self._module.switch
            changed = switch(VIRTUAL_INPUT, int(port), active, duration_ms, now)
        if changed is None:
            return _error(_NO_SUCH_INPUT)
        kind = "ActivateSuccess" if active else "DeactivateSuccess"
        told = "true" if changed else "false"
        text = "<Success><%s><StateChanged>%s</StateChanged></%s></Success>" % (kind, told, kind)
        return _answer(text)


def _is_number(text):
    return all_digits(text, _MAX_DIGITS)


def _error(code):
    return _answer(
        "<Error><GeneralError><ErrorCode>%d</ErrorCode><ErrorDescription>%s</ErrorDescription>"
        "</GeneralError></Error>" % (code, _DESCRIPTIONS[code])
    )


def _answer(content):
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n<VirtualInputResponse SchemaVersion="1.1"'
        ' xmlns="http://www.axis.com/vapix/http_cgi/virtualinput1">%s</VirtualInputResponse>\n'
    ) % content
    return Response(200, text.encode(), "text/xml")
