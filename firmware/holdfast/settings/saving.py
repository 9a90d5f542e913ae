"""The settings in flash: loaded at the start, changed while the module runs, never half.

A change is made on the document: what flash holds is read, edited and checked as a whole, and
replaced as storage.atomic does it. Only then the running module gets it. At whichever write or
rename the power goes off, the next start finds the old settings or the new ones. What changes
nothing is not written: clients repeat themselves, and flash wears.

The coroutines run in the store's own task, one at a time. Others have their turn between the
steps: read and parse, edit, check, make the text, each change of flash, apply. Before each change
of flash they look whether a deadline is near.

Loaded by settings.store when it is needed, and let go again with all that only this needs.
"""

from binascii import crc32

from micropython import const

from holdfast.core.log import BYPASS
from holdfast.runtime import memory as heap
from holdfast.runtime.portable import sleep_ms
from holdfast.settings.format import (
    END,
    SEAL_BYTES,
    changed_meaning,
    content,
    document,
    encode,
    is_earlier,
    parsed,
)
from holdfast.settings.model import NotSaved, Settings, SettingsError
from holdfast.settings.schema import check, parts
from holdfast.settings.store import BYPASS_MS, MOST_WRITES, WRITE_MS
from holdfast.wire.json import JsonError

CURRENT = "settings.json"
NEW = "settings.new"  # being written, or complete and not yet renamed
PREVIOUS = "settings.old"
NEXT = "settings.next"  # to be tried by the next start, once; see settings.trial
TRIAL = "settings.trial"  # being tried; of no account to any later start

# What clients may make of the settings. Every change reads and checks all of them, in one turn and
# one heap: with 63 KB, which 16 rules of the longest kind come to, a board would be at it for
# seconds.
MAX_BYTES = const(16 * 1024)

_LOOKS = const(100)  # for a quiet moment in the middle of a change, and how far apart
_LOOK_MS = const(20)


def load(store) -> Settings:
    """The settings in flash; with none, or broken ones, safe defaults, no account, aloud."""
    store.trying = None
    settings = _tried(store)
    if settings is None:
        settings = _found(store)
    store.fresh = not settings.accounts and not store.damaged
    return settings


def _found(store):
    settings = None
    for name in (CURRENT, NEW, PREVIOUS):
        data = None
        try:
            data = _whole(store.storage, name)
            if data is None:
                continue
            value = document(data)
            settings = check(value, store.wiring)
            store.name = name
            if is_earlier(data):
                store.earlier = changed_meaning(value, settings)
            break
        except JsonError as error:
            problem = "is not JSON: %s at byte %d" % (error, error.position)
        except SettingsError as error:
            problem = str(error)
        except OSError as error:
            problem = "cannot be read: %s" % error
        except MemoryError:
            problem = "is too large for the memory"
        # A new file without its end is one that the power was cut on: nothing was lost with it.
        if name != NEW or data is None or data.endswith(END):
            store.damaged = True
        print("holdfast: %s: %s" % (name, problem))
    if settings is None:
        if not store.damaged:
            print("holdfast: there is no %s" % CURRENT)
        print("holdfast: safe defaults: every output falls back to open, nobody can log in")
        settings = defaults(store)
    elif store.name != CURRENT:
        print("holdfast: going on with %s" % store.name)
    return settings


def _whole(storage, name):
    """What is in a file; one that cannot be read is read once more."""
    try:
        return storage.read(name)
    except OSError:
        return storage.read(name)


def defaults(store) -> Settings:
    """What holds when there are no settings."""
    return check({}, store.wiring)


def _tried(store):
    """Settings that this start is to try, None for none. Another start does not find them."""
    storage = store.storage
    try:
        data = storage.read(NEXT)
        if data is None:
            return None
        storage.rename(NEXT, TRIAL)
        settings = check(document(data), store.wiring)
        current(store)
    except (OSError, MemoryError, JsonError, SettingsError, NotSaved) as error:
        print("holdfast: %s: %s" % (NEXT, error))
        return None
    store.trying = TRIAL
    return settings


def current(store) -> Settings:
    """The settings of the file in force; NotSaved when there is none to go back to."""
    for name in (CURRENT, NEW, PREVIOUS) if store.name is None else (store.name,):
        try:
            data = store.storage.read(name)
            if data is None:
                continue
            settings = check(document(data), store.wiring)
        except (OSError, JsonError, SettingsError):
            continue
        store.name = name
        return settings
    if store.damaged:
        raise NotSaved("there are no settings to go back to")
    return defaults(store)


