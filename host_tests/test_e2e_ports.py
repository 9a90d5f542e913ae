"""Port management through the wire: what is asked for over HTTP is what stands on the wires."""

import json

import pytest

from boards import ANSWER_S, PORTS, output, settings, wait_for


def states(master):
    items = master.ports("getPorts")["data"]["items"]
    return "".join("1" if item["state"] == "closed" else "0" for item in items)


def test_ports_are_described_as_clients_need_them(start):
    """The `axis` package requires every one of these members."""
    ports = {"0": {"name": "Door contact", "usage": "Door", "normal": "closed"}}
    board = start(settings(ports))
    answer = board.master("guest").ports("getPorts")
    assert set(answer) == {"apiVersion", "context", "method", "data"}
    assert (answer["context"], answer["method"]) == ("test", "getPorts")
    data = answer["data"]
    assert data["numberOfPorts"] == 8 and len(data["items"]) == 8
    for i, item in enumerate(data["items"]):
        assert item["port"] == str(i)
        assert item["direction"] == ("input" if i < 4 else "output")
        assert item["configurable"] is False
        assert item["state"] == "open"
        assert set(item) == {
            "port",
            "state",
            "configurable",
            "usage",
            "direction",
            "name",
            "normalState",
        }
    first = data["items"][0]
    assert (first["name"], first["usage"], first["normalState"]) == (
        "Door contact",
        "Door",
        "closed",
    )


def test_setting_an_output_moves_its_wire_before_the_answer(board):
    master = board.master("door")
    for i in range(50):
        state = ("closed", "open")[i % 2]
        answer = master.set(p6=state)
        assert board.levels() == ("0010", "0000")[i % 2]
        assert answer["data"] == {"ports": ["6"]} and answer["method"] == "setPorts"


def test_several_ports_at_once(board):
    master = board.master()
    answer = master.set(p4="closed", p5="closed", p7="closed")
    assert answer["data"]["ports"] == ["4", "5", "7"]
    assert board.levels() == "1101"
    assert states(master) == "00001101"


def test_the_shapes_that_published_clients_send(board):
    master = board.master()
    answer = master.ports("setPorts", [{"port": "4", "state": "closed"}])  # axis 60
    assert answer["data"]["ports"] == ["4"] and board.levels() == "1000"
    answer = master.ports("setPorts", {"ports": [{"port": 5, "state": "closed"}]})
    assert answer["data"]["ports"] == ["5"] and board.levels() == "1100"


def test_nothing_asked_is_nothing_changed(board):
    answer = board.master().ports("setPorts", {"ports": [{"port": "4"}]})
    assert answer["data"]["ports"] == []


def test_inputs_are_what_stands_on_their_wires(board):
    master = board.master("guest")
    for gpio in range(4):
        board.drive(gpio, 1)
        wait_for(lambda gpio=gpio: states(master)[gpio] == "1")
    assert states(master) == "11110000"
    board.drive(2, 0)
    wait_for(lambda: states(master) == "11010000")


def test_wires_the_other_way_round(start):
    ports = {"4": output(closed_level=0), "0": {"closed_level": 0}}
    board = start(settings(ports))
    master = board.master()
    assert board.level(4) == 1 and states(master)[4] == "0"
    master.set(p4="closed")
    assert board.level(4) == 0 and states(master)[4] == "1"
    board.drive(0, 1)
    wait_for(lambda: states(master)[0] == "0")
    board.drive(0, 0)
    wait_for(lambda: states(master)[0] == "1")


def test_a_new_normal_state_flips_an_output(board):
    """An output stays active or inactive (VAPIX I/O port management, setPorts)."""
    master = board.master()
    flip = {"ports": [{"port": "4", "normalState": "closed"}]}
    assert master.ports("setPorts", flip)["data"]["ports"] == ["4"]
    assert board.level(4) == 1
    both = {"ports": [{"port": "4", "normalState": "open", "state": "closed"}]}
    assert master.ports("setPorts", both)["data"]["ports"] == ["4"]
    assert board.level(4) == 1


