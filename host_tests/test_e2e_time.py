"""The time from an NTP server, which may say what it likes: no deadline hangs on it."""

import json
import socket
import struct
import threading
import time
from datetime import datetime
from email.utils import parsedate_to_datetime

import pytest

from boards import (
    ANSWER_S,
    OUTPUT_TOPIC,
    STATUS,
    TOKEN,
    Master,
    Programmed,
    configure,
    output,
    settings,
    wait_for,
)

YEARS_MS = 10 * 365 * 86400 * 1000


class Server:
    """An NTP server that is `ahead` ms ahead of this machine, or says what `spoil` makes of it."""

    def __init__(self, ahead=0, spoil=None):
        self.ahead = ahead
        self.spoil = spoil
        self.asked = 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(1024)
            except OSError:
                return
            if not data:
                return
            self.asked += 1
            ms = int(time.time() * 1000) + self.ahead
            stamp = (ms // 1000 + 2208988800) % (1 << 32), (ms % 1000 << 32) // 1000
            head = struct.pack("!BBbbII4s8s", 0x24, 2, 6, -20, 0, 0, b"abcd", bytes(8))
            answer = head + data[40:48] + struct.pack("!IIII", *(stamp + stamp))
            if self.spoil:
                answer = self.spoil(answer)
            if answer:
                self.sock.sendto(answer, peer)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *problem):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", self.sock.getsockname())
        self.thread.join()
        self.sock.close()


def test_clients_are_told_the_time_that_the_module_has(start):
    with Server(YEARS_MS) as server:
        board = start(settings(time={"server": server.address}))

        def told():
            with board.session("guest") as session:
                call = {"apiVersion": "1.0", "method": "getDateTimeInfo"}
                url = board.url + "/axis-cgi/time.cgi"
                answer = session.post(url, json=call, timeout=ANSWER_S).json()
            moment = datetime.fromisoformat(answer["data"]["dateTime"]).timestamp()
            return abs(moment - time.time() - YEARS_MS / 1000) < 60

        wait_for(told, what="the time of the server")


def log_of(board):
    with board.session() as session:
        return session.get(board.url + "/holdfast/log?limit=64", timeout=ANSWER_S).json()


def clock_entries(board):
    return [entry for entry in log_of(board)["entries"] if entry["kind"] == "clock"]


def test_ten_years_ahead_are_told_and_move_no_deadline(start):
    with Server(YEARS_MS) as server:
        ports = {"4": output(steps=[{"state": "closed"}])}
        board = start(settings(ports, time={"server": server.address}))
        (entry,) = wait_for(lambda: clock_entries(board), what="clock entry")
        wanted = int(time.time() * 1000) + YEARS_MS
        assert abs(entry["time"] - wanted) < 60000
        master = Master(board.host, board.port, "door")
        master.beat(1500)
        wait_for(lambda: board.level(4) == 1, 6, "fallback")
        assert time.monotonic() - master.sent_at >= 1.5
        master.close()
        with board.session() as session:
            trips = session.get(board.url + STATUS, timeout=ANSWER_S).json()["trips"]
        assert trips["count"] == 1


def test_servers_that_say_no_or_nonsense_are_not_believed_and_the_log_says_why(start):
    for why, spoil in (
        ("the answer belongs to another question", lambda answer: answer[:12] + answer[:36]),
        (
            "the server is not synchronized (leap indicator 3)",
            lambda answer: b"\xe4" + answer[1:],
        ),
        (
            "the server is not synchronized (stratum 16)",
            lambda answer: answer[:1] + b"\x10" + answer[2:],
        ),
        (
            "the server was asked too often (RATE)",
            lambda answer: answer[:1] + b"\0" + answer[2:12] + b"RATE" + answer[16:],
        ),
        (
            "the answer belongs to another question",
            lambda answer: answer[:24] + b"whatever" + answer[32:],
        ),
        ("the answer is none of NTP version 3 or 4", lambda answer: b"x" * 500),
        ("the answer is too short", lambda answer: b"x"),
        ("no answer within 2 s", lambda answer: None),
    ):
        with Server(YEARS_MS, spoil) as server:
            board = start(settings(time={"server": server.address}))
            (entry,) = wait_for(lambda b=board: clock_entries(b), what="clock entry")
            assert entry["text"] == "no time: %s (127.0.0.1)" % why
            assert abs(entry["time"] - time.time() * 1000) < 60000
            assert board.stop() == 0


