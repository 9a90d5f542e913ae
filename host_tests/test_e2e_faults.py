"""Faults put into the running module: what happens at the wires, and what is told afterwards.

A fault is put in by the program that starts the board, which replaces one function of the
firmware before `boot.py` runs; the firmware itself has no door for it.
"""

import os
import re
import signal
import sys
import time

import interpreters
import pytest
import reckoning
from holdfast.core.crashloop import Restart

from boards import (
    RELAY_TOPIC,
    STATUS,
    Master,
    Programmed,
    Watch,
    configure,
    notification,
    output,
    settings,
    wait_for,
)

PORTS = {
    "4": output("door", "restore", power_on="closed"),
    "5": output("door", steps=[{"state": "closed"}]),
}
DURATION_MS = 300

# Each replaces what a GET of the status does, so that a client sets it off.
FAULTS = {
    "blocks": "while True: pass",
    "sleeps": "import time; time.sleep(1.5)",
    "raises": "raise SystemExit(9)",
}
PROLOGUE = """
import holdfast.rest.status as status
real = status.StatusService.get
def fault(self, caller, request, now):
    if request.query == "now":
        %s
    return real(self, caller, request, now)
status.StatusService.get = fault
"""


def Faulty(folder, runtime, fault, data):  # noqa: N802
    """A board with a fault put in, that has this flash."""
    return Programmed(folder, runtime, PROLOGUE % FAULTS[fault], settings(PORTS), data)


@pytest.fixture
def faulty(tmp_path):
    """A function(runtime, fault) that starts such a board; again: with the same flash."""
    made = []

    def start(runtime, fault):
        if runtime == "micropython" and interpreters.micropython() is None:
            pytest.skip("no MicroPython for this machine (set MICROPYTHON)")
        board = Faulty(tmp_path / ("b%d" % len(made)), runtime, fault, tmp_path / "flash")
        made.append(board)
        return board.start()

    yield start
    for board in made:
        board.kill()


def set_off(board):
    """Have the fault happen, and do not wait for an answer; the client, to be kept."""
    master = Master(board.host, board.port)
    master.send("GET", STATUS + "?now")
    return master


CONTENT = """
import holdfast.vapix.stream as stream
def fault(self, text):
    raise %s
stream.EventStream._content = fault
"""


@pytest.mark.parametrize("error", ["MemoryError", "RuntimeError"])
def test_a_stream_says_so_where_the_module_fails_and_goes_on(runtime, tmp_path, error):
    config = settings({"4": {}})
    board = Programmed(tmp_path / "b", runtime, CONTENT % error, config, tmp_path / "flash")
    try:
        board.start()
        with board.subscribed(RELAY_TOPIC, replay=4) as stream:
            answer = configure(stream, {"contentFilter": "boolean(//SimpleItem)"})
            assert answer == {
                "apiVersion": "1.0",
                "context": "test",
                "method": "events:configure",
                "error": {"code": 1100, "message": "Internal error"},
            }
            board.master().set(p4="closed")  # the filters are those before
            assert notification(stream) == (RELAY_TOPIC, "4", "active")
        # What is no want of memory is a fault of ours, and told on the console.
        assert (error in board.log) == (error == "RuntimeError"), board.log
    finally:
        board.kill()


@pytest.mark.alone
def test_a_loop_that_is_blocked_for_ever_does_not_keep_outputs_from_their_fallback(
    faulty, record_property
):
    """CPython alone: a thread stands in for the hard timer, see hal/simulated.py."""
    board = faulty("cpython", "blocks")
    door = board.master("door")
    with Watch(board, 4, 5) as watch:
        door.beat(DURATION_MS)
        sent = door.sent_at
        client = set_off(board)
        fell = watch.next(4, 0, sent)
        rose = watch.next(5, 1, sent)
    client.close()
    late = max(fell, rose) - sent - DURATION_MS / 1000
    record_property("trip to pin with the loop blocked", "%.1f ms" % (late * 1000))
    print("\ntrip to pin with the loop blocked for ever: %.1f ms" % (late * 1000))
    assert 0 <= late < 0.3
    # Killed, as the watchdog would: the next life begins in fallback.
    board.kill()
    board = faulty("cpython", "blocks")
    assert board.levels()[:2] == "01"
    assert "watchdog" in board.master().status()["start"]["why"]


