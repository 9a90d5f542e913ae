"""The client inside the image: a network that is the chip's loopback, masters and an
administrator; each thing the client does and sees is a line to the host, which keeps the time.

A line is `name value...`, its bytes written one by one to the watchdog's SCRATCH1, where
tools/emulator.py listens. SCRATCH2 says which script the host wants. The firmware knows nothing
of it: it is what a frozen image is made of, with the client's task beside its own.
"""

import sys

import machine

_LINE = 0x40058010  # SCRATCH1
_WANTED = 0x40058014  # SCRATCH2: the number of a script in its low byte, above it a number for it
_WHICH = 0x40058018  # SCRATCH3: rounds, the first and the last row, a byte each
_OUT = 0xD0000010  # SIO's GPIO_OUT
_OE = 0xD0000020  # ... and GPIO_OE
_ADDRESS = "127.0.0.1"
_REST_MS = 300  # after the start, until the heap is at rest
_BEATS = 4
_DURATION_MS = 250  # of the heartbeat that nobody follows
_TRIP_MS = 600  # the loop is blocked by bytecode for so long
_HANG_MS = 60000  # ... and then by sleep, which the watchdog has to end
_ALIVE_MS = 600000  # a Duration that does not end while a script runs
_PART = 512  # of an answer is read at once

_ACCOUNT = "%s:Holdfast:pass"
_BEAT = b'{"axhbt:Heartbeat": {"Duration": %d}}'
_PORTS = (
    b'{"apiVersion": "1.0", "method": "setPorts",'
    b' "params": {"ports": [{"port": "5", "state": "closed"}]}}'
)
_OPEN = (
    b'{"apiVersion": "1.0", "method": "setPorts",'
    b' "params": {"ports": [{"port": "4", "state": "open"}]}}'
)
_UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)

_scratch = None


def say(*words):
    """A line to the host."""
    for byte in (" ".join([str(word) for word in words]) + "\n").encode():
        machine.mem32[_LINE] = byte


def begin(scratch):
    """Take the network's place, make settings at the first start, and have errors told."""
    global _scratch
    _scratch = scratch
    sys.modules["network"] = _Network
    say("begin", machine.reset_cause(), machine.mem32[scratch] & 0xFFFFFFFF)
    _settings()
    import holdfast.hal.rp2 as hal

    hal.report = _report


def _settings():
    """Port 4 closes at once when a master is lost. For the first script one administrator and
    nothing else; for the others all that settings hold in the field.
    """
    import os

    if "settings.json" in os.listdir():
        return
    if machine.mem32[_WANTED] & 0xFF:
        import trial_requests

        accounts = trial_requests.ACCOUNTS
        text = trial_requests.SETTINGS
    else:
        accounts = (("root", "administrator"),)
        text = (
            '{"heartbeat": {"shortest": 100}, "accounts": [%s],'
            ' "ports": {"4": {"fallback": {"steps": [{"after": 0, "state": "closed"}]}}}}'
        )
    with open("settings.json", "w") as file:
        file.write(text % ",".join([_account(*row) for row in accounts]))


def _account(name, role):
    """A row of `accounts`."""
    from binascii import hexlify
    from hashlib import md5, sha256

    hashed = (_ACCOUNT % name).encode()
    keys = [hexlify(kind(hashed).digest()).decode() for kind in (md5, sha256)]
    return '{"name":"%s","role":"%s","md5":"%s","sha256":"%s"}' % (name, role, keys[0], keys[1])


def _report(error):
    import io

    text = io.StringIO()
    sys.print_exception(error, text)
    for line in text.getvalue().splitlines():
        say("error", line)


class _Nic:
    """As network.WIZNET5K is used: there is a cable, and an address at once."""

    _begun = False

    def __init__(self, *arguments):
        pass

    def active(self, on):
        return True

    def config(self, what):
        return b"\x02\x00\x00\x00\x00\x01"

    def ipconfig(self, **arguments):
        pass

    def ifconfig(self, *arguments):
        return (_ADDRESS,) * 4

    def isconnected(self):
        # The first who asks is the firmware's own loop: the client runs beside it from here on.
        if not _Nic._begun:
            _Nic._begun = True
            import asyncio

            asyncio.create_task(_try())
        return True


class _Network:
    """As the module `network`."""

    WIZNET5K = _Nic

    @staticmethod
    def hostname(*arguments):
        return ""

    @staticmethod
    def ipconfig(*arguments):
        return ""


def _heap(name):
    import gc

    gc.collect()
    say(name, gc.mem_alloc(), gc.mem_free())


async def _try():
    wanted = machine.mem32[_WANTED]
    try:
        await _SCRIPTS[wanted & 0xFF](await _serving(), wanted >> 8)
    except Exception as error:
        _report(error)
        say("end")


