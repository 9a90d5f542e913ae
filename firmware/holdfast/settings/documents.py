"""The settings as a document that is sent and received: read as it is in flash, taken in parts.

Loaded when somebody asks for the whole of it, and let go with the service that does.
"""

import hashlib
from binascii import hexlify

from micropython import const

from holdfast.runtime.memory import load
from holdfast.settings.model import NotSaved, SettingsError
from holdfast.settings.secrets import hide
from holdfast.settings.store import let_go
from holdfast.wire.json import JsonError

PART = "settings.part"  # of a document that comes in parts, gathered until it is complete
_HEX_DIGITS = const(64)
_TAIL_BYTES = const(68)  # the digits and what is behind them


class Documents:
    """The document of a store."""

    def __init__(self, store):
        self.store = store
        self._gathered = None  # bytes there of one that comes in parts

    def content(self):
        """The document in force as it is in flash (bytes); NotSaved when it cannot be read."""
        return load("holdfast.settings.format", "content")(self.store)

    async def shown(self, data):
        """A document (bytes) as it is shown: without its secrets, with a checksum of its own.
        NotSaved when it cannot be read.
        """
        try:
            value = await self.parse(data)
            hide(value)
            return await self._call("encode", value)
        except (JsonError, SettingsError):
            raise NotSaved("the settings cannot be read any more")
        finally:
            let_go()

    def _call(self, name, *arguments):
        return load("holdfast.settings.format", name)(*arguments)

    def mark(self, data):
        """The checksum of a document (bytes), as text: its own, if it ends with one."""
        if self.sealed(data):
            return data[-_TAIL_BYTES : _HEX_DIGITS - _TAIL_BYTES].decode()
        return hexlify(hashlib.sha256(data).digest()).decode()

    def sealed(self, data):
        """True for a document that ends with a checksum, whether it is right or not."""
        return self._call("sealed", data)

    async def parse(self, data):
        """The JSON value of a document; JsonError, SettingsError for a bad checksum."""
        return await self._call("parsed", data)

    def gather(self, data, offset):
        """Take a part of a document into flash; how many bytes are there, None when this is not
        the next part. NotSaved.
        """
        store = self.store
        if offset and offset != self._gathered:
            return None
        for name in ("admit", "spend"):
            load("holdfast.settings.saving", name)(store)
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
        storage = self.store.storage
        try:
            data = storage.read(PART) or b""
        except OSError:
            raise NotSaved("flash cannot be read")
        storage.remove(PART)
        return data
