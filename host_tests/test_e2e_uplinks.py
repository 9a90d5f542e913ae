"""Uplinks on the wires: heartbeats out and in, a link that goes down and comes back, what waits
meanwhile, and who signed it.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import requests
from eth_account import Account
from eth_account.messages import encode_defunct
from receivers import receiver
from requests.auth import HTTPDigestAuth
from test_e2e_rules import FREE, lasting, notification, port_is, rule
from test_e2e_tls import Secure

from boards import ANSWER_S, ROOT, Figures, Watch, event, output, settings, wait_for

UPLINKS = "/holdfast/uplinks"
LINK_TOPIC = "tns1:Device/tnsholdfast:Uplink/Link"
OVERFLOW_TOPIC = "tns1:Device/tnsholdfast:Uplink/Overflow"
KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
SAVED_S = 12  # core.uplinks.SAVE_AFTER_MS, and a loaded machine


def unifi(url, **more):
    return {"name": "platform", "kind": "unifi", "url": url, "frequency": 1, **more}


def config(links, actions=(), rules=(), **more):
    uplinks = {"links": links, **more.pop("uplinks", {})}
    return settings(
        {"4": FREE},
        actions={str(i): action for i, action in enumerate(actions, 1)},
        rules={str(i): row for i, row in enumerate(rules, 1)},
        uplinks=uplinks,
        **more,
    )


def link(board, number=0):
    status, answer = board.master().call("GET", UPLINKS)
    assert status == 200
    return answer["links"][number]


def is_up(value, *, content='boolean(//SimpleItem[@Name="up" and @Value="%d"])'):
    return {"topic": LINK_TOPIC, "content": content % value}


def on_input(url):
    """Settings of a board that notifies of input 0 opening and closing, to /1 and /0."""
    actions = [notification(url + "/1", "closed"), notification(url + "/0", "open")]
    return actions, [rule("1", start=port_is(0, 1)), rule("2", start=port_is(0, 0))]


def drive(board, count):
    """Move input 0 so many times, each seen by the module."""
    with board.subscribed("tns1:Device/Trigger/DigitalInput", replay=4) as stream:
        for _ in range(count):
            level = board.level(0) ^ 1
            board.drive(0, level)
            stream.recv(ANSWER_S)
    return count


# -- heartbeats -----------------------------------------------------------------------------------


def test_a_heartbeat_is_sent_every_so_often_with_its_mark(start):
    with receiver() as there:
        more = {"login": "us", "password": "secret", "headers": {"X-Org": "7"}}
        board = start(config([unifi(there.url + "/api/unifi", **more)]))
        there.wait(4)
        for request in there.got:
            assert (request.method, request.target) == ("POST", "/api/unifi")
            assert request.headers["x-snd-eb-heartbeat"] == "1"
            assert request.headers["authorization"] == "Basic dXM6c2VjcmV0"
            assert request.headers["x-org"] == "7"
            assert request.headers["host"] == "127.0.0.1:%d" % there.port
            assert request.body == b"{}"
        assert there.got[0].at - board.ready_at < 3
        # Each a second after the last, but for a random part; seen by a machine that is busy.
        took = there.got[3].at - there.got[0].at
        assert 1.5 < took < 8, took
        # The answer to the fourth is counted a moment after it was given.
        told = wait_for(lambda: link(board)["sent"] >= 4 and link(board))
        assert told["up"] is True and told["why"] == ""
        assert there.most_open == 1


@pytest.mark.parametrize("answer", [302, 404, 500, b"SSH-2.0-x\r\n", b"", b"HTTP/1.1 2"])
def test_anything_but_2xx_is_down(start, answer):
    with receiver(answer) as there:
        board = start(config([unifi(there.url)]))
        there.wait(2)
        told = link(board)
        assert told["up"] is False and told["failed"] >= 1
        assert told["status"] == (answer if isinstance(answer, int) else None)
        there.answer = 204
        wait_for(lambda: link(board)["up"], 10)


def test_a_redirect_is_not_followed(start):
    with receiver() as elsewhere:
        answer = b"HTTP/1.1 307 X\r\nLocation: %s\r\n\r\n" % elsewhere.url.encode()
        with receiver(answer) as there:
            board = start(config([unifi(there.url)]))
            there.wait(3)
            assert link(board)["why"] == "answered 307" and elsewhere.connections == 0


def test_a_configured_set_is_as_good_as_2xx(start):
    with receiver(409) as there:
        board = start(config([unifi(there.url, success=[200, 409])]))
        wait_for(lambda: link(board)["up"], 10)
        there.answer = 204
        wait_for(lambda: not link(board)["up"], 10)


def test_the_link_is_an_event_that_rules_can_use(start):
    """A lamp is lit for as long as the platform is away."""
    down = is_up(0)
    with receiver() as there:
        board = start(config([unifi(there.url)], [lasting("4")], [rule("1", down)]))
        assert board.level(4) == 1  # nobody has answered yet
        with board.subscribed(LINK_TOPIC) as stream, Watch(board, 4) as watch:
            first = event(stream.recv(ANSWER_S))
            if first[2] == "0":
                first = event(stream.recv(ANSWER_S))
            assert first == (LINK_TOPIC, "platform", "1")
            wait_for(lambda: board.level(4) == 0)
            there.answer = 503
            assert event(stream.recv(ANSWER_S)) == (LINK_TOPIC, "platform", "0")
            watch.next(4, 1, 0)
            there.answer = 200
            assert event(stream.recv(ANSWER_S)) == (LINK_TOPIC, "platform", "1")
            wait_for(lambda: board.level(4) == 0)


def test_the_events_are_listed_with_their_namespace(start):
    from test_e2e_rules import SERVICES

    with receiver() as there:
        board = start(config([unifi(there.url)]))
        body = (
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
            '<GetEventInstances xmlns="http://www.axis.com/vapix/ws/event1"/></s:Body></s:Envelope>'
        )
        with board.session() as session:
            answer = session.post(board.url + SERVICES, body.encode(), timeout=ANSWER_S)
        assert answer.status_code == 200
        assert 'tnsholdfast:Uplink xmlns:tnsholdfast="urn:holdfast:event:topics"' in answer.text
        assert "<aev:Value>platform</aev:Value>" in answer.text


# -- what waits -----------------------------------------------------------------------------------


def test_notifications_wait_while_the_link_is_down_and_follow_in_order_after_up(start):
    with receiver(500) as there:
        actions, rules = on_input(there.url)
        board = start(config([unifi(there.url + "/beat")], actions, rules))
        there.wait(1)
        drive(board, 6)
        wait_for(lambda: link(board)["queue"]["waiting"] == 6)
        assert {request.target for request in there.got} == {"/beat"}
        with board.subscribed(LINK_TOPIC) as stream:
            event(stream.recv(ANSWER_S))
            there.answer = 200
            assert event(stream.recv(10)) == (LINK_TOPIC, "platform", "1")
            wait_for(lambda: link(board)["queue"]["delivered"] == 6, 15)
        told = [request for request in there.got if request.target != "/beat"]
        assert [request.target for request in told] == ["/1", "/0"] * 3
        assert [request.body for request in told] == [b"closed", b"open"] * 3
        # Two a second; the first may have been seen late.
        assert told[5].at - told[0].at > 1.5
        assert int(told[5].headers["x-holdfast-age"]) >= 2
        assert there.most_open == 1
        counts = board.master().status()["notifications"]
        assert counts == {"sent": 6, "failed": 0, "waiting": 0}


@pytest.mark.parametrize("more", [{"pauses": "own"}, {"pauses": "none"}])
def test_notifications_to_others_do_not_wait_where_settings_say_so(start, more):
    with receiver(500) as there, receiver() as other:
        actions, rules = on_input(other.url)
        board = start(config([unifi(there.url, **more)], actions, rules))
        there.wait(1)
        drive(board, 2)
        other.wait(2)
        assert link(board)["up"] is False


@pytest.mark.parametrize("more", [{}, {"pauses": "all"}])
def test_notifications_to_anybody_wait_unless_settings_say_otherwise(start, more):
    with receiver(500) as there, receiver() as other:
        actions, rules = on_input(other.url)
        board = start(config([unifi(there.url, **more)], actions, rules))
        there.wait(1)
        drive(board, 2)
        there.wait(len(there.got) + 2)
        assert other.connections == 0
        there.answer = 200
        other.wait(2)


def test_of_too_many_the_oldest_is_dropped_with_a_count_and_an_event(start):
    with receiver(500) as there:
        actions, rules = on_input(there.url)
        board = start(config([unifi(there.url + "/beat")], actions, rules))
        there.wait(1)
        with board.subscribed(OVERFLOW_TOPIC, replay=1) as stream:
            drive(board, 18)
            time.sleep(1.1)  # a rule that fires 20 times in a second rests
            drive(board, 17)
            assert event(stream.recv(ANSWER_S)) == (OVERFLOW_TOPIC, "platform", "1")
            assert link(board)["queue"]["dropped"] == 3
            there.answer = 200
            assert event(stream.recv(10)) == (OVERFLOW_TOPIC, "platform", "0")
        first = wait_for(lambda: [r for r in there.got if r.target != "/beat"], 5)[0]
        assert first.target == "/0"  # the fourth


def test_a_receiver_that_dies_between_heartbeats_costs_no_notification(start):
    """What nobody takes brings the next heartbeat forward, which says Down; then it waits."""
    with receiver() as there:
        actions, rules = on_input(there.url)
        board = start(config([unifi(there.url + "/beat", frequency=3600)], actions, rules))
        # The first one comes within ten seconds.
        there.wait(1)
        wait_for(lambda: link(board)["up"])
        port = there.port
    drive(board, 2)
    wait_for(lambda: not link(board)["up"])
    assert link(board)["queue"]["waiting"] == 2
    with receiver(port=port) as there:
        wait_for(lambda: link(board)["queue"]["delivered"] == 2, 20)
        assert [r.target for r in there.got if r.target != "/beat"] == ["/1", "/0"]


def cut_power(board):
    """The interpreter is killed between two instructions."""
    for process in board.processes():
        os.kill(process, signal.SIGKILL)
    board.ended(ANSWER_S)


def test_what_waits_is_there_after_a_power_cut(make_board, tmp_path):
    flash = tmp_path / "flash"
    kept = flash / "uplinks.queue"
    with receiver(500) as there:
        actions, rules = on_input(there.url)
        setup = config([unifi(there.url + "/beat")], actions, rules)
        board = make_board(setup, "--data", flash).start()
        there.wait(1)
        drive(board, 5)
        wait_for(lambda: kept.exists() and kept.read_bytes().count(b"\n") == 5, SAVED_S)
        assert b"closed" not in kept.read_bytes()
        cut_power(board)
        board = make_board(setup, "--data", flash).start()
        wait_for(lambda: link(board)["queue"]["waiting"] == 5)
        drive(board, 1)
        there.answer = 200
        wait_for(lambda: link(board)["queue"]["delivered"] == 6, 15)
        told = [request for request in there.got if request.target != "/beat"]
        # The last comes from the second board, whose wire is at 0 when it starts.
        assert [request.target for request in told] == ["/1", "/0", "/1", "/0", "/1", "/1"]
        assert all(int(request.headers["x-holdfast-age"]) >= 1 for request in told[:5])
        # What is sent does not come again, once flash knows.
        wait_for(lambda: not kept.exists(), 70)


def test_a_damaged_queue_is_reported_and_not_fatal(make_board, tmp_path):
    flash = tmp_path / "flash"
    flash.mkdir()
    (flash / "uplinks.queue").write_bytes(b"\xff\xfe\n\x00platform 12 x\nplatform abc 0\nrest")
    with receiver() as there:
        board = make_board(config([unifi(there.url)]), "--data", flash).start()
        there.wait(1)
        assert "3 queued notifications are of no use any more" in board.log
        assert board.master().status()["notifications"]["failed"] == 3


def test_flash_is_not_written_while_a_deadline_is_near(make_board, tmp_path):
    flash = tmp_path / "flash"
    kept = flash / "uplinks.queue"
    with receiver(500) as there:
        actions, rules = on_input(there.url)
        board = make_board(config([unifi(there.url)], actions, rules), "--data", flash).start()
        there.wait(1)
        master = board.master("door")
        drive(board, 2)
        # Something due within 50 ms, until long after it would have been saved.
        kept_early = []
        master.keep_busy(6.5, lambda: kept_early.append(kept.exists()))
        assert not any(kept_early)
        wait_for(kept.exists, SAVED_S)


def test_two_links_that_are_down_come_up_by_themselves(start):
    """Each has all notifications wait; neither waits for the other with its heartbeats."""
    with receiver(500) as there, receiver(500) as other:
        actions, rules = on_input(other.url)
        links = [unifi(there.url), unifi(other.url + "/beat", name="second")]
        board = start(config(links, actions, rules))
        there.wait(1)
        other.wait(1)
        drive(board, 2)
        # Its own link is up, the other one is not.
        other.answer = 200
        wait_for(lambda: link(board, 1)["up"], 15)
        assert not link(board)["up"] and link(board, 1)["queue"]["waiting"] == 2
        there.answer = 200
        wait_for(lambda: link(board, 1)["queue"]["delivered"] == 2, 15)
        assert [r.target for r in other.got if r.target != "/beat"] == ["/1", "/0"]


# -- changes while it runs ------------------------------------------------------------------------


def change(board, uplinks):
    """Other uplinks; what waits for the next start."""
    text = json.dumps({"uplinks": uplinks})
    status, answer = board.master().call("PATCH", "/holdfast/settings", text)
    assert status == 200, answer
    return answer["next_start"]


def test_the_first_uplink_counts_at_once_and_the_last_one_ends_at_once(start):
    with receiver() as there, receiver() as other:
        actions, rules = on_input(other.url)
        board = start(config([], actions, rules))
        with board.subscribed(LINK_TOPIC) as stream:
            assert change(board, {"links": [unifi(there.url + "/beat")]}) == []
            assert event(stream.recv(ANSWER_S)) == (LINK_TOPIC, "platform", "0")
            assert event(stream.recv(ANSWER_S)) == (LINK_TOPIC, "platform", "1")
            there.answer = 500
            assert event(stream.recv(10)) == (LINK_TOPIC, "platform", "0")
            drive(board, 2)
            wait_for(lambda: link(board)["queue"]["waiting"] == 2)
            assert change(board, None) == []
            assert event(stream.recv(ANSWER_S)) == (LINK_TOPIC, "platform", "removed")
        # Nobody holds them any more.
        wait_for(lambda: [request.target for request in other.got] == ["/1", "/0"])
        status, answer = board.master().call("GET", UPLINKS)
        assert (status, answer["links"], answer["inbound"]) == (200, [], None)
        wait_for(lambda: board.master().status()["notifications"]["sent"] == 2)
        count = len(there.got)
        time.sleep(1.5)
        assert len(there.got) == count


def test_a_link_that_stays_goes_on_and_one_with_another_address_speaks_there(start):
    with receiver(500) as there, receiver() as other:
        actions, rules = on_input(other.url)
        stays = {"name": "stays", "kind": "healthchecks", "url": other.url, "interval": 1}
        board = start(config([unifi(there.url + "/beat"), stays], actions, rules))
        other.wait(1)
        there.wait(1)
        drive(board, 2)
        wait_for(lambda: link(board, 1)["up"])
        before = link(board, 1)
        with board.subscribed(LINK_TOPIC, replay=2) as stream:
            assert change(board, {"links": [unifi(other.url + "/beat"), stays]}) == []
            # No event of the link that stays, nor of the one that is still down.
            assert event(stream.recv(10)) == (LINK_TOPIC, "platform", "1")
        told = link(board, 1)
        assert told["since"] == before["since"] and told["sent"] >= before["sent"] > 0
        assert told["failed"] == 0
        wait_for(lambda: link(board)["queue"]["delivered"] == 2, 15)
        assert [r.target for r in other.got if r.target in ("/1", "/0")] == ["/1", "/0"]
        assert [r for r in other.got if r.target == "/beat"]


def test_the_inbound_path_counts_at_once(start):
    board = start(config([]))
    mark = {"x-snd-eb-heartbeat": "1"}
    with board.session("door") as session:

        def status(path):
            return session.post(board.url + path, headers=mark, timeout=ANSWER_S).status_code

        assert status("/api/a") == 404
        assert change(board, {"inbound": {"path": "/api/a"}}) == []
        assert status("/api/a") == 200
        reply = {"status": 202, "type": "text/plain", "body": "thank you"}
        assert change(board, {"inbound": {"path": "/api/b", "reply": reply}}) == []
        assert status("/api/a") == 404
        answer = session.post(board.url + "/api/b", headers=mark, timeout=ANSWER_S)
        assert (answer.status_code, answer.text) == (202, "thank you")
        assert answer.headers["Content-Type"] == "text/plain"
        change(board, {"inbound": {"reply": {"status": 204, "body": None, "type": None}}})
        answer = session.post(board.url + "/api/b", headers=mark, timeout=ANSWER_S)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "Content-Length" not in answer.headers and "Content-Type" not in answer.headers
        status, answer = board.master().call("GET", UPLINKS)
        assert answer["inbound"]["count"] == 3


@pytest.mark.parametrize("kind", ["unifi", "airnode", "pinghome", "healthchecks"])
def test_a_disabled_link_sends_nothing_pauses_nothing_and_is_told_as_such(start, kind):
    with receiver() as there, receiver() as other:
        row = {"name": "off", "kind": kind, "url": there.url, "enabled": False}
        if kind == "airnode":
            row.update(api_key="k", private_key=KEY)
        actions, rules = on_input(other.url)
        beat = {"name": "on", "kind": "healthchecks", "url": other.url + "/beat", "interval": 1}
        # Nor do rules take it for a link that is down.
        rules.append(rule("3", is_up(0)))
        board = start(config([row, beat], [*actions, lasting("4")], rules))
        other.wait(1)
        wait_for(lambda: board.level(4) == 0)
        drive(board, 2)
        wait_for(lambda: [r.target for r in other.got if r.target != "/beat"] == ["/1", "/0"])
        told = link(board)
        assert (told["enabled"], told["up"], told["why"]) == (False, False, "disabled")
        assert (told["next"], told["sent"], there.connections) == (None, 0, 0)
        assert link(board, 1)["enabled"] is True
        change(board, {"links": [{**row, "enabled": True}, beat]})
        wait_for(lambda: link(board)["up"], 15)
        there.wait(1)


# -- others' heartbeats ---------------------------------------------------------------------------


def test_a_heartbeat_from_outside_is_authenticated_answered_and_counted(start):
    inbound = {"path": "/api/x_snd_eb/unifi/incident", "within": 1}
    board = start(config([], uplinks={"inbound": inbound}))
    mark = {"x-snd-eb-heartbeat": "1"}
    url = board.url + inbound["path"]
    with board.subscribed(LINK_TOPIC, replay=1) as stream, board.session("door") as session:
        for _ in range(3):
            answer = session.post(url, headers=mark, timeout=ANSWER_S)
            assert answer.status_code == 200 and answer.json() == {}
        assert event(stream.recv(ANSWER_S)) == (LINK_TOPIC, "inbound", "1")
        assert session.post(url, b"{}", timeout=ANSWER_S).status_code == 400
        assert session.get(url, headers=mark, timeout=ANSWER_S).status_code == 405
        session.auth = None
        assert session.post(url, b"{}", headers=mark, timeout=ANSWER_S).status_code == 401
        status, answer = board.master().call("GET", UPLINKS)
        assert answer["inbound"]["count"] == 3
        assert event(stream.recv(ANSWER_S)) == (LINK_TOPIC, "inbound", "0")
    with board.session("guest") as session:
        assert session.post(url, headers=mark, timeout=ANSWER_S).status_code == 403


MARK = {"x-snd-eb-heartbeat": "1"}
TOKENS = [
    {"name": role, "role": role, "sha256": hashlib.sha256(role.encode()).hexdigest()}
    for role in ("ping", "viewer", "operator")
]


@pytest.fixture
def integration(make_board, tmp_path):
    """A board with TLS that an integration sends heartbeats to, and a function(authorization,
    secure=True, path) that sends one as ServiceNow does: its answer.
    """
    inbound = {"path": "/api/x_snd_eb/unifi/incident"}
    more = {"uplinks": {"inbound": inbound}, "monitors": {"tokens": TOKENS}}
    secure = Secure(make_board, tmp_path, **more).start()

    def send(authorization, over_tls=True, path=inbound["path"], method="POST"):
        base = secure.url if over_tls else secure.board.url
        with requests.Session() as session:
            session.trust_env = False
            if isinstance(authorization, str):
                session.auth = lambda request: _bear(request, authorization)
            else:
                session.auth = authorization
            session.verify = str(secure.trusted)
            return session.request(
                method, base + path, json={}, headers=MARK, timeout=ANSWER_S, allow_redirects=False
            )

    return secure.board, send


def _bear(request, token):
    request.headers["Authorization"] = "Bearer " + token
    return request


def count(board):
    return board.master().call("GET", UPLINKS)[1]["inbound"]["count"]


def test_basic_is_taken_over_tls_as_servicenow_sends_it(integration):
    board, send = integration
    for name in ("root", "door", "vms"):
        answer = send((name, "pass"))
        assert (answer.status_code, answer.json()) == (200, {}), name
    assert count(board) == 3
    assert send(("guest", "pass")).status_code == 403
    for credentials in (("root", "wrong"), ("nobody", "pass"), ("", "")):
        answer = send(credentials)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Digest ")
        assert "Basic" not in answer.headers["WWW-Authenticate"]
    assert count(board) == 3
    status = board.master().status()
    assert status["logins"]["refused"] == 3


def test_basic_over_http_is_told_to_use_https(integration):
    board, send = integration
    for credentials in (("root", "pass"), ("root", "wrong")):
        answer = send(credentials, False)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Digest ")
        assert "https" in answer.json()["error"]["problem"]
    assert count(board) == 0
    # It was not looked at: no guess, and no entry of the log.
    assert board.master().status()["logins"]["refused"] == 0


def test_bearer_tokens_of_monitors_and_digest_are_taken_with_tls_or_without(integration):
    board, send = integration
    for over_tls in (False, True):
        for role in ("ping", "viewer", "operator"):
            assert send(role, over_tls).status_code == 200
        assert send(HTTPDigestAuth("door", "pass"), over_tls).status_code == 200
        answer = send("wrong", over_tls)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Digest ")
        assert send(None, over_tls).status_code == 401
    assert count(board) == 8
    assert board.master().status()["logins"]["refused"] == 2


def test_basic_and_tokens_are_taken_nowhere_else(integration):
    board, send = integration
    for authorization in (("root", "pass"), "operator"):
        for over_tls in (False, True):
            for path, method in (
                (UPLINKS, "GET"),
                ("/vapix/axhbt", "POST"),
                ("/holdfast/settings", "GET"),
                ("/api/x_snd_eb/unifi/incident/", "POST"),
            ):
                answer = send(authorization, over_tls, path, method)
                assert answer.status_code in (401, 404), (path, authorization)
    assert count(board) == 0


def test_guesses_with_basic_are_slowed_down_and_logged(integration):
    board, send = integration
    statuses = [send(("root", "guess %d" % i)).status_code for i in range(20)]
    assert statuses[:5] == [401] * 5 and 429 in statuses
    # The right password has to wait, too, and Digest as well.
    assert send(("root", "pass")).status_code == 429

    def log():
        with board.session("root") as session:
            answer = session.get(board.url + "/holdfast/log?limit=64", timeout=ANSWER_S)
        return answer.json()["entries"] if answer.status_code == 200 else None

    texts = [row["text"] for row in wait_for(log, 30) if row["kind"] == "login refused"]
    assert texts and all("guess" not in text for text in texts)
    assert "root, from 127.0.0.1" in texts[0]
    wait_for(lambda: send(("root", "pass")).status_code == 200, 30)


def test_without_the_setting_there_is_no_such_path(board):
    with board.session() as session:
        answer = session.post(board.url + "/api/unifi", b"{}", timeout=ANSWER_S)
        assert answer.status_code == 404
        answer = session.get(board.url + UPLINKS, timeout=ANSWER_S)
        assert answer.json()["links"] == []


# -- Airnode, Pinghome, healthchecks.io -----------------------------------------------------------


def airnode(url, **more):
    row = {"name": "proof", "kind": "airnode", "url": url, "cycle": 1, "private_key": KEY}
    return {**row, "api_key": "an api key", **more}


def test_the_receiver_can_prove_which_module_spoke(start):
    gateway = "https://gateway.example/v1/01234567-abcd-abcd-abcd-012345678abc"
    more = {"stage": 'T\u00fcr "7"', "cloud_provider": "aws", "region": "us-east-1"}
    with receiver() as there:
        board = start(config([airnode(there.url + "/h", http_gateway_url=gateway, **more)]))
        there.wait(3)
        for request in there.got:
            assert (request.method, request.target) == ("POST", "/h")
            assert request.headers["airnode-heartbeat-api-key"] == "an api key"
            assert request.headers["content-type"] == "application/json"
            body = json.loads(request.body)
            assert set(body) == {"payload", "signature"}
            signer = Account.recover_message(
                encode_defunct(text=body["payload"]), signature=body["signature"]
            )
            assert signer == Account.from_key(KEY).address
            payload = json.loads(body["payload"])
            assert list(payload) == [
                "timestamp",
                "stage",
                "cloud_provider",
                "deployment_id",
                "region",
                "http_gateway_url",
            ]
            assert abs(payload["timestamp"] - time.time()) < 30
            assert payload["stage"] == more["stage"] and payload["http_gateway_url"] == gateway
            assert payload["deployment_id"] == "aws4f4c4446"
        wait_for(lambda: link(board)["up"])


def test_no_key_is_ever_told(start):
    with receiver() as there:
        row = airnode(there.url)
        platform = unifi(there.url, login="login-x", password="password-x")
        board = start(config([row, platform, unifi(there.url, name="c", token="token-x")]))
        there.wait(3)
        texts = [board.log]
        with board.session() as session:
            for target in (
                "/holdfast/status",
                UPLINKS,
                "/axis-cgi/param.cgi?action=list",
                "/axis-cgi/param.cgi?action=list&group=*",
            ):
                texts.append(session.get(board.url + target, timeout=ANSWER_S).text)
        number = str(int(KEY, 16))
        for text in texts:
            for secret in (KEY[:12], KEY[-12:], number[:12], "an api key", "-x"):
                assert secret not in text, secret
        assert all(KEY.encode() not in request.body for request in there.got)


def test_the_module_checks_itself_in(start):
    home = {"name": "home", "kind": "pinghome", "interval": 1, "message": "all is well"}
    check = {"name": "hc", "kind": "healthchecks", "interval": 1, "message": "alive"}
    with receiver() as there:
        home["url"] = there.url + "/v1/heartbeat/47f84f9f-a742-4ef9-be40-e7d7a6fa4039"
        check["url"] = there.url + "/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"
        board = start(config([home, check]))
        there.wait(6)
        told = {request.method: request for request in there.got}
        assert told["GET"].target == (
            "/v1/heartbeat/47f84f9f-a742-4ef9-be40-e7d7a6fa4039?result=tick&message=all%20is%20well"
        )
        assert told["POST"].target == "/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"
        assert told["POST"].body == b"alive"
        assert link(board, 0)["up"] and link(board, 1)["up"]


# -- settings and the tool ------------------------------------------------------------------------


def test_settings_changed_through_the_network_keep_the_uplinks(start):
    with receiver() as there:
        board = start(config([unifi(there.url)]))
        there.wait(1)
        master = board.master()
        answer = master.ports("setPorts", {"ports": [{"port": "4", "name": "Lamp"}]})
        assert "error" not in answer
        there.wait(len(there.got) + 2)
        assert link(board)["up"]


def test_the_key_comes_out_of_a_mnemonic_on_the_pc():
    """The first account of the well-known test mnemonic of Hardhat and Foundry."""
    mnemonic = "test test test test test test test test test test test junk"
    command = [sys.executable, str(ROOT / "tools" / "key.py")]
    done = subprocess.run(
        command, input=mnemonic + "\n", capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    key = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
    assert row == {"private_key": key}
    assert "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" in done.stderr
    done = subprocess.run(
        command, input="test test junk\n", capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0 and "junk" not in done.stderr + done.stdout


# -- lateness -------------------------------------------------------------------------------------


@pytest.mark.alone
def test_signing_delays_nobody(start):
    """Three modules' worth of signatures a second, and the fallback is on time."""
    with receiver() as there:
        links = [airnode(there.url, name=name) for name in ("a", "b", "c")]
        setup = config(links)
        setup["ports"]["4"] = output("door", power_on="closed", on_return="restore")
        board = start(setup)
        there.wait(3)
        master = board.master("door")
        late = []
        with Watch(board, 4) as watch:
            for _ in range(15):
                master.beat(150)
                due = master.answered_at + 0.15
                late.append(watch.next(4, 0, master.sent_at) - due)
                master.beat(1000)
                watch.next(4, 1, master.sent_at)
        # Signing went on all the while.
        assert len(there.got) > 6
        assert Figures(late).within(100), late
