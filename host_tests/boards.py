"""Simulated boards for end-to-end tests: started, watched and stopped from outside, as by a user.

Pin levels come from the files that are the wires, never from the API under test. The clients are
those of `requests`, `httpx`, `http.client`, `websockets` and `wsproto`; raw sockets are for peers
that no good client would be.
"""

import contextlib
import hashlib
import http.client
import itertools
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import interpreters
import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parent.parent
SIMULATE = ROOT / "tools" / "simulate.py"
SLOTS = interpreters.BUILD / "slots"  # where the application file of the tests is
START_S = 30  # a loaded machine of a CI service
STOP_S = 10
ANSWER_S = 8  # a loaded machine of a CI service; longer than the module waits for anybody
POLL_S = 0.0005
READY = r"ready http://([0-9.]+):(\d+)"

# As the vendor prints it, trailing comma and all (VAPIX Heartbeat service API).
VENDOR_BEAT = b'{\n  "axhbt:Heartbeat":{\n    "Duration": 10000,\n  }\n}'

HEARTBEAT = "/vapix/axhbt"
PORTS = "/axis-cgi/io/portmanagement.cgi"
STREAM = "/vapix/ws-data-stream?sources=events"
STATUS = "/holdfast/status"
RELEASE = "/holdfast/release"
TOKEN = "/axis-cgi/wssession.cgi"
LOST_TOPIC = "tns1:Device/tnsaxis:Monitor/Heartbeat"
PORT_TOPIC = "tns1:Device/tnsaxis:IO/Port"
INPUT_TOPIC = "tns1:Device/Trigger/DigitalInput"
RELAY_TOPIC = "tns1:Device/Trigger/Relay"
OUTPUT_TOPIC = "tns1:Device/tnsaxis:IO/OutputPort"
VIRTUAL_TOPIC = "tns1:Device/tnsaxis:IO/VirtualInput"
MANUAL_TOPIC = "tns1:Device/tnsaxis:IO/VirtualPort"
READY_TOPIC = "tns1:Device/tnsaxis:Status/SystemReady"
VIRTUAL = 8  # virtual inputs, and as many manual triggers
# Properties of the board: heartbeat, ready, two for an input, three for an output, the virtual.
STATE = 2 + 4 * 2 + 4 * 3 + 2 * VIRTUAL


# -- settings -------------------------------------------------------------------------------------

# A rule for a master's loss upon an output that is locked then.
BLOCKED = {
    "ports": {"5": {"fallback": {"locked": True}}},
    "actions": {
        "1": {
            "template": "com.axis.action.unlimited.io.toggle",
            "parameters": {"port": "5", "state": "high"},
        }
    },
    "rules": {
        "1": {
            "name": "Siren",
            "action": "1",
            "conditions": [{"topic": "tns1:Device/tnsaxis:Monitor/Heartbeat"}],
        }
    },
}


def account(name, role="operator", password="pass", realm="Holdfast", **more):
    """A row of `accounts`: H(name:realm:password) stands for the password."""
    secret = ("%s:%s:%s" % (name, realm, password)).encode()
    md5, sha256 = hashlib.md5(secret).hexdigest(), hashlib.sha256(secret).hexdigest()
    return {"name": name, "role": role, "md5": md5, "sha256": sha256, **more}


def settings(ports=None, accounts=(), **more):
    """Settings with root (administrator), door and vms (operators), guest (viewer); all `pass`.

    accounts: rows that replace the ones of the same name, or come in addition. Any Duration is
    taken, so that tests need not wait.
    """
    more.setdefault("heartbeat", {"shortest": 1})
    rows = [account("root", "administrator"), account("door"), account("vms")]
    rows.append(account("guest", "viewer"))
    names = [row["name"] for row in accounts]
    rows = [row for row in rows if row["name"] not in names] + list(accounts)
    return {"accounts": rows, "ports": ports or {}, **more}


def output(master="any", on_return="hold", steps=None, locked=True, **more):
    """The settings of an output with its fallback; locked, unless told otherwise."""
    fallback = {"master": master, "on_return": on_return, "locked": locked}
    if steps is not None:
        fallback["steps"] = steps
    return {"fallback": fallback, **more}


# -- waiting --------------------------------------------------------------------------------------


