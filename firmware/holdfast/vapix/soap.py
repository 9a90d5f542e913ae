"""SOAP at `POST /vapix/services`: one address for all services, versions 1.1 and 1.2.

A request is told apart by the local name of the child of its Body and by nothing else: clients
name the action in Content-Type, in SOAPAction or not at all. Replies have the prefixes that real
devices have, because some clients look for them by text.

Where the vendor's page says nothing, ONVIF Core: faults and their subcodes (section "Generic
faults"); a header that must be understood is not (SOAP 1.2 part 1 section 5.2.3). Credentials come
by HTTP Digest alone: a WS-Security header, unless it insists, is not looked at.
"""

from micropython import const

from holdfast.core.accounts import (
    ACTUATE,
    PRE_AUTH,
    READ_SYSTEM,
    READ_SYSTEM_SENSITIVE,
    WRITE_SYSTEM,
)
from holdfast.vapix.access import require
from holdfast.vapix.fault import Fault
from holdfast.vapix.heartbeat import milliseconds
from holdfast.wire.http import Response
from holdfast.wire.xml import XmlError, escape, parse

_SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
_SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
_BODIES_KEPT = const(4)  # of heartbeats, about one for each master
_BODY_KEPT_BYTES = const(1024)  # the vendor's example is 530 bytes

# Headers of WS-Addressing that ask for nothing but what is done anyway; some stacks insist on
# their being understood in every request.
_UNDERSTOOD = ("Action", "To")
# Who the module is to a header that names its receiver (SOAP 1.2 part 1 section 2.2, SOAP 1.1
# section 4.2.2): whoever comes next, and the last one, as to a header that names none.
_ROLES = (
    "",
    "http://schemas.xmlsoap.org/soap/actor/next",
    _SOAP_12 + "/role/next",
    _SOAP_12 + "/role/ultimateReceiver",
)

# By prefix: namespace, and the further namespaces of its replies.
_NAMESPACES = {
    "axhbt": 'xmlns:axhbt="http://www.axis.com/vapix/ws/Heartbeat"',
    "aev": 'xmlns:aev="http://www.axis.com/vapix/ws/event1"'
    ' xmlns:wstop="http://docs.oasis-open.org/wsn/t-1"'
    ' xmlns:tns1="http://www.onvif.org/ver10/topics"'
    ' xmlns:tnsaxis="http://www.axis.com/2009/event/topics"'
    ' xmlns:tt="http://www.onvif.org/ver10/schema"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"',
    "axgpio": 'xmlns:axgpio="http://www.axis.com/vapix/ws/AxisGPIO"',
    "aa": 'xmlns:aa="http://www.axis.com/vapix/ws/action1"'
    ' xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"'
    ' xmlns:tns1="http://www.onvif.org/ver10/topics"'
    ' xmlns:tnsaxis="http://www.axis.com/2009/event/topics"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"',
}

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope xmlns:SOAP-ENV="%s" %s>'
    "<SOAP-ENV:Header/><SOAP-ENV:Body>"
)
_FOOT = "</SOAP-ENV:Body></SOAP-ENV:Envelope>\n"

# Operation: prefix of its service, lowest role, method of the service.
_OPERATIONS = {
    "Heartbeat": ("axhbt", ACTUATE, "heartbeat"),
    "GetEventInstances": ("aev", READ_SYSTEM, "get_event_instances"),
    "GetServiceCapabilities": ("axgpio", PRE_AUTH, "get_service_capabilities"),
    "GetPortList": ("axgpio", READ_SYSTEM_SENSITIVE, "get_port_list"),
    "GetPort": ("axgpio", READ_SYSTEM_SENSITIVE, "get_port"),
    "SetPort": ("axgpio", WRITE_SYSTEM, "set_port"),
    "GetActionTemplates": ("aa", READ_SYSTEM_SENSITIVE, "get_action_templates"),
    "GetActionConfigurations": ("aa", READ_SYSTEM_SENSITIVE, "get_action_configurations"),
    "GetActionRules": ("aa", READ_SYSTEM_SENSITIVE, "get_action_rules"),
    "GetRecipientTemplates": ("aa", READ_SYSTEM_SENSITIVE, "get_recipient_templates"),
    "GetRecipientConfigurations": ("aa", READ_SYSTEM_SENSITIVE, "get_recipient_configurations"),
    "AddActionConfiguration": ("aa", WRITE_SYSTEM, "add_action_configuration"),
    "AddActionRule": ("aa", WRITE_SYSTEM, "add_action_rule"),
    "RemoveActionConfiguration": ("aa", WRITE_SYSTEM, "remove_action_configuration"),
    "RemoveActionRule": ("aa", WRITE_SYSTEM, "remove_action_rule"),
}


