"""The stream of `port.cgi?monitor=1,2` (VAPIX Input and outputs): a multipart answer without end.

A part for each port at the beginning, `3I:H` active or `3I:L` inactive, then one for each change,
`3I:/` or `3I:\\`, O for outputs; an empty one after 15 s without, so that either side notices when
the other is gone. A client that does not read is closed.
"""

from micropython import const

from holdfast.core.events import PORT, VALUES
from holdfast.wire.http import HttpError, Response

_MAX_STREAMS = const(4)
_MAX_WAITING = const(32)  # parts of about 50 bytes
_EMPTY_EVERY_MS = const(15000)


class PortMonitors:
    """All monitors of the module."""

    def __init__(self):
        self._streams = []

    def get(self, ports):
        """The answer that becomes a stream; ports: (number, port) pairs."""
        if len(self._streams) >= _MAX_STREAMS:
            raise HttpError(503)
        return _Answer(_Opening(self._streams, ports))

    def publish(self, changes):
        """Take the changes of the event system."""
        for declared, data, _, _ in changes:
            if declared.topic is PORT:
                sign = "/" if data == PORT[VALUES][1] else "\\"
                for stream in self._streams:
                    stream.put(declared.source, sign)


class _Answer(Response):
    converse = "websocket_pump"
    endless = True

    def __init__(self, service):
        kind = "multipart/x-mixed-replace; boundary=ioboundary"
        super().__init__(200, b"", kind, ("Cache-Control: no-store", "Connection: close"))
        self.service = service


class _Opening:
    """What the server opens the stream with, when the head is sent."""

    def __init__(self, streams, ports):
        self._streams = streams
        self._ports = ports

    def open(self, now):
        stream = PortMonitor(self._ports, now)
        self._streams.append(stream)
        return stream

    def close(self, stream):
        if stream in self._streams:
            self._streams.remove(stream)


class PortMonitor:
    """One stream, and its own outbox: `next(now)` gives what to send, `tick(now)` says whether the
    peer is gone, `closing` whether nothing more comes.
    """

    def __init__(self, ports, now):
        self.wake = None  # set by the server: there may be something to send
        self.outbox = self
        self.closing = False
        self.farewell = False
        self._names = {}  # by port id: number and letter
        self._waiting = [b"--ioboundary\r\n"]
        self._empty_at = now + _EMPTY_EVERY_MS
        for number, port in ports:
            self._names[port.id] = "%d%s:" % (number, "O" if port.output else "I")
            self._add(self._names[port.id] + ("H" if port.active() else "L"))

    def put(self, identifier, sign):
        """A port has changed."""
        name = self._names.get(identifier)
        if name is not None:
            self._add(name + sign)
            self.wake()

    def _add(self, text):
        if len(self._waiting) >= _MAX_WAITING + len(self._names):
            self.closing = True
            self._waiting = []
        if not self.closing:
            part = "Content-Type: text/plain\r\n\r\n%s\r\n--ioboundary\r\n" % text
            self._waiting.append(part.encode())

    def next(self, now):
        if not self._waiting:
            return None
        self._empty_at = now + _EMPTY_EVERY_MS
        return self._waiting.pop(0)

    def tick(self, now):
        if now >= self._empty_at:
            self._empty_at = now + _EMPTY_EVERY_MS
            self._add("")
        return self.closing

    def listen(self, buffer):
        """What the peer sends means nothing."""
        self._buffer = buffer

    def read(self, now):
        self._buffer.clear()