async def _serving():
    """A connection, once the module serves."""
    import asyncio

    while True:
        try:
            connection = await asyncio.open_connection(_ADDRESS, 80)
            break
        except OSError:  # nobody listens yet
            await asyncio.sleep_ms(10)
    say("serving")
    await asyncio.sleep_ms(_REST_MS)
    _heap("rest")
    say("pins", machine.mem32[_OUT] & 0xFFFFFFFF, machine.mem32[_OE] & 0xFFFFFFFF)
    return connection


async def _story(connection, _):
    """Heartbeats, a trip with the loop blocked, a loop that hangs, and the start after that."""
    import time

    if machine.reset_cause() == machine.WDT_RESET:
        say("end")
        return

    master = _Client("root", connection)
    say("nonce", await master.ask("GET", "/holdfast/status"))
    for _ in range(_BEATS):
        authorization = master.authorization("POST", "/vapix/axhbt")
        begun = time.ticks_us()
        status = await master.ask("POST", "/vapix/axhbt", _BEAT % 10000, authorization)
        say("beat", status, time.ticks_diff(time.ticks_us(), begun))
    _heap("beaten")
    status = await master.signed("POST", "/axis-cgi/io/portmanagement.cgi", _PORTS)
    say("ports", status, machine.mem32[_OUT] & 0xFFFFFFFF)
    _heap("driven")
    authorization = master.authorization("POST", "/vapix/axhbt")
    say("last")
    status = await master.ask("POST", "/vapix/axhbt", _BEAT % _DURATION_MS, authorization)
    say("answered", status)
    begun = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), begun) < _TRIP_MS:
        pass
    say("word", machine.mem32[_scratch] & 0xFFFFFFFF)
    say("hanging")
    time.sleep_ms(_HANG_MS)
    say("end")


async def _endpoints(connection, duration_ms):
    """Every endpoint and every change, a few rounds. duration_ms: the master falls silent so long
    before each; 0: it stays alive.
    """
    import trial_requests

    root = _Client("root", connection)
    master = _Client("controller")
    rows = trial_requests.reads() + trial_requests.changes()
    word = machine.mem32[_WHICH]
    first, last = word >> 8 & 0xFF, word >> 16 & 0xFF
    await root.ask("GET", "/holdfast/status")
    for number in range(1, (word & 0xFF) + 1):
        for index, row in enumerate(rows[first:last]):
            if duration_ms:
                await _beat(master, number, duration_ms)
                await _request(root, number, row)
                await _beat(master, number, _ALIVE_MS)
            else:
                if index % 8 == 0:
                    await _beat(master, number, _ALIVE_MS)
                await _request(root, number, row)
        _heap("round")
    say("end")


async def _beat(master, number, duration_ms):
    authorization = await master.authorized("POST", "/vapix/axhbt")
    say("ask", number, "heartbeat")
    status = await master.ask("POST", "/vapix/axhbt", _BEAT % duration_ms, authorization)
    say("answer", number, status, duration_ms, "heartbeat")


async def _request(client, number, row):
    """One row of trial_requests."""
    name, method, path, body, login = row
    path = path.replace("~", str(number)).replace("$", client.made)
    if body == "@":
        import trial_requests

        body = trial_requests.SETTINGS % ",".join(
            [_account(*row) for row in trial_requests.ACCOUNTS]
        )
        body = body.replace("{", '{"name":"Put ~",', 1)
    body = body.replace("~", str(number)).encode()
    authorization = ""
    if login == "token":
        authorization = "Authorization: Bearer tok\r\n"
    elif login == "":
        authorization = await client.authorized(method, path)
    if body:
        kind = {"{": "application/json", "<": "application/soap+xml"}.get(
            chr(body[0]), "text/plain"
        )
        authorization += "Content-Type: %s\r\n" % kind
    if name == "stream":
        authorization += _UPGRADE
    elif name == "inbound":
        authorization += "x-snd-eb-heartbeat: 1\r\n"
    client.keep = name.startswith("monitor create")
    say("ask", number, name)
    status = await client.ask(method, path, body, authorization)
    if status == 101:
        await client.configure()
        await client.listen(8, 200)
        await client.close()
    say("answer", number, status, 0, name)


async def _near(connection, step_ms):
    """Changes of the settings at every distance before a deadline."""
    root = _Client("root", connection)
    master = _Client("controller")
    await root.ask("GET", "/holdfast/status")
    row = ("PATCH name", "PATCH", "/holdfast/settings", '{"name":"Near ~"}', "")
    for left in range(0, 1001, step_ms):
        await _beat(master, left, 1200)
        import asyncio

        await asyncio.sleep_ms(1200 - left)
        await _request(root, left, row)
        await asyncio.sleep_ms(1300)
        await _beat(master, left, _ALIVE_MS)
    say("end")


async def _day(connection, _):
    """What a site does in an hour, in a minute: a master that beats each second, a stream that
    stays open, a page, a few changes, eight monitors, and clients that read all there is.
    """
    import asyncio

    import trial_requests

    root = _Client("root", connection)
    tasks = [asyncio.create_task(task) for task in (_beating(), _streaming())]
    await asyncio.sleep_ms(3000)
    rows = {row[0]: row for row in trial_requests.reads() + trial_requests.changes()}
    number = 0
    for _ in range(2):
        for name in trial_requests.DAY:
            number += 1
            await _request(root, number, rows[name])
            await asyncio.sleep_ms(50)
        _heap("round")
    for task in tasks:
        task.cancel()
    say("end")