def wait_for(condition, seconds=ANSWER_S, what="condition"):
    """Poll until the condition gives something true, and return that; fail at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, "no %s within %s s" % (what, seconds)
        time.sleep(POLL_S)


def until(moment):
    """Wait for a moment of the monotonic clock."""
    while True:
        left = moment - time.monotonic()
        if left <= 0:
            return
        time.sleep(left)


class Figures:
    """Measured times in ms, for the report and for a bound."""

    def __init__(self, values_s):
        values = sorted(value * 1000 for value in values_s)
        self.count = len(values)
        self.p50 = values[len(values) // 2]
        self.p90 = values[(len(values) - 1) * 9 // 10]
        self.p99 = values[min(len(values) - 1, len(values) * 99 // 100)]
        self.max = values[-1]

    def within(self, ms):
        """Nine of ten are in time, and none is 200 ms late: a machine that stands still for a
        moment, as those of CI services do, is no finding.
        """
        return self.p90 <= ms and self.max <= ms + 200

    def __str__(self):
        text = "p50 %.1f ms, p99 %.1f ms, max %.1f ms, n %d"
        return text % (self.p50, self.p99, self.max, self.count)


# -- the board ------------------------------------------------------------------------------------


class Board:
    """One simulated board in a folder of its own: running, when made with `start`."""

    def __init__(self, folder, runtime, config=None, options=(), python=None, environment=None):
        self.folder = Path(folder)
        self.pins = self.folder / "pins"
        self.pins.mkdir(parents=True, exist_ok=True)
        self.config = config
        self.host = "127.0.0.1"
        self.port = None
        self.lines = []
        self.ready = READY
        self._ready = threading.Event()
        self.environment = environment
        command = [python or sys.executable, str(SIMULATE), "--pins", str(self.pins)]
        if runtime == "slot":
            command += ["--slots", str(SLOTS)]
        elif runtime:
            command += ["--runtime", runtime]
        if config is not None:
            path = self.folder / "settings.json"
            path.write_text(json.dumps(config))
            command += ["--settings", str(path)]
        if "--port" not in options:
            command += ["--port", "0"]
        self.command = command + [str(option) for option in options]
        self.process = None

    def launch(self):
        """Start without waiting. A session of its own: our Ctrl-C is not the board's."""
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment,
            text=True,
            start_new_session=True,
        )
        self._drain = threading.Thread(target=self._read, daemon=True)
        self._drain.start()
        return self

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            found = re.fullmatch(self.ready, self.lines[-1])
            if found:
                self.host, self.port = found[1], int(found[2])
                self.ready_at = time.monotonic()
                self._ready.set()

    def start(self):
        """Start and wait for the ready line."""
        self.launch()
        deadline = time.monotonic() + START_S
        while not self._ready.wait(0.05):
            alive = self.process.poll() is None
            assert alive and time.monotonic() < deadline, "not ready:\n" + self.log
        return self

    @property
    def log(self):
        return "\n".join(self.lines)

    @property
    def url(self):
        return "http://%s:%d" % (self.host, self.port)

    def stop(self, signum=signal.SIGTERM):
        """End the board as a user does; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        return self.ended(STOP_S)

    def ended(self, seconds):
        """Wait until the board has ended by itself; its exit status."""
        status = self.process.wait(seconds)
        self._drain.join(STOP_S)
        self.process.stdout.close()
        return status

    def kill(self):
        """Make sure that nothing of it is left, however a test ended."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_S)

    def processes(self):
        """The ids of the board's own processes: the interpreter, not the tool that started it."""
        tasks = Path("/proc/%d/task" % self.process.pid)
        return [
            int(word)
            for task in tasks.iterdir()
            for word in (task / "children").read_text().split()
        ]

    @contextlib.contextmanager
    def frozen(self):
        """The board does nothing meanwhile, as when something else blocks its processor."""
        children = self.processes()
        for child in children:
            os.kill(child, signal.SIGSTOP)
        try:
            yield
        finally:
            for child in children:
                os.kill(child, signal.SIGCONT)

    # -- wires ------------------------------------------------------------------------------------

    def content(self, gpio):
        return (self.pins / ("gpio%d" % gpio)).read_bytes()

    def level(self, gpio):
        """The electrical level on a wire, 0 or 1."""
        return int(self.content(gpio))

    def levels(self):
        """The levels of the four outputs, as text."""
        return "".join(str(self.level(gpio)) for gpio in range(4, 8))

    def drive(self, gpio, level):
        """Put a level on the wire of an input; the time at which it was there."""
        with open(self.pins / ("gpio%d" % gpio), "r+b", buffering=0) as wire:
            wire.write(b"1" if level else b"0")
        return time.monotonic()

    # -- clients ----------------------------------------------------------------------------------

    def session(self, name="root", password="pass"):
        """A `requests` session with Digest."""
        session = requests.Session()
        session.trust_env = False
        session.auth = HTTPDigestAuth(name, password)
        return session

    def master(self, name="root", password="pass"):
        return Master(self.host, self.port, name, password)

    def connect(self, seconds=ANSWER_S):
        """A raw connection."""
        return socket.create_connection((self.host, self.port), seconds)

    def token(self, name="root"):
        with self.session(name) as session:
            answer = session.get(self.url + TOKEN, timeout=ANSWER_S)
        assert answer.status_code == 200
        return answer.text

    def open_stream(self, name="root", **options):
        """An event stream of `websockets`, opened with a token and not yet configured."""
        url = "ws://%s:%d%s&wssession=%s" % (self.host, self.port, STREAM, self.token(name))
        options = {"open_timeout": ANSWER_S, "close_timeout": 1, **options}
        return connect(url, proxy=None, **options)

    @contextlib.contextmanager
    def subscribed(self, *filters, name="root", replay=None, **options):
        """An event stream with filters, its current state (`replay` events) already received."""
        with self.open_stream(name, **options) as stream:
            answer = configure(stream, *filters)
            assert answer.get("data") == {}, answer
            for _ in range(replay or 0):
                notification(stream)
            yield stream


