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
        self.redeemed = []
        self.service = EventStreaming(
            self.module.events,
            lambda: 1000,
            b"\x01" * 16,
            lambda *query: self.redeemed.append(query),
        )
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
    items = notification["message"]["data"]
    data = [items[name] for name in items if name != "cause"]
    return notification["topic"].split("/")[-1], source[0] if source else None, data[0]


def data_of(message):
    return message["params"]["notification"]["message"]["data"]


def test_the_reply_comes_first_and_then_the_state():
    bench = Bench()
    reply, *state = bench.configure(ALL)
    assert reply == {
        "apiVersion": "1.0",
        "context": "c",
        "method": "events:configure",
        "data": {},
    }
    state = state[:-16]  # virtual inputs and ports
    assert [told(message) for message in state] == [
        ("Heartbeat", None, "0"),
        ("SystemReady", None, "0"),
        ("Port", "0", "0"),
        ("DigitalInput", "0", "0"),
        ("Port", "1", "0"),
        ("DigitalInput", "1", "0"),
        ("Port", "2", "0"),
        ("Relay", "2", "inactive"),
        ("OutputPort", "2", "low"),
        ("Port", "3", "0"),
        ("Relay", "3", "inactive"),
        ("OutputPort", "3", "low"),
    ]
    assert state[0]["params"]["notification"]["timestamp"] == 1000


def test_a_lost_heartbeat_tells_its_cause_behind_the_vendors_item():
    bench = Bench()
    bench.module.heartbeat("a", 5000, 0)
    bench.configure('{"topicFilter":"tns1:Device/tnsaxis:Monitor/Heartbeat"}')
    bench.module.act(6000)
    bench.module.tell(6000)
    bench.publish()
    cause = "no heartbeat for 5000 ms"
    (message,) = bench.read()
    assert data_of(message) == {"lost": "1", "cause": cause}
    # The state tells it, too; a heartbeat that is there has none.
    _, message = bench.configure('{"topicFilter":"tns1:Device/tnsaxis:Monitor/Heartbeat"}')
    assert data_of(message) == {"lost": "1", "cause": cause}
    bench.module.heartbeat("a", 5000, 7000)
    bench.module.tell(7000)
    bench.publish()
    assert data_of(bench.read()[0]) == {"lost": "0"}


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


def test_empty_filters_filter_nothing():
    everything = Bench().configure('{"topicFilter":"//."}')
    assert len(everything) > 10
    for rows in (
        "",
        '{"topicFilter":""}',
        '{"contentFilter":""}',
        '{"topicFilter":"//.","contentFilter":""}',
        '{"topicFilter":"","contentFilter":""}',
        '{"topicFilter":null,"contentFilter":""}',
    ):
        assert Bench().configure(rows) == everything, rows
    one = Bench().configure(
        '{"topicFilter":"tns1:Device/tnsaxis:Monitor/Heartbeat","contentFilter":""}'
    )
    assert len(one) == 2


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
        ('{"apiVersion":"1.0","method":"events:configure"}', 2103),
        ('{"apiVersion":"1.0","method":"events:configure","params":{}}', 2104),
        ('{"apiVersion":"1.0","method":"events:configure","params":[]}', 2104),
        (
            '{"apiVersion":"1.0","method":"events:configure","params":{"eventFilterList":null}}',
            2104,
        ),
    ):
        (answer,) = bench.text(message)
        assert answer["error"]["code"] == code, message
        assert answer["method"]
    for row, code in (
        ("5", 2104),
        ("{}", 2103),
        ('{"topicFilter":5}', 2104),
        ('{"contentFilter":null,"topicFilter":null}', 2103),
        ('{"topicFilter":"a//b"}', 2104),
        ('{"contentFilter":"","topicFilter":5}', 2104),
        ('{"contentFilter":"boolean("}', 2104),
        (",".join([RELAYS] * 33), 2107),
    ):
        (answer,) = bench.configure(row)
        assert answer["error"]["code"] == code, row
        assert answer["context"] == "c"
    bench.module.command(bench.module.ports[2], 1, "a", 7)
    bench.publish()
    assert len(bench.read()) == 1  # the filters before the bad ones still hold


