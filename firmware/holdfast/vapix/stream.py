"""Event streaming, `/vapix/ws-data-stream?sources=events` (VAPIX Event streaming over WebSocket).

A client sends `events:configure` with filters; it gets the reply first, then the current state of
every property its filters ask for, then changes. A new configure replaces the filters and shows
the state again. The state is not queued but read when there is room to send it; a property that
changes before its turn is shown once, with the new value. One event that matches n filters is sent
n times.

`sources` is a list with commas; `events` must be in it, and is all that this module has. Opening
is refused with HTTP status codes, also where the page has 2105 and 2106. A message of more than
MESSAGE_BYTES is dropped as it comes and answered with 2107, if it is no longer than DROPPED_BYTES.

permessage-deflate is declined (RFC 7692 section 5.1: an answer without the extension): its window
may be as large as 32 KB in each direction, and a stream has less than 4 KB here.

Ours is the item `cause` behind `lost` where the heartbeat is lost: why, in words, for as long as
the loss is one of the latest eight.

Ours, too, and nothing that a plain client sees: with `since=<number>&epoch=<id>` in the address a
stream goes on where another one ended. Its events then carry a `number`, counted from the start of
the module, and the data of its first configure reply say `epoch` (another after every start),
`number` (of the latest event) and `gap`. With `gap` false the events after `since` follow instead
of the state; with true they are not all known any more, and the state follows. Who comes for the
first time sends `since=` and keeps what the reply says.
"""

from binascii import hexlify

from micropython import const

# What others here import comes first: an import inside another takes 550 bytes of the C stack.
from holdfast.wire import websocket

# isort: split
from holdfast.core.events import HEARTBEAT, VALUES
from holdfast.core.topicfilter import FilterError, asks, topic_filter
from holdfast.vapix import api
from holdfast.vapix.notification import notify
from holdfast.wire.http import HttpError, Response, all_digits
from holdfast.wire.json import MAX_DIGITS, quote
from holdfast.wire.outbox import FELL_BEHIND, Outbox
from holdfast.wire.query import parameter

_MAX_FILTERS = const(32)  # clients that ask topic by topic ask for about twelve
_MAX_STREAMS = const(6)  # whatever the connections; each may hold 48 frames
MESSAGE_BYTES = const(4096)  # a configure with all filters
DROPPED_BYTES = const(65536)  # longer than this closes with 1009

_METHOD = "events:configure"
_SOURCE = "events"
_NAMED = const(64)  # characters of sources that are told to be unknown


class EventStreaming:
    """All event streams of the module.

    events: the EventSystem. epoch_ms: a function() that gives what to add to the module's time for
    UTC since 1970, 0 when the time is not known. boot: random bytes of this start, 8 or more.
    redeem: a function(query, now, spend) for the token in a query; see vapix.wssession.
    """

    def __init__(self, events, epoch_ms, boot, redeem):
        self._events = events
        self._epoch_ms = epoch_ms
        self._redeem = redeem
        self._streams = []
        self._epoch = hexlify(boot[:8]).decode()

    def get(self, caller, request, now):
        """Answer the opening handshake."""
        headers = request.headers
        problem = websocket.check_handshake(
            request.method,
            headers.get("sec-websocket-version"),
            headers.get("sec-websocket-key"),
            headers.get("upgrade"),
            headers.get("connection"),
        )
        if problem is not None:
            lines = ("Sec-WebSocket-Version: 13",) if problem[0] == 426 else ()
            return Response(problem[0], problem[1].encode(), "text/plain", lines)
        problem = _unknown_sources(parameter(request.query, "sources") or "")
        if problem is not None:
            return Response(400, problem.encode(), "text/plain")
        if len(self._streams) >= _MAX_STREAMS:
            raise HttpError(503)
        since = parameter(request.query, "since")
        service = self
        if since is not None:
            service = _Resumption(self, self._known(since, parameter(request.query, "epoch")))
        answer = Upgrade(service, headers["sec-websocket-key"])
        query = request.query
        answer.spend = lambda: self._redeem(query, now, True)
        return answer

    def _known(self, since, epoch):
        """The number after which a stream goes on; -1 when it cannot, None for the first time."""
        self._events.remember()
        if not since and epoch is None:
            return None
        if epoch == self._epoch and all_digits(since, MAX_DIGITS):
            number = int(since)
            if number <= self._events.sequence:
                return number
        return -1

    def open(self, now, numbered=False, since=None):
        """A new stream; `close` must follow."""
        stream = EventStream(self._events, self.frame, now)
        if numbered:
            stream.number(self._epoch, since)
        self._streams.append(stream)
        return stream

    def close(self, stream):
        if stream in self._streams:
            self._streams.remove(stream)

    def publish(self, changes):
        """Give changes, (property, data, at), to whoever asked for them. Encoded once each."""
        for declared, data, at, number in changes:
            frames: list = [None, None]  # plain, numbered
            for stream in self._streams:
                count = stream.wants(declared, data)
                if count:
                    kind = 1 if stream.numbered else 0
                    if frames[kind] is None:
                        frames[kind] = self.frame(declared, data, at, number if kind else None)
                    stream.put(frames[kind], count)

    def frame(self, declared, data, at, number=None):
        more = "" if number is None else ',"number":%d' % number
        cause = None
        if declared.topic is HEARTBEAT and data == HEARTBEAT[VALUES][1]:
            for trip in self._events.trips:
                if trip[1] == at:
                    cause = trip[3]
        return notify(declared, data, at + self._epoch_ms(), more, cause)


