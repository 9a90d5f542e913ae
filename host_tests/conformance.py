"""The conformance kit: is a device a VAPIX I/O module with heartbeats, seen from outside?

The requirements are the tests in test_conformance_*.py; the first line of a test's docstring is
the requirement. They know a device by its address and an administrator's name and password alone:
no pins, no settings, nothing of Holdfast's own but to clean up behind themselves.

`make conformance URL=... USER=... PASS=...` asks one device, through the environment variables
CONFORMANCE_URL, _USER, _PASS, _OUTPUT, _ACCOUNTS, _HEARTBEATS. Without a URL they are asked of the
simulated board, on both interpreters, as part of `make test`; there what is not offered or not
asked is a failure, so that no requirement can silently vanish.

What is not harmless has to be asked for: _OUTPUT names a port that may be set, and is put back;
_ACCOUNTS makes accounts and removes them; _HEARTBEATS begins heartbeat sessions and lets them end,
upon which a device does what it was told to do when its master is lost.
"""

import contextlib
import hashlib
import json
import os
import re
import socket
import ssl
import time
import urllib.parse
from xml.etree import ElementTree

import pytest
import requests
from requests.auth import HTTPDigestAuth
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import boards
from boards import ANSWER_S, HEARTBEAT, PORTS, RELEASE, STREAM, TOKEN

URL = os.environ.get("CONFORMANCE_URL", "").rstrip("/")
TABLE = os.environ.get("CONFORMANCE_TABLE") == "1"

SERVICES = "/vapix/services"
GPIO = "/vapix/axgpio"
PORT_CGI = "/axis-cgi/io/port.cgi"
VIRTUAL_INPUT = "/axis-cgi/virtualinput/deactivate.cgi"
DISCOVERY = "/axis-cgi/apidiscovery.cgi"
BASIC_INFO = "/axis-cgi/basicdeviceinfo.cgi"
PARAM = "/axis-cgi/param.cgi"
READY = "/axis-cgi/systemready.cgi"
USER_GROUP = "/axis-cgi/usergroup.cgi"
ACCOUNTS = "/axis-cgi/pwdgrp.cgi"

SHORT_MS = 500  # a Duration that any device takes
ABSENT = (404, 501)  # answers of a device that does not have an address
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"


# -- digest ---------------------------------------------------------------------------------------


def challenge(answer):
    """The parameters of the Digest challenge for MD5 in an answer; None when there is none."""
    lines = answer.raw.headers.getlist("WWW-Authenticate")
    for line in re.split(r",\s*(?=Digest )", ", ".join(lines)):
        found = dict(re.findall(r'(\w+)="?([^",]*)', line))
        if line.startswith("Digest ") and found.get("algorithm", "MD5").upper() == "MD5":
            return found
    return None


def credentials(asked, method, target, name, password, count=1, algorithm=", algorithm=MD5"):
    """The value of Authorization that answers a challenge (RFC 2617)."""

    def md5(*parts):
        return hashlib.md5(":".join(parts).encode()).hexdigest()

    secret = md5(name, asked["realm"], password)
    nc, cnonce = "%08x" % count, "4f6e652043617264"
    response = md5(secret, asked["nonce"], nc, cnonce, "auth", md5(method, target))
    return (
        'Digest username="%s", realm="%s", nonce="%s", uri="%s"%s, qop=auth, nc=%s, cnonce="%s", '
        'response="%s"'
    ) % (name, asked["realm"], asked["nonce"], target, algorithm, nc, cnonce, response)


# -- the device -----------------------------------------------------------------------------------


