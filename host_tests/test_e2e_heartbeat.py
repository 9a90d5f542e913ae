"""Heartbeats of clients nobody here wrote, against the simulated board on both interpreters."""

import re
import time

import httpx
import pytest
import requests

from boards import (
    ANSWER_S,
    HEARTBEAT,
    LOST_TOPIC,
    STATUS,
    VENDOR_BEAT,
    Watch,
    beat_body,
    closed_by_peer,
    exchange,
    notification,
    output,
    receive,
    settings,
    silent,
    status_of,
    until,
    wait_for,
)

RUNTIMES = ("micropython", "cpython", "slot")

UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def beat(value):
    return b'{"axhbt:Heartbeat": {"Duration": %s}}' % value


# Bodies that are no heartbeat: they get a fault and change nothing.
BAD = {
    "missing": b'{"axhbt:Heartbeat": {}}',
    "null": beat(b"null"),
    "true": beat(b"true"),
    "1.5": beat(b"1.5"),
    "1e3": beat(b"1e3"),
    "letters": beat(b'"abc"'),
    "empty text": beat(b'""'),
    "signed text": beat(b'"+5"'),
    "arabic digits": beat('"١٢"'.encode()),
    "list": beat(b"[1000]"),
    "0": beat(b"0"),
    "-1": beat(b"-1"),
    "1e400": beat(b"1e400"),
    "400 digits": beat(b"1" * 400),
    "400 digits in text": beat(b'"%s"' % (b"1" * 400)),
    "2^31 ms": beat(b"2147483648"),
    "more than 24 h": beat(b"86400001"),
    "NaN": beat(b"NaN"),
    "lone surrogate": beat(b'"\\ud800"'),
    "lone surrogate as name": b'{"axhbt:Heartbeat": {"\\udc00": 1}}',
    "not UTF-8": beat(b'"\xff\xfe"'),
    "deep": b"[" * 2000 + b"]" * 2000,
    "deep objects": b'{"axhbt:Heartbeat":' * 200 + b"{}" + b"}" * 200,
    "deep and open": b"[" * 4000,
    "not JSON": b"Duration=10000",
    "no value": b'{"axhbt:Heartbeat"}',
    "single quotes": b"{'axhbt:Heartbeat': {'Duration': 10000}}",
    "no colon": b'{"axhbt:Heartbeat" {"Duration" 10000}}',
    "wrong brackets": b'{"axhbt:Heartbeat": {"Duration": 10000]}',
    "two values": beat(b"10000") + beat(b"10000"),
    "array": b"[10000]",
    "number": b"10000",
    "another command": b'{"axhbt:Goodbye": {"Duration": 10000}}',
    "empty": b"",
}


def test_the_vendors_example_is_a_heartbeat(board):
    with board.session() as session:
        answer = session.post(board.url + HEARTBEAT, VENDOR_BEAT, timeout=ANSWER_S)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.json()) == ["SessionId"]
    assert re.fullmatch(UUID4, answer.json()["SessionId"])


def test_the_vendors_example_on_one_line_as_the_page_shows_it(board):
    body = b'{  "axhbt:Heartbeat":{    "Duration": 10000,  }}'
    with board.session() as session:
        assert session.post(board.url + HEARTBEAT, body, timeout=ANSWER_S).status_code == 200


def test_a_duration_below_half_a_second_is_refused_unless_settings_take_it(start):
    for heartbeat, least in (({}, 500), ({"longest": 300}, 300), ({"shortest": 20}, 20)):
        board = start(settings(heartbeat=heartbeat))
        master = board.master()
        assert master.call("POST", HEARTBEAT, beat_body(least - 1))[0] == 400
        assert master.beat(least)


def test_httpx_with_digest_beats_on_one_connection(board):
    auth = httpx.DigestAuth("door", "pass")
    with httpx.Client(auth=auth, base_url=board.url, trust_env=False, timeout=ANSWER_S) as client:
        answers = [client.post(HEARTBEAT, content=VENDOR_BEAT) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["SessionId"] for answer in answers}) == 1
    streams = {id(answer.extensions["network_stream"]) for answer in answers}
    assert len(streams) <= 2  # the 401 may have ended the first
    # Of many beats only the first was refused: the nonce is used again with a rising nc.
    assert all(not answer.history for answer in answers[1:])


def test_requests_keeps_one_connection_for_many_beats(board):
    with board.session() as session:
        for _ in range(20):
            answer = session.post(board.url + HEARTBEAT, VENDOR_BEAT, timeout=ANSWER_S)
            assert answer.status_code == 200
        (pool,) = session.get_adapter(board.url).poolmanager.pools._container.values()
        assert pool.num_connections == 1


