"""The form that the settings document has in flash: read, written, told from that of a person.

What is written ends with its format and a checksum over all before it, as the last members of the
JSON object. A file without a checksum, as people write them, is taken as it is. One with a
checksum and no format was written by version 0.1.0, where an output with a `fallback` was locked
unless that said otherwise: it is read so, see `earlier`, and the next change writes it.

Loaded when settings are loaded, shown or changed, and let go again.
"""

import hashlib
from binascii import hexlify

from micropython import const

from holdfast.runtime.memory import load
from holdfast.runtime.portable import sleep_ms
from holdfast.settings.model import NotSaved, SettingsError
from holdfast.wire.json import loads

_TURN_CHARACTERS = const(512)  # of the text are made before others have their turn

NONE = b"{}\n"  # the document of a board that has none
_FORMAT = b',\n "format": 2'
_CHECKSUM = b',\n "checksum": "'
END = b'"\n}\n'
SEAL_BYTES = len(_CHECKSUM) + 64 + len(END)


def content(store) -> bytes:
    """The document in force, or on trial, as it is in flash (bytes); NotSaved when it cannot be
    read.
    """
    name = store.trying or store.name
    if name is None:
        return NONE
    try:
        return store.storage.read(name) or b""
    except OSError:
        raise NotSaved("%s cannot be read any more" % name)


async def encode(value: dict) -> bytes:
    """A document (a JSON object) as it is written to flash, or shown: bytes."""
    texts = []
    size = 0
    for text in load("holdfast.wire.dump", "lines")(value):
        texts.append(text)
        size += len(text)
        if size > _TURN_CHARACTERS:
            size = 0
            await sleep_ms(0)
    return seal("".join(texts)) if value else NONE


def document(data: bytes):
    """The JSON object in a settings file (bytes); JsonError, SettingsError for a bad checksum."""
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]  # an editor has put a byte order mark there; no checksum counts it
    return _checked(loads(data, -1), data)


async def parsed(data: bytes):
    """As `document`, in steps between which others have their turn."""
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    kept = []
    value = loads(data, -1, kept)
    while kept:
        await sleep_ms(0)
        value = loads(data, -1, kept)
    await sleep_ms(0)
    return _checked(value, data)


def _checked(value, data):
    if not isinstance(value, dict):
        return value
    mark = value.pop("format", None)
    if mark not in (None, 2):
        raise SettingsError("format", "must be 2: another one is of another version of Holdfast")
    if value.pop("checksum", None) is not None:
        if seal_of(data[:-SEAL_BYTES]) != data:
            raise SettingsError("checksum", "does not match; remove it if you edited this file")
        if mark is None:
            earlier(value)
    return value


def changed_meaning(value: dict, settings) -> list[str]:
    """Texts for the log: what settings of 0.1.0 do not mean any more."""
    rows = value.get("ports", {})
    free = []
    masters = [row.name for row in settings.accounts if row.first_heartbeat_within_ms is not None]
    awaited = []
    for index, port in enumerate(settings.ports):
        if port.output:
            if "fallback" not in rows.get(str(index), {}):
                free.append(str(index))
            master = port.fallback.master
            if master is not None and master not in masters and master not in awaited:
                awaited.append(master)
    texts = []
    if free:
        texts.append(
            "outputs without a fallback are not locked at a loss any more: " + ", ".join(free)
        )
    if awaited:
        text = "masters of outputs are lost 60 s after a start without heartbeat: "
        texts.append(text + ", ".join(awaited))
    elif not masters:
        texts.append("no master is named: the loss is the end of the last master's heartbeats")
    return ["those of 0.1.0: " + text for text in texts]


def earlier(value: dict) -> None:
    """Write into settings of 0.1.0, in place, what their silence meant there."""
    ports = value.get("ports")
    for row in ports.values() if isinstance(ports, dict) else ():
        fallback = row.get("fallback") if isinstance(row, dict) else None
        if isinstance(fallback, dict) and "locked" not in fallback:
            fallback["locked"] = True


def is_earlier(data: bytes) -> bool:
    """True for a document that version 0.1.0 wrote."""
    return sealed(data) and not data[:-SEAL_BYTES].endswith(_FORMAT)


def sealed(data: bytes) -> bool:
    """True for a document that ends with a checksum, whether it is right or not."""
    tail = data[-SEAL_BYTES:]
    return tail.startswith(_CHECKSUM) and tail.endswith(END)


def seal(text: str) -> bytes:
    """A JSON object as bytes, with its format and checksum as the last members."""
    text = text[: text.rindex("}")].rstrip()
    assert text != "{"  # nobody saves nothing
    return seal_of(text.encode() + _FORMAT)


def seal_of(data: bytes) -> bytes:
    """What stands before the checksum, with it and the end put behind."""
    return b"".join((data, _CHECKSUM, hexlify(hashlib.sha256(data).digest()), END))
