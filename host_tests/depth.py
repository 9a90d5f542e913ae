"""How deep Python frames are nested in each request: a whole module in one process on CPython,
with its own server, tasks and sockets. Run by test_depth.py, which tells where figures are from.

    python depth.py < cases

The first line is {"settings": ..., "files": {name: hexadecimal}, "uplink": its port}. Each other
one is a case: name, who asks (an account's name, "token", or null), and the request but for its
login. `$` is the id of the monitor made last; "tls" asks over TLS; a case without a request is one
of TURNS. Each is answered by a line of JSON: name, status, bytes of a chip's stack, and the frames
that need them, from the loop on.
"""

import asyncio
import hashlib
import json
import os
import socket
import ssl
import sys

import holdfast
from holdfast.runtime import memory as heap

if __name__ == "__main__":
    # Code stays once it was loaded, as when the figures were fitted; make emulator measures all.
    heap.forget = lambda module: None

import wholeboard  # noqa: E402
from costs import Bench  # noqa: E402
from holdfast.wire.dump import dumps  # noqa: E402

# The ports that the client on the emulated chip speaks of.
wholeboard.WIRING = wholeboard.Board.PORTS = tuple(
    (10 + i, "input" if i < 4 else "output", 1) for i in range(8)
)

FIRMWARE = os.path.dirname(holdfast.__file__) + os.sep
ABSENT = FIRMWARE + "runtime" + os.sep + "portable_cpython.py"  # is on no board
FLASH = ("read", "write", "append", "rename", "remove")
LOOP = os.sep + os.path.join("asyncio", "events.py")
COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>")
RESUMED = 0x20 | 0x80 | 0x200  # flags of a generator, a coroutine, an asynchronous generator

# Bytes of the C stack of an RP2040: below the first frame of a task, and for each frame.
BASE = 1704
BYTES = {"call": 247, "resumed": 253, "comprehension": 184, "import": 691, "flash": 1513}
PATIENCE_S = 60
STEP_S = 0.005  # between two steps of the clock, which goes on faster than the real one
STEP_MS = 100
SETTLE_S = 0.05  # for what goes on when the answer is out


def kind(frame):
    """Which of BYTES a frame takes, None for one that no board has."""
    code = frame.f_code
    if code.co_filename == wholeboard.__file__:
        ours = code.co_name in FLASH and isinstance(frame.f_locals["self"], wholeboard.Flash)
        return "flash" if ours else None
    if not code.co_filename.startswith(FIRMWARE) or code.co_filename == ABSENT:
        return None
    if code.co_name == "<module>":
        return "import"
    if code.co_flags & RESUMED:
        return "resumed"
    return "comprehension" if code.co_name in COMPREHENSIONS else "call"


def sha256_text(text):
    """The hash of a token, as settings have it."""
    return hashlib.sha256(text.encode()).hexdigest()


class Meter:
    """The deepest nesting of frames between `start` and `stop`: its bytes and its frames. Each
    step of a task begins anew, as it does on a board.
    """

    def __init__(self, kind=kind):
        self._kind = kind
        self.reset()

    def reset(self):
        self.bytes = 0
        self.frames = []

    def start(self):
        sys.setprofile(self._look)

    def stop(self):
        sys.setprofile(None)

    def _look(self, frame, event, argument):
        if event != "call" or self._kind(frame) is None:
            return
        count = BASE
        frames = []
        while frame is not None and not frame.f_code.co_filename.endswith(LOOP):
            found = self._kind(frame)
            if found is not None:
                count += BYTES[found]
                frames.append(_place(frame.f_code))
            frame = frame.f_back
        if count > self.bytes:
            self.bytes = count
            self.frames = frames[::-1]


def _place(code):
    return "%s:%s" % (code.co_filename.replace(FIRMWARE, ""), code.co_name)