@pytest.mark.alone
def test_a_loop_that_comes_back_agrees_with_its_alarm(faulty):
    board = faulty("cpython", "sleeps")
    door = board.master("door")
    with Watch(board, 4) as watch:
        door.beat(DURATION_MS)
        sent = door.sent_at
        client = set_off(board)
        assert watch.next(4, 0, sent) - sent < 1.2  # while it slept
        wait_for(lambda: board.master().status()["lost"])
        (trip,) = board.master().status()["trips"]["latest"]
        assert "its alarm acted" in trip["why"]
        assert trip["moved"] - trip["due"] < 300
        hung = int(re.search(r"hung for (\d+) ms", trip["why"])[1])
        assert hung >= 1000
        assert len(watch.since(4, sent)) == 1
        client.close()
        door.beat(60000)
        assert board.level(4) == 1


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_an_application_that_ends_leaves_fallback_behind_and_the_next_begins_with_it(
    faulty, runtime
):
    board = faulty(runtime, "raises")
    board.master("door").beat(60000)
    client = set_off(board)
    assert board.ended(5) == 9
    client.close()
    assert board.levels()[:2] == "01"
    board = faulty(runtime, "raises")
    assert board.levels()[:2] == "01"


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_killed_at_any_moment_of_the_start_it_ends_up_safe(tmp_path, runtime, record_property):
    """Killed after so many ms, again and again: the wires are never anything but open, power-on,
    or the fallback; crashes in a row end in safe mode."""
    data = tmp_path / "flash"
    seen = set()
    for ms in (5, 20, 40, 80, 120, 160, 200, 300):
        board = Faulty(tmp_path / ("k%d" % ms), runtime, "blocks", data).launch()
        until = time.monotonic() + ms / 1000
        while time.monotonic() < until:
            time.sleep(0.001)
        os.kill(board.process.pid, signal.SIGKILL)
        board.ended(5)
        files = [board.pins / ("gpio%d" % gpio) for gpio in (4, 5)]
        if all(path.exists() for path in files):
            seen.add(b"".join(path.read_bytes()[:1] for path in files))
    assert seen <= {b"", b"00", b"0", b"10", b"01", b"11"}
    kept = data / "retained"
    word = int(kept.read_text(), 16) if kept.exists() else None
    board = Faulty(tmp_path / "last", runtime, "blocks", data).launch()
    try:
        told = r"ready http|safe mode http|outputs only"
        wait_for(lambda: re.search(told, board.log), 10, "end of the start")
        if word is None:
            assert board.levels()[:2] == "10"
        elif "outputs only" in board.log:  # what was known of the fallback when it was killed
            assert board.levels()[:2] in ("01", "00")
            assert Restart("watchdog", word).bare()
        else:
            assert board.levels()[:2] == "01"
            assert Restart("watchdog", word).safe_mode() == ("safe mode" in board.log)
    finally:
        board.kill()


def test_settings_flipped_bit_by_bit_or_cut_byte_by_byte_never_stop_the_start(tmp_path):
    """In one process each: whatever became of the file, the module starts, with the copy before
    or with every output open. Every bit of every byte at night, else one bit of each."""
    script = tmp_path / "flip.py"
    paths = [str(path) for path in interpreters.IMPORTS]
    script.write_text(FLIP % (paths, "HOLDFAST_NIGHTLY" in os.environ))
    for interpreter in filter(None, (sys.executable, interpreters.micropython())):
        result = reckoning.run([interpreter, script], 600)
        assert result.returncode == 0, result.stdout[-500:] + result.stderr[-2000:]
        assert result.stdout.strip().splitlines()[-1].startswith("started "), result.stdout[-300:]


FLIP = """
import sys
sys.path[:0] = %r
from holdfast.hal import simulated
from holdfast.settings.format import seal
from holdfast.wire.dump import dumps
from holdfast.lifecycle import Life
import holdfast.hal.storage

row = {"name": "a", "role": "operator", "md5": "0" * 32, "sha256": "0" * 64}
ports = {"1": {"power_on": "closed", "fallback": {"steps": [{"state": "closed"}]}}}
good = seal(dumps({"name": "N", "accounts": [row], "ports": ports}))

class Board:
    PORTS = ((0, "input", 1), (4, "output", 1))
    PINS = None
    SWITCH = ""
    DATA = None

files = {}
class Storage:
    def __init__(self, board):
        pass
    def read(self, name):
        return files.get(name)

simulated.Storage = Storage
import builtins
silent = lambda *words: None
started = 0

def start(data):
    global started
    files["settings.json"] = data
    from holdfast.start import start
    pins = simulated.Pins(Board)
    clock, store, settings, module = start(Board, simulated, pins)
    assert bytes(pins._levels)[1] in (0, 1)
    if store.name == "settings.json" and settings.accounts:
        assert module.fallback_levels[1] == 1
    else:
        assert module.fallback_levels[1] == 0 and not settings.accounts
    started += 1

import holdfast.settings.saving as saving
for cut in range(len(good) + 1):
    start(good[:cut])
for at in range(len(good)):
    for bit in range(8) if %r else (at %% 8,):
        start(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
print("started", started)
"""
