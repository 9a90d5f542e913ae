"""The event stream: configure, state, changes."""

from claims import raises
from holdfast.vapix.stream import EventStreaming, Upgrade
from holdfast.wire import websocket
from holdfast.wire.http import HttpError
from holdfast.wire.json import loads, quote
from makers import Asked, Caller, module

ALL = '{"topicFilter":"//."}'
RELAYS = '{"topicFilter":"tns1:Device/Trigger/Relay"}'
HANDSHAKE = {
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}


class Bench:
    """A module with one stream."""

    def __init__(self):
        self.module = module()
        self.service = EventStreaming(self.module.events, lambda: 1000)
        self.stream = self.service.open(0)
        self.woken = 0
        self.stream.wake = self.wake

    def wake(self):
        self.woken += 1

    def text(self, message):
        self.stream.receive((websocket.TEXT, message), 0)
        return self.read()

    def configure(self, *filters, more='"context":"c",'):
        return self.text(
            '{"apiVersion":"1.0",%s"method":"events:configure","params":{"eventFilterList":[%s]}}'
            % (more, ",".join(filters))
        )

    def read(self):
        """Everything sent, as JSON, by a peer that answers pings."""
        messages = []
        outbox = self.stream.outbox
        frame = outbox.next(0)
        while frame is not None:
            opcode = frame[0] & 15
            if opcode == websocket.PING:
                outbox.acknowledge(frame[2:], 0)
            elif opcode == websocket.TEXT:
                messages.append(loads(frame[4:] if frame[1] == 126 else frame[2:]))
            else:
                messages.append(frame)
            frame = outbox.next(0)
        return messages

    def publish(self):
        self.module.tell(0)
        self.service.publish(self.module.events.take())


def told(message):
    """(last part of the topic, source value, data value) of a notification."""
    notification = message["params"]["notification"]
    source = list(notification["message"]["source"].values())
    data = list(notification["message"]["data"].values())
    return notification["topic"].split("/")[-1], source[0] if source else None, data[0]


def test_the_reply_comes_first_and_then_the_state():
    bench = Bench()
    reply, *state = bench.configure(ALL)
    assert reply == {
        "apiVersion": "1.0",
        "context": "c",
        "method": "events:configure",
        "data": {},
    }
    assert [told(message) for message in state] == [
        ("Heartbeat", None, "0"),
        ("Port", "0", "0"),
        ("DigitalInput", "0", "0"),
        ("Port", "1", "0"),
        ("DigitalInput", "1", "0"),
        ("Port", "2", "0"),
        ("Relay", "2", "inactive"),
        ("Port", "3", "0"),
        ("Relay", "3", "inactive"),
    ]
    assert state[0]["params"]["notification"]["timestamp"] == 1000


def test_nothing_comes_before_a_configure():
    bench = Bench()
    bench.module.input(0, 1, 5)
    bench.publish()
    assert bench.read() == []


def test_then_only_changes_that_were_asked_for():
    bench = Bench()
    bench.configure(RELAYS)
    bench.module.input(0, 1, 5)
    bench.module.command(bench.module.ports[2], 1, "a", 7)
    bench.publish()
    (message,) = bench.read()
    assert told(message) == ("Relay", "2", "active")
    assert message["params"]["notification"]["timestamp"] == 1007


def test_an_event_is_sent_once_for_each_filter_it_matches():
    bench = Bench()
    assert len(bench.configure(RELAYS, RELAYS)) == 1 + 2 + 2
    bench.module.command(bench.module.ports[2], 1, "a", 7)
    bench.publish()
    assert [told(message) for message in bench.read()] == [("Relay", "2", "active")] * 2


def test_a_content_filter_chooses_by_item():
    bench = Bench()
    lost = '{"contentFilter":%s}' % quote('boolean(//SimpleItem[@Name="lost" and @Value="1"])')
    assert len(bench.configure(lost)) == 1
    bench.module.heartbeat("a", 10, 0)
    bench.module.act(20)
    bench.publish()
    assert [told(message) for message in bench.read()] == [("Heartbeat", None, "1")]
    bench.module.heartbeat("a", 10, 30)
    bench.publish()
    assert bench.read() == []


def test_topic_and_content_filter_must_both_hold():
    bench = Bench()
    row = '{"topicFilter":"onvif:Device/axis:IO/axis:Port","contentFilter":%s}' % quote(
        'boolean(//SimpleItem[@Name="port" and @Value="2"])'
    )
    assert [told(message) for message in bench.configure(row)[1:]] == [("Port", "2", "0")]


def test_a_new_configure_replaces_the_filters_and_what_waits():
    bench = Bench()
    bench.configure(ALL)
    bench.module.command(bench.module.ports[2], 1, "a", 7)
    bench.publish()
    reply, *state = bench.configure(RELAYS)
    assert "data" in reply
    assert [told(message) for message in state] == [
        ("Relay", "2", "active"),
        ("Relay", "3", "inactive"),
    ]


