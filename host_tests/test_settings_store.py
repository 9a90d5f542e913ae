"""Settings in flash: loaded, changed, and whole at whichever write the power goes off."""

import asyncio
import os

from claims import raises
from holdfast.runtime.portable import again, sleep_ms
from holdfast.settings import store as store_module
from holdfast.settings.format import document, seal, seal_of
from holdfast.settings.model import NotSaved, SettingsError
from holdfast.settings.saving import CURRENT, MAX_BYTES, NEW, PREVIOUS
from holdfast.settings.store import BYPASS_MS, MOST_JOBS, Store
from holdfast.wire import dump
from holdfast.wire.dump import dumps
from holdfast.wire.json import loads
from makers import WIRING, account, finished, module

store_module.let_go = lambda: None  # or each of a thousand changes would compile what makes it
THIN = 7 if os.getenv("HOLDFAST_NIGHTLY") else 29


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

    def remove(self, name):
        self.files.pop(name, None)


class Full(Flash):
    def write(self, name, data):
        self.files[name] = data[:7]
        raise OSError(28)


class Worn(Flash):
    """So many names can be changed, and then no more."""

    def write(self, name, data):
        self.files[name] = data

    def rename(self, name, to):
        if not self.left:
            raise OSError(5)
        self.left -= 1
        self.files[to] = self.files.pop(name)


class Unreadable(Flash):
    """A file that is there and cannot be read, by its name."""

    def __init__(self, name, error, files=()):
        super().__init__(files)
        self.name = name
        self.error = error

    def read(self, name):
        if name == self.name:
            raise self.error
        return super().read(name)


def store(flash, apply=None):
    subject = Store(flash, WIRING)
    subject.quiet = lambda now: True
    subject.turn = lambda: 0
    subject.apply = apply or (lambda settings, now, by: None)
    return subject


def change(subject, edit, by=None, guard=None):
    """A change, made as the module makes it."""
    return finished(subject.change(edit, by, guard), subject)


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


def of_0_1_0(value):
    """A document as version 0.1.0 wrote it: with a checksum, without a format."""
    return seal_of(dumps(value)[:-2].rstrip().encode())


SILENT = {"2": {"fallback": {"on_return": "restore"}, "name": "Door"}}


def locks(settings):
    return [port.fallback.locked for port in settings.ports if port.output]


def test_what_a_version_before_left_unsaid_means_what_it_meant():
    """There an output was locked unless its fallback said otherwise. One without any fallback is
    taken as this version has it, and so is what people have written themselves.
    """
    fallbacks = {"2": {"fallback": {"locked": False}}, "3": {"fallback": {}}}
    for ports, wanted in (
        (SILENT, [True, locks(store(Flash()).load())[1]]),
        (fallbacks, [False, True]),
        ({}, locks(store(Flash()).load())),
    ):
        subject = store(Flash({CURRENT: of_0_1_0(dict(OLD, ports=ports))}))
        assert locks(subject.load()) == wanted
        assert subject.earlier is not None
    for data in (written(dict(OLD, ports=SILENT)), seal(dumps(dict(OLD, ports=SILENT)))):
        subject = store(Flash({CURRENT: data}))
        assert locks(subject.load()) == locks(store(Flash()).load())
        assert subject.earlier is None


def test_what_a_version_before_left_unsaid_is_written_with_the_next_change():
    """Whatever that is, and none does."""
    for edit, name in ((named("New"), "New"), (lambda document: None, "Old")):
        flash = Flash({CURRENT: of_0_1_0(dict(OLD, ports=SILENT))})
        subject = store(flash)
        subject.load()
        change(subject, edit)
        data = flash.files[CURRENT]
        assert b'"format": 2,\n "checksum": "' in data
        fallback = {"on_return": "restore", "locked": True}
        ports = {"2": {"name": "Door", "fallback": fallback}}
        assert document(data) == dict(OLD, name=name, ports=ports)
        again = store(flash)
        assert locks(again.load())[0] is True and again.earlier is None
        change(again, lambda document: None)
        assert flash.files[CURRENT] is data


