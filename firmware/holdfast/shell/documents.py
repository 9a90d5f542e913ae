"""The settings as a document that is sent and received: read as it is in flash, taken in parts.

Loaded when somebody asks for the whole of it, and let go with the service that does.
"""

import hashlib
from binascii import hexlify

from micropython import const

from holdfast.core.settings import NotSaved
from holdfast.shell.heap import load

PART = "settings.part"  # of a document that comes in parts, gathered until it is complete
_NONE = b"{}\n"  # the document of a board that has none
_BEFORE = b'"checksum": "'
_AFTER = b'"\n}\n'
_HEX_DIGITS = const(64)
_TAIL_BYTES = const(68)  # the digits and what is behind them


class Documents:
    """The document of a store; `waiting`: what was changed and counts from the next start on."""

    def __init__(self, store):
        self._store = store
        self._gathered = None  # bytes there of one that comes in parts
        self.waiting = store.waiting
        self.change = store.change

    def fresh(self):
        """True for a device to be set up: nobody has an account, and nothing is broken."""
        return self._store.fresh

    def on_trial(self):
        """True while there are settings that have yet to be confirmed: nothing else is changed."""
        return self._store.trying is not None

    def content(self):
        """The document in force as it is in flash (bytes); NotSaved when it cannot be read."""
        name = self._store.trying or self._store.name
        data = None if name is None else self._read(name)
        return _NONE if data is None else data

    def _read(self, name):
        try:
            return self._store.storage.read(name)
        except OSError:
            raise NotSaved("flash cannot be read")

    def mark(self, data):
        """The checksum of a document (bytes), as text: its own, if it ends with one."""
        if self.sealed(data):
            return data[-_TAIL_BYTES : _HEX_DIGITS - _TAIL_BYTES].decode()
        return hexlify(hashlib.sha256(data).digest()).decode()

    def sealed(self, data):
        """True for a document that ends with a checksum, whether it is right or not."""
        return data.endswith(_AFTER) and data[:-_TAIL_BYTES].endswith(_BEFORE)

    def parse(self, data):
        """The JSON value of a document; JsonError, SettingsError for a bad checksum."""
        return load("holdfast.shell.saving", "document")(data)

    def gather(self, data, offset, now):
        """Take a part of a document into flash; how many bytes are there, None when this is not
        the next part. NotSaved.
        """
        store = self._store
        if offset and offset != self._gathered:
            return None
        if not store.quiet(now):
            raise NotSaved("a deadline is too near to write to flash")
        self._gathered = None
        try:
            if offset:
                store.storage.append(PART, data)
            else:
                store.storage.write(PART, data)
        except OSError:
            raise NotSaved("flash cannot be written")
        self._gathered = offset + len(data)
        return self._gathered

    def gathered(self):
        """The document whose parts have come; it is not in flash any more. NotSaved."""
        self._gathered = None
        data = self._read(PART)
        self._store.storage.remove(PART)
        return data or b""
