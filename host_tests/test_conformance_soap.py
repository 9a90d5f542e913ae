"""The SOAP services, `/vapix/services`; see conformance.py."""

import pytest
from conformance import SERVICES, SOAP11, SOAP12, envelope, local

from boards import VENDOR_BEAT

# As the vendor prints it; the prefix axhbt is not declared (VAPIX Heartbeat service API).
VENDOR_SOAP = """<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" \
xmlns:SOAP-ENC="http://www.w3.org/2003/05/soap-encoding" \
xmlns:axgpio="http://www.axis.com/vapix/ws/Heartbeat" \
xmlns="http://www.axis.com/vapix/ws/Heartbeat">
  <SOAP-ENV:Header></SOAP-ENV:Header>
  <SOAP-ENV:Body>
    <axhbt:Heartbeat>
      <axhbt:Duration>10000</axhbt:Duration>
    </axhbt:Heartbeat>
  </SOAP-ENV:Body>
</SOAP-ENV:Envelope>"""

HEARTBEAT = "http://www.axis.com/vapix/ws/Heartbeat"
EVENT = "http://www.axis.com/vapix/ws/event1"
ACTION = "http://www.axis.com/vapix/ws/action1"
XML = "text/xml; charset=utf-8"


def session_id(answer):
    """The SessionId of a HeartbeatResponse, by local names: the page's prefixes are free."""
    assert local(answer.tag) == "HeartbeatResponse", answer.tag
    (child,) = answer
    assert local(child.tag) == "SessionId" and child.text
    return child.text


def beat(duration):
    body = '<h:Heartbeat xmlns:h="%s"><h:Duration>%s</h:Duration></h:Heartbeat>'
    return body % (HEARTBEAT, duration)


def test_vendors_heartbeat(master):
    """A SOAP heartbeat is taken just as the vendor prints it, undeclared prefix and all"""
    answer, space = master.soap(VENDOR_SOAP, "text/xml")
    assert session_id(answer) and space == SOAP12


@pytest.mark.parametrize("space", [SOAP11, SOAP12])
def test_both_versions(master, space):
    """SOAP 1.1 and 1.2 are answered in kind"""
    answer, answered = master.soap(envelope(beat(10000), space), XML)
    assert session_id(answer) and answered == space


def test_one_session(master):
    """SOAP and JSON heartbeats of one master are one session"""
    first = master.call("POST", "/vapix/axhbt", VENDOR_BEAT).json()["SessionId"]
    assert session_id(master.soap(VENDOR_SOAP)[0]) == first


@pytest.mark.parametrize("duration", ["soon", "-1", ""])
def test_bad_duration(device, duration):
    """A SOAP heartbeat with a bad Duration gets a Fault"""
    device.offers_heartbeat()
    answer, _ = device.soap(envelope(beat(duration)))
    assert local(answer.tag) == "Fault"


NOTHING = envelope('<x:Nothing xmlns:x="http://www.axis.com/none"/>')
ENTITY = "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"


@pytest.mark.parametrize("text", ["", "hello", "<a>", ENTITY, NOTHING])
def test_no_envelope(device, text):
    """What is no SOAP, and an operation that is not there, gets an error, not silence"""
    answer = device.call("POST", SERVICES, text, headers={"Content-Type": XML})
    assert answer.status_code in (200, 400, 415, 500)
    assert answer.status_code != 200 or "Fault" in answer.text


def test_strangers(device):
    """The services are not for strangers"""
    text = envelope('<e:GetEventInstances xmlns:e="%s"/>' % EVENT)
    headers = {"Content-Type": XML}
    answer = device.call("POST", SERVICES, text, session=device.stranger(), headers=headers)
    assert answer.status_code in (400, 401) and "TopicSet" not in answer.text


def topics(device):
    """{topic by local names: its element} of GetEventInstances."""
    answer, _ = device.soap(envelope('<e:GetEventInstances xmlns:e="%s"/>' % EVENT))
    assert local(answer.tag) == "GetEventInstancesResponse"
    found = {}

    def walk(element, path):
        for child in element:
            if any(local(name) == "topic" and value == "true" for name, value in child.items()):
                found["/".join([*path, local(child.tag)])] = child
            walk(child, [*path, local(child.tag)])

    walk(answer[0], [])
    return found


def item(element):
    """The attributes of the SimpleItemInstance of an event's data, by local names."""
    (message,) = [child for child in element if local(child.tag) == "MessageInstance"]
    (data,) = [child for child in message if local(child.tag) == "DataInstance"]
    return message, {local(name): value for name, value in data[0].items()}


def test_heartbeat_is_declared(device):
    """GetEventInstances declares the heartbeat event as the vendor prints it"""
    device.offers_heartbeat()
    element = topics(device)["Device/Monitor/Heartbeat"]
    message, declared = item(element)
    assert {local(name): value for name, value in message.items()} == {"isProperty": "true"}
    assert declared["Name"] == "lost" and declared["isPropertyState"] == "true"
    assert declared["Type"] == "xsd:boolean"


def test_ports_are_declared(device):
    """GetEventInstances declares the event of every port, and whatever else a stream tells"""
    declared = topics(device)
    assert {event.topic for event in device.state("//.")} <= set(declared)
    element = declared["Device/IO/Port"]
    values = {value.text for value in element.iter() if local(value.tag) == "Value"}
    assert {row["port"] for row in device.port_list()} <= values


def test_action_rules(device):
    """The action rules can be listed"""
    answer, _ = device.soap(envelope('<a:GetActionRules xmlns:a="%s"/>' % ACTION))
    if local(answer.tag) == "Fault":
        device.not_offered("action rules")
    assert local(answer.tag) == "GetActionRulesResponse"
