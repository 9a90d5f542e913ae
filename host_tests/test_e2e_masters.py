"""Whose loss does what, from outside: an earlier version's settings, rules, bypassed outputs."""

import hashlib
import json
import time

from test_e2e_restart import killed

from boards import ANSWER_S, STATUS, account, output, settings, wait_for


def of_0_1_0(config):
    """A settings file as version 0.1.0 wrote it: with a checksum, and no format."""
    data = json.dumps(config, indent=1, sort_keys=True)[:-1].rstrip().encode()
    return data + b',\n "checksum": "%s"\n}\n' % hashlib.sha256(data).hexdigest().encode()


def log(board, *kinds):
    """The texts of the event log, of these kinds."""
    with board.session() as root:
        answer = root.get(board.url + "/holdfast/log?limit=64", timeout=ANSWER_S).json()
    return [row["text"] for row in answer["entries"] if row["kind"] in kinds]


def test_settings_of_a_version_before_keep_their_locks_and_what_changed_is_told_once(
    make_board, tmp_path
):
    """The module writes them anew by itself, so that the next start has nothing to tell."""
    data = tmp_path / "data"
    data.mkdir()
    ports = {"4": output("door"), "5": output(locked=False), "6": {"power_on": "closed"}}
    old = settings(ports, [account("door", realm="Holdfast")])
    (data / "settings.json").write_bytes(of_0_1_0(old))
    board = make_board(None, "--data", data).start()
    told = [text for text in log(board, "settings") if "0.1.0" in text]
    assert told == [
        "those of 0.1.0: outputs without a fallback are not locked at a loss any more: 6, 7",
        "those of 0.1.0: masters of outputs are lost 60 s after a start without heartbeat: door",
    ]
    master = board.master("door")
    master.beat(60000)
    with board.session() as root:
        drill = {"master": "door"}
        assert root.post(board.url + "/holdfast/drill", json=drill, timeout=ANSWER_S).ok
    assert "locked" in master.set(p4="closed")["error"]["message"]
    assert "error" not in master.set(p5="closed")
    wait_for(lambda: b'"format": 2' in (data / "settings.json").read_bytes(), what="the format")
    with board.session() as root:
        rows = root.get(board.url + "/holdfast/settings", timeout=ANSWER_S).json()["ports"]
    assert [rows[port].get("fallback", {}).get("locked") for port in "456"] == [True, False, None]
    assert board.stop() == 0
    board = make_board(None, "--data", data).start()
    again = [text for text in log(board, "settings") if "0.1.0" in text]
    assert again in ([], told)  # what the life before has told may stand in flash


# -- bypass ---------------------------------------------------------------------------------------


def bypass(board, port, ms, name="root"):
    """What `/holdfast/bypass` answers: (status, JSON or None)."""
    with board.session(name) as session:
        body = {"port": port, "for": ms}
        answer = session.post(board.url + "/holdfast/bypass", json=body, timeout=ANSWER_S)
    return answer.status_code, answer.json() if answer.status_code in (200, 422) else None


def bypassed(board):
    """{port: ms left} of the outputs that are bypassed, as the status has them."""
    with board.session() as root:
        told = root.get(board.url + STATUS, timeout=ANSWER_S).json()
    rows = [row for row in told["ports"] if row["bypassed_until"] is not None]
    return {row["port"]: row["bypassed_until"] - told["now"] for row in rows}


def lose(board, master="door", duration_ms=100):
    """A master's last heartbeat, and the loss after it."""
    door = board.master(master)
    door.beat(duration_ms)
    wait_for(lambda: board.master().status()["lost"], what="the loss")
    return door


