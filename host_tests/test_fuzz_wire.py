"""Every parser beside inputs that are nearly right: the one exception it names, or a result; soon,
and within its bounds.
"""

import re
from xml.etree import ElementTree

import makers
import pytest
import test_wire_digest as digest
from fuzz import COUNT, Mutator, timed
from holdfast.core.contentfilter import content_filter, content_matches
from holdfast.core.topicfilter import FilterError, topic_filter, topic_matches
from holdfast.vapix import api
from holdfast.vapix.action import ActionService
from holdfast.vapix.eventinstances import EventInstances
from holdfast.vapix.fault import Fault
from holdfast.vapix.gpio import GpioService
from holdfast.vapix.heartbeat import duration
from holdfast.vapix.soap import SoapService
from holdfast.wire import websocket
from holdfast.wire.buffer import ReceiveBuffer
from holdfast.wire.digest import Authenticator, Memory, Refused
from holdfast.wire.http import BODY_BYTES, HEAD_BYTES, HttpError, RequestReader
from holdfast.wire.json import JsonError, loads
from holdfast.wire.query import parameters
from holdfast.wire.xml import XmlError, parse

import boards

ENVELOPE = (
    b'<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/>'
    b"<s:Body>%s</s:Body></s:Envelope>"
)

HTTP = (
    b"POST /vapix/axhbt HTTP/1.1\r\nHost: a\r\nContent-Length: 36\r\n"
    b'Authorization: Digest username="r"\r\n\r\n{"axhbt:Heartbeat":{"Duration":1000}}',
    b"GET /vapix/ws-data-stream?sources=events HTTP/1.1\r\nHost: [::1]:80\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    b"5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    b"HEAD http://a/b?c=%20d HTTP/1.1\r\nHost: a\r\nConnection: close, te\r\n\r\n",
)
HTTP_TOKENS = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b": ",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: b\r\n",
    b"HTTP/1.1",
    b"\r\n\r\n",
    b"%00",
    b" ",
    b"\t",
    b"ffffffff\r\n",
    b"x" * 600,
)

JSON = (
    boards.VENDOR_BEAT,
    b'{"apiVersion":"1.0","context":"c","method":"setPorts","params":{"ports":[{"port":"4","state":"closed"}]}}',
    b'{"apiVersion":"1.0","method":"events:configure","params":{"eventFilterList":[{"topicFilter":"//."},'
    b'{"contentFilter":"boolean(//SimpleItem[@Name=\\"port\\"])"}]}}',
    b'[1,-2.5e3,true,false,null,"\\u00e9\\ud83d\\ude00",{"":[]}]',
)
JSON_TOKENS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b'"',
    b"\\",
    b"\\u",
    b"\\ud800",
    b"null",
    b"NaN",
    b"\xff",
)

XML = (
    ENVELOPE % b"<h:Heartbeat><h:Duration>1000</h:Duration></h:Heartbeat>",
    ENVELOPE
    % b'<a:AddActionRule xmlns:a="u"><NewActionRule><Name>A &amp; B</Name></NewActionRule>'
    b"</a:AddActionRule>",
    ENVELOPE
    % b"<!-- c --><?p q?><GetPort><PortId>1</PortId><PortId><![CDATA[<2>]]></PortId></GetPort>",
    b"<a b='1'c=\"2\">&lt;&#65;&#x42;</a>",
)
XML_TOKENS = (
    b"<",
    b">",
    b"</",
    b"/>",
    b"<a>",
    b"</a>",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<!DOCTYPE a>",
    b"&#0;",
    b"&x;",
    b"<?",
    b"?>",
    b'x="1" ',
    b"'",
)

TOPICS = (
    b"tns1:Device/tnsaxis:IO/Port",
    b"//.",
    b"tns1:Device//. | onvif:Device/Trigger/Relay|axis:x//",
    b"",
)
CONTENTS = (
    b'boolean(//SimpleItem[@Name="port" and @Value="1"]) and '
    b"not(boolean(//tt:SimpleItem[@Value='0']))",
    b'(boolean(//ElementItem[@Name="a"]) or boolean(//SimpleItem[(@Value="1")]))',
)
FILTER_TOKENS = (
    b"(",
    b")",
    b"[",
    b"]",
    b"//",
    b"|",
    b":",
    b"@Name",
    b"@Value",
    b"=",
    b'"',
    b" and ",
    b" or ",
    b"not(",
    b"boolean(",
    b"SimpleItem",
    b".",
)

