"""Settings, wirings and modules as tests need them; runs on CPython and MicroPython."""

import asyncio

from holdfast.core.accounts import Account
from holdfast.core.module import Module
from holdfast.core.reconfigure import reconfigure
from holdfast.runtime.portable import again
from holdfast.settings.model import NotSaved
from holdfast.settings.schema import check
from holdfast.wire.dump import dumps
from holdfast.wire.json import loads

# Two inputs and two outputs: the smallest board that shows everything.
WIRING = ((10, "input", 1), (11, "input", 0), (12, "output", 1), (13, "output", 0))

_MD5 = "0" * 32
_SHA256 = "0" * 64


def account(name, role="operator", within=None):
    """An account row whose hashes match no password."""
    row = {"name": name, "role": role, "md5": _MD5, "sha256": _SHA256}
    if within is not None:
        row["first_heartbeat_within"] = within
    return row


def settings(ports=None, accounts=None, wiring=WIRING, **more):
    """Checked settings; two masters `a` and `b`, a viewer `v` and any Duration unless told
    otherwise.
    """
    if accounts is None:
        accounts = [account("a"), account("b", "administrator"), account("v", "viewer")]
    data = {"accounts": accounts, "ports": ports or {}, "heartbeat": {"shortest": 1}}
    data.update(more)
    return check(data, wiring)


class Store:
    """The settings of a module as a document; a change is checked and adopted, and counted."""

    def __init__(self, subject, document=None, wiring=WIRING):
        self.saved = document or {"accounts": [account("a"), account("b", "administrator")]}
        self.fresh = False
        self.count = 0
        self.full = False
        self.now = 5
        self._module = subject
        self._wiring = wiring

    async def document(self):
        return loads(dumps(self.saved).encode())

    async def change(self, edit, by=None, guard=None):
        if self.full:
            raise NotSaved("full")
        changed = await self.document()
        edit(changed)
        settings = check(changed, self._wiring)
        self.saved = changed
        self.count += 1
        reconfigure(self._module, settings, self.now)
        return self.now


def finished(answer, store=None):
    """What a handler answers, or a coroutine of it gives. store: whose task runs meanwhile."""
    if not hasattr(answer, "send"):
        return answer

    async def main():
        saver = None if store is None else asyncio.create_task(store.save())
        try:
            return await answer
        finally:
            if saver is not None:
                saver.cancel()

    again()
    return asyncio.run(main())


class Numbers:
    """Random bytes that tests can foretell: 16 bytes of 1, then of 2, ..."""

    def __init__(self):
        self.count = 0

    def __call__(self, size):
        self.count += 1
        return bytes([self.count % 256]) * size


def module(ports=None, accounts=None, wiring=WIRING, now=0, levels=None, **more):
    """A module that wakes up at `now` with every circuit open."""
    if levels is None:
        levels = bytes([1 - row[2] for row in wiring])
    return Module(settings(ports, accounts, wiring, **more), levels, Numbers(), now)


def turn(subject, now):
    """What the ticker does: act, then tell; returns the events as (topic, source, data, at)."""
    subject.act(now)
    subject.tell(now)
    return events(subject, now)


def events(subject, now=0):
    """The events not yet taken, as (last part of the topic, source, data, at)."""
    subject.tell(now)
    return [
        (declared.topic[0].split("/")[-1], declared.source, data, at)
        for declared, data, at, _ in subject.events.take()
    ]


class Caller:
    """Who calls, as the dispatcher hands it to a handler."""

    secure = False

    def __init__(self, name="a", role=2):
        self.account = Account(name, role, b"", b"")


class Asked:
    """A request as the reader makes it; only what a handler looks at."""

    path = "/a/path"

    def __init__(self, body=b"", query="", headers=None, method="POST"):
        self.method = method
        self.query = query
        self.headers = headers or {}
        self.body = body if isinstance(body, bytes) else body.encode()


def whole(answer):
    """The bytes of an answer's body."""
    if isinstance(answer.body, bytes):
        return answer.body
    parts = answer.body()
    return b"".join([part.encode() if isinstance(part, str) else bytes(part) for part in parts])