_PROGRAM = """
import sys
sys.path[:0] = %r
__file__ = %r
%s
sys.argv[1:] = %r
exec(open(__file__).read())
"""


class Programmed(Board):
    """A board that a program starts which replaces some of the firmware before `boot.py` runs: the
    firmware itself has no door for faults. data: the folder that is its flash.
    """

    def __init__(self, folder, runtime, prologue, config, data):
        super().__init__(folder, None, config)
        data.mkdir(exist_ok=True)
        if not (data / "settings.json").exists():
            (data / "settings.json").write_text((self.folder / "settings.json").read_text())
        run = ROOT / "boards" / "simulated" / "run.py"
        paths = [str(interpreters.FIRMWARE), str(run.parent)]
        command = [interpreters.micropython()]
        if runtime == "cpython":
            command = [sys.executable, "-u"]
            paths.append(str(run.parent / "cpython"))
        values = [str(interpreters.FIRMWARE), "HOST=127.0.0.1", "PORT=%d" % free_port()]
        values += ["PINS=%s" % self.pins, "DATA=%s" % data, "CONNECTIONS=12"]
        script = self.folder / "program.py"
        script.write_text(_PROGRAM % (paths, str(run), prologue, values))
        self.command = command + [str(script)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class From(HTTPAdapter):
    """Connects from an address of its own: refused logins make their address wait."""

    def __init__(self, host):
        self.source = host, 0
        super().__init__()

    def init_poolmanager(self, *arguments, **more):
        super().init_poolmanager(*arguments, source_address=self.source, **more)


class Credentials:
    """Digest credentials of `requests`, for clients that have none. To be used by one thread."""

    def __init__(self, url, name, password="pass"):
        self._url = url
        self._auth = HTTPDigestAuth(name, password)
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Connection"] = "close"
            answer = session.get(url + STATUS, auth=self._auth, timeout=ANSWER_S)
        assert answer.status_code == 200, answer.status_code

    def header(self, method, target):
        """The value of Authorization for one request."""
        return self._auth.build_digest_header(method, self._url + target)


def beat_body(duration_ms):
    return json.dumps({"axhbt:Heartbeat": {"Duration": duration_ms}})


class Master:
    """A heartbeat client on one kept connection, quick enough to measure with (http.client)."""

    def __init__(self, host, port, name="root", password="pass"):
        self.name = name
        self._credentials = Credentials("http://%s:%d" % (host, port), name, password)
        self._client = http.client.HTTPConnection(host, port, timeout=ANSWER_S)
        self.connects = 0
        self.sent_at = None
        self.answered_at = None

    def send(self, method, target, body=None):
        """Send one request. Connects again only where the board closed."""
        value = self._credentials.header(method, target)
        if self._client.sock is None:
            self._client.connect()
            self.connects += 1
        self.sent_at = time.monotonic()
        self._client.request(method, target, body, {"Authorization": value})

    def receive(self):
        """The answer to what was sent: (status, JSON or bytes)."""
        answer = self._client.getresponse()
        data = answer.read()
        self.answered_at = time.monotonic()
        if answer.headers.get_content_type() == "application/json":
            data = json.loads(data)
        return answer.status, data

    def call(self, method, target, body=None):
        self.send(method, target, body)
        return self.receive()

    def beat(self, duration_ms):
        """One heartbeat; the SessionId."""
        status, answer = self.call("POST", HEARTBEAT, beat_body(duration_ms))
        assert status == 200, (status, answer)
        return answer["SessionId"]

    def ports(self, method, params=None):
        """One call of port management; the whole answer."""
        call = {"apiVersion": "1.0", "context": "test", "method": method}
        if params is not None:
            call["params"] = params
        status, answer = self.call("POST", PORTS, json.dumps(call))
        assert status == 200, (status, answer)
        return answer

    def set(self, **states):
        """Set outputs: `set(p4="closed")`; the whole answer."""
        rows = [{"port": port[1:], "state": state} for port, state in states.items()]
        return self.ports("setPorts", {"ports": rows})

    def status(self):
        status, answer = self.call("GET", STATUS)
        assert status == 200
        return answer

    def keep_busy(self, seconds, watch):
        """Have something due on the board within 45 ms for so long, and call watch() meanwhile.

        Sequences of three outputs, so it does not matter how busy this machine is: each takes 2.9
        s, and the next begins after one.
        """
        steps = [{"state": ("closed", "open")[i % 2], "time": 45} for i in range(64)]
        ports = itertools.cycle("567")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answer = self.ports("setStateSequence", {"port": next(ports), "sequence": steps})
            assert "error" not in answer, answer
            next_at = time.monotonic() + 1
            while time.monotonic() < next_at:
                watch()
                time.sleep(0.05)

    @property
    def latency(self):
        return self.answered_at - self.sent_at

    def close(self):
        self._client.close()


class Watch:
    """Notes every change on wires, with the time it was seen: at most about 1 ms after it came."""

    def __init__(self, board, *gpios):
        self._files = [
            (gpio, os.open(board.pins / ("gpio%d" % gpio), os.O_RDONLY)) for gpio in gpios
        ]
        self._ended = threading.Event()
        self.changes = []  # (when, gpio, content)
        self.contents = set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        last = {}
        while not self._ended.is_set():
            for gpio, file in self._files:
                content = os.pread(file, 16, 0)
                if content != last.get(gpio):
                    self.contents.add(content)
                    self.changes.append((time.monotonic(), gpio, content))
                    last[gpio] = content
            time.sleep(POLL_S)

    def __enter__(self):
        self._thread.start()
        wait_for(lambda: len(self.changes) >= len(self._files))
        return self

    def __exit__(self, *problem):
        self._ended.set()
        self._thread.join()
        for _, file in self._files:
            os.close(file)

    def next(self, gpio, level, after, seconds=ANSWER_S):
        """The time at which the wire was first seen at this level after a moment."""
        content = b"%d" % level

        def seen():
            for when, at, what in list(self.changes):
                if at == gpio and what == content and when > after:
                    return when
            return None

        return wait_for(seen, seconds, "gpio%d at %d" % (gpio, level))

    def since(self, gpio, after):
        """What a wire did after a moment: [(when, level)]."""
        return [(w, int(c)) for w, at, c in list(self.changes) if at == gpio and w > after]


# -- event streams --------------------------------------------------------------------------------


def configure(stream, *filters, **more):
    """Ask a stream for events; the very next message, which must be the reply."""
    rows = [{"topicFilter": row} if isinstance(row, str) else row for row in filters]
    call = {"apiVersion": "1.0", "context": "test", "method": "events:configure"}
    call["params"] = {"eventFilterList": rows}
    call.update(more)
    return ask(stream, json.dumps(call))


def ask(stream, message):
    """Send a message; the very next one that comes, as JSON."""
    stream.send(message)
    return json.loads(stream.recv(ANSWER_S))


def notification(stream, seconds=ANSWER_S):
    """The next event: (topic, source, data)."""
    return event(stream.recv(seconds))


def event(text):
    """What an `events:notify` says: (topic, source, data), source and data as values."""
    message = json.loads(text)
    assert message["apiVersion"] == "1.0" and message["method"] == "events:notify", message
    said = message["params"]["notification"]
    assert isinstance(said["timestamp"], int)
    content = said["message"]
    assert set(content) == {"source", "key", "data"} and content["key"] == {}
    data = next(iter(content["data"].values()))  # behind the vendor's item is one of our own
    source = list(content["source"].values())
    assert all(isinstance(value, str) for value in [data] + source)
    return said["topic"], source[0] if source else None, data


def silent(stream, seconds=0.3):
    """True when nothing comes for a while."""
    try:
        stream.recv(seconds)
    except TimeoutError:
        return True
    return False


# -- raw peers ------------------------------------------------------------------------------------


def receive(sock, seconds=ANSWER_S, enough=None):
    """All bytes until the end, a reset, the deadline, or `enough(data)`."""
    data = b""
    deadline = time.monotonic() + seconds
    while not (enough and enough(data)):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        sock.settimeout(left)
        try:
            part = sock.recv(65536)
        except TimeoutError:
            break
        except ConnectionError:
            break
        if not part:
            break
        data += part
    return data


def exchange(board, data, seconds=ANSWER_S):
    """Send bytes on a connection of their own; what comes back until the board closes it."""
    with board.connect() as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(data)
        return receive(sock, seconds)


def status_of(answer):
    """The status of a raw answer; None when there is none."""
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(found[1]) if found else None


def closed_by_peer(sock, seconds):
    """True when the other side ends the connection within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        sock.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            if not sock.recv(65536):
                return True
        except TimeoutError:
            return False
        except ConnectionError:
            return True
    return False


def reset(sock):
    """Close with a RST, as a peer does that crashed and came back."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