class Device:
    """A device under test; `output`: the id of a port that may be set, or None."""

    def __init__(self, url, name, password, output=None, accounts=False, heartbeats=False):
        self.url = url
        self.name = name
        self.password = password
        self.allowed = {"OUTPUT": output, "ACCOUNTS": accounts, "HEARTBEATS": heartbeats}
        self.simulated = not URL
        self.quiet_s = 0.8 if self.simulated else 1.5  # what does not come by then is not coming
        parts = urllib.parse.urlsplit(url)
        self.secure = parts.scheme == "https"
        self.host = parts.hostname
        self.port = parts.port or (443 if self.secure else 80)
        self._open = contextlib.ExitStack()
        self._session = None

    # -- what is not there, what is not asked -----------------------------------------------------

    def not_offered(self, what):
        self._leave("not offered: " + what)

    def needs(self, name):
        """The value of OUTPUT, ACCOUNTS or HEARTBEATS; without one the test is not asked."""
        if not self.allowed[name]:
            self._leave("not asked: needs %s=" % name)
        return self.allowed[name]

    def _leave(self, reason):
        if self.simulated:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)

    # -- HTTP -------------------------------------------------------------------------------------

    def session(self, name=None, password=None):
        """A `requests` session with Digest, as the administrator unless somebody else is named."""
        session = requests.Session()
        session.trust_env = False
        session.verify = False
        if name is None:
            name, password = self.name, self.password
        session.auth = HTTPDigestAuth(name, password) if name else None
        return self._open.enter_context(session)

    def stranger(self):
        """A session without credentials."""
        return self.session("")

    def call(self, method, path, body=None, session=None, **options):
        """One request to an API; its answer. An API that is not there is not offered."""
        if session is None:
            if self._session is None:
                self._session = self.session()
            session = self._session
        answer = session.request(method, self.url + path, data=body, timeout=ANSWER_S, **options)
        if answer.status_code in ABSENT:
            self.not_offered(path.partition("?")[0])
        return answer

    def json(self, path, call, **options):
        """A call of one of the JSON APIs; its answer."""
        call = {"apiVersion": "1.0", "context": "kit", **call}
        call = {name: value for name, value in call.items() if value is not None}
        answer = self.call("POST", path, json.dumps(call), **options)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def ports(self, method, params=None, **more):
        return self.json(PORTS, {"method": method, "params": params, **more})

    def port_list(self):
        """The ports as getPorts has them."""
        return self.ports("getPorts")["data"].get("items", [])

    def parameters(self, group):
        """Parameters by their name, as param.cgi lists them."""
        answer = self.call("GET", PARAM + "?action=list&group=" + group)
        assert answer.status_code == 200
        lines = [line for line in answer.text.splitlines() if "=" in line]
        return dict(line.split("=", 1) for line in lines)

    def apis(self):
        """The APIs that the device lists: {id: row}."""
        answer = self.json(DISCOVERY, {"method": "getApiList"}, session=self.stranger())
        return {row["id"]: row for row in answer["data"]["apiList"]}

    def offers_heartbeat(self):
        """That /vapix/axhbt is there, else the test is over; a GET of it does nothing."""
        self.call("GET", HEARTBEAT)

    def soap(self, text, content_type="application/soap+xml; charset=utf-8"):
        """The first element in the Body of a SOAP answer, and its namespace of the envelope."""
        answer = self.call("POST", SERVICES, text, headers={"Content-Type": content_type})
        assert answer.status_code in (200, 400, 500), answer.status_code
        root = ElementTree.fromstring(answer.content)
        space = root.tag[1:].partition("}")[0]
        assert space in (SOAP11, SOAP12) and local(root.tag) == "Envelope", root.tag
        body = root.find("{%s}Body" % space)
        return body[0], space

    # -- heartbeats -------------------------------------------------------------------------------

    def beat(self, duration_ms, session=None):
        """A heartbeat; its SessionId."""
        body = json.dumps({"axhbt:Heartbeat": {"Duration": duration_ms}})
        answer = self.call("POST", HEARTBEAT, body, session=session)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()["SessionId"]

    def end_heartbeats(self, session=None):
        """Let a session end now; where the device can let a lost master go, let it."""
        self.beat(SHORT_MS, session)
        time.sleep(SHORT_MS / 1000 + 0.02)
        body = json.dumps({"master": session.auth.username if session else self.name})
        self.session().post(self.url + RELEASE, body, timeout=ANSWER_S)

    # -- streams and sockets ----------------------------------------------------------------------

    def tls(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def token(self):
        answer = self.call("GET", TOKEN)
        assert answer.status_code == 200, answer.status_code
        return answer.text.strip()

    def open_stream(self, query="", authorization=None, **options):
        """An event stream; InvalidStatus when it is refused. With credentials unless `query`."""
        if not query and authorization is None:
            asked = challenge(self.call("GET", STREAM, session=self.stranger()))
            assert asked, "no Digest challenge for MD5"
            authorization = credentials(asked, "GET", STREAM, self.name, self.password)
        headers = {"Authorization": authorization} if authorization else {}
        url = "%s://%s:%d%s%s" % (
            "wss" if self.secure else "ws",
            "[%s]" % self.host if ":" in self.host else self.host,
            self.port,
            STREAM,
            query,
        )
        if self.secure:
            options["ssl"] = self.tls()
        try:
            return self._open.enter_context(
                connect(
                    url,
                    proxy=None,
                    open_timeout=ANSWER_S,
                    close_timeout=1,
                    additional_headers=headers,
                    **options,
                )
            )
        except InvalidStatus as refused:
            if refused.response.status_code in ABSENT:
                self.not_offered(STREAM.partition("?")[0])
            raise

    def state(self, *filters, stream=None):
        """What a stream tells right after its configure: a list of Event."""
        stream = stream or self.open_stream()
        answer = boards.configure(stream, *filters)
        assert answer.get("data") == {}, answer
        return self.events(stream)

    def events(self, stream):
        """All that comes until the device falls silent."""
        found = []
        with contextlib.suppress(TimeoutError):
            while True:
                found.append(Event(stream.recv(self.quiet_s)))
        return found

    def raw(self):
        """A connection without a client."""
        sock = socket.create_connection((self.host, self.port), ANSWER_S)
        if self.secure:
            sock = self.tls().wrap_socket(sock, server_hostname=self.host)
        return self._open.enter_context(sock)

    def exchange(self, data, seconds):
        """Send bytes; what comes until the device ends the connection, or the time is over."""
        sock = self.raw()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            sock.sendall(data)
        began = time.monotonic()
        answer = boards.receive(sock, seconds, lambda data: b"\r\n\r\n" in data)
        assert time.monotonic() - began < seconds, "neither answered nor closed in %s s" % seconds
        return answer

    def close(self):
        """End what a test has opened."""
        self._session = None
        with contextlib.suppress(OSError):
            self._open.close()


class Event:
    """A notification: topic by local names, `source` and `data` as dicts, `text` as it came."""

    def __init__(self, text):
        self.text = text
        message = json.loads(text)
        assert message.get("method") == "events:notify", message
        self.notification = message["params"]["notification"]
        self.topic = local_topic(self.notification["topic"])
        self.source = self.notification["message"].get("source", {})
        self.data = self.notification["message"].get("data", {})

    def __repr__(self):
        return "%s %s %s" % (self.topic, self.source, self.data)


def local(name):
    """A name without its namespace or prefix."""
    return name.rpartition("}")[2].rpartition(":")[2]


def local_topic(topic):
    return "/".join(local(step) for step in topic.split("/"))


def envelope(body, space=SOAP12, declared=""):
    return (
        '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="%s"%s><s:Body>%s</s:Body>'
        "</s:Envelope>"
    ) % (space, declared, body)


# -- fixtures -------------------------------------------------------------------------------------

if URL:

    @pytest.fixture(scope="session")
    def target():
        """The device that was named."""
        variables = [os.environ.get("CONFORMANCE_" + name, "") for name in ("USER", "PASS")]
        flags = [os.environ.get("CONFORMANCE_" + name) for name in ("OUTPUT", "ACCOUNTS")]
        heartbeats = os.environ.get("CONFORMANCE_HEARTBEATS")
        device = Device(URL, *variables, *flags, heartbeats)
        try:
            answer = device.session().get(URL + TOKEN, timeout=ANSWER_S)
        except requests.RequestException as error:
            pytest.exit("%s cannot be reached: %s" % (URL, type(error).__name__), 2)
        if answer.status_code == 401:
            pytest.exit("%s refuses USER and PASS" % URL, 2)
        device.close()
        return device
else:

    @pytest.fixture(scope="session")
    def target(runtime, tmp_path_factory):
        """A simulated board with as few connections as a small board has."""
        folder = tmp_path_factory.mktemp("conformance")
        board = boards.Board(folder, runtime, boards.settings())
        try:
            board.start()
            yield Device(board.url, "root", "pass", "4", True, True)
            assert board.stop() == 0, board.log
            assert "Traceback" not in board.log, board.log
        finally:
            board.kill()


@pytest.fixture
def device(target):
    """The device under test."""
    yield target
    target.close()


@pytest.fixture
def output(device):
    """The id of an output that may be set; it is put back as it was."""
    port = str(device.needs("OUTPUT"))
    rows = [row for row in device.port_list() if row["port"] == port]
    assert rows and rows[0]["direction"] == "output", "OUTPUT=%s is no output" % port
    yield port
    before = {name: rows[0][name] for name in ("port", "normalState", "state")}
    device.ports("setPorts", {"ports": [before]})


@pytest.fixture
def master(device):
    """The device, which may be sent heartbeats; their session ends with the test."""
    device.needs("HEARTBEATS")
    device.offers_heartbeat()
    yield device
    device.end_heartbeats()


# -- the table ------------------------------------------------------------------------------------

HOLDS, FAILS, NOT_OFFERED, NOT_ASKED = "holds", "fails", "not offered", "not asked"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if "target" in item.fixturenames:
        report = outcome.get_result()
        theme = item.path.stem.rpartition("_")[2]
        requirement = (item.function.__doc__ or item.name).strip().splitlines()[0]
        report.requirement = (theme, item.location[1], requirement)


def results(reporter):
    """{(theme, line, requirement): (result, reason)}, the worst of all interpreters."""
    rows = {}
    for kind in ("passed", "skipped", "failed", "error"):
        for report in reporter.stats.get(kind, ()):
            requirement = getattr(report, "requirement", None)
            if requirement is None or (kind == "passed" and report.when != "call"):
                continue
            reason = ""
            if kind == "passed":
                result = HOLDS
            elif kind == "skipped":
                reason = report.longrepr[2].removeprefix("Skipped: ")
                result = NOT_OFFERED if reason.startswith(NOT_OFFERED) else NOT_ASKED
                reason = reason.partition(": ")[2]
            else:
                result = FAILS
                crash = getattr(report.longrepr, "reprcrash", None)
                reason = crash.message if crash else str(report.longrepr)
                reason = reason.splitlines()[0] if reason else ""
            rows[requirement] = (result, reason)
    return rows


def pytest_terminal_summary(terminalreporter):
    if not TABLE:
        return
    rows = results(terminalreporter)
    if not rows:
        return
    write = terminalreporter.write_line
    write("")
    write("%s, %d requirements" % (URL or "the simulated board", len(rows)))
    if URL.startswith("https:"):
        write("Its certificate was NOT verified: this tells what answers, not who.")
    theme = None
    colours = {HOLDS: {"green": True}, FAILS: {"red": True}}
    for (area, _, requirement), (result, reason) in sorted(rows.items()):
        if area != theme:
            theme = area
            write("")
            write(theme)
        write("  %-12s %s" % (result, requirement), **colours.get(result, {}))
        if reason:
            write("  %-12s   %s" % ("", reason[:150]))
    counts = [
        (kind, [row[0] for row in rows.values()].count(kind))
        for kind in (HOLDS, FAILS, NOT_OFFERED, NOT_ASKED)
    ]
    write("")
    write(", ".join("%d %s" % (count, kind) for kind, count in counts))
