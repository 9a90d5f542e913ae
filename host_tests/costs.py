"""What a request costs, in heartbeats: a whole module in one process, on MicroPython.

    micropython -X heapsize=1200k costs.py < cases        (test_budget.py runs it)

A case is a line of JSON: name, who asks (a role, "token", or null), and the request but for its
login; `@@` in it is another text in each run, for changes that change something; "parts" for a
request: settings that are PUT in parts. Answers a line for each: name, status, cost. The cost is
the longest time between two turns of the event loop while the request is served: reading ends
where the buffer is empty, an answer in pieces at each piece. While a coroutine is awaited, another
task asks for its turn again and again: how long it waits is what the handler takes, or the task
that saves, whichever is at it. The unit is one heartbeat with Digest on a kept connection, from
its bytes to the bytes of the answer. Of each stretch the cheapest of several runs counts, since
others use this machine, too; code is loaded before, and stays. The collector runs between turns
alone: what it takes depends on the heap, not on the request.
"""

import asyncio
import gc
import hashlib
import json
import sys
import time
from binascii import hexlify

from holdfast.runtime import memory as heap

if __name__ == "__main__":
    # Code stays once it was loaded: what loading takes is another figure than what a request does.
    heap.forget = lambda module: None

import wholeboard  # noqa: E402
from holdfast.core.accounts import ROLES  # noqa: E402
from holdfast.server.body import Block  # noqa: E402
from holdfast.server.dispatch import Caller  # noqa: E402
from holdfast.settings.format import seal  # noqa: E402
from holdfast.settings.saving import MAX_BYTES  # noqa: E402
from holdfast.settings.store import MOST_WRITES  # noqa: E402
from holdfast.wire.buffer import ReceiveBuffer  # noqa: E402
from holdfast.wire.dump import dumps  # noqa: E402
from holdfast.wire.http import HEAD_BYTES, HttpError, RequestReader  # noqa: E402

RUNS = 7
BEAT = b'{"axhbt:Heartbeat":{"Duration":60000}}'
CONTENT = 'boolean(//SimpleItem[@Name="port" and @Value="1"])'
PASSWORD = "password"
TOKEN = "0123456789abcdef"
MONITORS = 32
PART_BYTES = 4096  # of settings that are PUT in parts
NAME = "n" * 64
PORTS_NAMED = '"' * 32  # what JSON and XML have to escape


def _hashes(name):
    secret = ("%s:Holdfast:%s" % (name, PASSWORD)).encode()
    return hexlify(hashlib.md5(secret).digest()).decode(), hexlify(
        hashlib.sha256(secret).digest()
    ).decode()


def _account(name, role):
    md5, sha256 = _hashes(name)
    return {"name": name, "role": role, "md5": md5, "sha256": sha256}


def full_settings():
    """As many of everything as settings may hold, with the longest names."""
    accounts = [_account(role, role) for role in ROLES[1:]]
    while len(accounts) < 14:  # the document is as long as one may be then
        accounts.append(_account("%02d" % len(accounts) + NAME[:14], "operator"))
    actions = {}
    rules = {}
    topic = "|".join(["tns1:Device/tnsaxis:IO/Port%d" % i for i in range(10)])
    for i in range(1, 17):
        actions[str(i)] = {
            "name": PORTS_NAMED,
            "template": "com.axis.action.fixed.io.toggle",
            "parameters": {"port": "4", "state": "high", "duration": "1"},
        }
        rules[str(i)] = {
            "name": PORTS_NAMED,
            "action": str(i),
            "start": {"topic": topic, "content": CONTENT},
        }
    ports = {}
    for i, row in enumerate(wholeboard.WIRING):
        ports[str(i)] = {"name": PORTS_NAMED, "usage": PORTS_NAMED}
        if row[1] == "output":
            ports[str(i)]["fallback"] = {"locked": False, "steps": [{"state": "hold"}]}
    sha256 = hexlify(hashlib.sha256(TOKEN.encode()).digest()).decode()
    return {
        "accounts": accounts,
        "ports": ports,
        "actions": actions,
        "rules": rules,
        "monitors": {"tokens": [{"name": "t", "role": "operator", "sha256": sha256}]},
    }


class Connection:
    """As much of a connection as answering needs."""

    def __init__(self):
        self.caller = Caller()
        self.peer = ("192.0.2.1", 4711)
        self.reader = RequestReader(ReceiveBuffer(HEAD_BYTES))


class Turns:
    """Asks for its turn as long as a request is awaited, and adds what it waits to `stretches`."""

    def __init__(self, stretches):
        self.stretches = stretches
        self.over = False

    async def take(self):
        while not self.over:
            gc.collect()
            began = time.ticks_us()
            await asyncio.sleep(0)
            self.stretches.append(time.ticks_diff(time.ticks_us(), began))


