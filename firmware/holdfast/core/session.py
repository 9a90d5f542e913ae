"""One master's heartbeat session (VAPIX Heartbeat service API): its id, its end, is it lost."""


class Session:
    """The session of one master. Times are ms of the module's clock; None means "not running"."""

    # Of the class, as long as they are so: each attribute of an object takes heap.
    counts = True  # its end may be a loss; not when settings name other masters
    released = False  # an administrator does not wait for it
    why = ""  # it was lost; of the module's own alone

    def __init__(self, master):
        self.master = master
        self.id = None  # UUIDv4 text while alive
        self.expires_at = None  # first ms at which the session is over
        self.armed_at = None  # .. as the alarm knows it
        self.lost = False  # expired, and neither restored nor released
        self.lost_at = None  # when it expired
        # The loss is not in the trip record yet: True, or when the pins had moved for it.
        self.untold = False
        self.began_at = None  # the first heartbeat of this id
        self.moved_at = None  # when the alarm moved the pins for that loss, None when it did not
        self.duration_ms = None  # of the last heartbeat
        self.last_at = None  # the last heartbeat
        self.least_margin_ms = None  # nearest the session ever came to expiry since it began
        self.peer = None  # the address that it came from, as the socket tells it
        self.beats = 0
        self.count = 0  # heartbeats of this session after its first
        self.longest_ms = 0  # the longest time between two of them
        self.ports: tuple = ()  # outputs that fall back with this master alone

    def begin(self, identifier, now):
        """A new session, not yet fed."""
        self.id = identifier
        if self.released:
            self.released = False
        self.began_at = now
        self.least_margin_ms = None
        self.count = self.longest_ms = 0

    def end(self):
        """It does not run any more."""
        self.id = self.expires_at = None

    def feed(self, duration_ms, now):
        """A heartbeat at `now`: alive for Duration from here.

        The clock counts whole ms, so `now` may be up to 1 ms older than the heartbeat: the session
        is over only when more than Duration has passed on that clock. Never early. Without memory
        for the new deadline nothing has changed.
        """
        expires_at = now + duration_ms + 1
        if self.expires_at is not None and self.last_at is not None:
            margin = self.expires_at - now
            if self.least_margin_ms is None or margin < self.least_margin_ms:
                self.least_margin_ms = margin
            gap = now - self.last_at
            if gap > self.longest_ms:
                self.longest_ms = gap
            self.count += 1
        self.expires_at = expires_at
        self.duration_ms = duration_ms
        self.last_at = now
        self.beats += 1


def uuid4(random):
    """UUID version 4 text from 16 random bytes (RFC 9562 section 5.4)."""
    value = bytearray(random)
    value[6] = value[6] & 0x0F | 0x40
    value[8] = value[8] & 0x3F | 0x80
    return "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x" % tuple(value)
