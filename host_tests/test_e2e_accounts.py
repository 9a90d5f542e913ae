"""Accounts over the network: a new one works at once, a removed one stops at once, wherever it is
connected, and the first one of a fresh device is made without any.
"""

import json
import re
import threading

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from boards import (
    ANSWER_S,
    HEARTBEAT,
    LOST_TOPIC,
    PORTS,
    STATUS,
    STREAM,
    Master,
    account,
    beat_body,
    notification,
    output,
    settings,
    wait_for,
)

PWDGRP = "/axis-cgi/pwdgrp.cgi"
USERGROUP = "/axis-cgi/usergroup.cgi"
PARAM = "/axis-cgi/param.cgi"
FIRST = {"action": "add", "user": "root", "pwd": "password", "sgrp": "viewer:operator:admin"}


def change(board, name="root", password="pass", **fields):
    """One request to pwdgrp.cgi; what stands in its body."""
    with board.session(name, password) as session:
        answer = session.post(board.url + PWDGRP, data=fields, timeout=ANSWER_S)
    assert answer.status_code == 200, (answer.status_code, answer.text)
    return answer.text.partition("<body>")[2].partition("</body>")[0]


def status(board, name, password="pass", path=USERGROUP):
    with board.session(name, password) as session:
        return session.get(board.url + path, timeout=ANSWER_S).status_code


def test_a_new_account_works_at_once(board):
    said = change(board, action="add", user="lift", pwd="Ä secret:1", sgrp="operator:viewer")
    assert said == "Created account lift."
    with board.session("lift", "Ä secret:1") as session:
        answer = session.get(board.url + USERGROUP, timeout=ANSWER_S)
    assert answer.text == "lift\noperator viewer\n"
    assert status(board, "lift", "Ä secret:2") == 401
    change(board, action="update", user="lift", pwd="new-password")
    assert status(board, "lift", "new-password") == 200
    master = Master(board.host, board.port, "door")
    assert master.beat(60000)
    assert status(board, "lift", "pass") == 401


def test_a_new_operator_is_a_master_at_once(board):
    change(board, action="add", user="lift", pwd="password", sgrp="operator")
    master = board.master("lift", "password")
    assert master.beat(60000)
    assert "lift" in [row["master"] for row in master.status()["masters"]]


def test_a_removed_account_stops_at_once_on_its_kept_connection(board):
    master = board.master("vms")
    master.beat(60000)
    assert change(board, action="remove", user="vms") == "Removed account vms."

    def refused():
        try:
            return master.call("POST", HEARTBEAT, beat_body(60000))[0] == 401
        except ConnectionError:
            return False

    wait_for(refused)
    assert status(board, "vms") == 401
    assert "vms" not in [row["master"] for row in board.master().status()["masters"]]


def test_a_changed_password_ends_the_old_one(board):
    master = board.master("door")
    master.beat(60000)
    change(board, action="update", user="door", pwd="new-password")
    assert status(board, "door", "pass") == 401
    assert status(board, "door", "new-password") == 200


def test_a_changed_password_ends_kept_connections_and_streams_of_the_old_one(board):
    master = board.master("door")
    master.beat(60000)
    with board.subscribed(LOST_TOPIC, name="door", replay=1) as stream:
        change(board, action="update", user="door", pwd="new-password")
        with pytest.raises(ConnectionClosed):
            stream.recv(ANSWER_S)
    assert master.call("POST", HEARTBEAT, beat_body(60000))[0] == 401
    assert not board.master().status()["lost"]


def test_whoever_changes_the_own_password_is_answered(board):
    assert (
        change(board, action="update", user="root", pwd="new-password") == "Modified account root."
    )
    assert status(board, "root", "pass") == 401
    assert status(board, "root", "new-password") == 200


