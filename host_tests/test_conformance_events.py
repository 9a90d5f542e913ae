"""Event streams over WebSocket, as any device with that API has them; see conformance.py."""

import json
import time

import pytest
from websockets.exceptions import InvalidStatus

from boards import ANSWER_S, ask, configure

PORT = "tns1:Device/tnsaxis:IO/Port"


@pytest.fixture
def ports(device):
    """The ids of the device's ports; at least two, so that filters have something to part."""
    found = [row["port"] for row in device.port_list()]
    if len(found) < 2:
        device.not_offered("two ports")
    return found


def of(name, value):
    return 'boolean(//SimpleItem[@Name="%s" and @Value="%s"])' % (name, value)


def shown(events):
    """The ports that events are about."""
    assert {event.topic for event in events} <= {"Device/IO/Port"}, events
    return sorted(event.source["port"] for event in events)


def refused(device, text):
    """The error code a message is answered with."""
    stream = device.open_stream()
    answer = ask(stream, text if isinstance(text, str) else json.dumps(text))
    assert answer["error"]["message"] and "data" not in answer
    # ... and the stream goes on.
    assert "data" in configure(stream, PORT)
    return answer["error"]["code"]


def call(**more):
    params = {"eventFilterList": [{"topicFilter": PORT}]}
    return {"apiVersion": "1.0", "method": "events:configure", "params": params, **more}


def test_strangers(device):
    """A stream without credentials, or with a token of somebody's own, is refused"""
    for query in ("&", "&wssession=123456789012345"):
        with pytest.raises(InvalidStatus) as refusal:
            device.open_stream(query)
        assert refusal.value.response.status_code == 401


def test_token(device):
    """A token of wssession.cgi opens one stream in place of Digest, and no second one"""
    token = device.token()
    stream = device.open_stream("&wssession=" + token)
    assert configure(stream, PORT)["data"] == {}
    with pytest.raises(InvalidStatus) as refusal:
        device.open_stream("&wssession=" + token)
    assert refusal.value.response.status_code == 401


def test_version(device):
    """A failure repeats the apiVersion that was asked for"""
    answer = ask(device.open_stream(), json.dumps(call(apiVersion="99.0")))
    assert answer["error"]["code"] == 2100 and answer["apiVersion"] == "99.0"


def test_long_message(device):
    """A message of 5000 bytes is answered with an error, and the stream goes on"""
    assert refused(device, " " * 5000) in (2101, 2107)


def test_reply_first(device, ports):
    """Nothing comes before a configure, then its reply with its context, then events"""
    stream = device.open_stream()
    assert device.events(stream) == []
    answer = configure(stream, "//.", context="a context")
    assert answer["data"] == {} and answer["context"] == "a context"
    assert answer["method"] == "events:configure" and answer["apiVersion"].startswith("1.")
    assert device.events(stream)


def test_state(device, ports):
    """Then it tells the state of every port once, by the ids that getPorts has"""
    assert shown(device.state(PORT)) == sorted(ports)


def test_shape(device, ports):
    """An event has timestamp, topic, source, key and data, all values as text"""
    for event in device.state("//."):
        assert isinstance(event.notification["timestamp"], int)
        message = event.notification["message"]
        for part in ("source", "key", "data"):
            assert all(isinstance(value, str) for value in message[part].values())
        assert event.data
    assert event.notification["topic"].startswith("tns1:")


def test_topic_filters(device, ports):
    """Topic filters: | for several topics, //. for all below one, nothing below a topic alone"""
    assert shown(device.state("tns1:Nothing/There | " + PORT)) == sorted(ports)
    below = device.state("tns1:Device/tnsaxis:IO//.")
    assert {"Device/IO/Port"} <= {event.topic for event in below}
    assert all(event.topic.startswith("Device/IO/") for event in below)
    assert device.state("tns1:Device/tnsaxis:IO") == []