def test_a_failure_repeats_the_version_that_was_asked_for():
    bench = Bench()
    for version in ("2.0", "one", ""):
        text = '{"apiVersion":"%s","context":"c","method":"events:configure"}' % version
        (answer,) = bench.text(text)
        assert (answer["apiVersion"], answer["context"]) == (version, "c")
        assert answer["error"]["code"] == 2100
    (answer,) = bench.text('{"apiVersion":1.0,"method":"events:configure"}')
    assert (answer["apiVersion"], answer["error"]["code"]) == ("1.0", 2104)


def test_a_message_that_was_too_long_is_answered_and_a_binary_one_is_closed():
    bench = Bench()
    bench.configure(RELAYS)
    (answer,) = bench.text(None)
    assert answer == {
        "apiVersion": "1.0",
        "method": "events:configure",
        "error": {"code": 2107, "message": "Request too large"},
    }
    bench.module.command(bench.module.ports[2], 1, "a", 7)
    bench.publish()
    assert len(bench.read()) == 1
    bench.stream.receive((websocket.BINARY, None), 0)
    (frame,) = bench.read()
    assert frame[2] << 8 | frame[3] == 1003


def test_where_the_module_fails_it_says_so_and_the_filters_stay():
    for raised in (MemoryError(), RuntimeError("of ours")):
        bench = Bench()
        bench.configure(RELAYS)
        reports = []
        bench.stream.report = reports.append

        def fail(text, raised=raised):
            raise raised

        bench.stream._content = fail
        (answer,) = bench.configure('{"contentFilter":"boolean(//SimpleItem)"}')
        assert answer["error"] == {"code": 1100, "message": "Internal error"}
        assert reports == ([] if isinstance(raised, MemoryError) else [raised])
        bench.module.command(bench.module.ports[2], 1, "a", 7)
        bench.publish()
        assert len(bench.read()) == 1


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


def test_sources_are_a_list_and_events_are_among_them():
    bench = Bench()
    for query in ("events", "events,audio", "audio,%20events%20", "events,events", ",events,"):
        asked = Asked(b"", "sources=" + query, HANDSHAKE, "GET")
        assert bench.service.get(Caller(), asked, 0).status == 101, query
    for query, said in (
        ("", b"sources is missing, known: events\n"),
        ("sources=", b"sources is missing, known: events\n"),
        ("sources=,", b"sources is missing, known: events\n"),
        ("sources=audio", b'sources unknown: "audio", known: events\n'),
        ("sources=audio,Events", b'sources unknown: "audio, Events", known: events\n'),
        ("sources=%0d%0aX:%1b", b'sources unknown: "X:\\u001b", known: events\n'),
        ("sources=" + "a" * 900, b'sources unknown: "%s", known: events\n' % (b"a" * 64)),
    ):
        answer = bench.service.get(Caller(), Asked(b"", query, HANDSHAKE, "GET"), 0)
        assert (answer.status, answer.body) == (400, said), query
        assert answer.spend is None


def test_a_token_is_spent_when_the_101_is_certain():
    bench = Bench()
    asked = Asked(b"", "sources=events&wssession=7", HANDSHAKE, "GET")
    answer = bench.service.get(Caller(), asked, 5)
    assert bench.redeemed == []
    answer.spend()
    assert bench.redeemed == [("sources=events&wssession=7", 5, True)]


def test_there_are_only_so_many_streams():
    bench = Bench()
    for _ in range(5):
        bench.service.open(0)
    asked = Asked(b"", "sources=events", HANDSHAKE, "GET")
    assert raises(HttpError, bench.service.get, Caller(), asked, 0).status == 503
    bench.service.close(bench.stream)
    assert bench.service.get(Caller(), asked, 0).status == 101


class Numbered(Bench):
    """A module with a numbered stream, and a way to come again."""

    def __init__(self):
        super().__init__()
        self.service.close(self.stream)
        self.come("since=")

    def come(self, query):
        asked = Asked(query="sources=events&" + query, headers=HANDSHAKE, method="GET")
        service = self.service.get(Caller(), asked, 0).service
        self.stream = service.open(0)
        self.stream.wake = self.wake
        self.leave = lambda: service.close(self.stream)

    def told(self, *filters):
        """(data of the configure reply, the notifications that follow)."""
        reply, *rest = self.configure(*filters or (RELAYS,))
        return reply["data"], rest

    def switch(self, *states):
        for state in states:
            self.module.command(self.module.ports[2], state, "a", 5)
            self.publish()