def test_what_settings_of_a_version_before_do_not_mean_any_more_is_told():
    def told(**more):
        subject = store(Flash({CURRENT: of_0_1_0(dict(OLD, **more))}))
        subject.load()
        for text in subject.earlier:
            assert text.startswith("those of 0.1.0: ") and len(text) <= 96, text
        return [text[16:] for text in subject.earlier]

    free = "outputs without a fallback are not locked at a loss any more: "
    alone = "no master is named: the loss is the end of the last master's heartbeats"
    assert told() == [free + "2, 3", alone]
    assert told(ports={"2": {"fallback": {}}}) == [free + "3", alone]
    both = {"2": {"fallback": {"master": "a"}}, "3": {"fallback": {}}}
    assert told(ports=both) == [
        "masters of outputs are lost 60 s after a start without heartbeat: a"
    ]
    assert told(ports=both, accounts=[account("a", within=5)]) == []


def test_a_format_that_nobody_knows_is_not_read():
    data = seal(dumps(OLD)).replace(b'"format": 2', b'"format": 3')
    for text in (data, b'{"format": 1}', b'{"format": "2"}', b'{"format": true}'):
        assert raises(SettingsError, document, text).key == "format"
    # Whoever edits a file takes the checksum out; the format may stay.
    assert document(b'{"name": "x", "format": 2}') == {"name": "x"}


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


def test_settings_that_cannot_be_read_are_broken_not_absent():
    for name in (CURRENT, NEW, PREVIOUS):
        for error in (OSError(5), MemoryError()):
            subject = store(Unreadable(name, error))
            assert subject.load().accounts == ()
            assert not subject.fresh
    subject = store(Unreadable(CURRENT, OSError(5), {PREVIOUS: written(OLD)}))
    assert subject.load().name == "Old"
    flash = Unreadable(None, OSError(5), {CURRENT: written(OLD)})
    subject = store(flash)
    subject.load()
    flash.name = CURRENT
    raises(NotSaved, change, subject, named("New"))
    raises(NotSaved, lambda: finished(subject.document(), subject))


def test_settings_that_are_damaged_or_were_not_read_are_not_replaced_by_a_change_of_nothing():
    for flash in (Flash({CURRENT: b"{"}), Unreadable(CURRENT, OSError(5), {CURRENT: b"whole"})):
        subject = store(flash)
        subject.load()
        before = dict(flash.files)
        raises(NotSaved, change, subject, named("New"))
        attempt = subject.ask("attempt", named("New"), None, None, [], None)
        raises(NotSaved, finished, attempt, subject)
        assert flash.files == before
        assert not subject.fresh


def test_only_so_many_changes_wait_and_the_end_of_a_trial_has_a_place_of_its_own():
    subject = store(Flash({CURRENT: written(OLD)}))
    subject.load()

    async def main():
        again()
        gone = []  # who ask and leave
        for number in range(MOST_JOBS):
            gone.append(asyncio.create_task(subject.change(named("n%d" % number))))
            await sleep_ms(0)
        for task in gone:
            task.cancel()
        await sleep_ms(0)
        for refused in (subject.change(named("New")), subject.ask("keep", ())):
            try:
                await refused
                raise AssertionError("it was let in")
            except NotSaved as error:
                assert "too many" in str(error)
        end = asyncio.create_task(subject.ask("back", None))
        await sleep_ms(0)
        saving = asyncio.create_task(subject.save())
        await end
        last = "n%d" % (MOST_JOBS - 1)
        assert (await subject.document())["name"] == last  # each was made all the same
        await subject.change(named("New"))
        saving.cancel()

    asyncio.run(main())
    assert finished(subject.document(), subject)["name"] == "New"


def test_what_changes_nothing_is_adopted_and_not_written():
    flash = Flash({CURRENT: seal(written(OLD).decode())})
    adopted = []
    subject = store(flash, lambda settings, now, by: adopted.append(settings.name))
    subject.load()
    before = dict(flash.files)
    change(subject, named("Old"))
    assert flash.files == before
    assert adopted == ["Old"]
    change(subject, named("New"))
    before = dict(flash.files)
    change(subject, named("New"))
    assert flash.files == before
    assert adopted == ["Old", "New", "New"]


