"""What waits to be sent to one WebSocket peer, bounded, with pings as the acknowledgement.

TCP does not tell a program what its peer has taken, and on a Pico W a few stalled peers can hold
all of the memory there is for sending. So no more than WINDOW_BYTES go out that the peer has not
acknowledged by answering a ping; what comes meanwhile waits in a queue of QUEUE_FRAMES. A peer
that does not answer, or whose queue overflows, has fallen behind: it is closed and told why.
"""

from micropython import const

from holdfast.wire import websocket

WINDOW_BYTES = const(1024)
QUEUE_FRAMES = const(48)  # references: an event's bytes are shared by all who get it
REPLIES = const(4)  # answers to requests not sent yet; who asks faster than that does not read
PING_EVERY_MS = const(20000)  # below the half minute after which clients and proxies give up
PONG_WITHIN_MS = const(8000)
FELL_BEHIND = (1008, "events were not read in time")


class Outbox:
    """Frames to one peer. `next(now)` gives what may be sent now.

    refill: a function() that returns a frame or None, asked before the queue is looked at.
    """

    def __init__(self, refill, now):
        self.closing = False  # a close frame is queued or sent; nothing follows it
        self._refill = refill
        self._control = []  # our ping, our close: sent whatever the window says
        self._replies = []
        self._queue = []
        self._pong = None
        self._unacknowledged = 0  # bytes sent since the ping last answered
        self._covered = 0  # of these, what the ping under way acknowledges
        self._ping = 0  # number of the ping under way, 0 when none is
        self._pings = 0
        self._deadline = now + PING_EVERY_MS

    def reply(self, frame):
        """Queue an answer to the peer's own request."""
        if len(self._replies) >= REPLIES:
            self.close(*FELL_BEHIND)
        elif not self.closing:
            self._replies.append(frame)

    def put(self, frame):
        """Queue an event; one that does not fit closes the connection."""
        if len(self._queue) >= QUEUE_FRAMES:
            self.close(*FELL_BEHIND)
        elif not self.closing:
            self._queue.append(frame)

    def drop(self):
        """Forget the events that wait."""
        self._queue = []

    def pong(self, payload):
        """Answer the peer's ping; of several the last needs an answer (RFC 6455 section 5.5.3)."""
        self._pong = websocket.pong(payload)

    def close(self, code, reason=""):
        """End with a close frame; what still waits is not sent."""
        if not self.closing:
            self.closing = True
            self._queue = []
            self._replies = []
            self._pong = None
            self._control.append(websocket.close(code, reason))

    def acknowledge(self, payload, now):
        """The peer answered a ping; any but the one under way means nothing."""
        if self._ping and payload == b"%d" % self._ping:
            self._unacknowledged -= self._covered
            self._ping = 0
            self._deadline = now + PING_EVERY_MS
            self._ask(now)

    def tick(self, now):
        """Look at the deadline: time to ping? True when the peer did not answer and is gone."""
        if now >= self._deadline:
            if self._ping or self.closing:
                return True
            self._send_ping(now)
        return False

    def next(self, now):
        """Return the next frame to send, None when there is none or the peer must answer first."""
        if self._control:
            frame = self._control.pop(0)
        elif self.closing or self._unacknowledged >= WINDOW_BYTES:
            return None
        elif self._pong is not None:
            frame, self._pong = self._pong, None
        elif self._replies:
            frame = self._replies.pop(0)
        else:
            frame = self._refill()
            if frame is None:
                waiting = self._control or self._queue  # refill may have closed
                if not waiting:
                    return None
                frame = waiting.pop(0)
        self._unacknowledged += len(frame)
        self._ask(now)
        return frame

    def _ask(self, now):
        """Ask for an acknowledgement before the window is full."""
        if self._unacknowledged >= WINDOW_BYTES // 2 and not self._ping and not self.closing:
            self._send_ping(now)

    def _send_ping(self, now):
        self._pings += 1
        self._ping = self._pings
        self._covered = self._unacknowledged
        self._deadline = now + PONG_WITHIN_MS
        self._control.append(websocket.ping(b"%d" % self._ping))