def test_a_server_that_denies_is_not_asked_again(start):
    def deny(answer):
        return answer[:1] + b"\0" + answer[2:12] + b"DENY" + answer[16:]

    with Server(0, deny) as server:
        board = start(settings(time={"server": server.address}))
        (entry,) = wait_for(lambda: clock_entries(board), what="clock entry")
        why = "the server refuses to be asked (DENY), and is not asked again"
        assert entry["text"] == "no time: %s (127.0.0.1)" % why
        assert server.asked == 1


@pytest.fixture
def timeless(runtime, tmp_path):
    """A function(config) that gives a running board whose clock nobody has set, as a chip's."""
    prologue = "import holdfast.hal.simulated\nholdfast.hal.simulated.wall_ms = None"
    board = None

    def start(config):
        nonlocal board
        board = Programmed(tmp_path / "board", runtime, prologue, config, tmp_path / "flash")
        return board.start()

    yield start
    if board is not None:
        board.kill()
        assert "Traceback" not in board.log, board.log


def date_of(answer):
    """UTC in s that an answer tells, None for none."""
    text = answer.headers.get("Date")
    return None if text is None else parsedate_to_datetime(text).timestamp()


def timestamps(stream, count):
    """Those of the next events, in ms."""
    said = [json.loads(stream.recv(ANSWER_S))["params"]["notification"] for _ in range(count)]
    return [one["timestamp"] for one in said]


def test_while_the_time_is_not_known_there_is_no_date_and_timestamps_count_from_the_start(
    timeless,
):
    board = timeless(settings())
    with board.session() as session:
        for path in (STATUS, TOKEN, "/nowhere", "/", "/holdfast/log"):
            answer = session.get(board.url + path, timeout=ANSWER_S)
            assert date_of(answer) is None, path
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        up = session.get(board.url + STATUS, timeout=ANSWER_S).json()
        assert up["epoch_ms"] == 0
    with board.open_stream() as stream:
        assert "Date" not in stream.response.headers
        configure(stream, OUTPUT_TOPIC)
        assert all(0 <= ms <= 60000 for ms in timestamps(stream, 4))
        board.master().set(p4="closed")
        (changed,) = timestamps(stream, 1)
        assert up["now"] <= changed <= up["now"] + 60000


def test_once_the_time_is_known_it_is_in_every_answer_and_in_earlier_events(timeless):
    with Server(YEARS_MS) as server:
        board = timeless(settings(time={"server": server.address}))
        ahead = time.time() + YEARS_MS / 1000

        def dated():
            with board.session() as session:
                found = date_of(session.get(board.url + STATUS, timeout=ANSWER_S))
            return found is not None and abs(found - ahead) < 60

        wait_for(dated, what="the date")
        with board.open_stream() as stream:
            found = parsedate_to_datetime(stream.response.headers["Date"]).timestamp()
            assert abs(found - ahead) < 60
            configure(stream, OUTPUT_TOPIC)
            # They became what they are before the time was known.
            assert all(abs(ms / 1000 - ahead) < 60 for ms in timestamps(stream, 4))


def test_the_date_of_a_heartbeat_moves_on_with_each_second(start):
    """Its answer is kept for as long as the session lives, but for that."""
    board = start(settings())
    with board.session("door") as session:
        ids, late = set(), []
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            body = '{"axhbt:Heartbeat":{"Duration":60000}}'
            before = int(time.time())
            answer = session.post(board.url + "/vapix/axhbt", data=body, timeout=ANSWER_S)
            ids.add(answer.json()["SessionId"])
            late.append(date_of(answer))
            assert before <= late[-1] <= time.time()
            time.sleep(0.1)
    assert len(ids) == 1 and len(set(late)) >= 2