def test_a_string_of_digits_is_a_duration(board):
    with board.session() as session:
        answer = session.post(board.url + HEARTBEAT, beat(b'"10000"'), timeout=ANSWER_S)
        assert answer.status_code == 200
        (root, *_) = session.get(board.url + STATUS, timeout=ANSWER_S).json()["masters"]
    assert root["duration_ms"] == 10000


def test_a_chunked_body_is_a_heartbeat(board):
    with board.session() as session:
        assert session.get(board.url + STATUS, timeout=ANSWER_S).status_code == 200
        parts = iter([VENDOR_BEAT[:7], VENDOR_BEAT[7:]])
        answer = session.post(board.url + HEARTBEAT, parts, timeout=ANSWER_S)
    assert answer.request.headers["Transfer-Encoding"] == "chunked"
    assert answer.status_code == 200


def test_the_session_id_stays_while_alive_and_changes_after_expiry(board):
    master = board.master("door")
    ids = [master.beat(1000) for _ in range(5)]
    assert len(set(ids)) == 1
    until(master.answered_at + 1.05)
    later = master.beat(1000)
    assert later != ids[0] and re.fullmatch(UUID4, later)
    assert master.beat(1000) == later


def test_a_restarted_board_has_a_new_session(start):
    first = start(settings())
    before = first.master("door").beat(60000)
    assert first.stop() == 0
    second = start(settings())
    assert second.master("door").beat(60000) != before


def test_bad_bodies_get_a_fault_and_change_nothing(start):
    board = start(settings({"4": output("door", "restore", power_on="closed")}))
    master = board.master("door")
    before = master.beat(60000)
    problems = []
    for name, body in BAD.items():
        status, answer = master.call("POST", HEARTBEAT, body)
        if status != 400 or list(answer) != ["Fault"]:
            problems.append((name, status, answer))
            continue
        code = answer["Fault"]["Code"]
        assert code["Value"] == "env:Sender" and code["Subcode"]["Value"].startswith("ter:")
        assert answer["Fault"]["Reason"]["Text"]
    assert not problems
    row = next(row for row in master.status()["masters"] if row["master"] == "door")
    assert (row["beats"], row["duration_ms"]) == (1, 60000)
    assert master.beat(60000) == before
    assert master.connects == 1  # a fault does not cost the connection


def test_a_bad_body_does_not_move_the_deadline(start):
    board = start(settings({"4": output("door", "restore", power_on="closed")}))
    master = board.master("door")
    with Watch(board, 4) as watch:
        master.beat(600)
        sent = master.sent_at
        while time.monotonic() < sent + 0.5:
            for body in (BAD["null"], BAD["0"], BAD["not JSON"], BAD["more than 24 h"]):
                assert master.call("POST", HEARTBEAT, body)[0] == 400
        fell = watch.next(4, 0, sent)
    # A deadline moved by the last of them would be 0.6 s after that.
    assert sent + 0.6 <= fell < master.sent_at + 0.6


def test_bodies_too_large_are_refused(board):
    for body in (b"[" * 5000, b" " * 1000000):
        with board.session() as session:
            # The digest first: a refusal by size closes the connection.
            assert session.get(board.url + STATUS, timeout=ANSWER_S).status_code == 200
            answer = session.post(board.url + HEARTBEAT, body, timeout=ANSWER_S)
            assert answer.status_code == 413
            assert session.post(board.url + HEARTBEAT, VENDOR_BEAT, timeout=ANSWER_S).ok


def test_without_credentials_there_are_both_challenges(board):
    answer = requests.post(board.url + HEARTBEAT, VENDOR_BEAT, timeout=ANSWER_S)
    assert answer.status_code == 401
    challenges = answer.raw.headers.getlist("WWW-Authenticate")
    assert len(challenges) == 2
    for challenge, algorithm in zip(challenges, ("MD5", "SHA-256")):
        assert challenge.startswith('Digest realm="Holdfast", nonce="')
        assert "algorithm=" + algorithm in challenge and 'qop="auth"' in challenge
        assert "stale" not in challenge


@pytest.mark.parametrize("name, password", [("root", "wrong"), ("nobody", "pass"), ("root", "")])
def test_wrong_credentials_are_401(board, name, password):
    with board.session(name, password) as session:
        answer = session.post(board.url + HEARTBEAT, VENDOR_BEAT, timeout=ANSWER_S)
    assert answer.status_code == 401


def test_basic_is_answered_with_digest(board):
    answer = requests.post(
        board.url + HEARTBEAT, VENDOR_BEAT, auth=("root", "pass"), timeout=ANSWER_S
    )
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Digest ")


def test_a_replayed_authorization_is_stale(board):
    with board.session() as session:
        first = session.post(board.url + HEARTBEAT, VENDOR_BEAT, timeout=ANSWER_S)
    assert first.status_code == 200
    copied = {"Authorization": first.request.headers["Authorization"]}
    again = requests.post(board.url + HEARTBEAT, VENDOR_BEAT, headers=copied, timeout=ANSWER_S)
    assert again.status_code == 401
    assert "stale=true" in again.headers["WWW-Authenticate"]


