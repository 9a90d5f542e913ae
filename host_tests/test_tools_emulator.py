"""`make emulator` judges what a chip did: a story that is not as it should be is told from one
that is, and what a machine lacks is named. The emulator itself does not run here.
"""

import shutil
import struct

import emulator
import package
import pytest

WORD = 0xBA00001F
CLOSED = 1 << emulator.GPIO
DRIVEN = 0b1111 << 6


def story():
    """A chip's two lives, with the watchdog between, as they should be."""
    told = emulator.Story()
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
    told.lines = [(life, ms, text.split()) for life, ms, text in lines]
    told.edges = [
        (0, 2049.0, emulator.KEPT, "HIGH"),
        (0, 2371.0, emulator.GPIO, "HIGH"),
        (1, 10200.0, emulator.GPIO, "HIGH"),
    ]
    told.resets = [10109.0]
    return told


def replace(told, life, name, text):
    told.lines = [
        (at, ms, text.split() if (at, words[0]) == (life, name) else words)
        for at, ms, words in told.lines
    ]


def test_a_story_as_it_should_be_has_nothing_out_of_bounds(capsys):
    assert emulator.report(story(), 777 * 1024) == 0
    assert "BAD" not in capsys.readouterr().out


def test_outputs_that_stay_open_after_the_watchdogs_reset_are_out_of_bounds():
    told = story()
    told.edges.pop()
    replace(told, 1, "pins", "pins 0 %d" % DRIVEN)
    assert emulator.report(told, 777 * 1024) == 2


@pytest.mark.parametrize(
    "life, name, text",
    (
        (0, "rest", "rest 90000 125000"),
        (0, "answered", "answered 401"),
        (0, "word", "word 31"),
        (1, "begin", "begin 1 %d" % WORD),
        (1, "pins", "pins %d %d" % (CLOSED, 1 << 6)),
        (1, "pins", "pins %d %d" % (CLOSED | 1 << emulator.KEPT, DRIVEN)),
        (1, "end", "error ValueError"),
    ),
)
def test_each_thing_that_is_not_as_it_should_be_counts(life, name, text):
    told = story()
    replace(told, life, name, text)
    assert emulator.report(told, 777 * 1024) > 0


@pytest.mark.parametrize("ms", (2091.0, 2339.9, 2397.1))
def test_a_trip_before_its_time_or_too_late_is_out_of_bounds(ms):
    told = story()
    told.edges[1] = (0, ms, emulator.GPIO, "HIGH")
    assert emulator.report(told, 777 * 1024) > 0


def test_a_watchdog_that_does_not_bite_is_out_of_bounds():
    told = story()
    told.resets = []
    assert emulator.report(told, 777 * 1024) > 0


def test_an_image_that_says_nothing_is_no_success():
    with pytest.raises(emulator.Failed):
        emulator.report(emulator.Story(), 777 * 1024)


def test_what_is_missing_for_the_build_is_named_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(emulator.Failed) as refused:
        emulator.look()
    for name in ("cmake", "gcc-arm-none-eabi", "libnewlib-arm-none-eabi"):
        assert name in str(refused.value)
    with pytest.raises(emulator.Failed) as refused:
        emulator.fetch(None)
    assert "Debian" in str(refused.value)


def test_an_image_becomes_blocks_of_256_bytes_where_it_lies_in_flash(tmp_path):
    image = tmp_path / "firmware.bin"
    image.write_bytes(bytes(range(256)) + b"end")
    blocks = emulator.uf2(image).read_bytes()
    assert len(blocks) == 2 * 512
    head = struct.unpack("<8I", blocks[512 : 512 + 32])
    assert head[3:7] == (0x10000100, 256, 1, 2)
    assert blocks[512 + 32 :].startswith(b"end\0")


def test_its_board_is_laid_out_as_the_tool_takes_it():
    text = (emulator.HERE / "boards" / emulator.BOARD / "board.py").read_text()
    assert "WATCHDOG_MS = %d\n" % emulator.WATCHDOG_MS in text
    assert '(%d, "output", 1)' % emulator.GPIO in text
    assert package.build_of(emulator.BOARD, emulator.HERE / "boards") == emulator.BOARD