def numbers(messages):
    return [message["params"]["notification"].get("number") for message in messages]


def test_the_first_time_the_reply_tells_where_it_stands_and_the_state_follows():
    bench = Numbered()
    data, state = bench.told()
    assert (data["number"], data["gap"]) == (0, False)
    assert len(data["epoch"]) == 16
    assert numbers(state) == [None, None]
    bench.switch(1)
    assert numbers(bench.read()) == [2]  # Port was 1, OutputPort is 3


def test_who_comes_again_gets_what_was_missed_and_no_state():
    bench = Numbered()
    epoch = bench.told()[0]["epoch"]
    bench.leave()
    bench.switch(1, 0, 1)
    bench.come("since=2&epoch=" + epoch)
    data, missed = bench.told()
    assert (data["number"], data["gap"], data["epoch"]) == (9, False, epoch)
    assert [told(message)[2] for message in missed] == ["inactive", "active"]
    assert numbers(missed) == [5, 8]
    bench.switch(0)
    assert numbers(bench.read()) == [11]
    bench.leave()
    bench.come("since=12&epoch=" + epoch)
    assert bench.told() == ({"epoch": epoch, "number": 12, "gap": False}, [])


def test_what_happens_before_the_missed_events_are_sent_comes_behind_them():
    bench = Numbered()
    epoch = bench.told()[0]["epoch"]
    bench.switch(1)
    bench.leave()
    bench.come("since=0&epoch=" + epoch)
    text = '{"apiVersion":"1.0","method":"events:configure","params":{"eventFilterList":[%s]}}'
    bench.stream.receive((websocket.TEXT, text % ",".join((RELAYS, RELAYS))), 0)
    bench.switch(0)
    reply, *missed = bench.read()
    assert reply["data"]["number"] == 3
    assert numbers(missed) == [2, 2, 5, 5]


def test_a_gap_is_said_plainly_and_the_state_follows():
    bench = Numbered()
    epoch = bench.told()[0]["epoch"]
    bench.leave()
    bench.switch(*[1, 0] * 12)
    for query in (
        "since=0&epoch=" + epoch,  # too long ago
        "since=72&epoch=0000000000000000",  # before a restart
        "since=73&epoch=" + epoch,  # not yet
        "since=72",
        "since=-1&epoch=" + epoch,
        "since=x&epoch=" + epoch,
        "since=&epoch=" + epoch,
        "since=1234567890123456&epoch=" + epoch,
    ):
        bench.come(query)
        data, state = bench.told()
        assert data == {"epoch": epoch, "number": 72, "gap": True}, query
        assert numbers(state) == [None, None]
        bench.leave()


def test_a_stream_that_the_history_leaves_behind_is_closed():
    bench = Numbered()
    epoch = bench.told()[0]["epoch"]
    bench.switch(1)
    bench.leave()
    bench.come("since=0&epoch=" + epoch)
    text = '{"apiVersion":"1.0","method":"events:configure","params":{"eventFilterList":[%s]}}'
    bench.stream.receive((websocket.TEXT, text % RELAYS), 0)
    bench.switch(*[0, 1] * 12)
    reply, closed = bench.read()
    assert closed[:4] == b"\x88\x1e\x03\xf0"  # 1008


def test_a_second_configure_shows_the_state_and_numbers_go_on():
    bench = Numbered()
    bench.told()
    assert bench.told() == ({}, bench.told()[1])
    bench.switch(1)
    assert numbers(bench.read()) == [2]


def test_plain_streams_see_nothing_new_beside_a_numbered_one():
    bench = Numbered()
    plain = bench.service.open(0)
    text = '{"apiVersion":"1.0","method":"events:configure","params":{"eventFilterList":[%s]}}'
    plain.receive((websocket.TEXT, text % RELAYS), 0)
    bench.told()
    bench.switch(1)
    assert numbers(bench.read()) == [2]
    bench.stream = plain
    reply, *events = bench.read()
    assert reply["data"] == {}
    assert numbers(events) == [None, None]
    assert "number" not in str(events)
