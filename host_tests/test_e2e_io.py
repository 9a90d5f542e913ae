"""Sequences, port.cgi, monitors, virtual inputs, kept settings: through HTTP, on the wires."""

import http.client
import json
import time

import pytest
import requests

from boards import (
    ANSWER_S,
    INPUT_TOPIC,
    MANUAL_TOPIC,
    PORTS,
    VIRTUAL_TOPIC,
    Credentials,
    Watch,
    notification,
    output,
    receive,
    settings,
    silent,
    status_of,
    until,
    wait_for,
)

PORT_CGI = "/axis-cgi/io/port.cgi"
TRIGGER = "/axis-cgi/io/virtualinput.cgi"
VIRTUAL = "/axis-cgi/virtualinput/"
OFF_MS = 100  # what a loaded machine may add to an edge, or take from the next


def sequence(master, port, *steps):
    """setStateSequence of (state, ms); the whole answer."""
    rows = [{"state": state, "time": ms} for state, ms in steps]
    return master.ports("setStateSequence", {"port": port, "sequence": rows})


def check_edges(board, gpio, began, expected):
    """The wire changes as expected: [(ms after the first edge, level)], to OFF_MS."""

    def edges(watch):
        return watch.since(gpio, began)

    seen = wait_for(lambda: len(edges(board)) >= len(expected) and edges(board))
    assert [level for _, level in seen] == [level for _, level in expected]
    for (when, _), (ms, _) in zip(seen, expected):
        assert abs((when - seen[0][0]) * 1000 - ms) <= OFF_MS, (seen, expected)


def get(board, target, name="root"):
    """One GET; (status, body)."""
    with board.session(name) as session:
        answer = session.get(board.url + target, timeout=ANSWER_S)
    return answer.status_code, answer.text


def in_force(master, index):
    return master.ports("getPorts")["data"]["items"][index]


# -- sequences ------------------------------------------------------------------------------------


@pytest.mark.alone
def test_a_sequence_is_answered_at_once_and_runs_on_the_wire(board):
    master = board.master("door")
    steps = (("closed", 300), ("open", 400), ("closed", 200), ("open", 0))
    with Watch(board, 4) as watch:
        assert sequence(master, "4", *steps)["data"] == {"port": "4"}
        assert master.latency < 0.25
        check_edges(watch, 4, master.sent_at, [(0, 1), (300, 0), (700, 1), (900, 0)])
        time.sleep(0.3)
        assert len(watch.since(4, master.sent_at)) == 4  # the last state stays


def test_one_sequence_at_a_time_and_a_port_may_be_a_number(board):
    master = board.master()
    pulse = (("closed", 1500), ("open", 0))
    assert sequence(master, 5, *pulse)["data"] == {"port": "5"}
    assert sequence(master, "5", *pulse)["error"]["code"] == 2200
    assert sequence(master, "6", *pulse)["data"] == {"port": "6"}
    wait_for(lambda: board.levels() == "0000")
    assert "data" in sequence(master, "5", *pulse)


def test_the_next_step_overrides_a_state_and_a_new_normal_state_ends_it_all(board):
    master = board.master()
    sequence(master, "4", ("closed", 200), ("open", 200), ("closed", 0))
    master.set(p4="open")
    assert board.level(4) == 0
    wait_for(lambda: board.level(4) == 1)
    sequence(master, "4", ("closed", 1000), ("open", 0))
    master.ports("setPorts", [{"port": "4", "normalState": "closed"}])
    assert board.level(4) == 0  # inactive stays active no more: the circuit has flipped
    time.sleep(1.2)
    assert board.level(4) == 0
    assert "data" in sequence(master, "4", ("closed", 0))


SET_PORT = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    '<SetPort xmlns="http://www.axis.com/vapix/ws/AxisGPIO"><Port><PortId>6</PortId>'
    "<Active>true</Active></Port></SetPort></s:Body></s:Envelope>"
)