async def _beating():
    import asyncio

    master = _Client("controller")
    while True:
        authorization = await master.authorized("POST", "/vapix/axhbt")
        status = await master.ask("POST", "/vapix/axhbt", _BEAT % 8000, authorization)
        if status != 200:
            say("error", "heartbeat", status)
        await asyncio.sleep_ms(1000)


async def _streaming():
    """Every event, as long as the script lasts."""
    client = _Client("eye")
    path = "/vapix/ws-data-stream?sources=events"
    authorization = await client.authorized("GET", path)
    status = await client.ask("GET", path, b"", authorization + _UPGRADE)
    if status == 101:
        await client.configure()
        await client.listen()
    say("error", "the stream ended", status)


_SCRIPTS = (_story, _endpoints, _near, _day)


class _Client:
    """Requests with Digest over a connection that is kept, a nonce for all."""

    def __init__(self, name, connection=None):
        self._name = name
        self._connection = connection
        self._nonce = None
        self._count = 0
        self.keep = False  # what the next answer says is looked through for an id, ..
        self.made = ""  # .. which is this

    async def signed(self, method, path, body):
        return await self.ask(method, path, body, self.authorization(method, path))

    async def authorized(self, method, path):
        """The header of a login; a nonce is fetched first where there is none."""
        if self._nonce is None:
            await self.ask("GET", "/holdfast/status")
        return self.authorization(method, path)

    async def ask(self, method, path, body=b"", authorization=""):
        """The status of the answer. One that asks for Digest leaves its nonce."""
        if self._connection is None:
            import asyncio

            self._connection = await asyncio.open_connection(_ADDRESS, 80)
        reader, writer = self._connection
        head = "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n"
        writer.write((head % (method, path, len(body), authorization)).encode() + body)
        await writer.drain()
        status = int((await reader.readline()).split()[1])
        length = -1
        close = False
        while True:
            line = await reader.readline()
            if line == b"\r\n":
                break
            line = line.strip()
            name = line.lower()
            if name.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            elif name == b"transfer-encoding: chunked":
                length = None
            elif name == b"connection: close":
                close = True
            elif line.startswith(b"WWW-Authenticate: Digest") and b"SHA-256" not in line:
                at = line.find(b'nonce="') + 7
                self._nonce = line[at : line.find(b'"', at)].decode()
        if status == 101:
            return status
        if length is None:
            await self._chunks(reader)
        elif length >= 0:
            await self._skip(reader, length)
        elif status != 204:
            close = True
            while await reader.read(_PART):
                pass
        if close:
            await self.close()
        return status

    async def _chunks(self, reader):
        while True:
            size = int(await reader.readline(), 16)
            await self._skip(reader, size + 2)
            if not size:
                return

    async def _skip(self, reader, length):
        while length > 0:
            part = await reader.readexactly(min(length, _PART))
            length -= len(part)
            if self.keep:
                at = part.find(b'"id":"') + 6
                self.made = part[at : part.find(b'"', at)].decode()
                self.keep = False

    async def configure(self):
        """A stream's first words: every event."""
        writer = self._connection[1]
        text = b'{"apiVersion":"1.0","method":"events:configure","params":%s}'
        text = text % b'{"eventFilterList":[{}]}'
        writer.write(bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text)
        await writer.drain()

    async def listen(self, count=1 << 30, patience_ms=1 << 28):
        """So many messages, or as many as come without a pause of so many ms."""
        import asyncio

        try:
            for _ in range(count):
                await asyncio.wait_for_ms(self._message(), patience_ms)
        except asyncio.TimeoutError:  # noqa: UP041 MicroPython's is another one
            pass

    async def _message(self):
        reader = self._connection[0]
        length = (await reader.readexactly(2))[1] & 127
        if length == 126:
            length = int.from_bytes(await reader.readexactly(2), "big")
        await self._skip(reader, length)

    async def close(self):
        writer = self._connection[1]
        self._connection = None
        await writer.wait_closed()

    def authorization(self, method, path):
        self._count += 1
        count = "%08x" % self._count
        text = "%s:%s:%s:abc:auth:%s"
        hashed = _md5(_ACCOUNT % self._name)
        digest = _md5(text % (hashed, self._nonce, count, _md5(method + ":" + path)))
        text = (
            'Authorization: Digest username="%s", realm="Holdfast", nonce="%s", uri="%s",'
            ' algorithm=MD5, qop=auth, nc=%s, cnonce="abc", response="%s"\r\n'
        )
        return text % (self._name, self._nonce, path, count, digest)


def _md5(text):
    from binascii import hexlify
    from hashlib import md5

    return hexlify(md5(text.encode()).digest()).decode()
