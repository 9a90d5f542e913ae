"""The simulated board keeps its contract: what a user of tools/simulate.py may rely on."""

import json
import os
import random
import signal
import socket
import sys
import time

import pytest

from boards import (
    ANSWER_S,
    HEARTBEAT,
    PORT_TOPIC,
    START_S,
    STATE,
    STATUS,
    STOP_S,
    VENDOR_BEAT,
    Board,
    Figures,
    Watch,
    account,
    notification,
    output,
    settings,
    until,
    wait_for,
)

RUNTIMES = ("micropython", "cpython", "slot")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(host, port):
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True


def test_it_says_ready_once_and_serves_there(start):
    board = start()
    ready = [line for line in board.lines if line.startswith("ready")]
    assert ready == ["ready http://127.0.0.1:%d" % board.port]
    assert board.port > 0
    with board.session() as session:
        assert session.post(board.url + HEARTBEAT, VENDOR_BEAT, timeout=ANSWER_S).ok


def test_it_listens_where_it_is_told(start):
    port = free_port()
    board = start(None, "--port", port, "--host", "127.0.0.2")
    assert (board.host, board.port) == ("127.0.0.2", port)
    assert answers("127.0.0.2", port) and not answers("127.0.0.1", port)


def test_two_boards_pick_two_ports(start):
    assert start().port != start().port


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(start, signum):
    board = start()
    assert answers(board.host, board.port)
    before = time.monotonic()
    assert board.stop(signum) == 0
    assert time.monotonic() - before < STOP_S / 2
    assert not answers(board.host, board.port)


def test_ctrl_c_of_a_terminal_ends_it_with_status_0(start):
    """A terminal sends SIGINT to all processes in its foreground."""
    board = start()
    os.killpg(board.process.pid, signal.SIGINT)
    assert board.ended(STOP_S) == 0


def test_a_signal_ends_it_in_the_middle_of_work(start):
    board = start(settings(), "--connections", 12)
    with board.subscribed("//.") as _, board.connect() as half:
        half.sendall(b"POST /vapix/axhbt HTTP/1.1\r\nContent-Le")
        board.master().beat(60000)
        assert board.stop(signal.SIGTERM) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
def test_nothing_is_left_when_it_is_killed(start):
    board = start()
    board.process.kill()
    wait_for(lambda: not answers(board.host, board.port), STOP_S, "end of the board")


def test_wires_hold_their_power_on_level_before_the_port_is_open(make_board):
    port = free_port()
    ports = {
        "4": output(power_on="closed"),
        "5": output(power_on="open"),
        "6": output(power_on="open", closed_level=0),
        "7": output(power_on="closed", closed_level=0),
    }
    board = make_board(settings(ports), "--port", port)
    for gpio, left in ((0, b"1"), (5, b"1"), (6, b"0"), (7, b"garbage")):
        (board.pins / ("gpio%d" % gpio)).write_bytes(left)  # from an earlier run
    board.launch()
    wait_for(lambda: answers("127.0.0.1", port), START_S, "open port")
    assert board.levels() == "1010"
    assert board.level(0) == 1  # an input is what stands on its wire
    wait_for(lambda: board.port, START_S, "ready line")


def test_there_are_eight_wires_with_a_single_digit_each(start):
    board = start()
    assert sorted(path.name for path in board.pins.iterdir()) == ["gpio%d" % i for i in range(8)]
    assert [board.content(gpio) for gpio in range(8)] == [b"0"] * 8


def test_a_reader_never_meets_anything_but_0_or_1(start):
    board = start(settings())
    master = board.master()
    with Watch(board, 4, 5) as watch:
        for i in range(150):
            state = ("closed", "open")[i % 2]
            assert "error" not in master.set(p4=state, p5=state)
            assert board.content(4) == board.content(5) == b"%d" % (1 - i % 2)
    assert watch.contents == {b"0", b"1"}