FRAMES = (
    b"\x81\x85\x01\x02\x03\x04" + bytes(a ^ b for a, b in zip(b"hello", b"\x01\x02\x03\x04\x01")),
    b"\x89\x80\0\0\0\0\x8a\x81\0\0\0\0x",
    b"\x01\x81\0\0\0\0a\x80\x81\0\0\0\0b",
    b"\x88\x82\0\0\0\0\x03\xe8",
    b"\x82\xfe\x00\x7e\0\0\0\0" + bytes(126),
    b"\x81\xff\0\0\0\0\0\x01\0\0\0\0\0\0",
)
FRAME_TOKENS = (b"\x81", b"\x01", b"\x00", b"\x80", b"\x88", b"\xfe\xff\xff", b"\xff" * 8, b"\xf0")


def inputs(corpus, tokens, count=COUNT):
    mutator = Mutator(corpus, tokens)
    for _ in range(count):
        yield mutator, mutator.next()


def read(reader, buffer, pieces):
    """Feed all pieces; what was read, or the error after which nothing more is read."""
    found = []
    for piece in pieces:
        while piece:
            room = len(buffer.space())
            assert room or reader.next() is not None
            part, piece = piece[:room], piece[room:]
            buffer.feed(part)
            request = reader.next()
            while request is not None:
                assert len(request.body) <= BODY_BYTES
                found.append((request.method, request.target))
                request = reader.next()
            assert 0 <= buffer.start <= buffer.end <= len(buffer.data)
    return found


def test_http_requests():
    good = 0
    for mutator, data in inputs(HTTP, HTTP_TOKENS):
        whole = list(mutator.cuts(data))

        def attempt(pieces=whole):
            buffer = ReceiveBuffer(HEAD_BYTES)
            reader = RequestReader(buffer)
            try:
                return len(read(reader, buffer, pieces))
            except HttpError as error:
                assert 400 <= error.status < 600
                buffer.clear()
                buffer.feed(HTTP[3])
                assert reader.next() is None  # what follows an error is not a request
                return 0

        good += timed(attempt) > 0
    assert COUNT > good > COUNT // 20


def test_json_and_the_envelopes_in_it():
    good = 0
    for _, data in inputs(JSON, JSON_TOKENS):
        for function, error in (
            (loads, JsonError),
            (api.read, api.ApiError),
            (lambda body: duration(body, 1, 1000), Fault),
        ):
            try:
                timed(function, data)
                good += 1
            except error:
                pass
    assert 3 * COUNT > good > COUNT // 20


def test_xml():
    good = 0
    for _, data in inputs(XML, XML_TOKENS):
        try:
            timed(parse, data)
            good += 1
        except XmlError as error:
            assert 0 <= error.position <= len(data)
    assert COUNT > good > COUNT // 20


SOAP = tuple(
    ENVELOPE % operation
    for operation in (
        b"<h:Heartbeat><h:Duration>1000</h:Duration></h:Heartbeat>",
        b"<GetEventInstances/>",
        b"<GetServiceCapabilities/>",
        b"<GetPortList><Limit>2</Limit><StartReference>1</StartReference></GetPortList>",
        b"<GetPort><PortId>1</PortId><PortId>2</PortId></GetPort>",
        b"<SetPort><Port><PortId>2</PortId><Active>true</Active><OutputProperties><NiceName>n"
        b"</NiceName></OutputProperties></Port></SetPort>",
        b"<GetActionTemplates/>",
        b"<GetActionConfigurations/>",
        b"<GetActionRules/>",
        b"<AddActionConfiguration><NewActionConfiguration><Name>n</Name><TemplateToken>"
        b"com.axis.action.fixed.io.toggle</TemplateToken><Parameters><Parameter Name='port' "
        b"Value='2'/><Parameter Name='state' Value='high'/><Parameter Name='duration' Value='1'/>"
        b"</Parameters></NewActionConfiguration></AddActionConfiguration>",
        b"<AddActionRule><NewActionRule><Name>n</Name><Enabled>true</Enabled><StartEvent>"
        b"<TopicExpression>tns1:Device/tnsaxis:IO/Port</TopicExpression><MessageContent>"
        b'boolean(//SimpleItem[@Name="port"])</MessageContent></StartEvent><Conditions><Condition>'
        b"<TopicExpression>tns1:Device/tnsaxis:Monitor/Heartbeat</TopicExpression></Condition>"
        b"</Conditions><PrimaryAction>1</PrimaryAction></NewActionRule></AddActionRule>",
        b"<RemoveActionRule><RuleID>1</RuleID></RemoveActionRule>",
        b"<RemoveActionConfiguration><ConfigurationID>1</ConfigurationID>"
        b"</RemoveActionConfiguration>",
    )
)


class SoapServices:
    """The services behind SOAP, as holdfast.routes joins them."""

    def __init__(self, subject, store):
        self._services = {
            "aev": EventInstances(subject.events),
            "axgpio": GpioService(subject, store),
            "aa": ActionService(store),
        }

    def method(self, name):
        service, _, method = name.partition(".")
        return getattr(self._services[service], method)


