"""`/holdfast/settings`: the whole settings document; GET reads it, PUT replaces it, PATCH merges.

What comes is checked as a whole, saved, and only then in force: all or nothing. A change that
makes a rule useless is answered 409, see settings.schema_rules. PATCH is a JSON merge patch
(RFC 7396). A document longer than one request may be is PUT in parts, in order, each with a
Content-Range (RFC 9110 section 14.5); they are gathered in flash, so that no request needs more
heap than any other, and the last one makes them count. Such a document must end with its checksum,
as GET gives it: only that tells that the parts belong together.

With `?trial=1` the change is on trial: it goes back unless it is confirmed within a minute, see
rest/confirm.py. Such a one answers `"trial": true`.

Secrets are write-only, see settings.secrets: GET shows `*` for each, and what comes with `*` keeps
it. `?secrets=1` asks for the document as it is in flash, a whole backup, over TLS alone.

The ETag is the checksum of the document in flash, secrets and all. With If-Match a change is
refused when somebody else made one.
"""

from micropython import const

from holdfast.core.accounts import ADMINISTRATOR
from holdfast.core.log import SETTINGS
from holdfast.core.text import by_whom
from holdfast.settings.documents import Documents
from holdfast.settings.model import NotSaved, SettingsError
from holdfast.wire import json
from holdfast.wire.http import HttpError, Response, all_digits
from holdfast.wire.query import parameter

# What a board can check while it runs: the document is in the heap twice then.
MAX_BYTES = const(16 * 1024)


class SettingsService:
    """Reads and changes the settings of a store. A device without any account takes the first from
    anybody, as pwdgrp.cgi does: hashes are all that it is told then. gate: of TLS, None without.
    log: where it is told who has read secrets.
    """

    def __init__(self, store, trial=None, gate=None, log=None):
        self._store = store
        self._documents = Documents(store)
        self._trial = trial
        self._secure = gate is not None
        self._log = log

    async def get(self, caller, request, now):
        """Answer with the document in force, without its secrets or, over TLS, as it is in flash;
        for administrators.
        """
        _require(caller)
        whole = parameter(request.query, "secrets") == "1"
        if whole and not caller.secure:
            raise _refusal(403, "", "secrets are given over https, or a cable, alone")
        data = self._saved(self._documents.content)
        lines = ['ETag: "%s"' % self._documents.mark(data), "Cache-Control: no-store"]
        if whole:
            self._log.add(SETTINGS, "secrets read by " + by_whom(caller, request.path), now)
        else:
            try:
                data = await self._documents.shown(data)
            except NotSaved as error:
                raise _unsaved(error)
        response = Response(200, lambda: iter((data,)), "application/json", lines)
        response.length = len(data)
        return response

    async def put(self, caller, request, now):
        """Replace the document, or take a part of a new one.

        Answers what waits for the next start; 202 and how much is there for a part.
        """
        if not self._first(caller):
            _require(caller)
        data = request.body
        content_range = request.headers.get("content-range")
        if content_range is not None:
            start, end, total = _range(content_range)
            if total > MAX_BYTES:
                raise HttpError(413)
            if end - start + 1 != len(data) or end >= total:
                raise HttpError(400)
            there = self._saved(self._documents.gather, data, start)
            if there is None:
                raise _refusal(409, "", "parts come in order, each once; begin with byte 0")
            if there < total:
                return Response(202, b'{"bytes":%d}' % there, "application/json")
            data = self._saved(self._documents.gathered)
            if not self._documents.sealed(data):
                raise _refusal(400, "checksum", "a document in parts must end with its checksum")
        # Here, not in a function of its own: the stack of a chip is short.
        document = await self._object(data)
        return await self._change(caller, request, lambda old: document)

    async def patch(self, caller, request, now):
        """Merge a JSON merge patch into the document; answers as `put`."""
        if not self._first(caller):
            _require(caller)
        patch = await self._object(request.body)

        def make(document):
            from holdfast.settings.changes import merge

            return merge(document, patch)

        return await self._change(caller, request, make)

    def _saved(self, function, *arguments):
        """What a function of flash gives; 503 when it cannot be."""
        try:
            return function(*arguments)
        except NotSaved as error:
            raise _unsaved(error)

    def _first(self, caller):
        """True for the set-up of a device that has no account."""
        return caller.account is None and self._store.fresh

    def _matching(self, request):
        """A function(data) that refuses to change settings that are not those that are meant."""
        wanted = request.headers.get("if-match")
        if wanted is None or wanted.strip() == "*":
            return None
        tags = [tag.strip() for tag in wanted.split(",")]

        def guard(data):
            if '"%s"' % self._documents.mark(data) not in tags:
                raise _refusal(412, "", "the settings are not these any more; read them again")

        return guard

    async def _object(self, data):
        """The JSON object in `data`, whose checksum is right if it has one."""
        try:
            value = await self._documents.parse(data)
        except json.JsonError as error:
            raise _refusal(400, "", "is not JSON: %s at byte %d" % (error, error.position))
        except SettingsError as error:
            raise _refusal(400, error.key, error.problem)
        if not isinstance(value, dict):
            raise _refusal(400, "settings", "must be an object")
        return value

    async def _change(self, caller, request, make):
        """make: a function(document) that gives the new one."""
        store = self._store
        found = []  # paths of what counts at the next start only
        trial = parameter(request.query, "trial") == "1"

        def edit(document):
            # Not at the top: the store loads them for a change, too, and lets go of them after it.
            from holdfast.settings.changes import late, waits
            from holdfast.settings.secrets import keep

            if caller.account is None and not store.fresh:
                raise HttpError(401)  # somebody else was first
            before = late(document, self._secure)
            after = make(document)
            keep(document, after)
            _keep_administrator(after)
            _keep_logins(document, after)
            found.clear()
            found.extend(waits(before, late(after, self._secure)))
            if after is not document:
                document.clear()
                document.update(after)

        by = by_whom(caller, request.path)
        guard = self._matching(request)
        try:
            if trial:
                await self._trial.method("begin")(edit, by, found, guard)
            else:
                await store.change(edit, by, guard)
        except SettingsError as error:
            raise _refusal(409 if error.useless else 400, error.key, error.problem)
        except NotSaved as error:
            raise _unsaved(error)
        waiting = found
        if not trial:
            waiting = store.waiting
            waiting.extend([path for path in found if path not in waiting])
        names = ",".join([json.quote(path) for path in waiting])
        text = '{"next_start":[%s]%s}' % (names, ',"trial":true' if trial else "")
        mark = self._documents.mark(self._saved(self._documents.content))
        return Response(200, text.encode(), "application/json", ('ETag: "%s"' % mark,))