def test_the_end_of_a_pulse_does_not_undo_what_was_set_since(start):
    """Whoever set it: four doors, an output each, and a rule."""
    siren = {"port": "7", "state": "high"}
    rule = {
        "action": "1",
        "conditions": [
            {
                "topic": VIRTUAL_TOPIC,
                "content": 'boolean(//SimpleItem[@Name="port" and @Value="1"])'
                ' and boolean(//SimpleItem[@Name="active" and @Value="1"])',
            }
        ],
    }
    action = {"template": "com.axis.action.unlimited.io.toggle", "parameters": siren}
    board = start(settings(actions={"1": action}, rules={"1": rule}), "--connections", 12)
    with board.session() as session:
        for number in (5, 6, 7, 8):
            target = "%s?action=%d:/2000%%5C" % (PORT_CGI, number)
            assert session.get(board.url + target, timeout=ANSWER_S).status_code == 200
        began = time.monotonic()
        assert board.levels() == "1111"
        board.master().set(p4="closed")
        gpio = {"axgpio:SetPort": {"Port": {"PortId": "5", "Active": True}}}
        for path, body in (("/vapix/axgpio", json.dumps(gpio)), ("/vapix/services", SET_PORT)):
            answer = session.post(board.url + path, data=body, timeout=ANSWER_S)
            assert answer.status_code == 200, answer.text
        target = VIRTUAL + "activate.cgi?schemaversion=1&port=1"
        assert "Success" in session.get(board.url + target, timeout=ANSWER_S).text
        assert time.monotonic() - began < 2, "too slow a machine for this"
        until(began + 2.2)
        assert board.levels() == "1111"


def test_a_viewer_begins_no_sequence(board):
    call = {"apiVersion": "1.0", "method": "setStateSequence"}
    call["params"] = {"port": "4", "sequence": [{"state": "closed", "time": 0}]}
    assert board.master("guest").call("POST", PORTS, json.dumps(call))[0] == 403
    assert board.levels() == "0000"


@pytest.mark.parametrize("steps", ([{"state": "open"}], [{"state": "hold"}]))
def test_a_pulse_is_cut_by_the_loss_of_its_master_and_does_not_come_back(start, steps):
    board = start(settings({"4": output("door", "restore", steps)}))
    master = board.master("door")
    with Watch(board, 4) as watch:
        sequence(master, "4", ("closed", 3000), ("open", 0))
        began = master.sent_at
        rose = watch.next(4, 1, began)
        master.beat(300)
        fell = watch.next(4, 0, rose)
        assert master.sent_at + 0.3 <= fell < began + 3
        assert sequence(master, "4", ("closed", 100), ("open", 0))["error"]["code"] == 2201
        master.beat(60000)
        until(began + 3.3)
        assert len(watch.since(4, began)) == 2
    assert "data" in sequence(master, "4", ("closed", 0))


def test_a_fallback_that_closes_gives_way_to_the_end_of_the_pulse(start):
    board = start(settings({"4": output("door", "restore", [{"state": "closed"}])}))
    master = board.master("door")
    sequence(master, "4", ("closed", 2500), ("open", 0))
    ends = master.answered_at + 2.5
    master.beat(300)
    until(ends + 0.3)
    assert board.level(4) == 1  # fallback
    master.beat(60000)
    assert board.level(4) == 0


# -- port.cgi -------------------------------------------------------------------------------------


@pytest.mark.alone
def test_an_action_runs_on_the_wire_and_answers_nothing(board):
    with Watch(board, 4) as watch:
        began = time.monotonic()
        # As the vendor prints it, and as browsers leave it.
        assert get(board, PORT_CGI + "?action=5%3A%2F300%5C200%2F300%5C", "door") == (200, "")
        check_edges(watch, 4, began, [(0, 1), (300, 0), (500, 1), (800, 0)])
        began = time.monotonic()
        assert get(board, PORT_CGI + "?action=5:/") == (200, "")
        assert board.levels() == "1000"
        with board.session() as session:
            form = {"action": "5:\\"}
            answer = session.post(board.url + PORT_CGI, data=form, timeout=ANSWER_S)
        assert (answer.status_code, answer.text) == (200, "")
        assert board.levels() == "0000"


