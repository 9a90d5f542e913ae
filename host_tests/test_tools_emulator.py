"""`make emulator` judges what a chip did: a story that is not as it should be is told from one
that is, and what a machine lacks is named. The emulator itself does not run here.
"""

import shutil
import struct

import package
import pytest
from rp2040 import figures, image
from rp2040.chip import GPIO, Failed, Line, Story

WORD = 0xBA00001F
CLOSED = 1 << GPIO
DRIVEN = 0b1111 << 6


def story():
    """A chip's two lives, with the watchdog between, as they should be."""
    told = Story()
    lines = (
        (0, 11.0, "begin 1 0"),
        (0, 1400.0, "serving"),
        (0, 1750.0, "rest 47000 168000"),
        (0, 1751.0, "pins 0 %d" % DRIVEN),
        (0, 1860.0, "beat 200 29000"),
        (0, 1880.0, "beat 200 12000"),
        (0, 1900.0, "beat 200 14000"),
        (0, 1920.0, "beat 200 13000"),
        (0, 1950.0, "beaten 54000 161000"),
        (0, 2050.0, "ports 200 128"),
        (0, 2080.0, "driven 56000 159000"),
        (0, 2090.0, "last"),
        (0, 2117.0, "answered 200"),
        (0, 2717.0, "word %d" % WORD),
        (0, 2718.0, "hanging"),
        (1, 10120.0, "begin 3 %d" % WORD),
        (1, 11500.0, "serving"),
        (1, 11850.0, "pins %d %d" % (CLOSED, DRIVEN)),
        (1, 11851.0, "end"),
    )
    told.lines = [Line(life, ms, text.split()) for life, ms, text in lines]
    told.edges = [
        (0, 2049.0, figures.KEPT, "HIGH"),
        (0, 2371.0, GPIO, "HIGH"),
        (1, 10200.0, GPIO, "HIGH"),
    ]
    told.resets = [10109.0]
    return told


def replace(told, life, name, text):
    for line in told.lines:
        if (line.life, line.words[0]) == (life, name):
            line.words = text.split()


def test_a_story_as_it_should_be_has_nothing_out_of_bounds(capsys):
    assert figures.story(story(), 777 * 1024, "frozen") == 0
    assert "BAD" not in capsys.readouterr().out


def test_outputs_that_stay_open_after_the_watchdogs_reset_are_out_of_bounds():
    told = story()
    told.edges.pop()
    replace(told, 1, "pins", "pins 0 %d" % DRIVEN)
    assert figures.story(told, 777 * 1024, "frozen") == 2


@pytest.mark.parametrize(
    "life, name, text",
    (
        (0, "rest", "rest 90000 125000"),
        (0, "answered", "answered 401"),
        (0, "word", "word 31"),
        (1, "begin", "begin 1 %d" % WORD),
        (1, "pins", "pins %d %d" % (CLOSED, 1 << 6)),
        (1, "pins", "pins %d %d" % (CLOSED | 1 << figures.KEPT, DRIVEN)),
        (1, "end", "error ValueError"),
    ),
)
def test_each_thing_that_is_not_as_it_should_be_counts(life, name, text):
    told = story()
    replace(told, life, name, text)
    assert figures.story(told, 777 * 1024, "frozen") > 0


@pytest.mark.parametrize("ms", (2091.0, 2339.9, 2397.1))
def test_a_trip_before_its_time_or_too_late_is_out_of_bounds(ms):
    told = story()
    told.edges[1] = (0, ms, GPIO, "HIGH")
    assert figures.story(told, 777 * 1024, "frozen") > 0


def test_a_watchdog_that_does_not_bite_is_out_of_bounds():
    told = story()
    told.resets = []
    assert figures.story(told, 777 * 1024, "frozen") > 0


def test_an_image_that_says_nothing_is_no_success():
    with pytest.raises(Failed):
        figures.story(Story(), 777 * 1024, "frozen")


# --- stack, ticks, heap --------------------------------------------------------------------------


def asked(*rows):
    """A story of requests, each well: (name, status) or a Line's other values beside."""
    told = Story()
    ms = 1000.0
    for name, status, more in rows:
        told.lines.append(Line(0, ms, ["ask", "1", *name.split()]))
        line = Line(0, ms + 20, ["answer", "1", status, "2500", *name.split()])
        line.thread, line.irq, line.deepest, line.tick_ms, line.live, line.hole = WELL
        for key, value in more.items():
            setattr(line, key, value)
        told.lines.append(line)
        ms += 3000
    told.lines.append(Line(0, ms, ["end"]))
    return told


WELL = (5800, 1160, 6960, 10.1, 100 * 1024, 30 * 1024)


def test_requests_that_keep_to_the_stack_have_nothing_out_of_bounds(capsys):
    assert figures.endpoints(asked(("status", "200", {}), ("PATCH name", "200", {})), 45) == 0
    shown = capsys.readouterr().out
    assert "PATCH name" in shown and " 5800 " in shown and "BAD" not in shown