def _unsaved(error):
    """The HttpError for a NotSaved; nothing was changed."""
    if error.trial:
        return _refusal(409, "", str(error))
    refusal = _refusal(503, "", "not now: %s" % error)
    refusal.retry_s = error.retry_s
    return refusal


def _keep_administrator(document):
    """Nobody could change anything any more, and a device without accounts takes the first from
    anybody.
    """
    accounts = document.get("accounts")
    for row in accounts if isinstance(accounts, list) else ():
        if isinstance(row, dict) and row.get("role") == "administrator":
            return
    raise SettingsError("settings.accounts", "must hold an administrator")


def _keep_logins(before, after):
    """Hashes are made with the realm: with another one nobody could log in with those before."""
    if before.get("realm") == after.get("realm"):
        return
    old = []
    for row in before.get("accounts", ()):
        old.extend([row[key] for key in ("md5", "sha256") if key in row])
    for row in after["accounts"]:
        if isinstance(row, dict) and (row.get("md5") in old or row.get("sha256") in old):
            raise SettingsError(
                "settings.realm", "another realm needs new hashes of every account with it"
            )


def _range(text):
    """(first, last, length) of `bytes 0-4095/9000`."""
    unit, _, rest = text.partition(" ")
    span, slash, total = rest.strip().partition("/")
    first, dash, last = span.partition("-")
    numbers = (first, last, total)
    if unit.lower() != "bytes" or not slash or not dash:
        raise HttpError(400)
    for number in numbers:
        if not all_digits(number, 9):
            raise HttpError(400)
    first, last, total = [int(number) for number in numbers]
    if first > last:
        raise HttpError(400)
    return first, last, total


def _require(caller):
    if caller.account is None:
        raise HttpError(401)
    if caller.account.role < ADMINISTRATOR:
        raise HttpError(403)


def _refusal(status, key, problem):
    """An HttpError that names the bad key, "" for none, and what is wrong with it."""
    error = HttpError(status)
    error.json = '{"error":{"key":%s,"problem":%s}}' % (json.quote(key), json.quote(problem))
    return error