async def read(store):
    """The settings in force, or on trial, as a JSON reader gives them; NotSaved when they cannot
    be read.
    """
    return await _read(content(store))


async def _read(data):
    try:
        return await parsed(data)
    except (JsonError, SettingsError):
        raise NotSaved("the settings cannot be read any more")


def admit(store):
    """NotSaved when flash may not be written now, or not at all."""
    if store.trying is not None or store.next:
        text = "other settings are on trial; confirm them or take them back first"
        raise NotSaved(text, trial=True)
    ready(store)


def ready(store):
    """As `admit`, for what is to become of settings on trial."""
    if store.name is None and store.damaged:
        # A change of nothing would take the place of what is there, accounts and all.
        raise NotSaved("the settings in flash are damaged, or could not be read")
    if not store.quiet(store.turn()):
        raise NotSaved("a deadline is too near to write to flash")


def spend(store):
    """Count a write to flash; NotSaved when there have been too many."""
    now = store.turn()
    more = (now - store.left_at) // WRITE_MS
    store.left_at += more * WRITE_MS
    store.left = min(MOST_WRITES, store.left + more)
    if not store.left:
        store.refused += 1
        text = "too many changes: flash wears; one more is possible each 2 minutes"
        raise NotSaved(text, (store.left_at + WRITE_MS - now) // 1000 + 1)
    store.left -= 1
    store.writes += 1


async def change(store, edit, by, guard):
    """Edit the document, check it, save it, apply it; the time when it was."""
    settings, data = await _edited(store, edit, guard)
    if data is not None:
        copies = heap.load("holdfast.storage.atomic", "Copies")(
            store.storage, (CURRENT, NEW, PREVIOUS), store.name
        )
        await _write(store, copies.steps(data), copies)
        await sleep_ms(0)
    return _apply(store, settings, by)


async def attempt(store, edit, by, guard, waiting, begun):
    """Edit and check as `change`, apply it, and leave what is in force in flash.

    waiting: a list to which `edit` adds the paths of what counts at a start only. With some beside
    those of ports the next start tries the settings, once. begun: a function(now) that is called
    when they are applied instead. True when they are left to the next start.
    """
    settings, data = await _edited(store, edit, guard)
    data = data or content(store)
    at_start = False
    for path in waiting:
        if not path.startswith("ports."):
            at_start = True
    await _write(store, _trial(store, data, at_start))
    if at_start:
        store.next = True
        return True
    await sleep_ms(0)
    store.trying = TRIAL
    try:
        begun(_apply(store, settings, by))
    except Exception:
        store.trying = None
        raise
    return False


def _trial(store, data, at_start):
    storage = store.storage
    yield
    storage.write(TRIAL, data)
    if at_start:
        yield
        storage.rename(TRIAL, NEXT)


async def keep(store, waiting):
    """What is on trial is in force; the same file is not written twice."""
    if store.trying is None:
        raise NotSaved("no settings are on trial")
    await _write(store, _kept(store))
    store.trying = None
    store.waiting.extend([path for path in waiting if path not in store.waiting])


def _kept(store):
    storage = store.storage
    if store.name == CURRENT:
        yield
        storage.rename(CURRENT, PREVIOUS)
        store.name = PREVIOUS
    yield
    storage.rename(TRIAL, CURRENT)
    store.name = CURRENT


async def back(store, by):
    """Apply the settings of the file in force instead of those on trial."""
    if store.trying is not None:
        settings = current(store)
        await sleep_ms(0)
        store.trying = None
        _apply(store, settings, by)


async def drop(store):
    """The next start is to try nothing."""
    ready(store)
    store.storage.remove(NEXT)
    store.next = False


async def bypass(store, epoch_ms, begun=None):
    """Keep in flash which outputs are bypassed: for how long, and the end in UTC where that is
    known (epoch_ms is not 0). begun: (port, ms, by whom) of one that is bypassed from now on, as
    soon as that is in flash. What has ended by itself is told.
    """
    now = store.turn()
    port, ms, by = begun or (None, 0, "")
    due = now + BYPASS_MS
    text = ""
    bypassed = []
    for other in store.module.outputs:
        at = now + ms if other is port else other.bypassed_until
        if at is None:
            if other.id in store.bypass:
                store.bypass = [there for there in store.bypass if there != other.id]
                store.module.note(BYPASS, "ended by itself", now, 0, "port " + other.id)
        else:
            bypassed.append(other.id)
            due = min(due, at)
            text += "port %s %d %d\n" % (other.id, at - now, at + epoch_ms if epoch_ms else 0)
    await _write(store, retained(store, text))
    store.bypass = bypassed
    store.due = due if bypassed else None
    if port is not None:
        now = store.turn()
        heap.load("holdfast.core.reconfigure", "bypass")(store.module, port, now + ms, by, now)


def retained(store, text):
    """Replace the file of what is bypassed, step by step; no text: there is none."""
    storage = store.storage
    yield
    if text:
        storage.write("bypass.written", (text + "checksum %08x\n" % crc32(text.encode())).encode())
        yield
        storage.rename("bypass.written", "bypass")
    else:
        storage.remove("bypass")


def resume(store, epoch_ms: int) -> dict:
    """{port id: ms for which it is bypassed yet}, at a start. Where the time of day is not known,
    what was left less the time that may have passed since that was written: no restart makes a
    bypass longer. A file that is damaged tells of none.
    """
    found = {}
    try:
        data = _whole(store.storage, "bypass")
        if data is None:
            return found
        store.due = 0
        text = data.decode()
        end = text.rindex("\n", 0, -1) + 1
        if text[end:] != "checksum %08x\n" % crc32(data[:end]):
            raise ValueError
        for row in text[:end].split("\n")[:-1]:
            _, port, left, until = row.split(" ")
            left = int(left) - BYPASS_MS
            if epoch_ms and int(until):
                left = int(until) - epoch_ms
            if left > 0:
                found[port] = left
    except (OSError, ValueError):
        store.bypass = None
        store.due = 0
        print("holdfast: what is bypassed is damaged: nothing is")
        return {}
    store.bypass = list(found)
    return found


async def _edited(store, edit, guard):
    """(settings, text): what an edit makes of the document in force, checked; text: as bytes to
    be written, None where flash holds just these.
    """
    admit(store)
    data = content(store)
    if guard is not None:
        guard(data)
    changed = await _read(data)
    # The checksum alone tells a document that is written from the one in flash; so of the two only
    # one is in the heap.
    end = data[-SEAL_BYTES:]
    data = None
    files = _files(changed)
    edit(changed)
    await sleep_ms(0)
    for found in parts(changed, store.wiring):
        settings = found  # the last
        await sleep_ms(0)
    if settings.rules:
        heap.load("holdfast.settings.schema_rules", "refuse")(store.module, settings)
        await sleep_ms(0)
    if settings.tls is not None and _files(changed) != files:
        # Now, while somebody is there to be told; at the start it would cost HTTPS alone. Not
        # those that are there already: a certificate gone bad keeps nobody from changing the rest.
        heap.load("holdfast.settings.tls_files", "files")(store.storage, settings.tls)
        await sleep_ms(0)
    after = await encode(changed)
    if len(after) > MAX_BYTES:
        raise NotSaved("settings would be larger than %d bytes" % MAX_BYTES)
    return settings, None if after.endswith(end) else after


async def _write(store, steps, copies=None):
    """Change flash step by step, while no deadline is near; NotSaved when that is not possible."""
    ready(store)
    spend(store)
    first = True
    try:
        for _ in steps:
            if not first:
                # What is begun is finished, in a quiet moment if there is one.
                for _ in range(_LOOKS):
                    if store.quiet(store.turn()):
                        break
                    await sleep_ms(_LOOK_MS)
            first = False
    except OSError as error:
        print("holdfast: settings: %s" % error)
        raise NotSaved("flash cannot be written")
    finally:
        if copies is not None:
            store.name = copies.held


def _apply(store, settings, by):
    """The module takes over other settings; the time."""
    now = store.turn()
    # Nobody may come in by the door of a new device from here on.
    store.fresh = not settings.accounts and not store.damaged
    try:
        store.apply(settings, now, by)
    except MemoryError:
        store.shed(None)
        store.apply(settings, now, by)
    return now


def _files(document):
    """The names of certificate and key in settings that hold, as they are written there."""
    tls = document.get("tls")
    return None if tls is None else (tls.get("certificate"), tls.get("key"))