@pytest.mark.parametrize(
    "spelling", ["tns1:Device/tnsaxis:IO/tnsaxis:Port", "onvif:Device/axis:IO/Port"]
)
def test_spellings(device, ports, spelling):
    """Topics may be asked for in the spellings of the vendor's pages and of its clients"""
    assert shown(device.state(spelling)) == sorted(ports)


def test_content(device, ports):
    """Content filters pick by name and value, with a topic filter or without"""
    row = {"topicFilter": PORT, "contentFilter": of("port", ports[0])}
    assert shown(device.state(row)) == [ports[0]]
    found = device.state({"contentFilter": of("port", ports[1])})
    assert found and {event.source.get("port") for event in found} == {ports[1]}


def test_content_logic(device, ports):
    """Content filters know and, or, not and parentheses"""
    one, other = of("port", ports[0]), of("port", ports[1])
    neither = "not(%s or %s)" % (one, other)
    both = "%s and %s" % (one, other)
    either = '(%s or %s) and boolean(//SimpleItem[@Name="state"])' % (one, other)
    assert shown(device.state({"topicFilter": PORT, "contentFilter": either})) == ports[:2]
    rest = shown(device.state({"topicFilter": PORT, "contentFilter": neither}))
    assert rest == sorted(ports[2:])
    assert device.state({"topicFilter": PORT, "contentFilter": both}) == []


def test_filters_add(device, ports):
    """An event that two filters match is sent twice"""
    row = {"topicFilter": PORT, "contentFilter": of("port", ports[0])}
    assert shown(device.state(row, dict(row))) == [ports[0]] * 2


def test_replacement(device, ports):
    """A new configure replaces the filters of the one before"""
    stream = device.open_stream()
    device.state("//.", stream=stream)
    row = {"topicFilter": PORT, "contentFilter": of("port", ports[0])}
    assert shown(device.state(row, stream=stream)) == [ports[0]]


def test_unknown_topic(device):
    """A topic that the device does not have is no error, and no event"""
    assert device.state("tns1:Device/tnsaxis:NotThere/At/All") == []


def test_empty_list(device):
    """An empty list of filters asks for everything, or is refused with 2104; a filter without
    members is refused.
    """
    stream = device.open_stream()
    answer = ask(stream, json.dumps(call(params={"eventFilterList": []})))
    assert "data" in answer or answer["error"]["code"] == 2104
    assert refused(device, call(params={"eventFilterList": [{}]})) in (2103, 2104)


@pytest.mark.parametrize(
    "row", [{"topicFilter": "tns1:Device//.//."}, {"contentFilter": "boolean(//SimpleItem["}]
)
def test_malformed_filters(device, row):
    """A malformed filter is refused with an error, and the stream goes on"""
    assert 2100 <= refused(device, call(params={"eventFilterList": [row]})) < 2200


def test_errors(device):
    """No JSON is refused with 2101, another method with 2102, another version with 2100"""
    assert refused(device, '{"apiVersion"') == 2101
    assert refused(device, call(method="events:nothing")) == 2102
    assert refused(device, call(apiVersion="9.0")) == 2100


def test_ping(device):
    """A ping is answered"""
    stream = device.open_stream()
    assert stream.ping(b"there?").wait(ANSWER_S)


def test_change(device, output):
    """A port that changes is told at once, once, under the id that getPorts has"""
    stream = device.open_stream()
    now = {
        event.source["port"]: event.data["state"] for event in device.state(PORT, stream=stream)
    }
    for value in ("closed", "open", "closed", "open"):
        answer = device.ports("setPorts", {"ports": [{"port": output, "state": value}]})
        assert "error" not in answer, answer
        began = time.monotonic()
        events = device.events(stream)
        row = [row for row in device.port_list() if row["port"] == output][0]
        active = "1" if value != row["normalState"] else "0"
        told = [event.data["state"] for event in events if event.source["port"] == output]
        assert told == ([active] if active != now[output] else [])
        now[output] = active
        assert time.monotonic() - began < 2 * ANSWER_S
