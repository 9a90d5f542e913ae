"""The client inside the image: a network that is the chip's loopback, one master, and a loop that
it blocks; each thing it does and sees is a line to the host, which keeps the time.

A line is `name value...`, its bytes written one by one to the watchdog's SCRATCH1, where
tools/emulator.py listens. The firmware knows nothing of it: it is what a frozen image is made of,
with the client's task beside its own.
"""

import sys

import machine

_LINE = 0x40058010  # SCRATCH1
_OUT = 0xD0000010  # SIO's GPIO_OUT
_OE = 0xD0000020  # ... and GPIO_OE
_ADDRESS = "127.0.0.1"
_REST_MS = 300  # after the start, until the heap is at rest
_BEATS = 4
_DURATION_MS = 250  # of the heartbeat that nobody follows
_TRIP_MS = 600  # the loop is blocked by bytecode for so long
_HANG_MS = 60000  # ... and then by sleep, which the watchdog has to end

_ACCOUNT = "root:Holdfast:pass"
_BEAT = b'{"axhbt:Heartbeat": {"Duration": %d}}'
_PORTS = (
    b'{"apiVersion": "1.0", "method": "setPorts",'
    b' "params": {"ports": [{"port": "5", "state": "closed"}]}}'
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
    """One administrator; port 4 closes at once when a master is lost, port 5 stays as it is."""
    import os
    from binascii import hexlify
    from hashlib import md5, sha256

    if "settings.json" in os.listdir():
        return
    text = (
        '{"accounts": [{"name": "root", "role": "administrator", "md5": "%s", "sha256": "%s"}],'
        ' "ports": {"4": {"fallback": {"steps": [{"after": 0, "state": "closed"}]}}}}'
    )
    account = _ACCOUNT.encode()
    keys = tuple([hexlify(kind(account).digest()).decode() for kind in (md5, sha256)])
    with open("settings.json", "w") as file:
        file.write(text % keys)


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
    try:
        await _script()
    except Exception as error:
        _report(error)
        say("end")


async def _script():
    import asyncio
    import time

    while True:
        try:
            reader, writer = await asyncio.open_connection(_ADDRESS, 80)
            break
        except OSError:  # nobody listens yet
            await asyncio.sleep_ms(10)
    say("serving")
    await asyncio.sleep_ms(_REST_MS)
    _heap("rest")
    say("pins", machine.mem32[_OUT] & 0xFFFFFFFF, machine.mem32[_OE] & 0xFFFFFFFF)
    if machine.reset_cause() == machine.WDT_RESET:
        say("end")
        return

    master = _Master(reader, writer)
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


class _Master:
    """Requests with Digest over one connection, a nonce for all."""

    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer
        self._nonce = None
        self._count = 0

    async def signed(self, method, path, body):
        return await self.ask(method, path, body, self.authorization(method, path))

    async def ask(self, method, path, body=b"", authorization=""):
        """The status of the answer. One that asks for Digest leaves its nonce."""
        head = "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n"
        self._writer.write((head % (method, path, len(body), authorization)).encode() + body)
        await self._writer.drain()
        status = int((await self._reader.readline()).split()[1])
        length = 0
        while True:
            line = await self._reader.readline()
            if line == b"\r\n":
                break
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            elif line.startswith(b"WWW-Authenticate: Digest") and b"SHA-256" not in line:
                at = line.find(b'nonce="') + 7
                self._nonce = line[at : line.find(b'"', at)].decode()
        await self._reader.readexactly(length)
        return status

    def authorization(self, method, path):
        self._count += 1
        count = "%08x" % self._count
        text = "%s:%s:%s:abc:auth:%s"
        digest = _md5(text % (_md5(_ACCOUNT), self._nonce, count, _md5(method + ":" + path)))
        text = (
            'Authorization: Digest username="root", realm="Holdfast", nonce="%s", uri="%s",'
            ' algorithm=MD5, qop=auth, nc=%s, cnonce="abc", response="%s"\r\n'
        )
        return text % (self._nonce, path, count, digest)


def _md5(text):
    from binascii import hexlify
    from hashlib import md5

    return hexlify(md5(text.encode()).digest()).decode()