def test_a_bypassed_output_is_moved_by_nobody_but_whoever_commands_it(start):
    """Locked or not; and when the bypass ends, the loss that is still there counts."""
    ports = {"4": output(power_on="closed", locked=True), "5": output(power_on="closed")}
    board = start(settings(ports))
    status, told = bypass(board, "4", 900000)
    assert status == 200 and told["port"] == "4"
    assert 890000 < bypassed(board)["4"] <= 900000
    door = lose(board)
    wait_for(lambda: board.levels() == "1000", what="the fallback of the other")
    for state, level in (("open", 0), ("closed", 1)):
        assert "error" not in door.set(p4=state)
        assert board.level(4) == level
    assert bypass(board, "4", 0) == (200, {"port": "4", "bypassed_until": None})
    wait_for(lambda: board.levels() == "0000", what="the fallback")
    assert "locked" in door.set(p4="closed")["error"]["message"]
    assert bypassed(board) == {}
    told = log(board, "bypass")
    assert told == ["port 4: for 900 s, by root", "port 4: ended by root"]


def test_a_bypass_ends_by_itself_and_that_is_told(start):
    board = start(settings({"4": output(power_on="closed")}))
    assert bypass(board, "4", 1500)[0] == 200
    lose(board)
    assert board.level(4) == 1
    wait_for(lambda: board.level(4) == 0, what="the fallback after the bypass")
    wait_for(lambda: "port 4: ended by itself" in log(board, "bypass"), what="its end in the log")
    assert bypassed(board) == {}


def test_who_may_bypass_what(start):
    board = start(settings({"4": output(power_on="closed")}))
    for name, status in (("door", 403), ("guest", 403)):
        assert bypass(board, "4", 1000, name)[0] == status
    for port, ms, status in (
        ("9", 1000, 404),
        ("0", 1000, 409),  # an input
        ("4", 0, 409),  # nothing to end
        ("4", 8 * 3600000 + 1, 422),
        ("4", -1, 422),
        ("4", "1", 400),
        ("4", True, 400),
        (4, 1000, 400),
    ):
        assert bypass(board, port, ms)[0] == status, (port, ms)
    with board.session() as root:
        for body, status in ({"port": "4"}, 400), ({"port": "4", "for": 1, "by": "me"}, 422):
            answer = root.post(board.url + "/holdfast/bypass", json=body, timeout=ANSWER_S)
            assert answer.status_code == status, body
    assert bypassed(board) == {} and log(board, "bypass") == []


def test_a_bypass_goes_on_after_a_restart_and_after_a_crash(make_board, tmp_path):
    """To its true end: the simulated board knows the time of day."""
    data = tmp_path / "data"
    config = settings({"4": output(power_on="closed"), "5": output(power_on="closed")})
    board = make_board(config, "--data", data).start()
    assert bypass(board, "4", 900000)[0] == 200
    began = time.monotonic()
    assert board.stop() == 0
    board = make_board(config, "--data", data).start()
    assert abs(bypassed(board)["4"] - (900 - (time.monotonic() - began)) * 1000) < 3000
    assert any("port 4: goes on for 8" in text for text in log(board, "bypass"))
    lose(board)
    wait_for(lambda: board.levels() == "1000", what="the fallback of the other")
    assert bypass(board, "4", 0)[0] == 200
    assert board.stop() == 0
    board = make_board(config, "--data", data).start()
    assert bypassed(board) == {}
    assert bypass(board, "5", 900000)[0] == 200
    killed(board)
    board = make_board(config, "--data", data).start()
    assert board.levels() == "0000"  # the first levels after a crash are those of the fallback
    assert list(bypassed(board)) == ["5"]
    assert "error" not in board.master("door").set(p5="closed")
    assert board.level(5) == 1
    # What is left of a file that was damaged is no bypass.
    assert board.stop() == 0
    path = data / "bypass"
    path.write_bytes(path.read_bytes().replace(b"5", b"4", 1))
    board = make_board(config, "--data", data).start()
    assert bypassed(board) == {}
    wait_for(lambda: not path.exists(), what="the end of the file")
    assert "its file was damaged: nothing is bypassed" in log(board, "bypass")
