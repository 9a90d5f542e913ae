"""A running board beside clients that are nearly right: it answers each, and its master never
notices.
"""

import contextlib
import http.client
import json
import threading
import time

import pytest
import test_fuzz_wire as wire
from fuzz import COUNT, Mutator
from holdfast.routes import ROWS

from boards import (
    ANSWER_S,
    HEARTBEAT,
    STREAM,
    Credentials,
    Figures,
    Watch,
    account,
    output,
    receive,
    settings,
    until,
)

# By day as many as ever; at night every parser sees COUNT in test_fuzz_wire.py, in a tenth of the
# time that a socket takes.
EACH = min(COUNT // 4, 10_000)  # inputs for each address
SEEDS = range(4)  # for heads
HEADS = min(COUNT // 4, 10_000)  # .. of each seed
STREAMS = COUNT // 20  # WebSockets, each with several frames
BEAT_MS = 4000
SLOWEST_S = 2  # a master's answer, beside other tests; its Duration is twice as long
STATUSES = {200, 400, 401, 403, 404, 405, 408, 413, 414, 417, 422, 431, 501, 503, 505}


def soap(operation):
    return wire.ENVELOPE % operation


def call(method, params="{}"):
    return ('{"apiVersion":"1.0","method":"%s","params":%s}' % (method, params)).encode()


# By address: what clients send there. A form goes into the query with GET as well.
BODIES = {
    "/vapix/services": [
        *wire.XML,
        soap(b"<GetEventInstances/>"),
        soap(b"<GetPortList><Limit>2</Limit></GetPortList>"),
        soap(b"<SetPort><Port><PortId>5</PortId><Active>true</Active></Port></SetPort>"),
        soap(b"<GetActionRules/>"),
        soap(
            b"<AddActionConfiguration><NewActionConfiguration><TemplateToken>"
            b"com.axis.action.fixed.io.toggle</TemplateToken><Parameters><Parameter Name='port' "
            b"Value='5'/><Parameter Name='state' Value='high'/>"
            b"<Parameter Name='duration' Value='1'/>"
            b"</Parameters></NewActionConfiguration></AddActionConfiguration>"
        ),
    ],
    "/vapix/axgpio": [
        b'{"axgpio:GetPortList":{"Limit":"2","StartReference":"1"}}',
        b'{"axgpio:SetPort":{"Port":[{"PortId":"5","Active":true,"OutputProperties":{"NiceName":"x"}}]}}',
    ],
    "/axis-cgi/io/portmanagement.cgi": [
        call("getPorts"),
        call("setPorts", '{"ports":[{"port":"5","state":"closed","name":"n","usage":"u"}]}'),
        call("setStateSequence", '{"port":"6","sequence":[{"state":"closed","time":5}]}'),
    ],
    "/axis-cgi/apidiscovery.cgi": [
        call("getApiList", '{"id":"*-cgi"}'),
        call("getSupportedVersions"),
    ],
    "/axis-cgi/basicdeviceinfo.cgi": [call("getProperties", '{"propertyList":["Brand"]}')],
    "/axis-cgi/systemready.cgi": [call("systemready", '{"timeout":1}')],
    "/axis-cgi/io/port.cgi": [
        b"action=6:/100%5C",
        b"check=1,2",
        b"checkactive=3&checkdirection=4",
    ],
    "/axis-cgi/io/virtualinput.cgi": [b"action=6:/2000%5C"],
    "/axis-cgi/virtualinput/activate.cgi": [b"schemaversion=1&port=2&duration=1"],
    "/axis-cgi/virtualinput/deactivate.cgi": [b"schemaversion=1&port=2"],
    "/axis-cgi/param.cgi": [
        b"action=list&group=IOPort.I*.Input,root.Brand",
        b"action=update&IOPort.I5.Output.Name=x",
    ],
    "/axis-cgi/pwdgrp.cgi": [
        b"action=get",
        b"action=add&user=nobody1&pwd=password&grp=users&sgrp=viewer",
        b"action=remove&user=nobody1",
    ],
    "/holdfast/release": [b'{"master":"vms"}'],
    HEARTBEAT: list(wire.JSON),
}
# By address: the methods that it has.
METHODS = {row.split()[0]: row.split()[1].split(",") for row in "".join(ROWS).splitlines() if row}
METHODS[HEARTBEAT] = ["POST"]
# With these an administrator may set any output, also the one that is watched.
SETTERS = (
    "/vapix/services",
    "/vapix/axgpio",
    "/axis-cgi/io/portmanagement.cgi",
    "/axis-cgi/io/port.cgi",
    "/axis-cgi/param.cgi",
)
TOKENS = wire.JSON_TOKENS + wire.XML_TOKENS + (b"&", b"=", b"%", b"root", b"5")


class Beats:
    """A master that beats on its own until it is told to end."""

    def __init__(self, board):
        self._board = board
        self.sessions = set()
        self.took = []
        self.trouble = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            master = self._board.master("door")
            while not self._ended.is_set():
                self.sessions.add(master.beat(BEAT_MS))
                self.took.append(master.latency)
                until(master.answered_at + 0.05)
        except Exception as error:
            self.trouble.append(error)

    def __enter__(self):
        self._thread.start()
        # From then on no refused login delays it, and not before: all come from one address here.
        while not self.sessions and not self.trouble:
            self._ended.wait(0.01)
        return self

    def __exit__(self, *problem):
        self._ended.set()
        self._thread.join()

    def check(self, runtime, record_property):
        assert not self.trouble, self.trouble
        assert len(self.sessions) == 1
        figures = Figures(self.took)
        record_property("beats beside nearly right clients, " + runtime, str(figures))
        print("\nbeats beside nearly right clients, %s: %s" % (runtime, figures))
        assert figures.max < SLOWEST_S * 1000


def fuzzed(start):
    config = settings({"4": output("door", power_on="closed")}, [account("fuzz", "administrator")])
    return start(config, "--connections", 12)


def attempt(board, client, credentials, method, target, body):
    """Send one request with good credentials; its status, None when the board closed."""
    value = credentials.header(method, target)
    try:
        client.request(method, target, body, {"Authorization": value})
        answer = client.getresponse()
        data = answer.read()
        # A fault that says why not now, "Not saved", is an answer; SOAP 1.2 part 2 section 7.5.2.2
        # has it as a 500. One without words is a bug of ours.
        if answer.status == 500 and b"ter:Action" in data:
            return 503
        return answer.status
    except (http.client.HTTPException, ConnectionError):
        client.close()
        return None


@pytest.mark.parametrize("path", BODIES)
def test_every_address_answers_whatever_comes(start, runtime, record_property, path):
    board = fuzzed(start)
    credentials = Credentials(board.url, "fuzz")
    client = http.client.HTTPConnection(board.host, board.port, timeout=ANSWER_S)
    mutator = Mutator(BODIES[path], TOKENS, list(BODIES).index(path))
    methods = METHODS[path]
    statuses = set()
    with Beats(board) as beats, Watch(board, 4) as watch:
        began = time.monotonic()
        for i in range(EACH):
            method = methods[i % len(methods)]
            data = mutator.next()[:4096]
            target, body = path, data
            if method == "GET":
                safe = "".join(chr(b) if 33 <= b < 127 and b != 35 else "%%%02x" % b for b in data)
                target, body = (path + "?" + safe)[:1000], None
            statuses.add(attempt(board, client, credentials, method, target, body))
        moved = watch.since(4, began)
    beats.check(runtime, record_property)
    assert statuses - {None} <= STATUSES and 500 not in statuses, statuses
    assert 200 in statuses, statuses
    assert None not in statuses or path != "/vapix/services"
    assert moved == [] or path in SETTERS
    # Nothing that came has cost the board its settings or its sense, nor its master. What came may
    # have been a heartbeat, the only one of its sender.
    status = board.master("door").status()
    assert [row["lost"] for row in status["masters"] if row["master"] == "door"] == [False]
    assert "door" not in [trip["master"] for trip in status["trips"]["latest"]]


@pytest.mark.parametrize("seed", SEEDS)
def test_heads_and_credentials_that_are_nearly_right(start, runtime, record_property, seed):
    board = fuzzed(start)
    credentials = Credentials(board.url, "fuzz")
    heads = [*wire.HTTP]
    target = "/holdfast/status"
    value = credentials.header("GET", target).encode()
    heads.append(
        b"GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: %s\r\n\r\n" % (target.encode(), value)
    )
    tokens = wire.HTTP_TOKENS + (b'"', b"nc=00000001", b"Digest ", b"Basic eDp5")
    mutator = Mutator(heads, tokens, seed)
    statuses = set()
    with Beats(board) as beats:
        for _ in range(HEADS):
            with board.connect() as sock, contextlib.suppress(ConnectionError):
                for piece in mutator.cuts(mutator.next()):
                    sock.sendall(piece)
                sock.sendall(b"\r\n\r\n")
                answer = receive(sock, 0.02, lambda data: b"\r\n\r\n" in data)
                if answer:
                    statuses.add(int(answer[9:12]))
    beats.check(runtime, record_property)
    assert statuses - {100, 101} <= STATUSES and {400, 401} <= statuses, statuses


def test_streams_that_are_nearly_right(start, runtime, record_property):
    board = fuzzed(start)
    configure = json.dumps(
        {
            "apiVersion": "1.0",
            "method": "events:configure",
            "params": {"eventFilterList": [{"topicFilter": "//."}]},
        }
    ).encode()
    mask = b"\x81" + bytes([0x80 | 126]) + len(configure).to_bytes(2, "big") + bytes(4)
    mutator = Mutator([*wire.FRAMES, mask + configure], wire.FRAME_TOKENS + TOKENS)
    head = (
        "GET %s&wssession=%s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    )
    head += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    opened = 0
    with Beats(board) as beats:
        for _ in range(STREAMS):
            with board.connect() as sock, contextlib.suppress(ConnectionError):
                sock.sendall((head % (STREAM, board.token("guest"))).encode())
                opened += b" 101 " in receive(sock, 2, lambda data: b"\r\n\r\n" in data)
                for _ in range(8):
                    for piece in mutator.cuts(mutator.next()):
                        sock.sendall(piece)
                receive(sock, 0.01)
    beats.check(runtime, record_property)
    assert opened == STREAMS
    with board.subscribed("//.") as stream:
        assert stream.recv(ANSWER_S)