class SoapService:
    """Answers SOAP requests.

    services: an object whose `method("prefix.method")(caller, element, now)` gives the XML inside
    the response element, a text or a function() that gives an iterator of texts, or a coroutine
    that gives one of them.
    """

    def __init__(self, module, services):
        self._module = module
        self._services = services
        self._beats = []  # (body, version, duration_ms) of heartbeats, the latest last

    def post(self, caller, request, now):
        """Answer one request; HttpError 401 or 403 for who may not, a SOAP Fault otherwise."""
        body = request.body
        if caller.account is None and not _for_strangers(body):
            require(caller, PRE_AUTH)
        for kept, version, duration_ms in self._beats:
            # A master sends the same body every time: it is parsed once.
            if kept == body:
                require(caller, ACTUATE)
                return self._beat(caller, duration_ms, now, version)
        # By what it looks like, as long as it is not known; without any namespace it is 1.2.
        version = _SOAP_11 if _SOAP_11.encode() in body else _SOAP_12
        try:
            envelope = _envelope(body)
            version = envelope.namespace or _SOAP_12
            if version not in (_SOAP_11, _SOAP_12):
                version = _SOAP_12
                raise Fault("VersionMismatch", "The envelope is neither SOAP 1.2 nor 1.1")
            element = _operation(envelope)
            row = _OPERATIONS.get(element.name)
            if row is None:
                raise Fault("ter:ActionNotSupported", "there is no operation %s" % element.name)
            prefix, role, method = row
            if role > PRE_AUTH:
                require(caller, role)
            if prefix == "axhbt":
                return self._heartbeat(caller, element, now, body, version)
            content = self._services.method(prefix + "." + method)(caller, element, now)
            if hasattr(content, "send"):
                return _awaited(version, prefix, element.name, content)
            return _reply(version, prefix, element.name, content)
        except Fault as fault:
            return _fault(version, fault)

    def _heartbeat(self, caller, element, now, body, version):
        duration = element.child("Duration")
        if duration is None:
            raise Fault("ter:InvalidArgs", "Duration is missing")
        module = self._module
        text = duration.text.strip(" \t\r\n")
        duration_ms = milliseconds(text, module.shortest_ms, module.longest_ms)
        response = self._beat(caller, duration_ms, now, version)
        if len(body) <= _BODY_KEPT_BYTES:
            if len(self._beats) == _BODIES_KEPT:
                self._beats.pop(0)
            self._beats.append((body, version, duration_ms))
        return response

    def _beat(self, caller, duration_ms, now, version):
        session = self._module.heartbeat(caller.account.name, duration_ms, now)
        content = "<axhbt:SessionId>%s</axhbt:SessionId>" % session.id
        response = _reply(version, "axhbt", "Heartbeat", content)
        response.session = session
        return response


def _for_strangers(body):
    """True when it may be an operation for everyone: nobody else's XML is read without a login."""
    for name in _OPERATIONS:
        if _OPERATIONS[name][1] == PRE_AUTH and name.encode() in body:
            return True
    return False


def _envelope(body):
    """The Envelope of a request."""
    try:
        envelope = parse(body)
    except XmlError as error:
        reason = "The request is not well-formed XML: %s at byte %d" % (error, error.position)
        raise Fault("ter:WellFormed", reason)
    if envelope.name != "Envelope":
        raise Fault("ter:TagMismatch", "The request is not a SOAP envelope")
    return envelope


def _operation(envelope):
    """The child of the Body."""
    header = envelope.child("Header")
    role = "actor" if envelope.namespace == _SOAP_11 else "role"
    for block in [] if header is None else header.children:
        must = block.attributes.get("mustUnderstand") in ("1", "true")
        ours = block.attributes.get(role, "") in _ROLES
        if must and ours and block.name not in _UNDERSTOOD:
            raise Fault("MustUnderstand", "the header %s is not understood" % block.name)
    body = envelope.child("Body")
    if body is None or len(body.children) != 1:
        raise Fault("ter:TagMismatch", "The envelope needs a Body with one element")
    return body.children[0]


async def _awaited(version, prefix, operation, content):
    """The answer of an operation that is a coroutine."""
    try:
        return _reply(version, prefix, operation, await content)
    except Fault as fault:
        return _fault(version, fault)


def _reply(version, prefix, operation, content):
    """The answer of an operation; content: XML text, or a function() that gives it in texts."""
    element = "%s:%sResponse" % (prefix, operation)
    start = "<%s>" % element
    end = "</%s>" % element
    if isinstance(content, str):
        content = start + content + end
        start = end = ""
    return _response(200, version, _NAMESPACES[prefix], content, start, end)


def _fault(version, fault):
    sender = fault.status < 500
    codes = fault.subcode.split("/")
    # MustUnderstand and VersionMismatch are codes of SOAP itself.
    own = not fault.subcode.startswith("ter:")
    reason = escape(fault.reason)
    if version == _SOAP_11:
        code = "Client" if sender else "Server"
        if own:
            code = fault.subcode
        body = (
            "<SOAP-ENV:Fault><faultcode>SOAP-ENV:%s</faultcode><faultstring>%s</faultstring>"
            "<detail>%s</detail></SOAP-ENV:Fault>"
        ) % (code, reason, fault.detail or "")
    else:
        code = "Sender" if sender else "Receiver"
        more = ""
        if own:
            code = fault.subcode
        else:
            for subcode in codes:
                more += "<SOAP-ENV:Subcode><SOAP-ENV:Value>%s</SOAP-ENV:Value>" % subcode
            more += "</SOAP-ENV:Subcode>" * len(codes)
        body = (
            "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:%s</SOAP-ENV:Value>%s"
            '</SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="en">%s</SOAP-ENV:Text>'
            "</SOAP-ENV:Reason>%s</SOAP-ENV:Fault>"
        ) % (
            code,
            more,
            reason,
            fault.detail and "<SOAP-ENV:Detail>%s</SOAP-ENV:Detail>" % fault.detail or "",
        )
    namespaces = 'xmlns:ter="http://www.onvif.org/ver10/error" ' + _NAMESPACES["aa"]
    return _response(fault.status, version, namespaces, body)


def _response(status, version, namespaces, content, start="", end=""):
    """An envelope; start and end: what stands around a content that comes in texts."""
    kind = "text/xml" if version == _SOAP_11 else "application/soap+xml"
    kind += "; charset=utf-8"
    head = _HEAD % (version, namespaces)
    if isinstance(content, str):
        return Response(status, (head + content + _FOOT).encode(), kind)

    def told():
        yield head
        yield start
        yield from content()
        yield end
        yield _FOOT

    return Response(status, told, kind)
