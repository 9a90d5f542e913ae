"""Whole modules whose power goes off, or whose flash fails, at each operation on flash; run by
test_faults_power.py on both interpreters.

    python sweep_power.py cuts|errors STRIDE
    python sweep_power.py pairs STRIDE STEP FIRST

A story is a life of a module with changes to its flash: settings, accounts, settings on trial, the
event log. `cuts` lives it with the power going off before, in the middle of (after some of the
bytes of a write) and after each operation, `pairs` does it again in the life after that, and
`errors` has each operation fail instead. After that a module is started from main.py's first line
on: it serves, with the old settings or with the new ones, with its accounts, without opening the
door for a first account, with every entry of the log that was in flash before. STRIDE: every so
many-th; of pairs, with every STEP-th first cut from FIRST on, every STRIDE-th second one.
"""

import sys

import wholeboard
from holdfast.core.log import SETTINGS, TRIP
from holdfast.core.reconfigure import bypass
from holdfast.runtime.portable import sleep_ms
from holdfast.server.connection import Caller
from holdfast.settings.format import seal, seal_of
from holdfast.settings.model import NotSaved
from holdfast.settings.saving import CURRENT, PREVIOUS
from holdfast.wire.dump import dumps
from holdfast.wire.http import Request
from makers import account

CLOSED = {"4": {"fallback": {"steps": [{"state": "closed"}]}}}
OLD = {
    "name": "Old",
    "accounts": [account("root", "administrator"), account("a")],
    "ports": CLOSED,
}


class Connection:
    peer = ("127.0.0.1", 1)

    def __init__(self):
        self.caller = Caller()


def named(text):
    def edit(document):
        document["name"] = text

    return edit


def with_account(name):
    def edit(document):
        rows = document.get("accounts", [])
        if name not in [row["name"] for row in rows]:
            document["accounts"] = rows + [account(name)]

    return edit


def first_account(document):
    document["accounts"] = [account("root", "administrator")]


def flush(app):
    """What App._keep does when it is time."""
    for book in app.log.books:
        while book.waiting:
            if not app.book("write", book, 0):
                book.failed(app.clock.now())
                return


# Each a function(app) that changes flash, and the names that settings may have afterwards.


async def change(app):
    await app.store.change(named("New"))


async def change_twice(app):
    await change(app)
    await app.store.change(with_account("c"))


async def kept(app):
    await app.trial.method("begin")(named("New"), None, [])
    await app.trial.method("end")(True)


async def taken_back(app):
    await app.trial.method("begin")(named("New"), None, [])
    await app.trial.method("end")(False)


async def at_start(app):
    """The next life tries them; then they are kept."""
    if app.store.trying is None:
        await app.trial.method("begin")(named("New"), None, ["network"])
    else:
        await app.trial.method("end")(True)


async def logged(app):
    for text in ("one", "two"):
        app.log.put(TRIP, text, app.clock.now())
        flush(app)
    app.log.put(SETTINGS, "x" * 90, app.clock.now())
    flush(app)


async def renewed(app):
    """Settings of 0.1.0, which the module writes as this version does by itself; where flash fails
    it tries again later.
    """
    for _ in range(200):
        await sleep_ms(0)


async def bypassed(app):
    """A bypass begins, is written anew, and another one comes and goes."""
    port = app.module.ports[4]
    await app.store.ask("bypass", 0, (port, 3600000, "root"))
    await app.store.ask("bypass", 0)
    await app.store.ask("bypass", 0, (app.module.ports[5], 3600000, "root"))
    for port in app.module.ports[4:6]:
        bypass(app.module, port, None, "root", app.clock.now())
    await app.store.ask("bypass", 0)


async def set_up(app):
    await app.store.change(first_account)


def files(**more):
    named = {CURRENT: seal(dumps(OLD))}
    for name, data in more.items():
        named["settings." + name] = data
    return named