def test_the_latest_action_counts(board):
    get(board, PORT_CGI + "?action=5:/300%5C")
    began = time.monotonic()
    get(board, PORT_CGI + "?action=5:/")
    until(began + 0.4)
    assert board.levels() == "1000"


def test_checks_tell_what_is_on_the_wires(start):
    board = start(settings({"1": {"normal": "closed"}}))
    board.drive(0, 1)
    wait_for(lambda: get(board, PORT_CGI + "?check=1", "guest") == (200, "port1=1\n"))
    board.master().set(p7="closed")
    assert get(board, PORT_CGI + "?check=1,2,8", "guest")[1] == "port1=1\nport2=0\nport8=1\n"
    active = get(board, PORT_CGI + "?checkactive=1%2C2,3,8", "guest")[1]
    assert active == "port1=active\nport2=active\nport3=inactive\nport8=active\n"
    assert get(board, PORT_CGI + "?checkdirection=4,5")[1] == "port4=input\nport5=output\n"


def test_who_may_not_or_asks_badly_moves_nothing(board):
    assert get(board, PORT_CGI + "?action=5:/", "guest")[0] == 403
    assert requests.get(board.url + PORT_CGI + "?check=1", timeout=ANSWER_S).status_code == 401
    for query in ("action=1:/", "action=9:/", "action=5", "check=0", "monitor=4,5", "", "x=1"):
        status, text = get(board, PORT_CGI + "?" + query)
        assert status == 400 and text.startswith("Error: "), query
    assert board.levels() == "0000"


def test_an_action_on_a_locked_port_is_refused(start):
    board = start(settings({"4": output("door")}))
    board.master("door").beat(50)
    wait_for(lambda: board.master().status()["lost"])
    assert get(board, PORT_CGI + "?action=5:/")[0] == 400
    assert board.levels() == "0000"


# -- monitors -------------------------------------------------------------------------------------


class Monitor:
    """A client of port.cgi?monitor= that takes parts as they come (http.client)."""

    def __init__(self, board, ports, name="guest"):
        target = "%s?monitor=%s" % (PORT_CGI, ports)
        value = Credentials(board.url, name).header("GET", target)
        self._client = http.client.HTTPConnection(board.host, board.port, timeout=20)
        self._client.request("GET", target, headers={"Authorization": value})
        self.answer = self._client.getresponse()
        self._data = b""

    def part(self):
        """The content of the next part."""
        end = b"\r\n--ioboundary\r\n"
        while end not in self._data:
            piece = self.answer.read1(4096)
            assert piece, "the stream has ended"
            self._data += piece
            if self._data.startswith(end[2:]):
                self._data = self._data[len(end) - 2 :]
        part, _, self._data = self._data.partition(end)
        head, _, content = part.partition(b"\r\n\r\n")
        assert head == b"Content-Type: text/plain"
        return content

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.answer.close()
        self._client.close()


def test_a_monitor_shows_the_state_and_then_every_change(board):
    board.drive(1, 1)
    wait_for(lambda: get(board, PORT_CGI + "?check=2")[1] == "port2=1\n")
    with Monitor(board, "1,2") as inputs, Monitor(board, "5,6") as outputs:
        assert inputs.answer.status == 200
        kind = "multipart/x-mixed-replace; boundary=ioboundary"
        assert inputs.answer.headers["Content-Type"] == kind
        assert [inputs.part(), inputs.part()] == [b"1I:L", b"2I:H"]
        assert [outputs.part(), outputs.part()] == [b"5O:L", b"6O:L"]
        board.drive(2, 1)  # nobody asked
        board.drive(0, 1)
        assert inputs.part() == b"1I:/"
        board.drive(1, 0)
        assert inputs.part() == b"2I:\\"
        get(board, PORT_CGI + "?action=6:/50%5C")
        assert [outputs.part(), outputs.part()] == [b"6O:/", b"6O:\\"]