def test_passwords_are_in_no_answer_and_no_log(board):
    secret = "Hush-4711"
    with board.session() as session:
        for target in (
            PWDGRP + "?action=add&user=lift&sgrp=viewer&pwd=" + secret,
            PWDGRP + "?action=add&user=lift&sgrp=viewer&pwd=" + secret,
            PWDGRP + "?action=add&user=a&sgrp=none&pwd=" + secret,
            PWDGRP + "?action=tea&user=a&sgrp=viewer&pwd=" + secret,
            PWDGRP + "?action=add&user=a&sgrp=viewer&pwd=%0A" + secret,
            PWDGRP + "?action=add&user=%zz&sgrp=viewer&pwd=" + secret,
            "/axis-cgi/none.cgi?pwd=" + secret,
        ):
            answer = session.get(board.url + target, timeout=ANSWER_S)
            assert secret not in answer.text and secret not in str(answer.headers)
        answer = session.get(board.url + PWDGRP + "?action=get", timeout=ANSWER_S)
        assert "lift" in answer.text and secret not in answer.text
    assert secret not in board.log


def test_a_demoted_account_may_less_at_once(board):
    master = board.master("door")
    assert master.set(p4="closed")["data"]["ports"] == ["4"]
    change(board, action="update", user="door", sgrp="viewer")
    call = {"apiVersion": "1.0", "method": "setPorts", "params": [{"port": "4", "state": "open"}]}
    with board.session("door") as session:
        answer = session.post(board.url + PORTS, json=call, timeout=ANSWER_S)
        assert answer.status_code == 403
    assert board.level(4) == 1


def test_the_event_stream_of_a_removed_account_ends(board):
    with board.subscribed("//.", name="guest") as stream:
        change(board, action="remove", user="guest")

        def ended():
            try:
                stream.recv(ANSWER_S)
            except ConnectionClosed:
                return True
            return False

        wait_for(ended)


def test_the_token_of_a_removed_account_opens_nothing(board):
    token = board.token("guest")
    change(board, action="remove", user="guest")
    url = "ws://%s:%d%s&wssession=%s" % (board.host, board.port, STREAM, token)
    with pytest.raises(InvalidStatus), connect(url, proxy=None, open_timeout=ANSWER_S):
        pass


def test_a_token_outlives_a_change_that_is_not_about_accounts(board):
    token = board.token("guest")
    board.master().ports("setPorts", [{"port": "4", "name": "Siren"}])
    url = "ws://%s:%d%s&wssession=%s" % (board.host, board.port, STREAM, token)
    with connect(url, proxy=None, open_timeout=ANSWER_S):
        pass


def test_streams_of_others_go_on(board):
    with board.subscribed(LOST_TOPIC, name="door", replay=1) as stream:
        change(board, action="remove", user="guest")
        board.master("vms").beat(50)
        assert notification(stream)[2] == "1"


def test_a_lost_master_that_is_removed_is_not_awaited_any_more(board):
    board.master("vms").beat(20)
    root = board.master()
    wait_for(lambda: root.status()["lost"])
    change(board, action="remove", user="vms")
    assert not root.status()["lost"]


def test_a_master_that_a_fallback_names_stays(start):
    board = start(settings({"4": output("door")}), "--connections", 12)
    said = change(board, action="remove", user="door")
    assert said == "Error: the fallback of a port names door as its master."
    assert status(board, "door") == 200
    said = change(board, action="remove", user="root")
    assert said == "Error: root is the last administrator."
    assert status(board, "root") == 200


def test_accounts_survive_a_restart(make_board, tmp_path):
    data = ("--data", tmp_path / "flash", "--connections", 12)
    board = make_board(settings(), *data).start()
    change(board, action="add", user="lift", pwd="up-and-down", sgrp="operator")
    change(board, action="remove", user="guest")
    assert board.stop() == 0
    board = make_board(settings(), *data).start()
    assert status(board, "lift", "up-and-down") == 200
    assert status(board, "guest") == 401
    for path in (tmp_path / "flash").iterdir():
        assert b'"up-and-down"' not in path.read_bytes()