@pytest.mark.alone
def test_inputs_are_noticed_within_20_ms(start, runtime, record_property):
    board = start(settings())
    took = []
    phase = random.Random(2)
    with board.subscribed(PORT_TOPIC, replay=8) as stream:
        for i in range(40):
            until(time.monotonic() + phase.random() / 50)
            before = board.drive(i % 4, 1 - i // 4 % 2)
            assert notification(stream) == (PORT_TOPIC, str(i % 4), str(1 - i // 4 % 2))
            took.append(time.monotonic() - before)
    figures = Figures(took)
    record_property("input to event, " + runtime, str(figures))
    print("\ninput to event, %s: %s" % (runtime, figures))
    assert figures.p50 <= 20 and figures.within(100)


def test_an_input_that_is_just_being_written_keeps_its_level(start):
    board = start(settings())
    wire = board.pins / "gpio0"
    with board.subscribed(PORT_TOPIC, replay=8) as stream:
        board.drive(0, 1)
        assert notification(stream)[1:] == ("0", "1")
        wire.write_bytes(b"")
        wire.unlink()
        board.drive(1, 1)  # the next thing heard is about the other wire
        assert notification(stream)[1:] == ("1", "1")
        wire.write_bytes(b"0\n")  # as `echo 0 >` writes it
        assert notification(stream)[1:] == ("0", "0")


def test_without_settings_root_and_pass_may_do_everything(start):
    board = start()
    master = board.master("root")
    assert "error" not in master.set(p4="closed", p7="closed")
    assert board.levels() == "1001"
    master.beat(500)
    wait_for(lambda: board.levels() == "0000")
    with board.session("root", "wrong") as session:
        assert session.get(board.url + STATUS, timeout=ANSWER_S).status_code == 401


def test_connections_are_as_many_as_asked_for(start):
    """One is always free for a newcomer, so all but one are kept."""
    board = start(settings(), "--connections", 8)
    masters = [board.master(name) for name in ("root", "door", "vms")] * 1
    masters += [board.master("guest") for _ in range(4)]
    for _ in range(3):
        for master in masters:
            master.status()
    assert [master.connects for master in masters] == [1] * 7


@pytest.mark.parametrize("count", ["0", "1", "-3", "many"])
def test_a_board_has_at_least_two_connections(make_board, count):
    board = make_board(None, "--connections", count).launch()
    assert board.ended(START_S) != 0
    assert "--connections" in board.log and "Traceback" not in board.log


BAD_SETTINGS = {
    "settings.nmae": {"nmae": "x"},
    "settings.name": {"name": 7},
    "settings.realm": {"realm": 'a"b'},
    "settings.accounts": {"accounts": {}},
    "settings.accounts[0].role": {"accounts": [account("a", "king")]},
    "settings.accounts[0].md5": {"accounts": [dict(account("a"), md5="00")]},
    "settings.accounts[0].password": {"accounts": [account("a", **{"password": "x"})]},
    "settings.accounts[1].name": {"accounts": [account("a"), account("a")]},
    "settings.ports.8": {"ports": {"8": {}}},
    "settings.ports.0.fallback": {"ports": {"0": {"fallback": {}}}},
    "settings.ports.4.power_on": {"ports": {"4": {"power_on": "hold"}}},
    "settings.ports.4.fallback.master": {"ports": {"4": {"fallback": {"master": "x"}}}},
    "settings.ports.4.fallback.steps": {"ports": {"4": {"fallback": {"steps": []}}}},
    "settings.ports.4.fallback.steps[0].after": {
        "ports": {"4": {"fallback": {"steps": [{"after": 0.5}]}}}
    },
    "settings.ports.4.fallback.on_return": {"ports": {"4": {"fallback": {"on_return": 1}}}},
    "settings.heartbeat.longest": {"heartbeat": {"longest": 0}},
}
BAD_SETTINGS["settings.accounts[0].password"]["accounts"][0]["password"] = "x"


@pytest.mark.parametrize("key", BAD_SETTINGS)
def test_bad_settings_are_refused_by_name(tmp_path, key):
    """Before either interpreter is started."""
    board = Board(tmp_path, None, BAD_SETTINGS[key]).launch()
    try:
        assert board.ended(START_S) != 0
    finally:
        board.kill()
    (line,) = board.lines
    assert line.startswith("simulate: ") and key + ":" in line and "settings.json" in line


def test_settings_that_are_no_json_or_not_there_are_refused(make_board):
    for content in (None, b"", b'{"name": "a"', b"\xff\xfe"):
        board = make_board({})
        path = board.folder / "settings.json"
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        assert board.launch().ended(START_S) != 0
        (line,) = board.lines
        assert line.startswith("simulate: ") and str(path) in line


def test_settings_may_lie_in_the_boards_flash(start, tmp_path):
    flash = tmp_path / "flash"
    flash.mkdir()
    (flash / "settings.json").write_text(json.dumps(settings({"4": output(power_on="closed")})))
    board = start(None, "--data", flash)
    assert board.levels() == "1000"
    board.master("door").beat(60000)


def test_the_heap_of_micropython_is_bounded(make_board, runtime):
    board = make_board(None, "--heap", "10k").launch()
    if runtime == "cpython":
        wait_for(lambda: board.port, START_S, "ready line")
        assert any("CPython ignores" in line for line in board.lines)
    else:
        assert board.ended(START_S) != 0
        assert "MemoryError" in board.log
        board.lines.clear()  # a trace is all that is to be had so early
        assert not board.port


def test_it_serves_in_the_heap_of_a_board(start):
    """Which has about 190 KB."""
    board = start(settings(), "--heap", "134k", "--connections", 8)
    masters = [board.master(name) for name in ("root", "door", "vms", "guest")]
    with (
        board.subscribed("//.", replay=STATE) as one,
        board.subscribed("//.", replay=STATE) as two,
    ):
        for i in range(100):
            for master in masters[:3]:
                master.beat(60000)
            masters[3].status()
            masters[0].set(p4=("closed", "open")[i % 2])
            for stream in (one, two):
                for _ in range(3):
                    notification(stream)
    assert [master.connects for master in masters] == [1] * 4


def test_an_address_that_is_taken_is_said_plainly(start, make_board):
    first = start()
    second = make_board(None, "--port", first.port).launch()
    assert second.ended(START_S) != 0
    assert any("cannot listen" in line and str(first.port) in line for line in second.lines)
    assert "Traceback" not in second.log


def test_without_micropython_it_says_so_and_runs_under_cpython(tmp_path):
    """A Python with no MicroPython beside it, and none on PATH. Its output is a pipe, as it is for
    any program that waits for the ready line."""
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    python = os.path.realpath(sys.executable)
    board = Board(tmp_path, None, python=python, environment=environment).launch()
    try:
        wait_for(lambda: board.port, START_S, "ready line")
        notice, ready = board.lines
        assert "no MicroPython" in notice and "CPython" in notice
        assert board.stop() == 0
    finally:
        board.kill()
