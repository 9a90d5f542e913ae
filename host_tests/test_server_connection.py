"""No byte crosses from one connection to another: the block that all share is empty whenever a
task waits, and each peer gets the answers to its own requests, in order.

The tasks of the server run by hand here, a step at a time and in every order, so that the block is
looked at after every single step. What waits, waits for a fake; the rest is the server's own code.
"""

from asyncio import CancelledError

from holdfast.server import body as pieces
from holdfast.server import connection as connections
from holdfast.server import server as servers
from holdfast.server import websocket_pump as streaming
from holdfast.wire import websocket
from holdfast.wire.http import HttpError, Response

SEEDS = 150
STEPS = 20000  # until all must have ended
PATCHES = (
    (connections, ("readable", "writable", "sleep_ms", "write")),
    (servers, ("asyncio", "read_into", "sleep_ms", "write")),
    (streaming, ("asyncio",)),
    (pieces, ("sleep_ms",)),
)


class Dice:
    """Numbers that are the same on both interpreters."""

    def __init__(self, seed):
        self.state = seed * 2654435761 + 1

    def below(self, limit):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % limit


class Until:
    """Waits until a condition holds; asked by the loop, not by the task."""

    def __init__(self, condition):
        self.condition = condition

    def __iter__(self):
        yield self.condition

    __await__ = __iter__


class Task:
    def __init__(self, coroutine):
        self.coroutine = coroutine
        self.condition = None
        self.cancelled = self.done = False

    def cancel(self):
        self.cancelled = True

    def ready(self):
        return self.cancelled or self.condition is None or self.condition()

    def step(self):
        try:
            if self.cancelled:
                self.cancelled = False
                self.condition = self.coroutine.throw(CancelledError())
            else:
                self.condition = self.coroutine.send(None)
        except StopIteration:
            self.done = True
        except CancelledError:
            self.done = True

    def __iter__(self):
        """Whoever awaits it."""
        yield self._over

    __await__ = __iter__

    def _over(self):
        return self.done


class Event:
    def __init__(self):
        self.on = False

    def set(self):
        self.on = True

    def clear(self):
        self.on = False

    def wait(self):
        return Until(self._is_on)

    def _is_on(self):
        return self.on


class Loop:
    """Takes the place of asyncio in the server."""

    Event = Event
    CancelledError = CancelledError

    def __init__(self):
        self.tasks = []
        self.current = None

    def create_task(self, coroutine):
        self.tasks.append(Task(coroutine))
        return self.tasks[-1]

    def current_task(self):
        return self.current

    def run(self, dice, check):
        """Run until all have ended, in an order of the dice's; check() after each step."""
        for _ in range(STEPS):
            tasks = [task for task in self.tasks if not task.done]
            if not tasks:
                return
            ready = [task for task in tasks if task.ready()]
            assert ready, "all wait"
            self.current = ready[dice.below(len(ready))]
            self.current.step()
            check()
        raise AssertionError("it does not end")


class Wire:
    """A socket: bytes come in parts, and its peer takes some at a time."""

    def __init__(self, dice, parts):
        self.dice = dice
        self.parts = parts
        self.taken = b""
        self.closed = False
        self.room = 0

    def close(self):
        self.closed = True

    def readable(self):
        return True

    def writable(self):
        self.room = 1 + self.dice.below(60)
        return True


def readable(wire):
    return Until(wire.readable)


def writable(wire):
    return Until(wire.writable)


def sleep_ms(ms):
    return Until(None)


def read_into(wire, view):
    if not wire.parts:
        return 0
    if wire.dice.below(4) == 0:
        return None  # as TLS does
    part = wire.parts[0]
    count = min(len(part), len(view))
    view[:count] = part[:count]
    wire.parts[0] = part[count:]
    if not wire.parts[0]:
        wire.parts.pop(0)
    return count


def write(wire, data):
    count = min(wire.room, len(data))
    wire.room -= count
    wire.taken += bytes(data[:count])
    return count or None


class Upgrade(Response):
    converse = "websocket_pump"
    endless = True


class Echoes:
    """Event streams that say what they are told."""

    def open(self, now):
        return Echo()

    def close(self, stream):
        """Nothing is kept of it."""


class Echo:
    """A stream, and its own outbox."""

    def __init__(self):
        self.outbox = self
        self.closing = self.farewell = False
        self.wake = None
        self.queue = []

    def listen(self, buffer):
        self.messages = websocket.MessageReader(buffer, 300)

    def read(self, now):
        message = self.messages.next()
        while message is not None:
            self.farewell = message[0] == websocket.CLOSE
            self.queue.append(websocket.frame(message[0], str(message[1]).encode()))
            message = self.messages.next()
        self.closing = self.farewell
        self.wake()

    def next(self, now):
        return self.queue.pop(0) if self.queue else None


class Answers:
    """A dispatcher: the answer's kind is the first part of the path, its body is the whole."""

    def __init__(self):
        self.asked = []

    def answer(self, connection, request, now, shed):
        said = request.target.encode() + b"|" + request.body
        kind = request.path.split("/")[1]
        if kind == "list":
            return Response(200, lambda: iter([b"<", said, b">" * 1100, said]))
        if kind == "told":
            return Response(200, lambda: iter(["", said.decode(), "", "." * 3000, "", "."]))
        if kind == "stream":
            answer = Upgrade(101)
            answer.service = Echoes()
            return answer
        if kind == "wrong":
            raise HttpError(403)
        return Response(200, said)

    def rest(self):
        """There is no service to let go."""


