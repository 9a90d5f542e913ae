"""Event streaming, `/vapix/ws-data-stream?sources=events` (VAPIX Event streaming over WebSocket).

A client sends `events:configure` with filters; it gets the reply first, then the current state of
every property its filters ask for, then changes. A new configure replaces the filters and shows
the state again. The state is not queued but read when there is room to send it; a property that
changes before its turn is shown once, with the new value. One event that matches n filters is sent
n times.
"""

from micropython import const

from holdfast.vapix import api
from holdfast.vapix.notification import items, notify
from holdfast.vapix.topicfilter import FilterError, topic_filter, topic_matches
from holdfast.wire import websocket
from holdfast.wire.http import HttpError, Response
from holdfast.wire.outbox import Outbox
from holdfast.wire.query import parameter

_MAX_FILTERS = const(32)  # clients that ask topic by topic ask for about twelve
_MAX_STREAMS = const(6)  # whatever the connections; each may hold 32 frames
MESSAGE_BYTES = const(4096)  # a configure with all filters; more closes with 1009

_METHOD = "events:configure"


class EventStreaming:
    """All event streams of the module.

    events: the EventSystem. epoch_ms: a function() that gives what to add to the module's time for
    UTC since 1970, 0 when the time is not known.
    """

    def __init__(self, events, epoch_ms):
        self._events = events
        self._epoch_ms = epoch_ms
        self._streams = []

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
        if parameter(request.query, "sources") != "events":
            raise HttpError(400)
        if len(self._streams) >= _MAX_STREAMS:
            raise HttpError(503)
        return Upgrade(self, headers["sec-websocket-key"])

    def open(self, now):
        """A new stream; `close` must follow."""
        stream = EventStream(self._events.properties, self.frame, now)
        self._streams.append(stream)
        return stream

    def close(self, stream):
        if stream in self._streams:
            self._streams.remove(stream)

    def publish(self, changes):
        """Give changes, (property, data, at), to whoever asked for them. Encoded once each."""
        for declared, data, at in changes:
            frame = None
            for stream in self._streams:
                count = stream.wants(declared, data)
                if count:
                    if frame is None:
                        frame = self.frame(declared, data, at)
                    stream.put(frame, count)

    def frame(self, declared, data, at):
        return notify(declared, data, at + self._epoch_ms())


class Upgrade(Response):
    """101: the connection becomes a stream of `service`."""

    def __init__(self, service, key):
        lines = (
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Accept: " + websocket.accept_key(key),
        )
        super().__init__(101, lines=lines)
        self.service = service


class EventStream:
    """One subscriber. The shell feeds `receive`, sends what `outbox.next` gives, sets `wake`."""

    def __init__(self, properties, encode, now):
        self.wake = _nothing  # called when there may be something to send
        self.outbox = Outbox(self._replay, now)
        self._properties = properties
        self._encode = encode
        self._holds = None  # content_matches, loaded with the first content filter
        self._filters = ()  # ((flags by property index, content program or None), ...)
        self._at = (0, 0)  # the next to show: filter, property

    def receive(self, message, now):
        """Take one message of MessageReader."""
        opcode, payload = message
        outbox = self.outbox
        if opcode == websocket.TEXT:
            outbox.reply(websocket.text(self._answer(payload)))
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
        count = 0
        at_filter, at_property = self._at
        for i, (flags, content) in enumerate(self._filters):
            if not flags[declared.index]:
                continue
            if i > at_filter or (i == at_filter and declared.index >= at_property):
                break
            if content is None or self._holds(content, items(declared, data)):
                count += 1
        return count

    def _replay(self):
        """The next frame of the current state, None when all is shown."""
        at_filter, at_property = self._at
        while at_filter < len(self._filters):
            flags, content = self._filters[at_filter]
            while at_property < len(self._properties):
                declared = self._properties[at_property]
                at_property += 1
                if flags[declared.index] and (
                    content is None or self._holds(content, items(declared, declared.data))
                ):
                    self._at = (at_filter, at_property)
                    return self._encode(declared, declared.data, declared.at)
            at_filter += 1
            at_property = 0
        self._at = (at_filter, 0)
        return None

    def _answer(self, text):
        try:
            call = api.read(text.encode())
            try:
                if call.method != _METHOD:
                    raise api.ApiError(api.METHOD)
                filters = self._compile(call.params)
            except api.ApiError as error:
                error.call = call
                raise
        except api.ApiError as error:
            text = api.error_object(error.code, error.detail)
            return api.answer(error.call, "error", text, _METHOD)
        self.outbox.drop()  # only the latest filters apply
        self._filters = filters
        self._at = (0, 0)
        return api.answer(call, "data", "{}")

    def _compile(self, params):
        """The filters of a configure; one that is not there or empty is refused as real devices
        do.
        """
        rows = params.get("eventFilterList") if isinstance(params, dict) else None
        if not isinstance(rows, list) or not rows:
            raise api.ApiError(api.INVALID, "eventFilterList")
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
            program = None if content is None else self._content(content)
        except FilterError:
            raise api.ApiError(api.INVALID, name)
        flags = bytearray(len(self._properties))
        for declared in self._properties:
            flags[declared.index] = topic_matches(compiled, declared.topic[0])
        return flags, program

    def _content(self, text):
        from holdfast.vapix import contentfilter

        self._holds = contentfilter.content_matches
        return contentfilter.content_filter(text)


def _nothing():
    pass