@pytest.mark.parametrize(
    "status, more",
    (
        ("500", {}),
        ("401", {}),
        ("200", {"thread": 5804}),
        ("200", {"deepest": 8196}),
        ("200", {"recursions": 1}),
        ("200", {"full": 1}),
        ("200", {"tick_ms": 60.0}),
        ("200", {"in_irq": True}),
    ),
)
def test_a_request_that_does_not_is_out_of_bounds(status, more):
    assert figures.endpoints(asked(("status", status, more)), 45) == 1


def test_an_image_that_falls_silent_or_loses_an_interrupt_is_out_of_bounds():
    told = asked(("status", "200", {}))
    told.silent = True
    told.console = [(1.0, "uncaught exception in timer callback")]
    assert figures.endpoints(told, 45) == 2


@pytest.mark.parametrize("late, bad", ((25.0, 0), (31.0, 1), (None, 1)))
def test_a_held_request_trips_in_time(late, bad):
    told = asked(("heartbeat", "200", {}), ("log", "200", {"held": True}))
    due = told.lines[1].ms + 2500
    told.edges = [] if late is None else [(0, due + late, GPIO, "HIGH")]
    assert figures.held(told) == bad


def test_a_request_that_was_not_held_is_out_of_bounds():
    told = asked(("heartbeat", "200", {}), ("log", "200", {}))
    assert figures.held(told) == 1


@pytest.mark.parametrize("late, bad", ((29.0, 0), (116.0, 2)))
def test_a_change_near_a_deadline_is_refused_or_leaves_the_trip_in_time(late, bad):
    beat = ("heartbeat", "200", {})
    told = asked(beat, ("PATCH name", "200", {}), beat, ("PATCH name", "503", {}))
    for at, value in ((1, late), (5, 20.0)):
        told.edges.append((0, told.lines[at].ms + 2500 + value, GPIO, "HIGH"))
    assert figures.near(told, 45) == bad


@pytest.mark.parametrize(
    "status, more, bad",
    (
        ("200", {}, 0),
        ("503", {}, 1),
        ("200", {"live": 171 * 1024}, 1),
        ("200", {"hole": 19 * 1024}, 1),
    ),
)
def test_the_hour_is_bounded(status, more, bad):
    assert figures.day(asked(("status", status, more), ("log", "200", {})), 45, "frozen") == bad


def test_every_endpoint_is_asked_for(monkeypatch):
    """What routes.py answers, the client in the image asks for."""
    monkeypatch.syspath_prepend(str(image.HERE / "boards" / image.BOARD))
    import trial_requests
    from holdfast import routes

    paths = {}
    for _, method, path, _, _ in trial_requests.reads() + trial_requests.changes():
        paths.setdefault(path.partition("?")[0], set()).add(method)
    for row in "".join(routes.ROWS).split("\n"):
        words = row.split()
        if words and words[0] != "/holdfast/restart":  # it ends the life; the story has a restart
            assert paths.get(words[0], set()) & set(words[1].split(",")), row
    patterns = "".join(routes.PATTERNS).split("\n")
    for row in [row.split() for row in patterns if row]:
        like = [path for path in paths if routes._like(row[0].split("/"), path.split("/"))]
        methods = set().union(*[paths[path] for path in like]) if like else set()
        assert methods & set(row[1].split(",")), row


def test_the_hours_requests_are_among_them(monkeypatch):
    monkeypatch.syspath_prepend(str(image.HERE / "boards" / image.BOARD))
    import trial_requests

    names = [row[0] for row in trial_requests.reads() + trial_requests.changes()]
    assert len(set(names)) == len(names)
    assert set(trial_requests.DAY) <= set(names)


# --- the image -----------------------------------------------------------------------------------


def test_what_is_missing_for_the_build_is_named_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Failed) as refused:
        image.look()
    for name in ("cmake", "gcc-arm-none-eabi", "libnewlib-arm-none-eabi"):
        assert name in str(refused.value)
    with pytest.raises(Failed) as refused:
        image.fetch(None)
    assert "Debian" in str(refused.value)


def test_an_image_becomes_blocks_of_256_bytes_where_it_lies_in_flash(tmp_path):
    binary = tmp_path / "firmware.bin"
    binary.write_bytes(bytes(range(256)) + b"end")
    blocks = image.uf2(binary).read_bytes()
    assert len(blocks) == 2 * 512
    head = struct.unpack("<8I", blocks[512 : 512 + 32])
    assert head[3:7] == (0x10000100, 256, 1, 2)
    assert blocks[512 + 32 :].startswith(b"end\0")


def test_its_board_is_laid_out_as_the_tool_takes_it():
    text = (image.HERE / "boards" / image.BOARD / "board.py").read_text()
    assert "WATCHDOG_MS = %d\n" % figures.WATCHDOG_MS in text
    assert '(%d, "output", 1)' % GPIO in text
    assert package.build_of(image.BOARD, image.HERE / "boards") == image.BOARD