def test_names_and_usage_can_be_given(board):
    master = board.master()
    change = {"ports": [{"port": "1", "name": "Türkontakt", "usage": "REX"}]}
    assert master.ports("setPorts", change)["data"]["ports"] == ["1"]
    item = master.ports("getPorts")["data"]["items"][1]
    assert (item["name"], item["usage"]) == ("Türkontakt", "REX")


REFUSED = [
    ({"port": "0", "state": "closed"}, 2104, "state"),  # an input
    ({"port": "4", "state": "ajar"}, 2104, "state"),
    ({"port": "4", "state": 1}, 2104, "state"),
    ({"port": "4", "direction": "input"}, 2104, "direction"),
    ({"port": "4", "name": "x" * 100}, 2104, "name"),
    ({"port": "4", "name": "a\nb"}, 2104, "name"),
    ({"port": "4", "normalState": "hold"}, 2104, "normalState"),
]


def test_what_cannot_be_set_is_refused_and_the_rest_is_done(board):
    master = board.master()
    for item, code, name in REFUSED:
        good = {"port": "7", "state": "closed"}
        answer = master.ports("setPorts", {"ports": [item, good]})
        error = answer["error"]
        assert error["code"] == code, item
        assert error["details"] == {"port": item["port"], "propertyName": name}
        assert len(error["errors"]) == 1
        assert board.levels() == "0001"
        master.set(p7="open")


def test_a_request_that_names_no_port_fails_as_a_whole(board):
    master = board.master()
    good = {"port": "4", "state": "closed"}
    for bad, code in (({"state": "closed"}, 2103), ({"port": "8", "state": "open"}, 2104)):
        answer = master.ports("setPorts", {"ports": [good, bad]})
        assert answer["error"]["code"] == code
        assert board.levels() == "0000"


ERRORS = [
    ({"method": "getPorts"}, 2103),
    ({"apiVersion": "1.0"}, 2103),
    ({"apiVersion": "2.0", "method": "getPorts"}, 2100),
    ({"apiVersion": "1.0", "method": "getPort"}, 2102),
    ({"apiVersion": "1.0", "method": 5}, 2104),
    ({"apiVersion": "1.0", "method": "setPorts"}, 2103),
    ({"apiVersion": "1.0", "method": "setPorts", "params": {"ports": "4"}}, 2104),
    ({"apiVersion": "1.0", "method": "setPorts", "params": {"ports": [4]}}, 2104),
    ({"apiVersion": "1.0", "method": "setPorts", "params": [{"port": True}]}, 2104),
    ({"apiVersion": "1.0", "method": "setPorts", "params": [{"port": "4"}] * 257}, 2107),
]


def test_errors_come_with_status_200_and_their_code(board):
    master = board.master()
    for call, code in ERRORS:
        status, answer = master.call("POST", PORTS, json.dumps(call))
        assert status == 200 and answer["error"]["code"] == code, (call, answer)
        assert "data" not in answer and answer["error"]["message"]
    for body in ("", "{", "[1]", '{"apiVersion":"1.0","method":"getPorts"'):
        status, answer = master.call("POST", PORTS, body)
        assert status == 200 and answer["error"]["code"] == 2101, (body, answer)
    assert master.connects == 1 and board.levels() == "0000"


def test_supported_versions_need_no_version(board):
    master = board.master("guest")
    status, answer = master.call("POST", PORTS, '{"method": "getSupportedVersions"}')
    assert status == 200 and "1.1" in answer["data"]["apiVersions"]


@pytest.mark.parametrize("name, may", [("root", True), ("door", True), ("guest", False)])
def test_who_may_set_ports(board, name, may):
    call = {
        "apiVersion": "1.0",
        "method": "setPorts",
        "params": [{"port": "4", "state": "closed"}],
    }
    status, _ = board.master(name).call("POST", PORTS, json.dumps(call))
    assert status == (200 if may else 403)
    assert board.level(4) == (1 if may else 0)


def test_strangers_may_nothing(board):
    with board.session("root", "wrong") as session:
        call = {"apiVersion": "1.0", "method": "getPorts"}
        assert session.post(board.url + PORTS, json=call, timeout=ANSWER_S).status_code == 401