def cuts(flash):
    """Every fault of the operations that a flash has counted."""
    for number, (operation, _, size) in enumerate(flash.story):
        yield (number, "before")
        if operation in ("write", "append"):
            step = max(1, size // 6)
            for at in sorted(set(list(range(0, size, step)) + [1, size - 1])):
                yield (number, at)
        yield (number, "after")


def log_rows(app):
    """All entries of the log."""
    places = []
    for _ in app.book("find", 0, 1000, places):
        pass
    return [row for row in app.book("entries", places, 0) if row]


def live(flash, act, entries=None):
    """One life in which `act` is done; its flash."""
    hal = wholeboard.Hal(flash)
    hal.quiet = True

    async def script(app):
        app.store.quiet = lambda now: True
        if entries is not None:
            rows = log_rows(app)
            entries.extend(rows)
        await act(app)

    hal.live(script)
    return hal


def lives(start, act, count, fault):
    """So many lives; the power goes off in one of them, and flash is what is left. The operations
    are counted through all of them.
    """
    flash = wholeboard.Flash(start, fault)
    for _ in range(count):
        live(flash, act)
        if flash.off:
            break
    return flash


OLDER = seal(dumps(dict(OLD, name="Old", accounts=OLD["accounts"][:1])))
TRIED = seal(dumps(dict(OLD, name="New")))


def grown():
    """A log whose main book is about to go on in another file, which is its oldest."""

    async def many(app):
        book = app.log.books[0]
        number = 0
        while book.segment != 0 or app.log.number < 100:
            app.log.put(TRIP, "old %d" % number, app.clock.now())
            number += 1
            flush(app)
        while book.used < 3900:
            app.log.put(TRIP, "fresh %d" % number, app.clock.now())
            number += 1
            flush(app)

    flash = wholeboard.Flash(files())
    live(flash, many)
    return flash.files


# By name: what flash holds, what is done, how many lives that takes.
STORIES = (
    ("change", files(), change, 1),
    ("changes", files(old=OLDER), change_twice, 1),
    ("unfinished", files(old=OLDER, new=OLDER[:70]), change, 1),
    ("unrenamed", {"settings.new": seal(dumps(OLD)), "settings.old": OLDER}, change, 1),
    ("damaged", {CURRENT: seal(dumps(OLD))[:-20], PREVIOUS: seal(dumps(OLD))}, change, 1),
    ("kept", files(), kept, 1),
    ("taken back", files(), taken_back, 1),
    ("at the start", files(), at_start, 2),
    ("waiting", files(next=TRIED), at_start, 1),
    ("log", files(), logged, 1),
    ("log that goes round", grown(), logged, 1),
    ("of 0.1.0", {CURRENT: seal_of(dumps(OLD)[:-2].rstrip().encode())}, renewed, 1),
    ("bypass", files(), bypassed, 1),
    ("first account", {}, set_up, 1),
)


def look(start, before, names):
    """A module starts on this flash; all must be well. What was wrong, else None."""
    flash = wholeboard.Flash(start)
    hal = wholeboard.Hal(flash)
    found = []

    async def script(app):
        store = app.store
        found.append(app.module.name)
        assert app.module.name in names, ("name", app.module.name)
        rows = [port.id for port in app.module.outputs if port.bypassed_until is not None]
        if before.get("bypassed"):
            assert rows in ([], ["4"], ["4", "5"]), ("bypassed", rows)
        else:
            assert not rows, rows
        texts = [row[4] for book in app.log.books for row in book.waiting]
        assert not [text for text in texts if "damaged" in text], texts
        people = [row.name for row in app.settings.accounts]
        if "accounts" in before:
            assert not store.fresh, "open"
            assert "root" in people, people
        else:
            assert store.fresh == (not people)
        request = Request(
            "GET",
            "/axis-cgi/pwdgrp.cgi?action=add&user=eve&pwd=password&grp=root&sgrp=admin:operator:viewer",
            True,
            {"host": "a"},
            0,
        )
        if people:
            answer = await app.dispatcher.answer(Connection(), request, app.clock.now(), None)
            assert answer.status == 401, ("door", answer.status)
        levels = app.module.fallback_levels
        assert not people or levels[4] == 1 or before.get("fresh") or rows, "fallback"
        assert not before.get("locked") or app.module.ports[4].fallback.locked, "locked"
        rows = log_rows(app)
        texts = [row[5] for row in rows]
        for text in before.get("log", ()):
            assert text in texts, ("log", text, texts)
        numbers = [row[0] for row in rows]
        assert numbers == sorted(set(numbers)), numbers
        # And it goes on: a change is saved, an entry written, and both are there afterwards.
        app.store.quiet = lambda now: True
        if store.trying is None:
            await store.change(named("Last"))
        app.log.put(TRIP, "last", app.clock.now())
        flush(app)

    assert hal.live(script), "it does not serve"
    assert not hal.resets and not hal.reports, hal.reports
    last = []

    def again(app):
        last.append(app.module.name)
        rows = log_rows(app)
        assert "last" in [row[5] for row in rows]

    assert wholeboard.Hal(wholeboard.Flash(flash.files)).live(again)
    assert last[0] in ("Last", "New", "Old"), last
    return found[0]


def facts(start, act):
    """What must outlive a power cut in this story: whether it has accounts, and its log."""
    before = {"log": []}
    if start:
        before["accounts"] = True
        before["locked"] = act is renewed
        before["bypassed"] = act is bypassed
    else:
        before["fresh"] = True
    if len(start) > 3:
        rows = []
        look_at = wholeboard.Hal(wholeboard.Flash(start))
        look_at.live(lambda app: rows.extend(log_rows(app)))
        # The oldest file of four goes; a start reads the others.
        before["log"] = [row[5] for row in rows if row[5].startswith("fresh")]
        assert before["log"]
    return before


def whole_entries(flash):
    """Entries whose write was over before the power went off: those of earlier operations."""
    done = [row for row in flash.story[:-1] if row[1].startswith("log0")]
    return ["one", "two"][: max(0, len(done))]


def run_cuts(stride):
    count = 0
    for title, start, act, how_many in STORIES:
        clean = lives(start, act, how_many, None)
        before = facts(start, act)
        names = seen_names(start, clean)
        states = set()
        old = before["log"]
        for fault in list(cuts(clean))[count % stride :: stride]:
            flash = lives(start, act, how_many, fault)
            assert flash.off and flash.hit, (title, fault)
            before["log"] = old + (whole_entries(flash) if act is logged else [])
            count += 1
            try:
                states.add(look(flash.files, before, names))
            except AssertionError as error:
                print(title, fault, flash.story[fault[0]], error.args, sorted(flash.files))
                raise
        print("%s: %d operations, %s" % (title, clean.count, sorted(states)))
    print("%d power cuts" % count)


def seen_names(start, clean):
    if start:
        return ("Old", "New")
    default = []
    wholeboard.Hal(wholeboard.Flash()).live(lambda app: default.append(app.module.name))
    return (default[0],)


def run_pairs(stride, step, chosen):
    count = firsts = 0
    for title, start, act, how_many in STORIES:
        clean = lives(start, act, how_many, None)
        before = facts(start, act)
        names = seen_names(start, clean)
        for first in cuts(clean):
            firsts += 1
            if firsts % step != chosen:
                continue
            left = lives(start, act, how_many, first).files
            # The next life does the same again; the power goes off at each of its operations.
            faults = list(cuts(lives(left, act, 1, None)))
            for second in faults[firsts // step % stride :: stride]:
                count += 1
                flash = lives(left, act, 1, second)
                assert flash.off, (title, first, second)
                try:
                    look(flash.files, before, names)
                except AssertionError as error:
                    print(title, first, second, error.args, sorted(flash.files))
                    raise
    print("%d pairs" % count)


KINDS = ("error", "short", "lost")


def _careful(act, problems):
    """A script that does it, and notes what a client is told."""

    async def script(app):
        app.store.quiet = lambda now: True
        try:
            await act(app)
        except NotSaved as error:
            problems.append(str(error))

    return script


def run_errors(stride):
    """Each operation fails once: the client is told, or it comes again; nothing is fatal."""
    count = told = 0
    for title, start, act, how_many in STORIES:
        clean = lives(start, act, how_many, None)
        before = facts(start, act)
        names = seen_names(start, clean)
        old = before["log"]
        faults = [(number, kind) for number in range(clean.count) for kind in KINDS]
        faults += [(number, "read") for number in range(clean.reads)]
        for fault in faults[count % stride :: stride]:
            flash = wholeboard.Flash(start, fault)
            problems = []
            for _ in range(how_many):
                hal = wholeboard.Hal(flash)

                assert hal.live(_careful(act, problems)), (title, fault)
                assert not hal.resets, (title, fault)
                assert not hal.reports, (title, fault, hal.reports)
            told += len(problems)
            count += 1
            before["log"] = old + (["one", "two"] if act is logged and fault[1] == "read" else [])
            try:
                look(flash.files, before, names)
            except AssertionError as error:
                print(title, fault, error.args, problems, sorted(flash.files), flash.story)
                raise
    print("%d faults, %d told" % (count, told))


if __name__ == "__main__":
    {"cuts": run_cuts, "pairs": run_pairs, "errors": run_errors}[sys.argv[1]](
        *map(int, sys.argv[2:])
    )
    print("done")
