"""What strangers and viewers can do to others: nobody gets a wrong answer, no heartbeat is lost.
The attackers are those of attacks.py, in a process of their own.
"""

import contextlib
import hashlib
import http.client
import itertools
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import attacks
import certificates
import pytest
import slowed
from conftest import RUNTIMES
from simulate import free_port

from boards import (
    ANSWER_S,
    HEARTBEAT,
    STATUS,
    Credentials,
    account,
    beat_body,
    settings,
    wait_for,
)

HERE = Path(__file__).resolve().parent
NIGHTLY = "HOLDFAST_NIGHTLY" in os.environ
TRIES = 10000 if NIGHTLY else 500


@contextlib.contextmanager
def attacked(board, name, tls_port=None, count=None, addresses=1):
    """While this attack goes on; a function that ends it (or, with a count, waits for its end) and
    gives its report.
    """
    command = [sys.executable, str(HERE / "attacks.py"), name, board.url]
    if tls_port:
        command += ["--tls-port", str(tls_port)]
    command += ["--addresses", str(addresses)]
    if count:
        command += ["--count", str(count)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    def over():
        text = process.stdout.readline() if count else ""
        text = text or process.communicate(timeout=4 * ANSWER_S)[0]
        return json.loads(text)

    try:
        first = process.stdout.readline()
        assert first == "attacking\n", first + process.stdout.read()
        yield over
    finally:
        process.kill()
        process.wait()


class Victim:
    """A client that connects for every request and counts the answers that are not its own."""

    def __init__(self, connect, exchange):
        self.connect = connect
        self.exchange = exchange  # a function(connection, number): what is wrong, or None
        self.asked = self.closed = 0
        self.wrong = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ended.is_set():
            connection = self.connect()
            try:
                problem = self.exchange(connection, self.asked)
            except (OSError, http.client.HTTPException):
                self.closed += 1  # places are few, and whose turn it is, is another question
            else:
                self.asked += 1
                if problem:
                    self.wrong.append(problem)
            finally:
                connection.close()

    def stop(self):
        self.ended.set()
        self.thread.join(2 * ANSWER_S)


def ask(connection, method, path, body=None, **headers):
    """(status, body) of one request."""
    headers = {name.capitalize(): value for name, value in headers.items()}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def wrong(got, status, part=b""):
    return None if got[0] == status and part in got[1] else got


@pytest.fixture
def exposed(start, tmp_path):
    """A function(*options) that gives a board with monitors and TLS, and its port for TLS."""

    def exposed(*options):
        flash = tmp_path / "flash"
        exposed.trusted = certificates.install(flash)
        tls_port = free_port("127.0.0.1")
        tokens = [
            {"name": name, "role": role, "sha256": hashlib.sha256(name.encode()).hexdigest()}
            for name, role in (("maker", "operator"), ("reader", "viewer"))
        ]
        config = settings(
            accounts=[account("cam")], monitors={"tokens": tokens}, tls={"http": True}
        )
        board = start(config, "--data", flash, "--tls-port", tls_port, *options)
        return board, tls_port

    return exposed


def test_nothing_that_is_pipelined_reaches_anybody_else(exposed, runtime, record_property):
    """Every kind of answer, half a request behind it, and four strangers to the attacker."""
    board, tls_port = exposed("--connections", 24)
    address = (board.host, board.port)
    made = http.client.HTTPConnection(*address, timeout=ANSWER_S)
    for name in ("oven", "mill"):
        body = json.dumps({"service_id": "s", "name": name})
        kind = {"Authorization": "Bearer maker", "Content-Type": "application/json"}
        made.request("POST", "/v1/heartbeat", body, kind)
        assert made.getresponse().read().startswith(b"{")
    credentials = []
    context = ssl.create_default_context(cafile=exposed.trusted)
    sessions = set()

    def plain():
        return http.client.HTTPConnection(*address, timeout=ANSWER_S)

    def secure():
        return http.client.HTTPSConnection(board.host, tls_port, timeout=ANSWER_S, context=context)

    def beat(connection, number):
        if not credentials:
            credentials.append(Credentials(board.url, "door"))  # of this thread
        value = credentials[0].header("POST", HEARTBEAT)
        got = ask(connection, "POST", HEARTBEAT, beat_body(60000), authorization=value)
        problem = wrong(got, 200, b'"SessionId"')
        if problem is None:
            sessions.add(json.loads(got[1])["SessionId"])
        return problem

    def list_monitors(connection, number):
        got = ask(connection, "GET", "/v1/service/s/heartbeats", authorization="Bearer reader")
        return wrong(got, 200, b"mill")

    def be_nobody(connection, number):
        return wrong(ask(connection, "GET", "/nowhere/%d" % number), 404)

    def be_refused(connection, number):
        return wrong(ask(connection, "GET", STATUS), 401)

    victims = {
        "plain": Victim(plain, be_nobody),
        "master": Victim(plain, beat),
        "TLS": Victim(secure, be_refused),
        "bearer": Victim(plain, list_monitors),
    }
    try:
        with attacked(board, "smuggle", count=TRIES) as over:
            report = over()
    finally:
        for victim in victims.values():
            victim.stop()
    counts = {name: (victim.asked, victim.closed) for name, victim in victims.items()}
    print("\n%s, %s: %s, (answered, closed) %s" % (runtime, TRIES, report["statuses"], counts))
    record_property("answers beside smuggled bytes, " + runtime, str(counts))
    assert [victim.wrong for victim in victims.values()] == [[]] * len(victims)
    assert len(sessions) == 1
    assert min(victim.asked for victim in victims.values()) > 20
    with board.session() as session:
        accounts = session.get(board.url + "/holdfast/settings", timeout=ANSWER_S).json()
        assert "evil" not in json.dumps(accounts)


# -- masters --------------------------------------------------------------------------------------

SOAP_BEAT = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    '<h:Heartbeat xmlns:h="http://www.axis.com/vapix/ws/Heartbeat">'
    "<h:Duration>%d</h:Duration></h:Heartbeat></s:Body></s:Envelope>"
)
KINDS = ("kept", "each", "soap", "tls")