class Bench:
    def __init__(self, app):
        self.app = app
        self.now = app.turn

    def digest(self, name, method, target, count=1, nonce=None, more=""):
        """The value of an Authorization field."""
        if nonce is None:
            nonce = self.nonce()
        ha1 = _hashes(name)[0]
        ha2 = hexlify(hashlib.md5(("%s:%s" % (method, target)).encode()).digest()).decode()
        text = "%s:%s:%08x:0a4f113b:auth:%s" % (ha1, nonce, count, ha2)
        response = hexlify(hashlib.md5(text.encode()).digest()).decode()
        return (
            'Digest username="%s", realm="Holdfast", nonce="%s", uri="%s", qop=auth, nc=%08x, '
            'cnonce="0a4f113b", response="%s"%s'
        ) % (name, nonce, target, count, response, more)

    def nonce(self):
        challenge = self.app.authenticator.challenges(self.app.clock.now())[0]
        return challenge.split('nonce="')[1].split('"')[0]

    def request(self, case):
        """The bytes of a case, with a login that has not been used yet."""
        head, blank, body = [part.encode() for part in case["bytes"].partition("\r\n\r\n")]
        who = case["who"]
        if who is None:
            return head + blank + body
        method, target = head.split(b" ")[:2]
        if who == "token":
            line = "Authorization: Bearer " + TOKEN
        else:
            line = "Authorization: " + self.digest(
                who, method.decode(), target.decode(), more=case.get("more", "")
            )
        return head + b"\r\n" + line.encode() + blank + body

    async def cost(self, connection, data):
        """(status, times in us between turns of the loop) of a request; its bytes come as the
        buffer has room.
        """
        reader = connection.reader
        buffer = reader.buffer
        stretches = []
        response = None
        self.app.dispatcher.delay = None  # for logins that were refused
        while response is None:
            take = min(len(data), len(buffer.space()))
            if not take and not reader.pending():
                break
            buffer.feed(data[:take])
            data = data[take:]
            gc.collect()
            began = time.ticks_us()
            try:
                self.app.turn()
                request = reader.next()
                if request is not None:
                    now = self.app.turn()
                    response = self.app.dispatcher.answer(connection, request, now, _shed)
                    self.app.turn()
                    if not hasattr(response, "send"):
                        response.encode(True)
            except HttpError as error:
                stretches.append(time.ticks_diff(time.ticks_us(), began))
                return error.status, stretches
            stretches.append(time.ticks_diff(time.ticks_us(), began))
            if not take:
                break
        if response is None:
            return 0, stretches
        if hasattr(response, "send"):
            turns = Turns(stretches)
            task = asyncio.create_task(turns.take())
            await asyncio.sleep(0)  # it is there before the first step
            response = await response
            turns.over = True
            await task
        status = response.status
        response.encode(True)
        block = Block(response.body, None)
        while not isinstance(response.body, bytes) and not block.over:
            gc.collect()
            began = time.ticks_us()
            if block.fill():
                block.chunk()
            stretches.append(time.ticks_diff(time.ticks_us(), began))
        return status, stretches

    async def heartbeat(self):
        """The unit, in us: the cheapest of many on a kept connection."""
        connection = Connection()
        nonce = self.nonce()
        best = None
        for count in range(1, 60):
            value = self.digest("operator", "POST", "/vapix/axhbt", count, nonce)
            head = "POST /vapix/axhbt HTTP/1.1\r\nHost: 192.168.0.90\r\nAuthorization: %s\r\n"
            head += "Content-Length: %d\r\n\r\n"
            status, took = await self.cost(connection, (head % (value, len(BEAT))).encode() + BEAT)
            assert status == 200
            best = sum(took) if best is None else min(best, sum(took))
        return best

    def requests(self, case, run):
        """What is sent for a case in a run."""
        text = "%02d" % run
        if not case["bytes"].startswith("parts"):
            return [dict(case, bytes=case["bytes"].replace("@@", text))]
        document = full_settings()
        document["name"] = text
        if case["bytes"] == "parts of conditions":
            for rule in document["rules"].values():
                condition = {"topic": "tns1:Device/tnsaxis:IO/Port", "content": CONTENT}
                rule.pop("start")
                rule["conditions"] = [condition] * 3
        data = seal(dumps(document))
        rows = []
        for start in range(0, len(data), PART_BYTES):
            part = data[start : start + PART_BYTES]
            head = (
                "PUT /holdfast/settings HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
                "Content-Range: bytes %d-%d/%d\r\n\r\n"
            ) % (len(part), start, start + len(part) - 1, len(data))
            rows.append(dict(case, bytes=head + part.decode()))
        return rows

    async def measure(self, case):
        """(status, cost in us): the cheapest of some runs, after one that loads what it needs."""
        best = {}  # by how many stretches there were: only those of equal runs are compared
        for i in range(RUNS + 1):
            took = []
            self.app.store._left = MOST_WRITES  # as after a while
            for row in self.requests(case, i):
                status, more = await self.cost(Connection(), self.request(row))
                took += more
            if i:
                before = best.get(len(took), took)
                best[len(took)] = [min(pair) for pair in zip(took, before)]
        return status, min([max(took) for took in best.values()])


def _shed(connection):
    raise MemoryError


async def script(app):
    bench = Bench(app)
    unit = await bench.heartbeat()
    print("unit %d us" % unit)
    for line in sys.stdin:
        case = json.loads(line)
        if case["name"] == "monitors":
            for i in range(MONITORS):
                body = '{"service_id":"s","name":"%02d%s","interval":60,"grace":60}' % (
                    i,
                    NAME[:40],
                )
                head = "POST /v1/heartbeat HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
                made = {"name": "", "who": "token", "bytes": head % len(body) + body}
                status, _ = await bench.cost(Connection(), bench.request(made))
                assert status == 201, (i, status)
            continue
        status, took = await bench.measure(case)
        print("%s\t%d\t%.1f" % (case["name"], status, took / unit))


def main():
    data = seal(dumps(full_settings()))
    assert MAX_BYTES - 1024 < len(data) <= MAX_BYTES, len(data)
    flash = wholeboard.Flash({"settings.json": data})
    hal = wholeboard.Hal(flash)
    hal.live(script)
    for error in hal.reports:
        sys.print_exception(error) if hasattr(sys, "print_exception") else print(error)


if __name__ == "__main__":
    main()