def test_a_change_makes_the_text_once_and_that_of_a_person_takes_the_own_form_with_it():
    flash = Flash({CURRENT: written(OLD)})
    steps = [(name, seal(dumps(dict(OLD, name=name)))) for name in ("Old", "Old", "New")]
    made = []
    lines = dump.lines

    def counted(value):
        made.append(value)
        return lines(value)

    dump.lines = counted
    try:
        subject = store(flash)
        subject.load()
        for name, text in steps:
            change(subject, named(name))
            assert flash.files[CURRENT] == text
    finally:
        dump.lines = lines
    assert len(made) == 3
    assert subject.writes == 2
    assert flash.files[PREVIOUS] == seal(dumps(OLD))


def test_a_change_is_saved_with_a_checksum_keeps_the_copy_before_and_is_adopted():
    flash = Flash({CURRENT: written(OLD)})
    adopted = []
    subject = store(flash, lambda settings, now, by: adopted.append((settings.name, now)))
    subject.load()
    subject.turn = lambda: 7
    change(subject, named("New"))
    assert adopted == [("New", 7)]
    assert flash.files[PREVIOUS] == written(OLD)
    assert NEW not in flash.files
    assert b'"checksum": "' in flash.files[CURRENT]
    assert loads(flash.files[CURRENT])["name"] == "New"
    assert document(flash.files[CURRENT]) == {"name": "New", "accounts": [account("a")]}
    assert store(flash).load().name == "New"
    assert finished(subject.document(), subject)["name"] == "New"
    change(subject, named("Newer"))
    assert store(flash).load().name == "Newer"
    assert document(flash.files[PREVIOUS])["name"] == "New"


def test_a_bad_change_changes_nothing():
    flash = Flash({CURRENT: written(OLD)})
    before = dict(flash.files)
    subject = store(flash, lambda settings, now, by: adopted.append(1))
    adopted = []
    subject.load()
    error = raises(SettingsError, change, subject, named("x" * 33))
    assert error.key == "settings.name"
    subject.quiet = lambda now: False
    raises(NotSaved, change, subject, named("New"))
    assert flash.files == before
    assert adopted == []


def test_full_flash_is_said_and_nothing_is_adopted():
    flash = Full({CURRENT: written(OLD)})
    adopted = []
    subject = store(flash, lambda settings, now, by: adopted.append(1))
    subject.load()
    raises(NotSaved, change, subject, named("New"))
    assert adopted == []
    assert flash.files == {CURRENT: written(OLD)}  # what was begun takes no room
    assert subject.load().name == "Old"


def test_a_change_that_was_refused_is_not_found_at_the_next_start():
    for left in (0, 1):
        flash = Worn({CURRENT: written(OLD)}, left)
        subject = store(flash)
        subject.load()
        raises(NotSaved, change, subject, named("New"))
        assert store(Flash(flash.files)).load().name == "Old"
        flash.left = 2
        change(subject, named("Newer"))
        assert store(Flash(flash.files)).load().name == "Newer"
    # Settings that wait for their last rename are in force, and stay.
    flash = Worn({NEW: seal(dumps(OLD)), PREVIOUS: b"{}"}, 0)
    subject = store(flash)
    subject.load()
    raises(NotSaved, change, subject, named("New"))
    assert store(Flash(flash.files)).load().name == "Old"


def test_the_previous_copy_serves_when_the_settings_are_damaged():
    flash = Flash({CURRENT: written(OLD)})
    subject = store(flash)
    subject.load()
    change(subject, named("New"))
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
    change(again, named("Third"))
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
        change(subject, named("New " + before))
        whole = True
    except PowerCut:
        whole = False
    flash.left = None
    return before, flash.files, whole