def test_a_part_is_complete_as_soon_as_it_is_sent(board):
    """A client that reads up to the next boundary does not wait for the next change."""
    with Monitor(board, "1") as monitor:
        monitor.part()
        for level in (1, 0, 1):
            began = board.drive(0, level)
            assert monitor.part() == (b"1I:/" if level else b"1I:\\")
            assert time.monotonic() - began < 5  # the next one comes after 15 s


@pytest.mark.slow
def test_an_empty_part_comes_every_15_s(board):
    with Monitor(board, "1") as monitor:
        monitor.part()
        began = time.monotonic()
        assert monitor.part() == b""
        assert 14 <= time.monotonic() - began <= 19


def test_monitors_are_streams_and_leave_room_for_masters(start):
    board = start(settings())
    master = board.master("door")
    master.beat(5000)
    with Monitor(board, "1"), Monitor(board, "1"), Monitor(board, "5"):
        assert get(board, PORT_CGI + "?monitor=1", "guest")[0] == 503
        master.beat(5000)
        assert master.connects == 1


def test_a_monitor_that_leaves_makes_room(start):
    board = start(settings())
    for _ in range(12):
        with Monitor(board, "1") as monitor:
            assert monitor.part() == b"1I:L"


def test_a_monitor_may_talk_and_hang_up(board):
    value = Credentials(board.url, "root").header("GET", PORT_CGI + "?monitor=1")
    with board.connect() as sock:
        head = "GET %s?monitor=1 HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n"
        sock.sendall((head % (PORT_CGI, value)).encode())
        data = receive(sock, enough=lambda data: b"1I:L" in data)
        assert status_of(data) == 200
        assert b"Content-Length" not in data and b"Connection: close" in data
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
        board.drive(0, 1)
        data = receive(sock, enough=lambda data: b"1I:/" in data)
        assert b"HTTP" not in data
    assert board.master().status()["lost"] is False


def test_a_monitor_ends_with_its_account(board):
    with Monitor(board, "1") as guest, Monitor(board, "1", "vms") as vms:
        assert guest.part() == vms.part() == b"1I:L"
        status, text = get(board, "/axis-cgi/pwdgrp.cgi?action=remove&user=guest")
        assert status == 200 and "Removed" in text
        assert guest.answer.read1(100) == b""
        board.drive(0, 1)
        assert vms.part() == b"1I:/"


# -- virtual inputs -------------------------------------------------------------------------------


def test_virtual_inputs_are_switched_and_told(board):
    with board.subscribed(VIRTUAL_TOPIC, replay=8) as stream:
        status, text = get(board, VIRTUAL + "activate.cgi?schemaversion=1&port=3", "door")
        assert status == 200 and "<ActivateSuccess><StateChanged>true<" in text
        assert notification(stream) == (VIRTUAL_TOPIC, "3", "1")
        text = get(board, VIRTUAL + "activate.cgi?schemaversion=1&port=3&duration=1")[1]
        began = time.monotonic()
        assert "<StateChanged>false<" in text
        assert notification(stream) == (VIRTUAL_TOPIC, "3", "0")
        assert 0.5 <= time.monotonic() - began <= 5
        text = get(board, VIRTUAL + "deactivate.cgi?schemaversion=1&port=3")[1]
        assert "<DeactivateSuccess><StateChanged>false<" in text
        assert "<MajorVersion>1<" in get(board, VIRTUAL + "getschemaversions.cgi")[1]
        assert "<ErrorCode>20<" in get(board, VIRTUAL + "activate.cgi?schemaversion=1&port=9")[1]
        assert silent(stream)
    assert get(board, VIRTUAL + "activate.cgi?schemaversion=1&port=3", "guest")[0] == 403


def test_a_manual_trigger_is_a_pulse(board):
    with board.subscribed(MANUAL_TOPIC, replay=8) as stream:
        assert get(board, TRIGGER + "?action=6%3A%2F1000%5C", "door") == (200, "")
        assert notification(stream) == (MANUAL_TOPIC, "6", "1")
        began = time.monotonic()
        assert notification(stream) == (MANUAL_TOPIC, "6", "0")
        assert 0.5 <= time.monotonic() - began <= 5
    assert get(board, TRIGGER + "?action=6:/", "guest")[0] == 403


