"""Each sentence of the page and of `holdfast status` about what is, state by state, beside what
the test did, the levels of pins and the clock.
"""

import re
import time

import pytest
from test_e2e_holdfast import run
from test_e2e_page import HEAP, chrome, look  # noqa: F401 fixtures
from test_e2e_restart import killed

from boards import ANSWER_S, output, settings, wait_for

pytestmark = pytest.mark.nightly("cpython")

PORTS = {
    "4": output("door", "restore", [{"state": "open"}], locked=True, name="Strike"),
    "5": output("vms", "hold", [{"state": "closed"}], locked=True, name="Siren"),
    "6": output("any", "hold", [{"state": "closed"}], locked=False, name="Light"),
    "7": output("any", "hold", [{"after": 60000, "state": "closed"}], name="Fan", normal="closed"),
}
# Both masters are awaited from the start on: longer than this test takes.
CONFIG = settings(PORTS, heartbeat={"shortest": 1, "first_within": 600000})
SLACK_S = 3  # a loaded machine: between a look at the clock and one at the page


def pattern(words):
    """The regular expression of words, with any time for one that is named."""
    return re.compile(re.sub(r"{[^}]*}", r"(\\d+\\.\\d) s", words), re.I | re.S)


class Judge:
    """Looks at page and command in one state, and counts the statements that it compared."""

    def __init__(self, board, looker):
        self.board = board
        self.looker = looker
        self.compared = 0

    def holds(self, head, masters, ports):
        """head: words of the whole module. masters: words by name. ports: words by output. Between
        { and } stands the time of the test's clock since when something lasts.
        """
        for selector, words in (
            [("header.top", head)]
            + [("[data-master=%s]" % name, words) for name, words in masters.items()]
            + [("[data-port='%d']" % port, words) for port, words in ports.items()]
        ):
            seen = self.looker.page.locator(selector, has_text=pattern(words))
            seen.first.wait_for()
            self.times(words, self.looker.page.inner_text(selector))
        for port in range(4, 8):
            self.page_state(port)
        status, out, err = run("status", self.board.url)
        assert status == (1 if "lost" in head.lower() else 0), out + err
        self.line(out, r"Holdfast \d", head)
        for name, words in masters.items():
            self.line(out, name + " ", words)
        for port, words in ports.items():
            line = self.line(out, "%d " % port, words)
            self.same(line.split()[2], self.wire(port))

    def line(self, out, begins, words):
        """The line of the command's output that begins so says this."""
        # The first: the losses come after the masters.
        line = next(row for row in out.splitlines() if re.search(r"^(\S+  )?" + begins, row))
        assert pattern(words).search(line), (line, words)
        self.times(words, line)
        return line

    def times(self, words, text):
        """The time in a text is that of the test's clock."""
        self.compared += 1
        found = pattern(words).search(text).groups()
        for since, told in zip(re.findall(r"{([^}]*)}", words), map(float, found)):
            passed = time.monotonic() - float(since)
            assert -0.2 <= passed - told <= SLACK_S, (text, passed)
            self.compared += 1

    def wire(self, port):
        return "closed" if self.board.level(port) else "open"

    def page_state(self, port):
        """The state that a tile shows is the level on the wire."""
        shown = self.looker.page.locator("[data-port='%d'] .contact" % port)
        wait_for(lambda: shown.inner_text().strip() == self.wire(port), what="state of %d" % port)
        self.compared += 1

    def same(self, told, wanted):
        assert told == wanted
        self.compared += 1