def test_a_property_that_changes_before_its_turn_is_shown_once_with_the_new_value():
    bench = Bench()
    stream = bench.stream
    text = '{"apiVersion":"1.0","method":"events:configure","params":{"eventFilterList":[%s]}}'
    stream.receive((websocket.TEXT, text % RELAYS), 0)
    stream.outbox.next(0)  # the reply
    stream.outbox.next(0)  # relay 2
    bench.module.command(bench.module.ports[2], 1, "a", 7)
    bench.module.command(bench.module.ports[3], 1, "a", 7)
    bench.publish()
    assert [told(message) for message in bench.read()] == [
        ("Relay", "3", "active"),  # its turn of the state had not come
        ("Relay", "2", "active"),  # its had, so this is a change
    ]


def test_an_unknown_topic_is_accepted_and_silent():
    assert len(Bench().configure('{"topicFilter":"tns1:Nobody/tnsaxis:Has//."}')) == 1


def test_bad_requests_get_the_code_of_the_vendors_table_and_the_stream_goes_on():
    bench = Bench()
    bench.configure(RELAYS)
    for message, code in (
        ("{", 2101),
        ("[]", 2101),
        ('{"method":"events:configure"}', 2103),
        ('{"apiVersion":"1.0"}', 2103),
        ('{"apiVersion":"2.0","method":"events:configure"}', 2100),
        ('{"apiVersion":"1.0","method":"events:other"}', 2102),
        ('{"apiVersion":"1.0","method":"events:configure"}', 2104),
        ('{"apiVersion":"1.0","method":"events:configure","params":{}}', 2104),
    ):
        (answer,) = bench.text(message)
        assert answer["error"]["code"] == code, message
        assert answer["method"]
    for row, code in (
        ("", 2104),
        ("5", 2104),
        ("{}", 2103),
        ('{"topicFilter":5}', 2104),
        ('{"contentFilter":null,"topicFilter":null}', 2103),
        ('{"topicFilter":"a//b"}', 2104),
        ('{"contentFilter":""}', 2104),
        ('{"contentFilter":"boolean("}', 2104),
        (",".join([RELAYS] * 33), 2107),
    ):
        (answer,) = bench.configure(row)
        assert answer["error"]["code"] == code, row
        assert answer["context"] == "c"
    bench.module.command(bench.module.ports[2], 1, "a", 7)
    bench.publish()
    assert len(bench.read()) == 1  # the filters before the bad ones still hold


def test_an_event_is_encoded_once_however_many_listen():
    bench = Bench()
    others = [bench.service.open(0) for _ in range(3)]
    for stream in others:
        text = '{"apiVersion":"1.0","method":"events:configure","params":{"eventFilterList":[%s]}}'
        stream.receive((websocket.TEXT, text % RELAYS), 0)
        while stream.outbox.next(0) is not None:
            pass
    bench.module.command(bench.module.ports[2], 1, "a", 7)
    bench.publish()
    frames = [stream.outbox.next(0) for stream in others]
    assert frames[0] is frames[1] is frames[2]
    assert frames[0] is not None


def test_a_change_wakes_only_who_wants_it():
    bench = Bench()
    bench.configure('{"topicFilter":"tns1:Device/tnsaxis:Monitor/Heartbeat"}')
    before = bench.woken
    bench.module.input(0, 1, 5)
    bench.publish()
    assert bench.woken == before


def test_control_messages_get_what_rfc_6455_says():
    bench = Bench()
    bench.stream.receive((websocket.PING, b"p"), 0)
    assert bench.read() == [websocket.pong(b"p")]
    bench.stream.receive((websocket.CLOSE, (1001, "bye")), 0)
    assert bench.read() == [websocket.close(1001)]


def test_a_close_without_code_and_a_binary_message_are_closed_in_kind():
    for message, code in (
        ((websocket.CLOSE, (None, "")), 1000),
        ((websocket.BINARY, b"x"), 1003),
    ):
        bench = Bench()
        bench.stream.receive(message, 0)
        (frame,) = bench.read()
        assert frame[2] << 8 | frame[3] == code


def test_the_handshake_becomes_a_stream():
    bench = Bench()
    answer = bench.service.get(Caller(), Asked(b"", "sources=events", HANDSHAKE, "GET"), 0)
    assert isinstance(answer, Upgrade)
    assert answer.service is bench.service
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer.encode(True)


def test_a_bad_handshake_is_refused():
    bench = Bench()
    headers = dict(HANDSHAKE)
    headers["sec-websocket-version"] = "8"
    answer = bench.service.get(Caller(), Asked(b"", "sources=events", headers, "GET"), 0)
    assert answer.status == 426
    assert b"Sec-WebSocket-Version: 13" in answer.encode(True)
    for query in ("", "sources=audio", "sources=events,audio"):
        asked = Asked(b"", query, HANDSHAKE, "GET")
        assert raises(HttpError, bench.service.get, Caller(), asked, 0).status == 400


def test_there_are_only_so_many_streams():
    bench = Bench()
    for _ in range(5):
        bench.service.open(0)
    asked = Asked(b"", "sources=events", HANDSHAKE, "GET")
    assert raises(HttpError, bench.service.get, Caller(), asked, 0).status == 503
    bench.service.close(bench.stream)
    assert bench.service.get(Caller(), asked, 0).status == 101