SEALED = seal(dumps(OLD))
OLDER = seal(dumps({"name": "Older", "accounts": [account("a")]}))
# What flash may hold when a change begins, and the name of the settings in force.
BEGINNINGS = (
    ({CURRENT: SEALED}, "Old"),
    ({CURRENT: written(OLD)}, "Old"),
    ({CURRENT: SEALED, PREVIOUS: OLDER}, "Old"),
    ({CURRENT: SEALED, NEW: OLDER, PREVIOUS: OLDER}, "Old"),  # cut before the first rename
    ({CURRENT: SEALED, NEW: OLDER[:50], PREVIOUS: OLDER}, "Old"),  # cut while it was written
    ({NEW: SEALED, PREVIOUS: OLDER}, "Old"),  # cut before the last rename
    ({NEW: SEALED}, "Old"),
    ({CURRENT: SEALED[:-9], PREVIOUS: OLDER}, "Older"),  # damaged
    ({CURRENT: SEALED[:-9], NEW: SEALED[:9], PREVIOUS: OLDER}, "Older"),
)


def steps_of(first, edit):
    """How many steps, bytes or names, a change of these files takes."""
    flash = Flash(first)
    subject = store(flash)
    subject.load()
    flash.left = 10000
    change(subject, edit)
    return 10000 - flash.left


def test_power_cut_at_every_write_leaves_the_old_or_the_new_settings():
    for first, name in BEGINNINGS:
        steps = steps_of(first, named("New " + name))
        assert steps > 200
        # Some of the bytes, and every rename; that a file cut at any byte is known, see above.
        thin = 1 if first is BEGINNINGS[0][0] else THIN
        for cuts in sorted(set(range(0, steps, thin)) | set(range(steps - 4, steps + 1))):
            before, files, whole = cut_histories(first, cuts)
            assert before == name
            assert whole == (cuts == steps)
            after = store(Flash(files))
            found = after.load().name
            assert found == "New " + before if whole else found in (before, "New " + before)
            assert not after.fresh


def first_account(document):
    document["accounts"] = [account("root", "administrator")]


def test_power_cut_while_a_device_is_set_up_leaves_it_fresh_or_set_up():
    for first in ({}, {NEW: b""}, {CURRENT: written({"name": "Old"})}):
        steps = steps_of(first, first_account)
        for cuts in sorted(set(range(0, steps, 41)) | set(range(steps - 4, steps + 1))):
            flash = Flash(first)
            subject = store(flash)
            subject.load()
            assert subject.fresh
            flash.left = cuts
            try:
                change(subject, first_account)
                assert cuts == steps and not subject.fresh
            except PowerCut:
                assert cuts < steps and subject.fresh
            after = store(Flash(flash.files))
            accounts = after.load().accounts
            assert after.fresh == (not accounts)
            assert accounts or cuts < steps


def test_a_whole_new_file_that_is_damaged_opens_no_door():
    sealed = seal(dumps(OLD))
    subject = store(Flash({NEW: sealed[:20] + b"#" + sealed[21:]}))
    assert subject.load().accounts == ()
    assert not subject.fresh


