"""Settings in flash: loaded, changed, and whole at whichever write the power goes off."""

from claims import raises
from holdfast.core.settings import NotSaved, SettingsError
from holdfast.shell.saving import CURRENT, NEW, PREVIOUS, document, seal
from holdfast.shell.store import Store
from holdfast.wire.dump import dumps
from holdfast.wire.json import loads
from makers import WIRING, account


class PowerCut(Exception):
    pass


class Flash:
    """Files in memory; the power goes off after so many bytes written or names changed."""

    def __init__(self, files=(), left=None):
        self.files = dict(files)
        self.left = left

    def read(self, name):
        return self.files.get(name)

    def write(self, name, data):
        self.files[name] = b""
        if self.left is not None:
            if self.left < len(data):
                self.files[name] = data[: self.left]
                raise PowerCut()
            self.left -= len(data)
        self.files[name] = data

    def rename(self, name, to):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise PowerCut()
        self.files[to] = self.files.pop(name)


class Full(Flash):
    def write(self, name, data):
        raise OSError(28)


def store(flash, adopt=None):
    subject = Store(flash, WIRING)
    subject.quiet = lambda now: True
    subject.adopt = adopt or (lambda settings, now: None)
    return subject


def named(text):
    def edit(settings):
        settings["name"] = text

    return edit


def written(value):
    return dumps(value).encode()


OLD = {"name": "Old", "accounts": [account("a")]}


def test_settings_that_people_write_are_taken_without_a_checksum():
    subject = store(Flash({CURRENT: written(OLD)}))
    settings = subject.load()
    assert (settings.name, settings.accounts[0].name) == ("Old", "a")
    assert not subject.fresh


def test_nothing_in_flash_is_a_device_to_be_set_up_and_broken_settings_are_not():
    subject = store(Flash())
    assert subject.load().accounts == ()
    assert subject.fresh
    for broken in (b"", b"{", b'{"ports": {"0": {"fallback": {}}}}', b'{"checksum": "00"}'):
        subject = store(Flash({CURRENT: broken}))
        settings = subject.load()
        assert settings.accounts == ()
        assert settings.ports[2].fallback.steps == ((0, 0),)
        assert not subject.fresh


def test_a_change_is_saved_with_a_checksum_keeps_the_copy_before_and_is_adopted():
    flash = Flash({CURRENT: written(OLD)})
    adopted = []
    subject = store(flash, lambda settings, now: adopted.append((settings.name, now)))
    subject.load()
    subject.change(named("New"), 7)
    assert adopted == [("New", 7)]
    assert flash.files[PREVIOUS] == written(OLD)
    assert NEW not in flash.files
    assert b'"checksum": "' in flash.files[CURRENT]
    assert loads(flash.files[CURRENT])["name"] == "New"
    assert document(flash.files[CURRENT]) == {"name": "New", "accounts": [account("a")]}
    assert store(flash).load().name == "New"
    assert subject.document()["name"] == "New"
    subject.change(named("Newer"), 8)
    assert store(flash).load().name == "Newer"
    assert document(flash.files[PREVIOUS])["name"] == "New"


def test_a_bad_change_changes_nothing():
    flash = Flash({CURRENT: written(OLD)})
    before = dict(flash.files)
    subject = store(flash, lambda settings, now: adopted.append(1))
    adopted = []
    subject.load()
    error = raises(SettingsError, subject.change, named("x" * 33), 0)
    assert error.key == "settings.name"
    subject.quiet = lambda now: False
    raises(NotSaved, subject.change, named("New"), 0)
    assert flash.files == before
    assert adopted == []


def test_full_flash_is_said_and_nothing_is_adopted():
    flash = Full({CURRENT: written(OLD)})
    adopted = []
    subject = store(flash, lambda settings, now: adopted.append(1))
    subject.load()
    raises(NotSaved, subject.change, named("New"), 0)
    assert adopted == []
    assert subject.load().name == "Old"


def test_the_previous_copy_serves_when_the_settings_are_damaged():
    flash = Flash({CURRENT: written(OLD)})
    subject = store(flash)
    subject.load()
    subject.change(named("New"), 0)
    good = flash.files[CURRENT]
    for at in range(0, len(good), 7):
        flash.files[CURRENT] = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        again = store(flash)
        assert again.load().name == "Old"
        assert not again.fresh
    # What is damaged does not become the previous copy.
    flash.files[CURRENT] = good[:-9]
    again = store(flash)
    again.load()
    again.change(named("Third"), 0)
    assert document(flash.files[PREVIOUS])["name"] == "Old"
    assert store(flash).load().name == "Third"


def test_a_sealed_file_cut_at_any_byte_is_whole_or_refused():
    sealed = seal(dumps(OLD))
    for end in range(len(sealed)):
        try:
            assert document(sealed[:end]) == OLD
        except ValueError:
            pass


def cut_histories(first, cuts):
    """Change settings with the power going off after `cuts` steps; yield what flash holds then."""
    flash = Flash(first)
    subject = store(flash)
    before = subject.load().name
    flash.left = cuts
    try:
        subject.change(named("New " + before), 0)
        whole = True
    except PowerCut:
        whole = False
    flash.left = None
    return before, flash.files, whole


def test_power_cut_at_every_write_leaves_the_old_or_the_new_settings():
    first = {CURRENT: seal(dumps(OLD))}
    cuts = 0
    while True:
        before, files, whole = cut_histories(first, cuts)
        assert store(Flash(files)).load().name in (before, "New " + before)
        if whole:
            assert store(Flash(files)).load().name == "New " + before
            break
        cuts += 1
    assert cuts > 200


def test_two_power_cuts_in_a_row_leave_the_old_or_the_new_settings():
    size = len(seal(dumps(OLD)))
    interesting = (0, 1, size // 2, size - 1, size, size + 4, size + 5, size + 6, size + 7)
    for first in interesting:
        _, files, _ = cut_histories({CURRENT: seal(dumps(OLD))}, first)
        for second in interesting:
            before, again, _ = cut_histories(files, second)
            assert store(Flash(again)).load().name in (before, "New " + before)