class Beating:
    """A master in a thread: a heartbeat each third of its Duration; counts the losses that are
    none of its fault. An attempt that fails is followed by the next one at once.

    kind: `kept`, one connection, JSON; `each`, a connection and a challenge for each heartbeat;
    `soap`, kept; `tls`, kept.
    """

    def __init__(self, kind, board, tls, duration_ms):
        self.kind = kind
        self.duration_ms = duration_ms
        self.beats = self.connects = self.losses = 0
        self.unanswered = 0  # attempts that had a place
        self.worst = 0  # s from one answer to the next
        self.late = 0  # s from the moment for a heartbeat to its answer
        self.problems = []
        self.host = board.host
        self.port, self.context = tls if kind == "tls" else (board.port, None)
        self.name = {"kept": "door", "each": "vms", "soap": "root", "tls": "cam"}[kind]
        self.url = board.url
        self.path = "/vapix/services" if kind == "soap" else HEARTBEAT
        self.body = SOAP_BEAT % duration_ms if kind == "soap" else beat_body(duration_ms)
        self.source = "127.0.0.%d" % (10 + KINDS.index(kind))
        self.connection = None
        self.session = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def connect(self):
        options = {"timeout": self.duration_ms / 3000, "source_address": (self.source, 0)}
        if self.context:
            options["context"] = self.context
            options["timeout"] *= 2  # for the handshake
            made = http.client.HTTPSConnection(self.host, self.port, **options)
        else:
            made = http.client.HTTPConnection(self.host, self.port, **options)
        made.connect()
        self.connects += 1
        return made

    def beat(self):
        """One heartbeat; what is said of the session."""
        if self.connection is None:
            self.connection = self.connect()
        if self.kind == "each":
            got = ask(self.connection, "POST", self.path, self.body)
            assert got[0] == 401, got
        value = self.credentials.header("POST", self.path)
        got = ask(self.connection, "POST", self.path, self.body, authorization=value)
        if got[0] == 401:  # the nonce is old
            self.credentials = Credentials(self.url, self.name)
            raise OSError("stale")
        assert got[0] == 200, got
        return got[1]

    def run(self):
        self.credentials = Credentials(self.url, self.name)
        next_at = time.monotonic()
        answered_at = None
        while not self.ended.is_set():
            try:
                session = self.beat()
            except (OSError, http.client.HTTPException):
                self.unanswered += self.connection is not None
                self.close()
                continue
            except Exception as error:
                self.problems.append(repr(error))
                break
            now = time.monotonic()
            self.beats += 1
            self.late = max(self.late, now - next_at)
            if answered_at is not None:
                self.worst = max(self.worst, now - answered_at)
            answered_at = now
            if self.session not in (None, session):
                self.losses += 1
            self.session = session
            if self.kind == "each":
                self.close()
            next_at = max(next_at + self.duration_ms / 3000, now)
            self.ended.wait(max(0, next_at - now))
        self.close()

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def stop(self):
        self.ended.set()
        self.thread.join(2 * ANSWER_S)

    def figures(self):
        text = "%s: %d beats, %d connections, %d lost, %d unanswered, %.2f s at most"
        counts = self.beats, self.connects, self.losses, self.unanswered
        return text % (self.kind, *counts, self.worst)