def test_two_power_cuts_in_a_row_leave_the_old_or_the_new_settings():
    size = len(seal(dumps(OLD)))
    interesting = (0, 1, size // 2, size - 1, size, size + 4, size + 5, size + 6, size + 7)
    for first in interesting:
        _, files, _ = cut_histories({CURRENT: seal(dumps(OLD))}, first)
        for second in interesting:
            before, again, _ = cut_histories(files, second)
            assert store(Flash(again)).load().name in (before, "New " + before)


def test_settings_do_not_grow_beyond_what_can_be_checked_in_a_moment():
    def rule(number):
        def edit(settings):
            topic = {"topic": "tns1:Device/tnsaxis:Monitor/Heartbeat", "content": ""}
            topic["content"] = 'boolean(//SimpleItem[@Name="lost"])' + " " * 900
            rules = settings.setdefault("rules", {})
            rules[str(number)] = {"action": "1", "conditions": [topic] * 3}

        return edit

    action = {"port": "2", "state": "high", "duration": ""}
    action = {"template": "com.axis.action.fixed.io.toggle", "parameters": action}
    flash = Flash({CURRENT: written({"accounts": [account("a")], "actions": {"1": action}})})
    adopted = []
    subject = store(flash, lambda settings, now, by: adopted.append(settings))
    subject.load()
    for number in range(1, 17):
        before = dict(flash.files)
        try:
            change(subject, rule(number))
        except NotSaved as error:
            assert str(MAX_BYTES) in str(error)
            break
    assert flash.files == before
    assert 3 <= len(adopted) == number - 1
    assert len(flash.files[CURRENT]) <= MAX_BYTES
    # What makes them smaller is taken, and what was there is in force after a restart.
    change(subject, lambda settings: settings["rules"].clear())
    assert len(store(flash).load().accounts) == 1


def test_before_each_change_of_flash_the_store_looks_whether_a_deadline_is_near():
    """All that comes before the first write takes its time, and the deadline comes nearer."""
    story = []

    class Told(Flash):
        def write(self, name, data):
            story.append("write")
            super().write(name, data)

        def rename(self, name, to):
            story.append("rename")
            super().rename(name, to)

    # Quiet when it is asked for the change, not any more when it comes to the first write.
    for answers, told in (
        ([True, False], []),
        ([True, True], ["write", "rename", "rename"]),
        # In the middle of a change it waits for a quiet moment.
        ([True, True, False, False, True, False, True], ["write", "rename", "rename"]),
    ):
        story.clear()
        flash = Told({CURRENT: written(OLD)})
        subject = store(flash)
        subject.load()
        left = list(answers)

        def quiet(now, left=left):
            answer = left.pop(0) if left else True
            story.append(answer)
            return answer

        subject.quiet = quiet
        if told:
            change(subject, named("New"))
        else:
            raises(NotSaved, change, subject, named("New"))
            assert flash.files == {CURRENT: written(OLD)}
        assert [word for word in story if isinstance(word, str)] == told
        for i, word in enumerate(story):
            assert isinstance(word, bool) or story[i - 1] is True, story


class Outputs:
    """What `bypass` asks of a module. until: of port 2, ms of the module's time."""

    def __init__(self, until):
        self.outputs = module().outputs
        self.outputs[0].bypassed_until = until


def left(flash, until, epoch_ms, later_epoch_ms):
    """What a start finds of a bypass of port 2 that was written at 0."""
    subject = store(flash)
    subject.module = Outputs(until)
    finished(subject.ask("bypass", epoch_ms), subject)
    return store(flash).resume(later_epoch_ms)


def test_a_bypass_that_a_restart_finds_is_never_longer_than_it_was():
    """Without the time of day it is shorter by the time that it may have gone on after it was
    written.
    """
    hour = 3600000
    assert left(Flash(), hour, 0, 0) == {"2": hour - BYPASS_MS}
    assert left(Flash(), hour, 0, 10**12) == {"2": hour - BYPASS_MS}
    assert left(Flash(), hour, 10**12, 0) == {"2": hour - BYPASS_MS}
    assert left(Flash(), hour, 10**12, 10**12 + 60000) == {"2": hour - 60000}
    assert left(Flash(), hour, 10**12, 10**12 + hour) == {}
    assert left(Flash(), BYPASS_MS, 0, 0) == {}
    assert left(Flash(), BYPASS_MS + 1, 0, 0) == {"2": 1}
    assert left(Flash(), None, 0, 0) == {}


def test_a_file_of_bypasses_that_is_damaged_is_none_and_that_is_known():
    flash = Flash()
    assert left(flash, 3600000, 0, 0)
    data = flash.files["bypass"]
    damaged = [data[:size] for size in range(len(data))]
    for at in range(len(data)):
        damaged.append(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    for wrong in damaged:
        subject = store(Flash({"bypass": wrong}))
        assert (subject.resume(0), subject.bypass) == ({}, None), wrong
    subject = store(Unreadable("bypass", OSError(5)))
    assert (subject.resume(0), subject.bypass) == ({}, None)
    subject = store(Flash())
    assert (subject.resume(0), subject.bypass) == ({}, ())
