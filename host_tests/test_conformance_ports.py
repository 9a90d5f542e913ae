"""I/O ports in the APIs that have them; see conformance.py."""

import json
import re
import time

from conformance import GPIO, PORT_CGI, VIRTUAL_INPUT, local

from boards import PORTS, wait_for

KEYS = {"port", "state", "configurable", "usage", "direction", "name", "normalState"}


def state(device, port):
    return [row["state"] for row in device.port_list() if row["port"] == port][0]


def other(value):
    return "open" if value == "closed" else "closed"


def test_get_ports(device):
    """getPorts tells every port with all seven members"""
    answer = device.ports("getPorts")
    assert answer["method"] == "getPorts" and answer["context"] == "kit"
    assert answer["apiVersion"].startswith("1.")
    rows = answer["data"].get("items", [])
    assert answer["data"]["numberOfPorts"] == len(rows)
    assert len({row["port"] for row in rows}) == len(rows)
    for row in rows:
        assert set(row) - {"readonly"} == KEYS, row
        assert isinstance(row["port"], str) and isinstance(row["configurable"], bool)
        assert row["direction"] in ("input", "output")
        assert {row["state"], row["normalState"]} <= {"open", "closed"}


def test_nothing_asked(device):
    """setPorts of a port that is not there, or of which nothing is asked, changes nothing"""
    before = device.port_list()
    if not before:
        device.not_offered("ports")
    answer = device.ports("setPorts", {"ports": [{"port": before[0]["port"]}]})
    assert answer["data"]["ports"] == []
    answer = device.ports("setPorts", {"ports": [{"port": "999", "state": "open"}]})
    assert 2100 <= answer["error"]["code"] < 2300
    assert device.port_list() == before


def test_errors(device):
    """Errors are HTTP 200 with 2101 for JSON, 2102 method, 2100 version, 2103 what is missing"""
    assert "data" in device.ports("getSupportedVersions", apiVersion=None)
    assert device.ports("getNothing")["error"]["code"] == 2102
    assert device.ports("getPorts", apiVersion="9.0")["error"]["code"] == 2100
    assert device.ports(None)["error"]["code"] == 2103
    assert device.ports("setPorts", {"ports": [{"state": "open"}]})["error"]["code"] == 2103
    answer = device.call("POST", PORTS, '{"apiVersion"')
    assert answer.status_code == 200 and answer.json()["error"]["code"] == 2101


def test_set(device, output):
    """setPorts sets an output, with {"ports": [...]} and with the bare list of older clients"""
    value = state(device, output)
    for wrap in (lambda rows: {"ports": rows}, list) * 2:
        value = other(value)
        answer = device.ports("setPorts", wrap([{"port": output, "state": value}]))
        assert answer["data"]["ports"] == [output]
        assert state(device, output) == value


def test_set_wrong(device, output):
    """A state that is none is refused with 2104, naming port and property"""
    before = state(device, output)
    answer = device.ports("setPorts", {"ports": [{"port": output, "state": "ajar"}]})
    assert answer["error"]["code"] == 2104
    assert answer["error"]["details"] == {"port": output, "propertyName": "state"}
    assert state(device, output) == before


def test_sequence(device, output):
    """setStateSequence plays its states, and the last one stays"""
    steps = [{"state": "closed", "time": 700}, {"state": "open", "time": 700}]
    steps += [{"state": "closed", "time": 1}]
    answer = device.ports("setStateSequence", {"port": output, "sequence": steps})
    assert answer["data"]["port"] == output
    for value in ("closed", "open", "closed"):
        wait_for(lambda value=value: state(device, output) == value, what=value)
    time.sleep(0.8)
    assert state(device, output) == "closed"


def test_second_sequence(device, output):
    """A second sequence while one plays is refused with 2200; a new normal state ends the first"""
    steps = [{"state": "closed", "time": 3000}, {"state": "open", "time": 1}]
    params = {"port": output, "sequence": steps}
    assert "data" in device.ports("setStateSequence", params)
    assert device.ports("setStateSequence", params)["error"]["code"] == 2200
    # What ends one (VAPIX I/O port management); it flips the port twice.
    normal = [row["normalState"] for row in device.port_list() if row["port"] == output][0]
    for value in (other(normal), normal):
        device.ports("setPorts", {"ports": [{"port": output, "normalState": value}]})
    assert "data" in device.ports("setStateSequence", {"port": output, "sequence": steps[1:]})