def test_a_viewer_may_not_beat(board):
    with board.session("guest") as session:
        answer = session.post(board.url + HEARTBEAT, VENDOR_BEAT, timeout=ANSWER_S)
        assert answer.status_code == 403
        masters = session.get(board.url + STATUS, timeout=ANSWER_S).json()["masters"]
    assert all(row["session"] is None for row in masters)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_other_methods_are_405(board, method):
    with board.session() as session:
        answer = session.request(method, board.url + HEARTBEAT, timeout=ANSWER_S)
    assert answer.status_code == 405 and answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["/vapix", "/vapix/axhbt/", "/vapix/axhbt/../axhbt", "/%00"])
def test_other_paths_are_404(board, path):
    answer = exchange(board, b"POST %s HTTP/1.0\r\n\r\n" % path.encode())
    assert status_of(answer) == 404


def test_pipelined_beats_are_answered_in_order(board):
    master = board.master()
    with board.connect() as sock:
        head = "POST /vapix/axhbt HTTP/1.1\r\nHost: a\r\nAuthorization: %s\r\n"
        head += "Content-Length: %d\r\n\r\n"
        message = b""
        for body in (VENDOR_BEAT, BAD["0"], VENDOR_BEAT):
            value = master._credentials.header("POST", HEARTBEAT)
            message += (head % (value, len(body))).encode() + body
        sock.sendall(message)
        answer = receive(sock, ANSWER_S, lambda data: data.count(b"HTTP/1.1 ") == 3)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"400", b"200"]


def test_expect_continue_is_answered(board):
    master = board.master()
    value = master._credentials.header("POST", HEARTBEAT)
    head = "POST /vapix/axhbt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nAuthorization: %s\r\n"
    head += "Content-Length: %d\r\n\r\n"
    with board.connect() as sock:
        sock.sendall((head % (value, len(VENDOR_BEAT))).encode())
        answer = receive(sock, ANSWER_S, lambda data: data.endswith(b"\r\n\r\n"))
        assert answer == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(VENDOR_BEAT)
        answer = receive(sock, ANSWER_S, lambda data: b"SessionId" in data)
    assert status_of(answer) == 200


def test_http_1_0_is_answered_and_closed(board):
    master = board.master()
    value = master._credentials.header("POST", HEARTBEAT)
    head = "POST /vapix/axhbt HTTP/1.0\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n"
    with board.connect() as sock:
        sock.sendall((head % (value, len(VENDOR_BEAT))).encode() + VENDOR_BEAT)
        answer = receive(sock, ANSWER_S, lambda data: b"SessionId" in data)
        assert status_of(answer) == 200
        assert closed_by_peer(sock, ANSWER_S)


def test_two_masters_have_sessions_of_their_own(start):
    ports = {
        "4": output("door", power_on="closed"),
        "5": output("vms", power_on="closed"),
        "6": output("any", power_on="closed"),
    }
    board = start(settings(ports))
    door, vms = board.master("door"), board.master("vms")
    with Watch(board, 4, 5, 6) as watch:
        alive = vms.beat(1000)
        lost = door.beat(1000)
        assert alive != lost
        sent = door.sent_at
        while time.monotonic() < sent + 2:
            assert vms.beat(1000) == alive
        assert sent + 1 <= watch.next(4, 0, sent) < sent + 2
        assert sent + 1 <= watch.next(6, 0, sent) < sent + 2
        assert watch.since(5, sent) == []  # the living master keeps its port
        assert vms.beat(1000) == alive
        assert door.beat(1000) != lost


def test_a_live_master_does_not_hide_a_dead_one_that_settings_name(start):
    board = start(settings(heartbeat={"shortest": 1, "masters": ["door", "vms"]}))
    door, vms = board.master("door"), board.master("vms")
    with board.subscribed(LOST_TOPIC, replay=1) as stream:
        vms.beat(60000)
        door.beat(200)
        assert notification(stream) == (LOST_TOPIC, None, "1")
        vms.beat(60000)
        assert silent(stream)  # alive, but not the one that is lost
        door.beat(60000)
        assert notification(stream) == (LOST_TOPIC, None, "0")


def test_only_heartbeats_feed_a_session(start):
    """Not an open connection, not a page view, not an event stream of the same account."""
    board = start(settings({"4": output("door", power_on="closed")}))
    master = board.master("door")
    with board.subscribed("//.", name="door"), Watch(board, 4) as watch:
        master.beat(300)
        sent = master.sent_at
        while not watch.since(4, sent):
            assert time.monotonic() < sent + ANSWER_S
            master.status()
            master.ports("getPorts")
    wait_for(lambda: board.level(4) == 0)
