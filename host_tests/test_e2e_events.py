"""Event streams of the simulated board: `websockets` is the client, wsproto makes odd frames."""

import contextlib
import json
import os
import socket
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode

from boards import (
    ANSWER_S,
    INPUT_TOPIC,
    LOST_TOPIC,
    MANUAL_TOPIC,
    OUTPUT_TOPIC,
    PORT_TOPIC,
    READY_TOPIC,
    RELAY_TOPIC,
    STATE,
    STREAM,
    TOKEN,
    VIRTUAL,
    VIRTUAL_TOPIC,
    Credentials,
    Figures,
    ask,
    closed_by_peer,
    configure,
    event,
    exchange,
    notification,
    output,
    receive,
    reset,
    settings,
    silent,
    status_of,
    until,
    wait_for,
)


def everything(stream, count=STATE):
    return [notification(stream) for _ in range(count)]


def raw_stream(board, name="root", receive_buffer=None):
    """A WebSocket without a client: (socket, bytes that came after the 101)."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(ANSWER_S)
    sock.connect((board.host, board.port))
    sock.sendall(handshake(STREAM + "&wssession=" + board.token(name)))
    answer = receive(sock, ANSWER_S, lambda data: b"\r\n\r\n" in data)
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert status_of(head) == 101, head
    return sock, rest


def handshake(target, *lines, version="13"):
    fixed = ("Host: a", "Upgrade: websocket", "Connection: keep-alive, Upgrade")
    fixed += ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: " + version)
    return "\r\n".join(("GET %s HTTP/1.1" % target,) + fixed + lines + ("", "")).encode()


class Frames:
    """What comes on a raw stream, read by wsproto. It answers no ping."""

    def __init__(self, sock, rest=b""):
        self._sock = sock
        self._protocol = FrameProtocol(client=True, extensions=[])
        self._protocol.receive_bytes(rest)

    def __iter__(self):
        while True:
            yield from self._protocol.received_frames()
            try:
                data = self._sock.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                return
            self._protocol.receive_bytes(data)

    def texts(self, count):
        """The next so many texts."""
        texts = []
        for frame in self:
            if frame.opcode is Opcode.TEXT:
                texts.append(frame.payload)
            if len(texts) == count:
                break
        return texts

    def close_code(self):
        """The code of the close frame, None when the end comes without one."""
        for frame in self:
            if frame.opcode is Opcode.CLOSE:
                return int(frame.payload[0])
        return None


def close_code(sock, rest=b""):
    return Frames(sock, rest).close_code()


# -- configure ------------------------------------------------------------------------------------


def test_the_reply_comes_first_then_the_whole_state_once(start):
    board = start(settings({"5": output(power_on="closed")}))
    with board.open_stream() as stream:
        answer = configure(stream, "//.")
        wanted = {"apiVersion": "1.0", "context": "test", "method": "events:configure", "data": {}}
        assert answer == wanted
        state = everything(stream)
        assert silent(stream)
    assert len(set(state)) == STATE
    expected = {(LOST_TOPIC, None, "0"), (READY_TOPIC, None, "1")}
    for topic in (VIRTUAL_TOPIC, MANUAL_TOPIC):
        expected |= {(topic, str(number), "0") for number in range(1, VIRTUAL + 1)}
    for i in range(8):
        active = i == 5
        expected.add((PORT_TOPIC, str(i), "1" if active else "0"))
        if i < 4:
            expected.add((INPUT_TOPIC, str(i), "0"))
        else:
            expected.add((RELAY_TOPIC, str(i), "active" if active else "inactive"))
            expected.add((OUTPUT_TOPIC, str(i), "high" if active else "low"))
    assert set(state) == expected


def test_then_only_changes_come(board):
    master = board.master()
    with board.subscribed("//.", replay=STATE) as stream:
        master.set(p4="closed")
        assert {row[1:] for row in everything(stream, 3)} == {
            ("4", "1"),
            ("4", "active"),
            ("4", "high"),
        }
        master.set(p4="closed", p5="open")  # as they are already
        board.drive(0, 0)
        assert silent(stream)
        board.drive(0, 1)
        assert {notification(stream), notification(stream)} == {
            (PORT_TOPIC, "0", "1"),
            (INPUT_TOPIC, "0", "1"),
        }
        assert silent(stream)


def test_nothing_comes_before_a_configure(board):
    with board.open_stream() as stream:
        board.master().set(p4="closed")
        assert silent(stream)
        configure(stream, RELAY_TOPIC)
        assert (RELAY_TOPIC, "4", "active") in everything(stream, 4)


def test_the_names_and_types_in_a_notification(board):
    before = time.time() * 1000
    with board.open_stream() as stream:
        configure(stream, RELAY_TOPIC)
        message = json.loads(stream.recv(ANSWER_S))
        said = message["params"]["notification"]
        assert said["topic"] == RELAY_TOPIC
        assert said["message"]["source"] == {"RelayToken": "4"}
        assert said["message"]["data"] == {"LogicalState": "inactive"}
        everything(stream, 3)
        board.master().set(p4="closed")
        said = json.loads(stream.recv(ANSWER_S))["params"]["notification"]
    # UTC in ms: this board has a clock. Whole ms, hence the allowance.
    assert before - 5 <= said["timestamp"] <= time.time() * 1000 + 5


def test_a_timestamp_tells_when_it_became_true(start):
    """That of a loss is its deadline, however late somebody noticed."""
    board = start(settings())
    master = board.master("door")
    with board.subscribed(LOST_TOPIC, replay=1) as stream:
        wall = time.time() * 1000
        master.beat(200)
        answered = time.time() * 1000
        said = json.loads(stream.recv(ANSWER_S))["params"]["notification"]
    assert wall + 200 - 5 <= said["timestamp"] <= answered + 200 + 5


FILTERS = {
    "//.": STATE,
    "": STATE,
    "tns1:Device//.": STATE,
    "tns1:Device/tnsaxis:IO//.": 8 + 4 + 2 * VIRTUAL,
    "tns1:Device/tnsaxis:IO//": 8 + 4 + 2 * VIRTUAL,  # as the vendor's page prints it
    "tns1:Device/tnsaxis:IO/tnsaxis:OutputPort": 4,  # as the vendor's documents write children
    "tns1:Device/tnsaxis:IO": 0,
    PORT_TOPIC: 8,
    "onvif:Device/axis:IO/Port": 8,
    "axis:Device/tnsaxis:IO/Port": 8,  # what one published client sends
    "tns1:Device/tnsaxis:IO/Port | tns1:Device/Trigger/Relay": 12,
    LOST_TOPIC: 1,
    "tns1:RuleEngine/MotionRegionDetector/Motion": 0,
    "tnsaxis:CameraApplicationPlatform/VMD/Camera1ProfileANY": 0,
}


def test_topic_filters(board):
    with board.open_stream() as stream:
        for topic, count in FILTERS.items():
            assert configure(stream, topic).get("data") == {}, topic
            everything(stream, count)
            assert silent(stream, 0.05), topic


def test_content_filters(board):
    one = 'boolean(//SimpleItem[@Name="port" and @Value="4"])'
    both = PORT_TOPIC, 'boolean(//SimpleItem[@Name="state" and @Value="1"])'
    master = board.master()
    with board.open_stream() as stream:
        assert configure(stream, {"contentFilter": one}).get("data") == {}
        virtual = [(topic, "4", "0") for topic in (VIRTUAL_TOPIC, MANUAL_TOPIC)]
        ports = [(PORT_TOPIC, "4", "0"), (OUTPUT_TOPIC, "4", "low")]
        assert sorted(everything(stream, 4)) == sorted(ports + virtual)
        row = {"topicFilter": both[0], "contentFilter": both[1] + " and " + one}
        assert configure(stream, row).get("data") == {}
        assert silent(stream, 0.05)  # nothing is closed yet
        master.set(p4="closed", p5="closed")
        assert everything(stream, 1) == [(PORT_TOPIC, "4", "1")]
        master.set(p4="open")
        assert silent(stream, 0.05)
        # ONVIF's prefix, and the example of the vendor's page.
        row = {"contentFilter": 'not(boolean(//tt:SimpleItem[@Value!="0"]))'}
        assert configure(stream, row)["error"]["code"] == 2104
        row = {"contentFilter": "boolean(//tt:SimpleItem[@Name='lost'])"}
        assert configure(stream, row).get("data") == {}
        assert everything(stream, 1) == [(LOST_TOPIC, None, "0")]


def test_an_event_that_matches_two_filters_comes_twice(board):
    master = board.master()
    with board.open_stream() as stream:
        assert configure(stream, RELAY_TOPIC, "tns1:Device/Trigger//.").get("data") == {}
        state = everything(stream, 12)
        assert state.count((RELAY_TOPIC, "4", "inactive")) == 2
        assert state.count((INPUT_TOPIC, "0", "0")) == 1
        master.set(p4="closed")
        assert everything(stream, 2) == [(RELAY_TOPIC, "4", "active")] * 2
        board.drive(0, 1)
        assert everything(stream, 1) == [(INPUT_TOPIC, "0", "1")]
        assert silent(stream)


def test_a_second_configure_replaces_the_first_and_replays(board):
    master = board.master()
    with board.subscribed(PORT_TOPIC, replay=8) as stream:
        assert configure(stream, RELAY_TOPIC).get("data") == {}
        assert {topic for topic, *_ in everything(stream, 4)} == {RELAY_TOPIC}
        master.set(p4="closed")
        assert everything(stream, 1) == [(RELAY_TOPIC, "4", "active")]
        assert configure(stream, RELAY_TOPIC).get("data") == {}
        assert (RELAY_TOPIC, "4", "active") in everything(stream, 4)
        assert silent(stream)


def test_a_refused_configure_leaves_the_filters_as_they_are(board):
    with board.subscribed(RELAY_TOPIC, replay=4) as stream:
        assert configure(stream, "a|")["error"]["code"] == 2104
        board.master().set(p4="closed")
        assert everything(stream, 1) == [(RELAY_TOPIC, "4", "active")]


def call(**more):
    request = {"apiVersion": "1.0", "context": "c", "method": "events:configure"}
    request["params"] = {"eventFilterList": [{"topicFilter": "//."}]}
    request.update(more)
    return json.dumps({name: value for name, value in request.items() if value is not ...})


def listed(*rows):
    return call(params={"eventFilterList": list(rows)})


ERRORS = [
    (call(apiVersion="2.0"), 2100),
    (call(apiVersion="0.9"), 2100),
    (call(apiVersion="one"), 2100),
    ("{", 2101),
    ("", 2101),
    ("[]", 2101),
    ('{"apiVersion":"1.0" "method":"events:configure"}', 2101),
    ("[" * 2000, 2101),
    (call(method="events:list"), 2102),
    (call(apiVersion=...), 2103),
    (call(method=...), 2103),
    (call(method=7), 2104),
    (call(context=7), 2104),
    (call(params={}), 2104),
    (call(params=...), 2103),
    (call(params={"eventFilterList": "//."}), 2104),
    (listed(7), 2104),
    (listed({"topicFilter": 7}), 2104),
    (listed({"topicFilter": "tns1:Device//"}, {"topicFilter": "a b"}), 2104),
    (listed({"topicFilter": "tns1:Device/"}), 2104),
    (listed({"topicFilter": "*"}), 2104),
    (listed({"topicFilter": "a|"}), 2104),
    (listed({"contentFilter": "port=1"}), 2104),
    (listed({"contentFilter": 'boolean(//SimpleItem[@Name="port"]'}), 2104),
    (listed({"topicFilter": "x" * 2000}), 2104),
    (listed({}), 2103),
    (listed(*[{"topicFilter": "a"}] * 100), 2107),
    (listed({"topicFilter": "x" * 4096}), 2107),
    (" " * 65536, 2107),
]


def test_every_error_has_its_code_and_keeps_the_stream(board):
    with board.open_stream() as stream:
        for message, code in ERRORS:
            answer = ask(stream, message)
            assert answer.get("error", {}).get("code") == code, (message[:80], answer)
            assert answer["error"]["message"] and "data" not in answer
            assert answer["apiVersion"] and answer["method"]
            assert "Traceback" not in str(answer)
        for message in (call(), listed(), listed({"contentFilter": ""})):
            answer = ask(stream, message)
            assert (answer["context"], answer["data"]) == ("c", {}), message
            everything(stream)


def test_a_failure_repeats_the_version_that_was_asked_for(board):
    with board.open_stream() as stream:
        for version in ("2.0", "0.9", "one", "1.7"):
            answer = ask(stream, call(apiVersion=version, method="events:list"))
            assert answer["apiVersion"] == version and "error" in answer


def test_a_request_without_context_gets_none_back(board):
    with board.open_stream() as stream:
        assert "context" not in ask(stream, call(context=...))


# -- opening --------------------------------------------------------------------------------------


def refused(board, target):
    """The status with which `websockets` is refused."""
    url = "ws://%s:%d%s" % (board.host, board.port, target)
    with pytest.raises(InvalidStatus) as caught, connect(url, proxy=None):
        pass
    return caught.value.response.status_code


def test_a_token_opens_one_stream(board):
    token = board.token()
    assert token.isdigit() and json.loads(token) < 2**53  # some clients read it as JSON
    target = "/vapix/ws-data-stream?wssession=%s&sources=events" % token
    with connect("ws://%s:%d%s" % (board.host, board.port, target), proxy=None) as stream:
        assert configure(stream, LOST_TOPIC).get("data") == {}
        assert refused(board, target) == 401


def test_a_wrong_token_is_401(board):
    for token in ("1", "", "123456789012345", "%00", "abc"):
        assert refused(board, STREAM + "&wssession=" + token) == 401
    assert refused(board, STREAM) == 401


def test_a_token_needs_credentials(board):
    with board.session("root", "wrong") as session:
        assert session.get(board.url + TOKEN, timeout=ANSWER_S).status_code == 401


def test_a_token_of_a_viewer_and_by_post(board):
    with board.session("guest") as session:
        token = session.post(board.url + TOKEN, timeout=ANSWER_S).text
    target = STREAM + "&wssession=" + token
    with connect("ws://%s:%d%s" % (board.host, board.port, target), proxy=None) as stream:
        assert configure(stream, LOST_TOPIC).get("data") == {}


def test_a_token_lasts_15_seconds_and_a_peer_that_answers_no_ping_8(board):
    early, late = board.token(), board.token()
    issued = time.monotonic()
    sock, rest = raw_stream(board, receive_buffer=2048)
    with sock:
        sock.sendall(client_frame(Opcode.TEXT, call().encode()))
        # The state is more than may go out without an answer.
        assert len(Frames(sock, rest).texts(3)) == 3
        until(issued + 7)
        assert not closed_by_peer(sock, 0.2)
        assert closed_by_peer(sock, 3)
    until(issued + 14)
    url = "ws://%s:%d%s&wssession=" % (board.host, board.port, STREAM)
    with connect(url + early, proxy=None):
        pass
    until(issued + 15.2)
    assert refused(board, STREAM + "&wssession=" + late) == 401


def test_digest_on_the_upgrade(board):
    credentials = Credentials(board.url, "guest")
    headers = {"Authorization": credentials.header("GET", STREAM)}
    url = "ws://%s:%d%s" % (board.host, board.port, STREAM)
    with connect(url, proxy=None, additional_headers=headers) as stream:
        assert configure(stream, LOST_TOPIC).get("data") == {}


def test_no_extension_is_taken(board):
    """permessage-deflate is offered and declined (RFC 7692 section 5.1)."""
    with board.open_stream(compression="deflate") as stream:
        offered = stream.request.headers["Sec-WebSocket-Extensions"]
        assert offered.startswith("permessage-deflate")
        assert "Sec-WebSocket-Extensions" not in stream.response.headers
        assert configure(stream, LOST_TOPIC).get("data") == {}


def test_the_accept_key_is_that_of_the_rfc(board):
    with board.connect() as sock:
        sock.sendall(handshake(STREAM + "&wssession=" + board.token()))
        answer = receive(sock, ANSWER_S, lambda data: data.endswith(b"\r\n\r\n"))
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer


def test_another_version_is_426(board):
    answer = exchange(board, handshake(STREAM + "&wssession=" + board.token(), version="8"), 0.3)
    assert status_of(answer) == 426 and b"Sec-WebSocket-Version: 13\r\n" in answer


def test_a_token_is_spent_by_the_101_alone(start):
    board = start(settings(), "--connections", 4)
    token = board.token()
    target = STREAM + "&wssession=" + token
    with board.open_stream("guest"), board.open_stream("guest"):  # as many as there may be
        for wanted, data in (
            (426, handshake(target, version="8")),
            (400, handshake(target).replace(b"sources=events", b"sources=video")),
            (400, handshake(target).replace(b"Upgrade: websocket", b"Upgrade: h2c")),
            (503, handshake(target)),
        ):
            assert status_of(exchange(board, data, 0.3)) == wanted
    url = "ws://%s:%d%s" % (board.host, board.port, target)
    wait_for(lambda: status_of(exchange(board, handshake(target, version="8"), 0.3)) == 426)
    with connect(url, proxy=None) as stream:
        assert configure(stream, LOST_TOPIC).get("data") == {}
        assert refused(board, target) == 401


def test_of_two_requests_in_flight_with_one_token_one_is_let_in(board):
    for _ in range(5):
        data = handshake(STREAM + "&wssession=" + board.token())
        with contextlib.ExitStack() as stack:
            socks = [stack.enter_context(board.connect()) for _ in range(4)]
            with board.frozen():
                for sock in socks:
                    sock.sendall(data)
            heads = [receive(sock, ANSWER_S, lambda got: b"\r\n\r\n" in got) for sock in socks]
        assert sorted(status_of(head) for head in heads) == [101, 401, 401, 401]


def test_sources_are_a_list_and_what_is_unknown_is_named(board):
    for sources in ("events,metadata", "metadata,events", "events,events", "%65vents%2Cx"):
        target = "/vapix/ws-data-stream?sources=%s&wssession=%s" % (sources, board.token())
        with connect("ws://%s:%d%s" % (board.host, board.port, target), proxy=None) as stream:
            assert configure(stream, LOST_TOPIC).get("data") == {}
            assert everything(stream, 1) == [(LOST_TOPIC, None, "0")]
            assert silent(stream, 0.05)
    target = STREAM + "&wssession=" + board.token()
    for sources, said in (
        (b"sources=video", b'sources unknown: "video", known: events\n'),
        (b"sources=video,audio", b'sources unknown: "video, audio", known: events\n'),
        (b"sources=", b"sources is missing, known: events\n"),
        (b"a=b", b"sources is missing, known: events\n"),
    ):
        data = handshake(target).replace(b"sources=events", sources)
        answer = exchange(board, data, 0.3)
        assert status_of(answer) == 400 and answer.endswith(b"\r\n\r\n" + said), answer


def test_bad_openings_are_400(board):
    good = handshake(STREAM)
    for old, new in (
        (b"Upgrade: websocket", b"Upgrade: h2c"),
        (b"Connection: keep-alive, Upgrade", b"Connection: keep-alive"),
        (b"Sec-WebSocket-Key: dGhl", b"Sec-WebSocket-Key: d"),
        (b"Sec-WebSocket-Version: 13\r\n", b""),
        (b"sources=events", b"sources=video"),
        (b"?sources=events", b"?"),
    ):
        target = b"&wssession=" + board.token().encode() + b" HTTP/1.1"
        answer = exchange(board, good.replace(old, new).replace(b" HTTP/1.1", target), 0.3)
        assert status_of(answer) == 400, (old, answer)


def test_a_percent_encoded_query_is_understood(board):
    token = "".join("%%%02x" % byte for byte in board.token().encode())
    target = "/vapix/ws-data-stream?%73ources=%65vents&wssession=" + token
    with connect("ws://%s:%d%s" % (board.host, board.port, target), proxy=None) as stream:
        assert configure(stream, LOST_TOPIC).get("data") == {}


# -- frames ---------------------------------------------------------------------------------------


def client_frame(opcode, payload, fin=True):
    """A masked frame, by wsproto."""
    return FrameProtocol(client=True, extensions=[])._serialize_frame(opcode, payload, fin=fin)


def unmasked(opcode, payload):
    return FrameProtocol(client=False, extensions=[])._serialize_frame(opcode, payload)


def first_byte(frame, value):
    return bytes([value]) + frame[1:]


BAD_FRAMES = {
    "unmasked": (1002, unmasked(Opcode.TEXT, b"{}")),
    "RSV1": (1002, first_byte(client_frame(Opcode.TEXT, b"{}"), 0xC1)),
    "RSV2": (1002, first_byte(client_frame(Opcode.TEXT, b"{}"), 0xA1)),
    "RSV3": (1002, first_byte(client_frame(Opcode.TEXT, b"{}"), 0x91)),
    "reserved opcode 3": (1002, first_byte(client_frame(Opcode.TEXT, b"{}"), 0x83)),
    "reserved control opcode 11": (1002, first_byte(client_frame(Opcode.PING, b""), 0x8B)),
    "continuation of nothing": (1002, client_frame(Opcode.CONTINUATION, b"x")),
    "text inside a text": (
        1002,
        client_frame(Opcode.TEXT, b"{", fin=False) + client_frame(Opcode.TEXT, b"}"),
    ),
    "fragmented ping": (1002, first_byte(client_frame(Opcode.PING, b"x"), 0x09)),
    "long ping": (1002, first_byte(client_frame(Opcode.TEXT, b"x" * 126), 0x89)),
    "length not minimal": (1002, b"\x81\xfe\x00\x05aaaahello"),
    "length over 2^63": (1002, b"\x81\xff" + b"\xff" * 8 + b"aaaa"),
    "close of one byte": (1002, client_frame(Opcode.CLOSE, b"\x03")),
    "close code 1005": (1002, client_frame(Opcode.CLOSE, b"\x03\xed")),
    "text not UTF-8": (1007, client_frame(Opcode.TEXT, b"\xff\xfe")),
    "text cut in a character": (1007, client_frame(Opcode.TEXT, b'{"a": "\xc3')),
    "surrogate": (1007, client_frame(Opcode.TEXT, b"\xed\xa0\x80")),
    "close reason not UTF-8": (1007, client_frame(Opcode.CLOSE, b"\x03\xe8\xff")),
    "too long": (1009, client_frame(Opcode.TEXT, b" " * 65537)),
    "too long, announced": (1009, b"\x81\xff" + (1 << 40).to_bytes(8, "big") + b"aaaa"),
    "too long in parts": (
        1009,
        client_frame(Opcode.TEXT, b" " * 40000, fin=False)
        + client_frame(Opcode.CONTINUATION, b" " * 40000),
    ),
    "binary": (1003, client_frame(Opcode.BINARY, b"{}")),
}


def test_bad_frames_close_with_their_code(board):
    wrong = []
    for name, (code, data) in BAD_FRAMES.items():
        sock, rest = raw_stream(board)
        with sock:
            sock.sendall(data)
            got = close_code(sock, rest)
        if got != code:
            wrong.append((name, code, got))
    assert not wrong
    board.master().beat(60000)


def test_a_message_that_is_too_long_is_answered_and_the_stream_goes_on(board):
    """In one frame or in parts, with a ping between; nothing of it is kept."""
    master = board.master()
    with board.subscribed(RELAY_TOPIC, replay=4) as stream:
        for message in ("x" * 4097, iter(["y" * 3000] * 20)):
            answer = ask(stream, message)
            assert answer["error"]["code"] == 2107 and answer["method"] == "events:configure"
            assert stream.ping(b"x").wait(ANSWER_S), "no pong"
            master.set(p4="closed")
            assert everything(stream, 1) == [(RELAY_TOPIC, "4", "active")]
            master.set(p4="open")
            assert everything(stream, 1) == [(RELAY_TOPIC, "4", "inactive")]
        assert configure(stream, LOST_TOPIC).get("data") == {}


def test_the_peers_close_is_answered_and_the_connection_ends_at_once(board):
    for code in (1000, 1001, 3000, 4999):
        # Who gets no answer to its close waits for 20 s.
        with board.open_stream(close_timeout=20) as stream:
            before = time.monotonic()
            stream.close(code, "bye")
            assert time.monotonic() - before < 5
            assert stream.protocol.close_rcvd.code == code
    sock, rest = raw_stream(board)
    with sock:
        sock.sendall(client_frame(Opcode.CLOSE, b""))
        assert close_code(sock, rest) == CloseReason.NORMAL_CLOSURE


def test_a_ping_is_answered_with_its_payload(board):
    with board.open_stream() as stream:
        for payload in (b"", b"x", os.urandom(125)):
            assert stream.ping(payload).wait(ANSWER_S), "no pong"
        assert configure(stream, LOST_TOPIC).get("data") == {}


def test_an_unasked_pong_is_ignored(board):
    with board.open_stream() as stream:
        stream.pong(b"1")
        stream.pong(b"whatever")
        assert configure(stream, LOST_TOPIC).get("data") == {}


def test_a_message_may_come_in_any_pieces(board):
    message = call()
    with board.open_stream() as stream:
        stream.send(iter(message))  # one frame for each character
        assert json.loads(stream.recv(ANSWER_S))["data"] == {}
        everything(stream)
    sock, rest = raw_stream(board)
    with sock:
        cut = [message[:9].encode(), message[9:20].encode(), message[20:].encode()]
        data = client_frame(Opcode.TEXT, cut[0], fin=False)
        data += client_frame(Opcode.PING, b"between")
        data += client_frame(Opcode.CONTINUATION, cut[1], fin=False)
        data += client_frame(Opcode.CONTINUATION, b"", fin=False)
        data += client_frame(Opcode.CONTINUATION, cut[2])
        for at in range(0, len(data), 7):  # and the frames in any pieces of bytes
            sock.sendall(data[at : at + 7])
            time.sleep(POLL_S)
        protocol = FrameProtocol(client=True, extensions=[])
        protocol.receive_bytes(rest)
        pongs, texts = [], []
        wait_for(lambda: frames(sock, protocol, pongs, texts) and len(texts) > STATE)
    assert pongs == [b"between"]
    assert json.loads(texts[0])["data"] == {} and len(texts) == 1 + STATE


POLL_S = 0.001


def frames(sock, protocol, pongs, texts):
    """Take what has come; answer pings."""
    protocol.receive_bytes(sock.recv(65536))
    for frame in protocol.received_frames():
        if frame.opcode is Opcode.PING:
            sock.sendall(client_frame(Opcode.PONG, bytes(frame.payload)))
        elif frame.opcode is Opcode.PONG:
            pongs.append(bytes(frame.payload))
        elif frame.opcode is Opcode.TEXT:
            assert frame.message_finished
            texts.append(frame.payload)
    return True


# -- what is lost, and who is slow ----------------------------------------------------------------


def test_one_loss_makes_one_event_even_with_two_masters_lost(start):
    named = {"shortest": 1, "masters": ["door", "vms"]}
    board = start(settings(heartbeat=named), "--connections", 8)
    door, vms, root = board.master("door"), board.master("vms"), board.master("root")
    with board.subscribed(LOST_TOPIC, replay=1) as stream:
        door.beat(100)
        vms.beat(200)
        assert notification(stream)[2] == "1"
        wait_for(lambda: len(root.status()["trips"]["latest"]) == 2)
        assert silent(stream)  # the second loss is no change
        door.beat(60000)
        assert silent(stream)  # the other is still lost
        vms.beat(60000)
        assert notification(stream)[2] == "0"
        door.beat(100)
        assert notification(stream)[2] == "1"
        door.beat(60000)
        assert notification(stream)[2] == "0"
        assert silent(stream)


def test_where_no_master_is_named_the_last_session_to_end_makes_the_event(start):
    board = start(settings(), "--connections", 8)
    door, vms = board.master("door"), board.master("vms")
    with board.subscribed(LOST_TOPIC, replay=1) as stream:
        vms.beat(60000)
        door.beat(100)
        assert silent(stream)  # the other one lives
        vms.beat(100)
        assert notification(stream)[2] == "1"
        door.beat(60000)  # whoever it is
        assert notification(stream)[2] == "0"
        assert silent(stream)


@pytest.mark.alone
def test_an_event_and_its_sibling_come_without_delay(board, runtime, record_property):
    """Two frames in a row: the second must not wait until TCP has acknowledged the first."""
    master = board.master()
    took = []
    with board.subscribed("//.", replay=STATE) as stream:
        for i in range(60):
            master.set(p4=("closed", "open")[i % 2])
            everything(stream, 3)
            took.append(time.monotonic() - master.sent_at)
    figures = Figures(took)
    record_property("command to both events, " + runtime, str(figures))
    print("\ncommand to both events, %s: %s" % (runtime, figures))
    assert figures.p50 < 20


@pytest.mark.alone
def test_a_subscriber_that_stops_reading_is_closed_and_nobody_else_notices(
    start, runtime, record_property
):
    board = start(settings(), "--connections", 8)
    master = board.master()
    took = []
    sock, rest = raw_stream(board, receive_buffer=2048)
    with sock, board.subscribed("//.", replay=STATE) as good:
        one = {"topicFilter": RELAY_TOPIC}
        one["contentFilter"] = 'boolean(//SimpleItem[@Value="4"])'
        sock.sendall(client_frame(Opcode.TEXT, listed(one).encode()))
        stalled = Frames(sock, rest)
        assert len(stalled.texts(2)) == 2  # the reply and the state; and then it reads no more
        for i in range(100):
            master.set(p4=("closed", "open")[i % 2])
            events = everything(good, 3)
            took.append(time.monotonic() - master.sent_at)
            wanted = ({"1", "active", "high"}, {"0", "inactive", "low"})[i % 2]
            assert {data for *_, data in events} == wanted
        assert stalled.close_code() == 1008
        assert closed_by_peer(sock, 2)
    figures = Figures(took)
    record_property("command to event beside a stalled peer, " + runtime, str(figures))
    print("\ncommand to event beside a stalled peer, %s: %s" % (runtime, figures))
    assert figures.p50 < 20 and figures.max < 1000


def test_a_subscriber_that_is_only_slow_gets_every_event(board):
    """It answers pings and reads on: up to its queue nothing is lost."""
    master = board.master()
    with board.subscribed(RELAY_TOPIC, replay=4) as stream:
        for i in range(16):
            master.set(p4=("closed", "open")[i % 2])
        until(time.monotonic() + 0.3)
        states = [data for *_, data in everything(stream, 16)]
    assert states == ["active", "inactive"] * 8


def test_who_asks_faster_than_it_reads_is_closed(board):
    sock, rest = raw_stream(board, receive_buffer=2048)
    with sock:
        with contextlib.suppress(OSError):
            for _ in range(2000):
                sock.sendall(client_frame(Opcode.TEXT, call().encode()))
        assert close_code(sock) in (1008, None)
        assert closed_by_peer(sock, 10)
    board.master().beat(60000)


def test_five_subscribers_get_the_same(board):
    master = board.master()
    with contextlib.ExitStack() as stack:
        streams = [
            stack.enter_context(board.subscribed("//.", replay=STATE, name=name))
            for name in ("root", "door", "vms", "guest", "guest")
        ]
        for i in range(10):
            master.set(p7=("closed", "open")[i % 2])
            said = []
            for stream in streams:
                said.append([stream.recv(ANSWER_S) for _ in range(3)])
            assert all(texts == said[0] for texts in said)
            assert event(said[0][0])[1] == "7"


def test_streams_come_and_go(board):
    for _ in range(30):
        with board.subscribed("//.", replay=STATE):
            pass
    for _ in range(30):
        sock, _ = raw_stream(board)
        sock.sendall(client_frame(Opcode.TEXT, call().encode()))
        reset(sock)
    with board.subscribed("//.", replay=STATE) as stream, pytest.raises(ConnectionClosed):
        stream.close()
        stream.recv(1)
    board.master().beat(60000)


def numbered(board, query, name="root"):
    """A stream that goes on where another one ended."""
    address = (board.host, board.port, STREAM, query, board.token(name))
    url = "ws://%s:%d%s&%s&wssession=%s" % address
    return connect(url, proxy=None, open_timeout=ANSWER_S, close_timeout=1)


def numbers(stream, count):
    """(number, data) of the next notifications."""
    rows = []
    for _ in range(count):
        said = json.loads(stream.recv(ANSWER_S))["params"]["notification"]
        rows.append((said["number"], *said["message"]["data"].values()))
    return rows


def test_a_stream_goes_on_where_the_last_one_ended(make_board):
    board = make_board(settings()).start()
    master = board.master()
    with numbered(board, "since=") as stream:
        first = configure(stream, RELAY_TOPIC)["data"]
        assert first["gap"] is False
        everything(stream, 4)
        master.set(p4="closed")
        ((number, data),) = numbers(stream, 1)
        assert data == "active" and number > first["number"]
    master.set(p4="open")
    master.set(p5="closed")
    resume = "since=%d&epoch=%s" % (number, first["epoch"])
    with numbered(board, resume) as stream:
        assert configure(stream, RELAY_TOPIC)["data"]["gap"] is False
        master.set(p5="open")
        missed = numbers(stream, 3)
        assert [data for _, data in missed] == ["inactive", "active", "inactive"]
        assert number < missed[0][0] < missed[1][0] < missed[2][0]
        assert silent(stream)
    for i in range(30):
        master.set(p4=("closed", "open")[i % 2])
    with numbered(board, resume) as stream:
        assert configure(stream, RELAY_TOPIC)["data"]["gap"] is True
        assert len(everything(stream, 4)) == 4  # the state
        assert silent(stream)
    board.stop()
    again = make_board(settings()).start()
    with numbered(again, resume) as stream:
        answer = configure(stream, RELAY_TOPIC)["data"]
        assert answer["gap"] is True and answer["epoch"] != first["epoch"]