class Client:
    """Asks a module, and has its time pass."""

    def __init__(self, app, hal):
        self.made = ""
        self.hal = hal
        self._bench = Bench(app)
        self._app = app
        body = '{"axhbt:Heartbeat":{"Duration":1000}}'
        head = "POST /vapix/axhbt HTTP/1.1\r\nHost: 192.168.0.90\r\nConnection: close\r\n"
        head += "Content-Length: %d\r\n\r\n" % len(body)
        self._beat = {"who": "controller", "bytes": head + body}

    async def ask(self, case):
        """The status of a request."""
        self._app.dispatcher.delay = None
        # What is loaded late is loaded anew.
        for _ in range(2):
            self._app.dispatcher.rest()
        text = case["bytes"].replace("$", self.made)
        data = self._bench.request({"who": case["who"], "bytes": text})
        port, context = self.hal.port, None
        if case.get("tls"):
            port, context = wholeboard.Board.TLS_PORT, ssl._create_unverified_context()
        return await asyncio.wait_for(self._answer(port, context, data), PATIENCE_S)

    async def _answer(self, port, context, data):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        if status == 101:
            text = b'{"apiVersion":"1.0","method":"events:configure","params":%s}'
            text = text % b'{"eventFilterList":[{}]}'
            writer.write(bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text)
            await reader.readexactly(2)
            await asyncio.sleep(SETTLE_S)
        else:
            body = await reader.read()
            if status == 201:
                self.made = json.loads(body)["id"]
        writer.close()
        return status

    async def lost(self, meter):
        """A master falls silent: fallback, events, rules, notifications, the log."""
        status = await self.ask(self._beat)
        trips = len(self._app.module.trips)
        while len(self._app.module.trips) == trips:
            await asyncio.sleep(STEP_S)
        await asyncio.sleep(10 * SETTLE_S)
        return status

    async def uplinks(self, meter):
        """Uplinks say that the module is there."""
        link = self._app.module.links.links[0]
        sent = link.sent
        while link.sent == sent:
            await asyncio.sleep(STEP_S)
        return 200

    async def alarm(self, meter):
        """The loop is blocked, and the alarm acts: in an interrupt, on top of any other frames."""
        status = await self.ask(self._beat)
        end = self._app.turn() + 2000
        meter.reset()
        while self.hal.time < end:
            self.hal.time += 10
            self.hal.check()
        meter.stop()
        self._app.turn()
        assert self._app.module.lost
        return status


TURNS = ("lost", "uplinks", "alarm")


async def pass_time(hal):
    while True:
        await asyncio.sleep(STEP_S)
        hal.time += STEP_MS


async def receive(reader, writer):
    """An uplink's other end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    writer.close()


async def script(app, hal, uplink):
    server = await asyncio.start_server(receive, sock=uplink)
    clock = asyncio.create_task(pass_time(hal))
    client = Client(app, hal)
    for line in sys.stdin:
        case = json.loads(line)
        hal.time += 1000 * 1000  # in which flash may be written more often again
        meter = Meter()
        meter.start()
        if "bytes" in case:
            status = await client.ask(case)
        else:
            status = await getattr(client, case["name"])(meter)
        await asyncio.sleep(SETTLE_S)
        meter.stop()
        told = {"name": case["name"], "status": status}
        told.update(bytes=meter.bytes, frames=meter.frames)
        print(json.dumps(told), flush=True)
    clock.cancel()
    server.close()


def main():
    begin = json.loads(sys.stdin.readline())
    uplink = socket.create_server(("127.0.0.1", begin["uplink"]))
    ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    numbers = [place.getsockname()[1] for place in ports]
    for place in ports:
        place.close()
    text = dumps(begin["settings"])
    files = {name: bytes.fromhex(data) for name, data in begin["files"].items()}
    files["settings.json"] = text.encode()
    hal = wholeboard.Hal(wholeboard.Flash(files))
    hal.port, wholeboard.Board.TLS_PORT = numbers
    hal.live(lambda app: script(app, hal, uplink))
    for error in hal.reports:
        print("WRONG", repr(error), file=sys.stderr)


if __name__ == "__main__":
    main()