# -- debounced inputs -----------------------------------------------------------------------------


def test_a_glitch_on_a_debounced_wire_is_no_event_and_a_change_that_lasts_is_one(start):
    board = start(settings({"0": {"debounce": 1500}}))
    with board.subscribed(INPUT_TOPIC, replay=4) as stream:
        board.drive(0, 1)
        time.sleep(0.03)
        board.drive(0, 0)
        assert silent(stream)
        began = board.drive(0, 1)
        assert notification(stream) == (INPUT_TOPIC, "0", "1")
        assert 1.5 <= time.monotonic() - began <= 5
        assert silent(stream)


# -- what is kept ---------------------------------------------------------------------------------

ITEM = {"port": "4", "name": "Strike", "usage": "Door", "normalState": "closed"}


def test_names_usages_and_normal_states_survive_a_restart(make_board, tmp_path):
    data = tmp_path / "flash"
    config = settings({"4": output("door"), "5": {"name": "Siren"}})
    board = make_board(config, "--data", data).start()
    master = board.master("door")
    assert master.ports("setPorts", {"ports": [ITEM]})["data"] == {"ports": ["4"]}
    assert board.levels() == "1000"  # inactive stays inactive: the circuit has flipped
    master.ports("setPorts", [{"port": "0", "name": 'Contact \u00e5 "1"'}])
    before = master.ports("getPorts")["data"]
    assert board.stop() == 0
    board = make_board(config, "--data", data).start()
    after = board.master().ports("getPorts")["data"]
    for was, item in zip(before["items"], after["items"]):
        del was["state"], item["state"]  # after power-on it is as the settings say
        assert was == item
    assert after["items"][4]["name"] == "Strike" and after["items"][5]["name"] == "Siren"
    assert after["items"][0]["name"] == 'Contact \u00e5 "1"'
    master = board.master("door")  # fallback is still there
    master.beat(50)
    wait_for(lambda: master.set(p4="closed").get("error", {}).get("code") == 2201)


def test_what_is_there_already_is_not_written_again(start, tmp_path):
    data = tmp_path / "flash"
    board = start(settings(), "--data", data)
    master = board.master()

    def written():
        files = [path.stat() for path in sorted(data.iterdir())]
        return [(file.st_ino, file.st_mtime_ns, file.st_size) for file in files]

    fresh = written()
    master.ports("setPorts", [{"port": "4", "state": "closed", "name": "Output 4"}])
    assert written() == fresh
    master.ports("setPorts", [ITEM])
    first = written()
    assert first != fresh
    for _ in range(5):
        master.ports("setPorts", [ITEM])
        master.ports("setPorts", [{**ITEM, "state": "closed"}, {"port": "5", "state": "open"}])
    assert written() == first


def test_one_bad_property_does_not_keep_the_others_from_being_kept(make_board, tmp_path):
    data = tmp_path / "flash"
    config = settings()
    board = make_board(config, "--data", data).start()
    items = [{"port": "4", "name": "x" * 33, "usage": "Siren"}, {"port": "0", "state": "open"}]
    error = board.master().ports("setPorts", items)["error"]
    assert [row["details"]["propertyName"] for row in error["errors"]] == ["name", "state"]
    board.stop()
    board = make_board(config, "--data", data).start()
    item = in_force(board.master(), 4)
    assert (item["name"], item["usage"]) == ("Output 4", "Siren")


def test_without_flash_nothing_is_kept_and_the_states_are_set_all_the_same(start, tmp_path):
    data = tmp_path / "flash"
    board = start(settings(), "--data", data)
    master = board.master()
    (data / "settings.new").mkdir()  # nothing can be written under this name
    error = master.ports("setPorts", [{"port": "4", "name": "N", "state": "closed"}])["error"]
    assert (error["code"], error["details"]["propertyName"]) == (1100, "name")
    assert board.levels() == "1000" and in_force(master, 4)["name"] == "Output 4"
    (data / "settings.new").rmdir()
    assert "data" in master.ports("setPorts", [{"port": "4", "name": "N"}])