class Queue:
    """The kernel's queue of connections that the board has yet to take, looked at in a thread. A
    SYN that finds it full is dropped, and sent again after a second.
    """

    def __init__(self, board, places):
        self.full_s = 0  # the longest that it was full
        self._row = b":%04X 00000000:0000 0A 00000000:" % board.port
        self._full = places + 1  # as Linux has it
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        file = os.open("/proc/net/tcp", os.O_RDONLY)
        since = None
        while not self._ended.wait(LOOK_S):
            rows = os.pread(file, 8192, 0)  # those that listen come first
            count = int(rows[rows.index(self._row) + len(self._row) :][:8], 16)
            now = time.monotonic()
            if count < self._full:
                since = None
            elif since is None:
                since = now
            else:
                self.full_s = max(self.full_s, now - since)
        os.close(file)

    def stop(self):
        self._ended.set()
        self._thread.join(ANSWER_S)


LOOK_S = 0.001
SYN_S = 1  # until a SYN is sent again
PLACES = 5
NAMES = sorted(set(attacks.ATTACKS) - {"smuggle"})
DURATIONS = (2000, 3000, 6000, 10000) if NIGHTLY else (2000,)
MANY = 32  # attackers' addresses; each has places of its own
# Whoever connects for each heartbeat and has this Duration (ms) or a longer one has time to wait
# for the answer: none that has a place may be left without.
SURE_MS = 10000
# An attack goes on for so long, or for two Durations, in each of which a master beats three times.
LEAST_S = 10 if NIGHTLY else 4


def cells():
    """(runtime, Duration, addresses): CPython meets many addresses with the shortest one alone."""
    for runtime, duration_ms, addresses in itertools.product(RUNTIMES, DURATIONS, (1, MANY)):
        alone = runtime == "cpython" and duration_ms > min(DURATIONS)
        if addresses == 1 or NIGHTLY and not alone:
            yield runtime, duration_ms, addresses


def masters_under(name, board, tls, duration_ms, addresses):
    """(a master of each kind that lives while this attack goes on, a Queue, a text of figures): of
    those that keep their connection none loses its session.
    """
    masters = [Beating(kind, board, tls, duration_ms) for kind in KINDS]
    try:
        wait_for(lambda: min(master.beats for master in masters), 4 * ANSWER_S, "heartbeats")
        with attacked(board, name, tls[0], addresses=addresses) as over:
            queue = Queue(board, PLACES)
            time.sleep(max(LEAST_S, 2 * duration_ms / 1000))
            queue.stop()
            report = over()
    finally:
        for master in masters:
            master.stop()
    figures = "; ".join([master.figures() for master in masters])
    figures += "; queue full for %.2f s; %s" % (queue.full_s, report)
    for master in masters:
        assert master.problems == []
        assert master.kind == "each" or master.losses == 0, figures
    return masters, queue, figures


def exposed_tls(exposed):
    """A board with five places and the socket buffers of a chip, and how TLS gets there."""
    board, tls_port = exposed("--connections", PLACES, "--socket-bytes", 6400)
    return board, (tls_port, ssl.create_default_context(cafile=exposed.trusted))


@pytest.mark.alone
@pytest.mark.nightly("cpython")
@pytest.mark.parametrize(
    ("runtime", "duration_ms", "addresses"), list(cells()), indirect=["runtime"]
)
@pytest.mark.parametrize("name", NAMES)
def test_no_attack_costs_a_master_its_session(
    exposed, runtime, record_property, name, duration_ms, addresses
):
    """A master that connects for each heartbeat may find all places taken: its TCP tries again
    after 1 and 3 s, and what it loses by that is told. But never is the queue full for as long as
    that, and whoever has a place in time is answered.
    """
    board, tls = exposed_tls(exposed)
    masters, queue, figures = masters_under(name, board, tls, duration_ms, addresses)
    cell = "%s, %s, %d ms, %d addresses" % (runtime, name, duration_ms, addresses)
    print("\n%s: %s" % (cell, figures))
    record_property(cell, figures)
    assert queue.full_s < SYN_S, figures
    for master in masters:
        assert master.unanswered == 0 or duration_ms < SURE_MS, figures


@pytest.mark.alone
@pytest.mark.nightly
@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)
@pytest.mark.parametrize("duration_ms", DURATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_at_the_speed_of_a_chip_no_attack_costs_a_kept_master_its_session(
    exposed, runtime, record_property, name, duration_ms
):
    """What a heartbeat waits for is told in heartbeats: so long as one takes without an attack."""
    board, tls = exposed_tls(exposed)
    master = board.master("door")
    took = slowed.cost(board, master)
    master.close()
    with slowed.slowed(board, slowed.CHIP_BEAT_S / took):
        masters, _, figures = masters_under(name, board, tls, duration_ms, 1)
    late = [master.late / slowed.CHIP_BEAT_S for master in masters]
    late = ", ".join(["%s %.0f" % row for row in zip(KINDS, late)])
    cell = "a chip's speed, %s, %d ms" % (name, duration_ms)
    print("\n%s: late by at most so many heartbeats: %s; %s" % (cell, late, figures))
    record_property(cell, late)
