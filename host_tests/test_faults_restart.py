"""What only time ends: safe mode and the bare mode after ten minutes, and the minute after which a
start counts as healthy. The board's time is what a file says it is ahead of this machine's.
"""

import os
import re

import pytest
import requests
from holdfast.core.crashloop import FAILED, HEALTHY_MS, Restart
from holdfast.safemode import LENGTH_MS

from boards import (
    ANSWER_S,
    READY,
    STATUS,
    Programmed,
    Watch,
    output,
    settings,
    wait_for,
)

CLOCK = """
import time
import holdfast.hal.simulated as simulated
real = simulated.ticks
add = getattr(time, "ticks_add", lambda ticks, ms: (ticks + ms) %% (1 << 30))
def ticks():
    ticks_ms, ticks_diff = real()
    def ahead():
        with open(%r) as file:
            return add(ticks_ms(), int(file.read()))
    return ahead, ticks_diff
simulated.ticks = ticks
"""
PORTS = {
    "4": output("door", power_on="closed"),
    "5": output("door", steps=[{"state": "closed"}]),
}
FALLBACK = "01"
LEVELS = [(4, b"0"), (5, b"1")]  # as a Watch tells them
SLACK_MS = 20000  # what a slow machine may take for what is done meanwhile


class Timed(Programmed):
    """A board with a clock that a test puts forward."""

    def __init__(self, folder, runtime, data):
        folder.mkdir()
        self.clock = folder / "clock"
        self.ahead(0)
        super().__init__(folder, runtime, CLOCK % str(self.clock), settings(PORTS), data)

    def ahead(self, ms):
        """So far ahead is its time from now on."""
        new = self.clock.with_suffix(".new")
        new.write_text(str(ms))
        os.replace(new, self.clock)

    def says(self, text, seconds=20):
        wait_for(lambda: re.search(text, self.log), seconds, text)


@pytest.fixture
def crashed(runtime, tmp_path):
    """A function(count) that gives a board which has just crashed so many times in a row, or with
    None whatever has become of its flash."""
    made = []
    data = tmp_path / "flash"

    def start(count):
        board = Timed(tmp_path / ("b%d" % len(made)), runtime, data)
        made.append(board)
        if count is not None:
            before = Restart("power on", None)
            before.crashes = count - 1  # those that the life before knew of
            (data / "retained").write_text("%08x" % before.word(FAILED, bytes(5) + b"\1\0\0"))
        return board.launch()

    yield start
    for board in made:
        board.kill()


def word(tmp_path):
    """What the next start would make of this one."""
    text = wait_for((tmp_path / "flash" / "retained").read_text)  # it may be just being written
    return Restart("watchdog", int(text, 16))


def test_safe_mode_ends_after_ten_minutes_and_not_before(crashed, tmp_path):
    board = crashed(3)
    board.says("safe mode http")
    board.port = int(re.search(r"safe mode http://[0-9.]+:(\d+)", board.log)[1])
    assert board.levels()[:2] == FALLBACK
    with Watch(board, 4, 5) as watch:
        board.ahead(LENGTH_MS - SLACK_MS)
        answer = requests.get(board.url + "/", timeout=ANSWER_S)
        assert answer.status_code == 503
        assert 0 < int(answer.headers["Retry-After"]) <= SLACK_MS // 1000 + 1
        assert "ready http" not in board.log
        board.ahead(LENGTH_MS)
        board.says(READY)
        # Not a reset, and not an edge: outputs stay in fallback until a master is there.
        assert [change[1:] for change in watch.changes] == LEVELS
    assert board.levels()[:2] == FALLBACK
    status = board.master().status()
    assert status["lost"] is True
    assert "crashes in a row: 2" in status["start"]["facts"]
    board.master("door").beat(60000)
    assert "error" not in board.master().set(p5="open")
    # It was tried once: when that comes down within a minute, safe mode is back.
    assert word(tmp_path).safe_mode()
    board.kill()
    crashed(None).says("safe mode http")


def test_a_start_is_healthy_after_a_minute_and_not_before(crashed, tmp_path):
    board = crashed(2)
    board.says(READY)
    board.ahead(HEALTHY_MS - SLACK_MS)
    for _ in range(3):
        assert requests.get(board.url + STATUS, timeout=ANSWER_S).status_code == 401
    assert word(tmp_path).crashes == 3
    board.ahead(HEALTHY_MS)
    wait_for(lambda: word(tmp_path).crashes == 1, 5, what="healthy")
    board.kill()
    # So this is the first crash, not the third.
    board = crashed(None)
    board.says(READY)
    assert "crashes in a row: 1" in board.master().status()["start"]["facts"]
    assert board.levels()[:2] == FALLBACK


def test_the_bare_mode_ends_after_ten_minutes_and_the_application_is_tried(crashed, tmp_path):
    board = crashed(6)
    board.says("outputs only")
    assert board.levels()[:2] == FALLBACK
    with Watch(board, 4, 5) as watch:
        board.ahead(LENGTH_MS - SLACK_MS)
        assert "http://" not in board.log
        board.ahead(LENGTH_MS)
        board.says(READY)
        assert [change[1:] for change in watch.changes] == LEVELS
    assert board.levels()[:2] == FALLBACK
    assert board.master().status()["lost"] is True
    assert word(tmp_path).safe_mode()
