"""How a life of the module ends, and what the next one makes of it: seen from outside."""

import os
import signal

import pytest
import requests
from requests.auth import HTTPDigestAuth

from boards import ANSWER_S, HEARTBEAT, STATUS, VENDOR_BEAT, output, settings, wait_for

RESTART = "/holdfast/restart"
STEPS = [{"state": "closed"}]
PORTS = {
    "4": output("door", power_on="open", steps=STEPS),
    "5": output("door", power_on="closed"),
    "6": output("door", power_on="closed", steps=[{"state": "hold"}]),
    "7": output("door", steps=[{"after": 60000, "state": "closed"}]),
}
POWER_ON = "0110"
FALLBACK = "1011"  # what stands in step one, at once


def killed(board):
    """The board's own process is killed: to it that is what the watchdog's reset is to a chip."""
    for process in board.processes():
        os.kill(process, signal.SIGKILL)
    board.ended(ANSWER_S)


@pytest.fixture
def again(make_board, tmp_path):
    """A function that starts a board with the same flash."""

    def start(config=None):
        config = settings(PORTS) if config is None else config
        return make_board(config, "--data", tmp_path / "flash").start()

    return start


def test_power_on_is_power_on(again):
    for _ in range(4):  # as often as one likes
        board = again()
        assert board.levels() == POWER_ON
        status = board.master().status()
        assert status["start"] == {
            "why": "power on",
            "facts": ["reset: power on", "start: power on"],
        }
        assert board.stop() == 0


def test_after_a_crash_outputs_are_in_their_fallback_and_the_reason_is_told(again):
    board = again()
    killed(board)
    board = again()
    assert board.levels() == FALLBACK
    root = board.master()
    status = root.status()
    assert status["lost"] is True
    why = "the watchdog: the application hung"
    assert status["start"]["why"] == why
    assert "crashes in a row: 1" in status["start"]["facts"]
    (trip,) = status["trips"]["latest"]
    assert (trip["master"], trip["why"]) == ("", "restarted: " + why)
    # Locked, until a master is there or an administrator has seen to it.
    assert root.set(p5="closed")["error"]["code"] == 2201
    board.master("door").beat(60000)
    assert "error" not in root.set(p5="closed")
    assert board.stop() == 0
    assert again().levels() == POWER_ON


def test_crashes_in_a_row_end_in_safe_mode_and_an_administrator_ends_that(again):
    for _ in range(3):
        board = again()
        killed(board)
    board = again_safely(again)
    assert board.levels() == FALLBACK
    for method, path in (
        ("GET", "/"),
        ("GET", STATUS),
        ("POST", "/vapix/services"),
        ("PUT", "/x"),
    ):
        answer = requests.request(method, board.url + path, data=b"x", timeout=ANSWER_S)
        assert answer.status_code == 503
        assert "3 times in a row" in answer.text and "watchdog" in answer.text
        assert "/holdfast/restart" in answer.text
        assert 0 < int(answer.headers["Retry-After"]) <= 601
    with board.session("door") as session:
        assert (
            session.post(board.url + HEARTBEAT, VENDOR_BEAT, timeout=ANSWER_S).status_code == 503
        )
        assert session.post(board.url + RESTART, timeout=ANSWER_S).status_code == 403
    assert requests.post(board.url + RESTART, timeout=ANSWER_S).status_code == 401
    assert board.levels() == FALLBACK
    wrong = HTTPDigestAuth("root", "a wrong one")
    assert requests.post(board.url + RESTART, auth=wrong, timeout=ANSWER_S).status_code == 401
    with board.session("root") as session:
        assert session.post(board.url + RESTART, timeout=ANSWER_S).status_code == 202
    wait_for(lambda: any(line.startswith("ready") for line in board.lines), what="application")
    assert board.levels() == FALLBACK  # until a master decides
    with board.session("root") as session:
        log = session.get(board.url + "/holdfast/log?limit=64", timeout=ANSWER_S).json()
    texts = [entry["text"] for entry in log["entries"] if entry["kind"] == "login refused"]
    assert texts == ["root, from 127.0.0.1"]
    status = board.master().status()
    assert status["lost"] is True
    board.master("door").beat(60000)
    assert "error" not in board.master().set(p5="closed")


def again_safely(again):
    """Start a board that comes up in safe mode."""
    import boards

    pattern, boards.READY = boards.READY, r"safe mode http://([0-9.]+):(\d+)"
    try:
        return again()
    finally:
        boards.READY = pattern


def test_a_restart_that_was_asked_for_is_no_crash(again):
    board = again()
    with board.session("door") as session:
        assert session.post(board.url + RESTART, timeout=ANSWER_S).status_code == 403
    with board.session() as session:
        assert session.post(board.url + RESTART, timeout=ANSWER_S).status_code == 202
    # It starts again by itself, as a chip does.
    wait_for(lambda: len([line for line in board.lines if "ready" in line]) == 2, 20, "start")
    assert board.levels() == POWER_ON
    status = board.master().status()
    assert status["start"]["why"] == "a restart that was asked for"
    assert status["lost"] is False


def test_damaged_words_are_as_if_nothing_had_survived(again, tmp_path):
    again().stop()
    for word in (b"", b"zz", b"00000000", b"ffffffff", b"a5000000f", b"-1", b"12 34", b"\xff"):
        (tmp_path / "flash" / "retained").write_bytes(word)
        board = again()
        assert board.levels() == POWER_ON, word
        assert board.stop() == 0