@pytest.mark.parametrize("name, wanted", [("door", 403), ("guest", 403), ("nobody", 401)])
def test_accounts_are_for_administrators(board, name, wanted):
    assert status(board, name, path=PWDGRP + "?action=get") == wanted
    assert status(board, name, path=PWDGRP + "?action=remove&user=guest") == wanted
    assert status(board, "guest") == 200


def test_strangers_are_challenged(board):
    for path in (PWDGRP + "?action=get", PWDGRP, USERGROUP, PARAM + "?action=list&group=Brand"):
        answer = requests.get(board.url + path, timeout=ANSWER_S)
        assert answer.status_code == 401
        assert "Digest" in answer.headers["WWW-Authenticate"]


def fresh(make_board, tmp_path, config=None):
    """A board that nobody has set up: its flash holds settings without accounts."""
    return make_board(config or {"name": "New"}, "--data", tmp_path / "flash")


def test_the_first_administrator_of_a_fresh_device_needs_no_account(make_board, tmp_path):
    board = fresh(make_board, tmp_path).start()
    ready = {"apiVersion": "1.0", "method": "systemready"}

    def needs_setup():
        url = board.url + "/axis-cgi/systemready.cgi"
        return requests.post(url, json=ready, timeout=ANSWER_S).json()["data"]["needsetup"]

    def add(**fields):
        return requests.post(board.url + PWDGRP, data={**FIRST, **fields}, timeout=ANSWER_S)

    assert needs_setup() == "yes"
    for fields in ({"sgrp": "viewer:operator"}, {"action": "get"}, {"action": "remove"}):
        answer = add(**fields)
        assert answer.status_code == 401
        assert "Error: initial admin user must be created first." in answer.text
    answer = add()
    assert answer.status_code == 200 and "Created account root." in answer.text
    assert needs_setup() == "no"
    refused = add(user="evil")
    assert refused.status_code == 401
    # No other module has this realm: it has the serial number, as the board tells it.
    assert re.search(r'realm="Holdfast [0-9A-F]{12}"', refused.headers["WWW-Authenticate"])
    assert status(board, "root", "password") == 200
    assert status(board, "evil") == 401
    assert board.stop() == 0
    board = make_board({"name": "New"}, "--data", tmp_path / "flash").start()
    assert status(board, "root", "password") == 200 and needs_setup() == "no"
    assert add(user="evil").status_code == 401


def test_a_device_with_broken_settings_takes_no_first_account(make_board, tmp_path):
    board = fresh(make_board, tmp_path).start()
    assert board.stop() == 0
    for path in (tmp_path / "flash").glob("settings.*"):
        path.write_text("{")
    board = fresh(make_board, tmp_path).start()
    answer = requests.post(board.url + PWDGRP, data=FIRST, timeout=ANSWER_S)
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers
    assert (tmp_path / "flash" / "settings.json").read_text() == "{"


def test_a_device_whose_settings_cannot_be_read_takes_no_first_account(make_board, tmp_path):
    board = fresh(make_board, tmp_path).start()
    assert board.stop() == 0
    kept = tmp_path / "flash" / "settings.json"
    flashed = kept.read_bytes()
    kept.unlink()
    kept.mkdir()  # there, and no file
    (tmp_path / "flash" / "flashed.json").write_bytes(flashed)
    board = make_board(None, "--data", tmp_path / "flash").start()
    answer = requests.post(board.url + PWDGRP, data=FIRST, timeout=ANSWER_S)
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers
    assert "settings.json: cannot be read" in board.log