def answered(soap, caller, asked, now):
    return makers.finished(soap.post(caller, asked, now))


def test_soap():
    subject = makers.module()
    services = SoapServices(subject, makers.Store(subject))
    soap = SoapService(subject, services)
    caller = makers.Caller(role=3)
    statuses = {}
    now = 0
    for _, data in inputs(SOAP, (*XML_TOKENS, *FILTER_TOKENS, b"<Limit>", b"<PortId>9</PortId>")):
        now += 10
        answer = timed(answered, soap, caller, makers.Asked(data[:BODY_BYTES]), now)
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
        # Whatever came back into the answer, it is XML that others read.
        ElementTree.fromstring(makers.whole(answer))
        subject.act(now)
        subject.tell(now)
        subject.events.take()
    assert set(statuses) == {200, 400}
    assert min(statuses.values()) > COUNT // 20


ITEMS = (("port", "1"), ("state", "0"))


def test_topic_filters():
    good = 0
    for _, data in inputs(TOPICS, FILTER_TOKENS):
        text = data.decode("utf-8", "replace")
        try:
            compiled = timed(topic_filter, text)
        except FilterError:
            continue
        assert topic_matches(compiled, "tns1:Device/tnsaxis:IO/Port") in (True, False)
        good += 1
    assert COUNT > good > COUNT // 20


def test_content_filters():
    good = 0
    for _, data in inputs(CONTENTS, FILTER_TOKENS):
        text = data.decode("utf-8", "replace")
        try:
            compiled = timed(content_filter, text)
        except FilterError:
            continue
        assert timed(content_matches, compiled, ITEMS) in (True, False)
        good += 1
    assert COUNT > good > COUNT // 20


def test_websocket_frames():
    good = 0
    for mutator, data in inputs(FRAMES, FRAME_TOKENS):
        pieces = list(mutator.cuts(data))

        def attempt(pieces=pieces):
            buffer = ReceiveBuffer(HEAD_BYTES)
            reader = websocket.MessageReader(buffer, 4096)
            count = 0
            try:
                for piece in pieces:
                    while piece:
                        room = len(buffer.space())
                        part, piece = piece[:room], piece[room:]
                        buffer.feed(part)
                        message = reader.next()
                        while message is not None:
                            count += 1
                            message = reader.next()
                        buffer.compact()
            except websocket.WebSocketError as error:
                assert 1002 <= error.code <= 1011
                return 0
            return count

        good += timed(attempt) > 0
    assert COUNT > good > COUNT // 20


def test_authorization():
    authenticator = digest.server()
    account = good = 0
    for i in range(COUNT // 50):
        nonce = digest.fresh(authenticator)
        memory = Memory()
        examples = [digest.credentials(nonce, nc) for nc in range(1, 6)]
        examples.append(digest.credentials(nonce, 7, algorithm="SHA-256"))
        responses = [re.search(rb'response="(\w+)"', example)[1] for example in examples]
        mutator = Mutator(
            examples, (b'"', b"\\", b",", b"=", b" ", b"nc=00000001", b'qop="auth"', b"\xff"), i
        )
        for _ in range(50):
            value = mutator.next()
            try:
                found = timed(
                    authenticator.check, value, digest.GET, digest.URI, digest.LATER, memory
                )
            except Refused:
                continue
            assert found.name == "root"
            # What gets in says a response made with the password, which covers the rest.
            assert any(response in value.lower() for response in responses)
            good += 1
            account = found
    assert isinstance(authenticator, Authenticator) and account
    assert COUNT > good > COUNT // 50


def test_queries():
    good = 0
    corpus = (
        b"action=list&group=IOPort.*",
        b"action=3%3A%2F300%5C&x=%C3%A9+1",
        b"since=5&epoch=ab",
    )
    for _, data in inputs(corpus, (b"&", b"=", b"%", b"%zz", b"%ff", b"+", b"&" * 70)):
        try:
            timed(parameters, data.decode("utf-8", "replace"))
            good += 1
        except HttpError as error:
            assert error.status == 400
    assert COUNT > good > COUNT // 20


@pytest.mark.parametrize("depth", [10, 1000, 100_000])
def test_deep_and_long_inputs_are_refused_soon(depth):
    for function, error, text in (
        (loads, JsonError, b"[" * depth + b"]" * depth),
        (loads, JsonError, b'{"a":' * depth),
        (parse, XmlError, b"<a>" * depth + b"</a>" * depth),
        (parse, XmlError, b"<a " + b"b='1' " * depth + b">"),
        (content_filter, FilterError, "(" * depth + "boolean(" * depth),
        (topic_filter, FilterError, "a/" * depth + "|" * depth),
    ):
        try:
            timed(function, text)
            assert depth == 10
        except error:
            pass