def test_port_cgi_check(device):
    """port.cgi tells the same states and directions, counting ports from 1"""
    rows = device.port_list()
    numbers = [int(row["port"]) + 1 for row in rows]
    answer = device.call("GET", PORT_CGI + "?check=" + ",".join(str(number) for number in numbers))
    assert answer.status_code == 200
    found = dict(re.findall(r"port(\d+)=([01])", answer.text))
    wanted = {"%d" % (int(row["port"]) + 1): str(int(row["state"] == "closed")) for row in rows}
    assert found == wanted
    for row in rows[:1] + rows[-1:]:
        number = int(row["port"]) + 1
        answer = device.call("GET", "%s?checkdirection=%d" % (PORT_CGI, number))
        assert answer.text.strip() == "port%d=%s" % (number, row["direction"])


def test_port_cgi_monitor(device):
    """port.cgi?monitor= is a multipart stream that begins with the state of its ports"""
    for direction, letter in (("input", "I"), ("output", "O")):
        rows = [row for row in device.port_list() if row["direction"] == direction]
        if not rows:
            continue
        row = rows[-1]
        number = int(row["port"]) + 1
        sign = "L" if row["state"] == row["normalState"] else "H"
        wanted = ("%d%s:%s" % (number, letter, sign)).encode()
        answer = device.call("GET", "%s?monitor=%d" % (PORT_CGI, number), stream=True)
        with answer:
            assert answer.status_code == 200
            assert answer.headers["Content-Type"].startswith("multipart/x-mixed-replace")
            found = b""
            for piece in answer.iter_content(1):  # what is there, not more
                found += piece
                if wanted in found or len(found) > 1000:
                    break
        assert b"--ioboundary" in found and wanted in found, found


def test_virtual_input_errors(device):
    """Virtual inputs: 10 without a port, 20 for one that is not there, 30 for another schema"""
    for query, code in (("schemaversion=1", 10), ("schemaversion=1&port=9999", 20)):
        answer = device.call("GET", VIRTUAL_INPUT + "?" + query)
        assert answer.status_code == 200
        assert "<ErrorCode>%d</ErrorCode>" % code in answer.text, answer.text
    answer = device.call("GET", VIRTUAL_INPUT + "?schemaversion=99&port=9999")
    assert "<ErrorCode>30</ErrorCode>" in answer.text, answer.text


def test_port_cgi_action(device, output):
    """port.cgi makes an output active and inactive, and answers with an empty body"""
    row = [row for row in device.port_list() if row["port"] == output][0]
    active = other(row["normalState"])
    for action, value in (("/", active), ("\\", row["normalState"])):
        target = "%s?action=%d:%s" % (PORT_CGI, int(output) + 1, action)
        answer = device.call("GET", target)
        assert answer.status_code == 200 and not answer.text.strip()
        wait_for(lambda value=value: state(device, output) == value, what=value)


def gpio(device, name, fields):
    answer = device.call("POST", GPIO, json.dumps({"axgpio:" + name: fields}))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_gpio_list(device):
    """The general purpose I/O service lists the same ports in the same states"""
    rows = gpio(device, "GetPortList", {})["Port"]
    wanted = {row["port"]: row["state"] for row in device.port_list()}
    assert {row["PortId"]: row["CurrentState"] for row in rows} == wanted
    for row in rows:
        assert row["CurrentMode"] in row["SupportedModes"] and isinstance(row["Active"], bool)


def test_gpio_set(device, output):
    """The general purpose I/O service makes an output active and inactive"""
    row = [row for row in device.port_list() if row["port"] == output][0]
    for active in (True, False):
        answer = gpio(device, "SetPort", {"Port": [{"PortId": output, "Active": active}]})
        assert answer["PortId"] == [output]
        value = other(row["normalState"]) if active else row["normalState"]
        assert state(device, output) == value


def test_relay_token(device):
    """The RelayToken of an output's event is the id that getPorts has"""
    outputs = [row["port"] for row in device.port_list() if row["direction"] == "output"]
    events = device.state("tns1:Device/Trigger/Relay")
    assert {local(name) for event in events for name in event.source} <= {"RelayToken"}
    assert sorted(event.source["RelayToken"] for event in events) == sorted(outputs)
    assert {event.data["LogicalState"] for event in events} <= {"active", "inactive"}