HOSTILE = [
    b"",
    b"&" * 4000,
    b"action=" + b"A" * 4000,
    b"action=add&user=%00&pwd=%00&sgrp=%00",
    b"\xff\xfe\x00",
    b"action=%zz",
    json.dumps({"action": "get"}).encode(),
    b"[" * 4000,
    b'{"apiVersion":"1.0","method":"getApiList","params":{"id":"' + b"*" * 2000 + b'?"}}',
    b'{"apiVersion":"1.3","method":"getProperties","params":{"propertyList":[{}]}}',
    b'{"apiVersion":"1.0","method":"systemready","params":7}',
    b"action=list&group=" + b"*." * 1500,
    b"action=update&" + b"IOPort.I4.Usage=x&" * 60,
    b"action=update&IOPort.I" + b"9" * 3000 + b".Usage=x",
]
ADDRESSES = ("apidiscovery", "basicdeviceinfo", "param", "pwdgrp", "systemready", "usergroup")


def test_whatever_is_sent_is_answered_and_changes_nothing(board):
    with board.session() as session:
        for body in HOSTILE:
            for name in ADDRESSES:
                url = "%s/axis-cgi/%s.cgi" % (board.url, name)
                headers = {"Content-Type": "text/plain"}
                answer = session.post(url, data=body, headers=headers, timeout=ANSWER_S)
                assert answer.status_code in (200, 400, 405), (name, body[:40], answer.text)
        accounts = session.get(board.url + PWDGRP + "?action=get", timeout=ANSWER_S).text
        assert accounts.count("root") == 4
        assert session.get(board.url + STATUS, timeout=ANSWER_S).status_code == 200


def test_the_door_of_a_new_device_closes_with_the_first_account_though_it_is_on_trial(start):
    board = start({}, "--connections", 12)
    first = {"accounts": [account("root", "administrator")]}
    url = board.url + "/holdfast/"
    with requests.Session() as stranger:
        stranger.trust_env = False
        answer = stranger.put(url + "settings?trial=1", json=first, timeout=ANSWER_S)
        assert answer.status_code == 200, answer.text
        evil = dict(FIRST, user="evil")

        def shut():
            for path in ("settings", "settings?trial=1"):
                answer = stranger.put(url + path, json=first, timeout=ANSWER_S)
                assert answer.status_code == 401
            answer = stranger.post(board.url + PWDGRP, data=evil, timeout=ANSWER_S)
            assert answer.status_code == 401

        shut()
        with board.session() as session:
            answer = session.post(url + "confirm", json={"keep": True}, timeout=ANSWER_S)
            assert answer.status_code == 200
        shut()
        assert status(board, "root") == 200 and status(board, "evil") == 401


def test_another_realm_without_new_hashes_is_refused_and_locks_nobody_out(board):
    master = board.master("door")
    assert master.beat(60000)
    with board.session() as session:
        url = board.url + "/holdfast/settings"
        answer = session.patch(url, json={"realm": "x"}, timeout=ANSWER_S)
        assert answer.status_code == 400
        assert answer.json()["error"]["key"] == "settings.realm"
        answer = session.patch(url, json={"realm": "Tür Werk 2"}, timeout=ANSWER_S)
        assert (answer.status_code, answer.json()["error"]["key"]) == (400, "settings.realm")
    assert master.beat(60000) and status(board, "root") == 200
    rows = [account("root", "administrator", realm="x"), account("door", realm="x")]
    with board.session() as session:
        answer = session.patch(url, json={"realm": "x", "accounts": rows}, timeout=ANSWER_S)
        assert answer.status_code == 200, answer.text
    assert status(board, "root") == 200


def test_changes_by_many_at_once_are_made_one_after_the_other(board):
    """None is lost, none is made of another's half; heartbeats go on meanwhile."""
    master = board.master("door")
    assert master.beat(60000)
    names = ["who%d" % i for i in range(6)]
    said = {}

    def add(name):
        said[name] = change(board, action="add", user=name, pwd="password", sgrp="viewer")

    threads = [threading.Thread(target=add, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    while [thread for thread in threads if thread.is_alive()]:
        assert master.beat(60000)
    assert said == {name: "Created account %s." % name for name in names}
    for name in names:
        assert status(board, name, "password") == 200
