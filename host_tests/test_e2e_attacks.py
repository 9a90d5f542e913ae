"""What strangers and viewers can do to others: nobody gets a wrong answer, no heartbeat is lost.
The attackers are those of attacks.py, in a process of their own.
"""

import contextlib
import hashlib
import http.client
import json
import os
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import certificates
import pytest
from simulate import free_port

from boards import ANSWER_S, HEARTBEAT, STATUS, Credentials, beat_body, settings

HERE = Path(__file__).resolve().parent
NIGHTLY = "HOLDFAST_NIGHTLY" in os.environ
TRIES = 10000 if NIGHTLY else 500


@contextlib.contextmanager
def attacked(board, name, tls_port=None, count=None):
    """While this attack goes on; a function that ends it (or, with a count, waits for its end) and
    gives its report.
    """
    command = [sys.executable, str(HERE / "attacks.py"), name, board.url]
    if tls_port:
        command += ["--tls-port", str(tls_port)]
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
        config = settings(monitors={"tokens": tokens}, tls={})
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