def _unknown_sources(sources):
    """What is wrong with the list of sources; None when events are among them."""
    names = [name.strip() for name in sources.split(",")]
    if _SOURCE in names:
        return None
    names = ", ".join([name for name in names if name])
    if not names:
        return "sources is missing, known: %s\n" % _SOURCE
    return "sources unknown: %s, known: %s\n" % (quote(names[:_NAMED]), _SOURCE)


class _Resumption:
    """An EventStreaming whose next stream goes on after event number `since`."""

    def __init__(self, service, since):
        self._service = service
        self._since = since
        self.close = service.close

    def open(self, now):
        return self._service.open(now, True, self._since)


class Upgrade(Response):
    """101: the connection becomes a stream of `service`."""

    converse = "websocket_pump"
    endless = True

    def __init__(self, service, key):
        lines = (
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Accept: " + websocket.accept_key(key),
        )
        super().__init__(101, lines=lines)
        self.service = service


class EventStream:
    """One subscriber. The server feeds `receive`, sends what `outbox.next` gives, sets `wake`."""

    def __init__(self, events, encode, now):
        self.wake = _nothing  # called when there may be something to send
        self.report = _nothing  # .. with an exception that nobody expected
        self.outbox = Outbox(self._replay, now)
        self.numbered = False
        self._events = events
        self._properties = events.properties
        self._encode = encode
        self._epoch = None  # told with the next configure reply
        self._since = None  # the number after which that goes on
        self._shown = None  # of the events that were missed, the number of the last one shown
        self._copies = []  # of one of them that matches several filters
        self._messages = None
        self.farewell = False  # the peer has said goodbye
        self._holds = None  # content_matches, loaded with the first content filter
        # ((flags by place of a topic, topics, content program or None), ...)
        self._filters = ()
        self._at = (0, 0)  # the next to show: filter, property

    def number(self, epoch, since):
        """Number the events; go on after `since`, -1: it is not known any more, None: begin."""
        self.numbered = True
        self._epoch = epoch
        self._since = since

    def listen(self, buffer):
        """From now on `read` takes messages out of this ReceiveBuffer."""
        self._messages = websocket.MessageReader(buffer, MESSAGE_BYTES, DROPPED_BYTES)

    def read(self, now):
        """Take the messages that are there."""
        try:
            message = self._messages.next()
            while message is not None:
                self.receive(message, now)
                self.farewell = message[0] == websocket.CLOSE
                message = self._messages.next()
        except websocket.WebSocketError as error:
            self.outbox.close(error.code, error.reason)
            self.wake()

    def receive(self, message, now):
        """Take one message of MessageReader."""
        opcode, payload = message
        outbox = self.outbox
        if opcode == websocket.TEXT:
            outbox.reply(self._answer(payload))
        elif opcode == websocket.PING:
            outbox.pong(payload)
        elif opcode == websocket.PONG:
            outbox.acknowledge(payload, now)
        elif opcode == websocket.CLOSE:
            outbox.close(payload[0] or 1000)
        else:
            outbox.close(1003, "text messages only")
        self.wake()

    def put(self, frame, count):
        """Queue an event `count` times."""
        for _ in range(count):
            self.outbox.put(frame)
        self.wake()

    def wants(self, declared, data):
        """How many times this change is to be sent: once for each filter already shown the
        state.
        """
        if self._shown is not None:
            return 0  # its turn comes, it is in the history
        at_filter, at_property = self._at
        return self._count(declared, data, at_filter, at_property)

    def _count(self, declared, data, at_filter, at_property):
        count = 0
        for i, (flags, topics, content) in enumerate(self._filters):
            if not asks(flags, topics, self._events.topics, declared.topic):
                continue
            if i > at_filter or (i == at_filter and declared in self._properties[at_property:]):
                break
            if content is None or self._holds(content, declared.items(data)):
                count += 1
        return count

    def _replay(self):
        """The next frame of what was missed or of the state, None when all is shown."""
        if self._copies:
            return self._copies.pop()
        if self._shown is not None:
            return self._catch_up()
        at_filter, at_property = self._at
        while at_filter < len(self._filters):
            flags, topics, content = self._filters[at_filter]
            while at_property < len(self._properties):
                declared = self._properties[at_property]
                at_property += 1
                if declared.gone() or not asks(flags, topics, self._events.topics, declared.topic):
                    continue
                if content is None or self._holds(content, declared.items(declared.data)):
                    self._at = (at_filter, at_property)
                    return self._encode(declared, declared.data, declared.at)
            at_filter += 1
            at_property = 0
        self._at = (at_filter, 0)
        return None

    def _catch_up(self):
        """The next frame of the events that were missed, None when all are shown."""
        history = self._events.history
        while self._shown < self._events.sequence:
            behind = self._events.sequence - self._shown
            if behind > len(history):
                self.outbox.close(*FELL_BEHIND)
                return None
            declared, data, at, number = history[len(history) - behind]
            self._shown = number
            count = self._count(declared, data, len(self._filters), 0)
            if count:
                frame = self._encode(declared, data, at, number)
                self._copies = [frame] * (count - 1)
                return frame
        self._shown = None
        return None

    def _answer(self, text):
        """The frame that answers a message; None stands for one that was too long."""
        call = api.Call("1.0", None, None, None)
        try:
            try:
                if text is None:
                    raise api.ApiError(api.TOO_LARGE)
                call = api.read(text.encode())
                if call.method != _METHOD:
                    raise api.ApiError(api.METHOD)
                return self._configure(call)
            except api.ApiError as error:
                call = error.call or call
                return _refused(call, error.code, error.detail)
        except MemoryError:
            text = None  # the filters are what they were
        except Exception as error:
            self.report(error)
        return _refused(call, api.INTERNAL, None)

    def _configure(self, call):
        """Use other filters; the frame that says so. Nothing has changed when this raises."""
        filters = self._compile(call.params)
        frame, shown = self._reply(call)
        self.outbox.drop()  # only the latest filters apply
        self._filters = filters
        self._copies = []
        self._shown = shown
        self._at = (0 if shown is None else len(filters), 0)
        self._epoch = None
        return frame

    def _reply(self, call):
        """The frame of a success, and after which event the stream goes on, None for the state. A
        numbered stream's first one tells where it is; from then on it is like others.
        """
        if self._epoch is None:
            return websocket.text(api.answer(call, "data", "{}")), None
        events = self._events
        since = self._since
        gap = since is not None and events.sequence - since > len(events.history)
        data = '{"epoch":"%s","number":%d,"gap":%s}' % (
            self._epoch,
            events.sequence,
            "true" if gap else "false",
        )
        return websocket.text(api.answer(call, "data", data)), None if gap else since

    def _compile(self, params):
        """The filters of a configure. An empty list asks for everything; without one it is
        refused with the code that real devices have for that, 2104. Without params there is no
        such code to follow, so it is the table's, 2103.
        """
        if params is None:
            raise api.ApiError(api.MISSING, "params")
        rows = params.get("eventFilterList") if isinstance(params, dict) else None
        if not isinstance(rows, list):
            raise api.ApiError(api.INVALID, "eventFilterList")
        if not rows:
            rows = [{"topicFilter": ""}]
        if len(rows) > _MAX_FILTERS:
            raise api.ApiError(api.TOO_LARGE, "eventFilterList")
        return tuple([self._filter(row) for row in rows])

    def _filter(self, row):
        if not isinstance(row, dict):
            raise api.ApiError(api.INVALID, "eventFilterList")
        topic = row.get("topicFilter")
        content = row.get("contentFilter")
        if topic is None and content is None:
            raise api.ApiError(api.MISSING, "topicFilter or contentFilter")
        for value, name in ((topic, "topicFilter"), (content, "contentFilter")):
            if value is not None and not isinstance(value, str):
                raise api.ApiError(api.INVALID, name)
        try:
            name = "topicFilter"
            compiled = topic_filter(topic or "")
            name = "contentFilter"
            program = self._content(content) if content else None
        except FilterError:
            raise api.ApiError(api.INVALID, name)
        return bytearray(), compiled, program

    def _content(self, text):
        from holdfast.core import contentfilter

        self._holds = contentfilter.content_matches
        return contentfilter.content_filter(text)


def _refused(call, code, detail):
    """The frame of a failure."""
    text = api.error_object(code, detail)
    return websocket.text(api.answer(call, "error", text, _METHOD))


def _nothing(*_):
    pass
