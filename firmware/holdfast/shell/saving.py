"""The settings in flash: loaded at the start, changed while the module runs, never half.

A change is made on the document: what flash holds is read, edited and checked as a whole, and
replaced as shell.copies does it. Only then the running module adopts it. At whichever write or
rename the power goes off, the next start finds the old settings or the new ones. What changes
nothing is not written: clients repeat themselves, and flash wears.

What is written ends with a checksum over all before it, as the last member of the JSON object. A
file without one, as people write them, is taken as it is.

Loaded by shell.store when it is needed, and let go again with all that only this needs.
"""

import hashlib
from binascii import hexlify

from micropython import const

from holdfast.core.check import check
from holdfast.core.settings import NotSaved, SettingsError
from holdfast.shell import heap
from holdfast.wire.json import JsonError, loads

CURRENT = "settings.json"
NEW = "settings.new"  # being written, or complete and not yet renamed
PREVIOUS = "settings.old"
NEXT = "settings.next"  # to be tried by the next start, once; see shell.trial
TRIAL = "settings.trial"  # being tried; of no account to any later start

# What clients may make of the settings. Every change reads and checks all of them, in one turn and
# one heap: with 63 KB, which 16 rules of the longest kind come to, a board would be at it for
# seconds.
MAX_BYTES = const(16 * 1024)

_CHECKSUM = b',\n "checksum": "'
_END = b'"\n}\n'
_HEX_DIGITS = 64


def load(store):
    """The settings in flash; with none, or broken ones, safe defaults, no account, aloud."""
    broken = False
    settings = None
    settings = _tried(store)
    if settings is not None:
        return settings
    for name in (CURRENT, NEW, PREVIOUS):
        data = None
        try:
            data = _whole(store.storage, name)
            if data is None:
                continue
            settings = check(document(data), store.wiring)
            store.name = name
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
        if name != NEW or data is None or data.endswith(_END):
            broken = True
        print("holdfast: %s: %s" % (name, problem))
    if settings is None:
        if not broken:
            print("holdfast: there is no %s" % CURRENT)
        print("holdfast: safe defaults: every output falls back to open, nobody can log in")
        settings = defaults(store)
    elif store.name != CURRENT:
        print("holdfast: going on with %s" % store.name)
    store.fresh = not settings.accounts and not broken
    return settings


def _whole(storage, name):
    """What is in a file; one that cannot be read is read once more."""
    try:
        return storage.read(name)
    except OSError:
        return storage.read(name)


def defaults(store):
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


def current(store):
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
    raise NotSaved("there are no settings to go back to")


def attempt(store, edit, at_start):
    """Edit the document and check it; the settings, which are in flash on trial."""
    changed = read(store)
    files = _files(changed)
    edit(changed)
    settings = _checked(store, changed, files)
    data = _sealed(changed)
    try:
        store.storage.write(TRIAL, data)
        if at_start:
            store.storage.rename(TRIAL, NEXT)
        else:
            store.storage.remove(NEXT)
            store.trying = TRIAL
    except OSError as error:
        raise NotSaved("flash cannot be written: %s" % error)
    return settings


def keep(store):
    """What is on trial is in force; the same file is not written twice."""
    storage = store.storage
    try:
        if store.name == CURRENT:
            storage.rename(CURRENT, PREVIOUS)
            store.name = PREVIOUS
        storage.rename(TRIAL, CURRENT)
    except OSError as error:
        raise NotSaved("flash cannot be written: %s" % error)
    store.name = CURRENT


def read(store):
    """The settings in force, or on trial, as a JSON reader gives them; NotSaved when they cannot
    be read.
    """
    name = store.trying or store.name
    if name is None:
        return {}
    try:
        return document(store.storage.read(name) or b"")
    except (JsonError, SettingsError, OSError):
        raise NotSaved("%s cannot be read any more" % name)


def change(store, edit):
    """Edit the document, check it and save it; the settings that now hold."""
    changed = read(store)
    before = _digest(changed)
    files = _files(changed)
    edit(changed)
    settings = _checked(store, changed, files)
    if _digest(changed) != before:
        _save(store, _sealed(changed))
    store.fresh = store.fresh and not settings.accounts
    return settings


def _sealed(value):
    """A document as it is written; NotSaved when it would be too large to be checked."""
    data = seal(_text(value))
    if len(data) > MAX_BYTES:
        raise NotSaved("settings would be larger than %d bytes" % MAX_BYTES)
    return data


def _files(document):
    """The names of certificate and key in settings that hold, as they are written there."""
    tls = document.get("tls")
    return None if tls is None else (tls.get("certificate"), tls.get("key"))


def _checked(store, document, files_before):
    """The settings that a document makes, with the files looked at that they name and those before
    did not: a certificate gone bad in flash keeps nobody from changing the rest; SettingsError.
    """
    settings = check(document, store.wiring)
    if settings.tls is not None and _files(document) != files_before:
        # Now, while somebody is there to be told; at the start it would cost HTTPS alone.
        heap.load("holdfast.shell.tlsfiles", "files")(store.storage, settings.tls)
    return settings


def _digest(value):
    """What tells two documents apart, and is small."""
    return hashlib.sha256(_text(value).encode()).digest()


def _text(value):
    """A document as text. A start needs none."""
    return heap.load("holdfast.wire.dump", "dumps")(value)


def _save(store, data):
    copies = heap.load("holdfast.shell.copies", "Copies")(
        store.storage, (CURRENT, NEW, PREVIOUS), store.name
    )
    try:
        store.storage.remove(NEXT)  # made of settings that are not these any more
        copies.write(data)
    except OSError as error:
        raise NotSaved("flash cannot be written: %s" % error)
    finally:
        store.name = copies.held


def document(data):
    """The JSON object in a settings file (bytes); JsonError, SettingsError for a bad checksum."""
    value = loads(data)
    if isinstance(value, dict) and "checksum" in value:
        del value["checksum"]
        if seal_of(data[: -len(_END) - _HEX_DIGITS - len(_CHECKSUM)]) != data:
            raise SettingsError("checksum", "does not match; remove it if you edited this file")
    return value


def seal(text):
    """A JSON object as bytes, with its checksum as the last member."""
    text = text[: text.rindex("}")].rstrip()
    assert text != "{"  # nobody saves nothing
    return seal_of(text.encode())


def seal_of(data):
    """What stands before the checksum, with it and the end put behind."""
    return b"".join((data, _CHECKSUM, hexlify(hashlib.sha256(data).digest()), _END))