def test_what_page_and_command_say_is_so(make_board, look, tmp_path):  # noqa: F811
    options = ("--heap", HEAP, "--data", tmp_path / "data", "--connections", 12)
    board = make_board(CONFIG, *options).start()
    looker = look(board)
    looker.open()
    looker.live()
    judge = Judge(board, looker)
    idle = "not heard since the start"
    awaited = r"awaited.*\d s left"
    root = board.session()
    judge.holds(
        "awaited: door, vms",
        {"door": awaited, "vms": awaited, "root": idle},
        dict.fromkeys(PORTS_OUT, "power-on state"),
    )
    # Alive.
    door = board.master("door")
    door.beat(60000)
    door.set(p4="closed")
    judge.holds("alive: door", {"door": r"alive.*\d s left", "vms": awaited}, {4: "set by door"})
    assert board.level(4) == 1
    # Lost: what falls back with it does; what is locked says so.
    door.beat(800)
    beaten = door.answered_at
    wait_for(lambda: board.level(4) == 0, what="the fallback")
    silent = "door silent for {%f}" % beaten
    judge.holds(
        "lost: door",
        {"door": "lost: no heartbeat for 800 ms", "vms": awaited},
        {
            4: "fallback: %s.*locked" % silent,
            5: "power-on state",
            6: "fallback: " + silent,
            7: "power-on state.*its fallback is in force: " + silent,
        },
    )
    assert board.levels() == "0010"
    assert "error" in door.set(p4="closed") and board.level(4) == 0
    # A command on an output that is not locked, while its master is lost.
    assert "error" not in door.set(p6="open")
    judge.holds("lost: door", {}, {6: "set by door.*its fallback is in force: " + silent})
    assert board.level(6) == 0
    # It returns.
    door.beat(60000)
    wait_for(lambda: board.level(4) == 1, what="the return")
    judge.holds(
        "alive: door",
        {"door": "alive"},
        {4: "restored: the loss of door is over", 6: "set by door", 7: "power-on state"},
    )
    # A drill, and its release.
    root.post(board.url + "/holdfast/drill", json={"master": "door"}, timeout=ANSWER_S)
    wait_for(lambda: board.levels() == "0010", what="the drill")
    looker.see(".history .loss", "door: a drill")
    judge.holds("lost: door", {"door": "lost: a drill"}, {4: "fallback: door silent.*locked"})
    root.post(board.url + "/holdfast/release", json={"master": "door"}, timeout=ANSWER_S)
    wait_for(lambda: board.levels() == "1010", what="the release")
    judge.holds(
        "awaited: vms",
        {"door": "released", "vms": awaited},
        {
            4: "restored by a release: nobody waits for door",
            6: "as its fallback left it, nobody has set it since",
        },
    )
    # A heartbeat of somebody whom settings do not name, and its end.
    board.master().beat(700)
    judge.holds("awaited: vms", {"root": "not awaited: settings name others"}, {})
    judge.holds("awaited: vms", {"root": "silent, and that was no loss"}, {})
    # A bypass, and its end.
    for ms, words in (
        (900000, r"bypassed, .*left: no loss moves it"),
        (0, "as its fallback left"),
    ):
        body = {"port": "6", "for": ms}
        root.post(board.url + "/holdfast/bypass", json=body, timeout=ANSWER_S)
        judge.holds("awaited: vms", {}, {6: words})
    assert "bypassed" not in run("status", board.url)[1]
    # Settings on trial, and kept.
    patch = {"ports": {"4": {"fallback": {"locked": False}}}}
    path = board.url + "/holdfast/settings?trial=1"
    root.patch(path, json=patch, timeout=ANSWER_S)
    began = time.monotonic()
    looker.see(".trial", r"on trial.*go back in \d+ s")
    left = int(re.search(r"in\s+(\d+) s", looker.page.inner_text(".trial"))[1])
    assert abs(60 - (time.monotonic() - began) - left) < SLACK_S
    assert "settings on trial: they go back in" in run("status", board.url)[1]
    assert run("confirm", board.url)[0] == 0
    looker.page.locator(".trial").wait_for(state="detached")
    assert "on trial" not in run("status", board.url)[1]
    judge.compared += 4
    # The module comes down, and starts again.
    killed(board)
    looker.see("header.top", "no answer for")
    assert run("status", board.url)[0] == 3
    board = make_board(CONFIG, *options, "--port", board.port).start()
    assert board.levels() == "0111"
    judge.board = board
    looker.live()
    fault = "fallback: a fault of the module"
    judge.holds(
        "lost by a fault of the module",
        {"door": awaited, "vms": awaited},
        {4: fault, 5: fault + ".*locked", 6: fault, 7: fault},
    )
    judge.compared += 2
    print("%d statements compared" % judge.compared)
    assert judge.compared > 100


PORTS_OUT = range(4, 8)