def request(dice, kind, name):
    """A request and the bytes that its answer must end with."""
    target = "/%s/%s" % (kind, name)
    body = b"body of " + name.encode()
    how = dice.below(4)
    if how == 0:
        data, body = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % target.encode(), b""
    elif how == 1:
        data = b"POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        data = data % target.encode() + b"%x;x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    else:
        more = b"Expect: 100-continue\r\n" if how == 2 else b""
        data = b"POST %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s"
        data = data % (target.encode(), more, len(body), body)
    return data, target.encode() + b"|" + body


def masked(opcode, payload):
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


def script(dice, name):
    """(what a peer sends, the texts its answers must hold, in order): some of it is bad, some of
    it ends in a stream, some is cut off.
    """
    data = b""
    texts = []
    for i in range(dice.below(6)):
        sent, text = request(dice, ("plain", "list")[dice.below(2)], "%s-%d" % (name, i))
        data += sent
        texts.append(text)
    end = dice.below(5)
    if end == 0:
        sent, text = request(dice, "told", name + "-told")
        data += sent + b"POST /smuggled/%s HTTP/1.1\r\nX-Eat: " % name.encode()
        texts.append(text)
    elif end == 1:
        data += b"GET /stream/%s HTTP/1.1\r\nHost: a\r\n\r\n" % name.encode()
        closes = dice.below(2)
        for i in range(dice.below(4)):
            said = b"%s says %d" % (name.encode(), i)
            data += masked(websocket.BINARY, said)
            if closes:
                texts.append(said)
        data += masked(websocket.CLOSE, b"") if closes else b"\x82"
    elif end == 2:
        data += b"HELLO %s\r\n\r\nPOST /smuggled HTTP/1.1\r\nX: " % name.encode()
        texts.append(b"400 Bad Request")
    elif end == 3:
        sent, _ = request(dice, "plain", name + "-cut")
        data += sent[: dice.below(len(sent))]
    return data, texts


def cut(dice, data):
    """The data in parts, of any length."""
    parts = []
    while data:
        count = 1 + dice.below((3, 40, 700, 4000)[dice.below(4)])
        parts.append(data[:count])
        data = data[count:]
    return parts


def play(dice, scripts, parts):
    """Serve peers that send these parts; what each has got."""
    loop = Loop()
    server = servers.Server(Answers(), lambda: 0, 5, int)
    fakes = {
        "asyncio": loop,
        "readable": readable,
        "writable": writable,
        "sleep_ms": sleep_ms,
        "read_into": read_into,
        "write": write,
    }
    before = [(module, name, getattr(module, name)) for module, names in PATCHES for name in names]
    for module, name, _ in before:
        setattr(module, name, fakes[name])
    try:
        wires = []
        for i in range(len(scripts)):
            wires.append(Wire(dice, parts[i]))
            connection = connections.Connection(wires[i], server._buffer, 0)
            connection.secure = dice.below(3) == 0
            server.connections.all.append(connection)
            loop.create_task(server._serve(connection))

        def check():
            assert len(server._buffer) == 0, bytes(server._buffer.view[: server._buffer.end])

        loop.run(dice, check)
    finally:
        for module, name, function in before:
            setattr(module, name, function)
    for wire in wires:
        assert wire.closed
    return [wire.taken for wire in wires]


def judge(scripts, taken):
    """Each peer has its own texts in order, and nobody else's."""
    for i in range(len(scripts)):
        at = 0
        for text in scripts[i][1]:
            at = taken[i].find(text, at) + len(text)
            assert at >= len(text), (text, taken[i])
        assert b"smuggled" not in taken[i], taken[i]
        for name in (b"Ann", b"Bob", b"Cy"):
            assert (name in taken[i]) <= (name == NAMES[i].encode()), taken[i]


NAMES = ("Ann", "Bob", "Cy")


def test_the_shared_block_is_empty_whenever_a_task_waits_and_each_peer_gets_its_own_answers():
    for seed in range(SEEDS):
        dice = Dice(seed)
        scripts = [script(dice, name) for name in NAMES]
        judge(scripts, play(dice, scripts, [cut(dice, sent[0]) for sent in scripts]))


def test_a_tail_that_is_cut_at_any_byte_stays_with_its_sender():
    """Behind each kind of answer half a request follows, in the same part or in the next one."""
    for kind in ("plain", "list", "told", "stream"):
        dice = Dice(len(kind))
        first, _ = request(Dice(0), kind, "Ann")
        tail = b"POST /smuggled HTTP/1.1\r\nHost: a\r\nX-Eat: "
        for at in range(0, len(first + tail), 1 if kind == "told" else 7):
            parts = [[first + tail[:at], tail[at:]], []]
            parts[0] = [part for part in parts[0] if part]
            sent, text = request(dice, "plain", "Bob")
            parts[1] = cut(dice, sent)
            scripts = [(first, []), (sent, [text])]
            judge(scripts, play(dice, scripts, parts))
