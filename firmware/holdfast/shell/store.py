"""The settings in flash: loaded at the start, changed while the module runs, never half.

A change is made on the document: what flash holds is read, edited and checked as a whole, written
under a new name and then renamed; the copy before stays as a second one. Only then the running
module adopts it. At whichever write or rename the power goes off, the next start finds the old
settings or the new ones.

What is written ends with a checksum over all before it, as the last member of the JSON object. A
file without one, as people write them, is taken as it is.
"""

import hashlib
from binascii import hexlify

from holdfast.core.settings import NotSaved, SettingsError
from holdfast.shell.heap import forget, load
from holdfast.wire.json import JsonError, loads

CURRENT = "settings.json"
NEW = "settings.new"  # being written, or complete and not yet renamed
PREVIOUS = "settings.old"

_CHECKSUM = b',\n "checksum": "'
_END = b'"\n}\n'
_HEX_DIGITS = 64


class Store:
    """Settings of one board.

    storage: of the HAL. wiring: the board's PORTS. quiet: a function(now) that tells whether
    nothing is due while flash is written. adopt: a function(settings, now) for what has changed.
    Both may be set later.
    """

    def __init__(self, storage, wiring):
        self.quiet = None
        self.adopt = None
        self.fresh = False  # nobody has an account, and nothing is broken: a device to be set up
        self._storage = storage
        self._wiring = wiring
        self._name = None  # of the file that holds the settings in force, None for none

    def load(self):
        """The settings in flash; with none, or broken ones, safe defaults, no account, aloud."""
        broken = False
        settings = None
        for name in (CURRENT, NEW, PREVIOUS):
            data = self._storage.read(name)
            if data is None:
                continue
            try:
                settings = load("holdfast.core.check", "check")(document(data), self._wiring)
                self._name = name
                break
            except JsonError as error:
                problem = "is not JSON: %s at byte %d" % (error, error.position)
            except SettingsError as error:
                problem = str(error)
            broken = True
            print("holdfast: %s: %s" % (name, problem))
        if settings is None:
            if not broken:
                print("holdfast: there is no %s" % CURRENT)
            print("holdfast: safe defaults: every output falls back to open, nobody can log in")
            settings = load("holdfast.core.check", "check")({}, self._wiring)
        elif self._name != CURRENT:
            print("holdfast: going on with %s" % self._name)
        _forget()
        self.fresh = not settings.accounts and not broken
        return settings

    def document(self):
        """The settings in force, as a JSON reader gives them."""
        if self._name is None:
            return {}
        data = self._storage.read(self._name)
        try:
            return document(data or b"")
        except (JsonError, SettingsError):
            raise NotSaved("%s cannot be read any more" % self._name)

    def change(self, edit, now):
        """Edit the document, check it, save it, adopt it; all or nothing.

        edit: a function(document) that changes it in place. SettingsError: the edit makes bad
        settings. NotSaved: not now, or flash is full.
        """
        if not self.quiet(now):
            raise NotSaved("a deadline is too near to write to flash")
        try:
            changed = self.document()
            edit(changed)
            settings = load("holdfast.core.check", "check")(changed, self._wiring)
            text = load("holdfast.wire.dump", "dumps")(changed)
        finally:
            _forget()
        self._save(seal(text))
        self.fresh = not settings.accounts
        self.adopt(settings, now)

    def _save(self, data):
        storage = self._storage
        try:
            if self._name == NEW:
                # The power went off before the last rename: it comes now.
                storage.rename(NEW, CURRENT)
                self._name = CURRENT
            storage.write(NEW, data)
            # The settings in force become the previous ones; damaged ones may not.
            if self._name == CURRENT:
                storage.rename(CURRENT, PREVIOUS)
                self._name = PREVIOUS
            storage.rename(NEW, CURRENT)
        except OSError as error:
            raise NotSaved("flash cannot be written: %s" % error)
        self._name = CURRENT


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


def _forget():
    """What is needed to change settings does not stay in the heap."""
    for name in ("core.rulecheck", "core.check", "wire.dump"):
        forget("holdfast." + name)
