"""Settings on trial: kept, or taken back by time, by somebody, or by a restart of the module."""

import asyncio

from claims import raises
from holdfast.settings import trial
from holdfast.settings.format import document
from holdfast.settings.model import NotSaved, SettingsError
from holdfast.settings.saving import CURRENT, NEXT, PREVIOUS, TRIAL
from holdfast.settings.store import Store
from holdfast.settings.trial import TRIAL_MS, Trial
from holdfast.wire.dump import dumps
from makers import WIRING, account, finished

OLD = {"name": "Old", "accounts": [account("a"), account("b", "administrator")]}


class PowerCut(Exception):
    pass


class Flash:
    """Files in memory; the power goes off before so many-th operation."""

    def __init__(self, left=None):
        self.files = {CURRENT: dumps(OLD).encode()}
        self.left = left

    def _spend(self):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise PowerCut()

    def read(self, name):
        return self.files.get(name)

    def write(self, name, data):
        self._spend()
        self.files[name] = data

    def rename(self, name, to):
        self._spend()
        self.files[to] = self.files.pop(name)

    def remove(self, name):
        self._spend()
        self.files.pop(name, None)


class Subject:
    """A module's trial over settings in flash, with a clock that only we move."""

    def __init__(self, flash=None):
        self.flash = flash or Flash()
        self.at = 0
        self.adopted = []
        self.restarts = 0
        self.can_restart = True
        self.overs = 0
        self.told = []
        self.quiet = True
        self.store = Store(self.flash, WIRING)
        self.store.quiet = lambda now: self.quiet
        self.store.turn = lambda: self.at
        self.store.apply = lambda settings, now, by: self.adopted.append(settings.name)
        self.loaded = self.store.load()
        self.trial = Trial(self.store, lambda: self.at, self.restart, self.over)
        self.trial._wait = self.wait

    def wait(self, now):
        """Without a task: the tests run its loop themselves."""
        self.trial.until = now + TRIAL_MS

    def restart(self):
        self.restarts += 1
        return self.can_restart

    def over(self, text, idle):
        assert idle
        self.overs += 1
        self.told.append(text)

    def begin(self, name="New", at_start=False):
        waiting = ["network"] if at_start else []
        self.run(self.trial.begin(lambda document: document.update({"name": name}), None, waiting))

    def run(self, work):
        """A coroutine to its end, while the store does what it asks for."""
        return finished(work, self.store)

    def end(self, keep):
        return self.run(self.trial.end(keep))

    def change(self, edit):
        return self.run(self.store.change(edit))

    def watch(self, *times):
        """Run the loop; it finds the clock at each of these times."""
        times = list(times)

        async def sleep(ms):
            if not times:
                raise asyncio.CancelledError()
            self.at = times.pop(0)

        trial.sleep_ms = sleep
        try:
            self.run(self.trial._watch())
        except asyncio.CancelledError:
            pass

    def in_force(self):
        """The name that another start finds."""
        return Store(self.flash, WIRING).load().name


def test_settings_on_trial_are_in_force_and_flash_keeps_the_old_ones():
    subject = Subject()
    subject.begin()
    assert subject.adopted == ["New"]
    assert subject.trial.left_ms(10000) == TRIAL_MS - 10000
    assert document(subject.flash.files[CURRENT])["name"] == "Old"
    assert subject.in_force() == "Old"


def test_kept_they_are_those_in_flash_and_the_old_ones_are_the_copy_before():
    subject = Subject()
    subject.begin()
    assert subject.end(True)
    assert subject.in_force() == "New"
    assert document(subject.flash.files[PREVIOUS])["name"] == "Old"
    assert subject.trial.left_ms(5000) is None
    assert subject.told == ["on trial: kept"]
    assert not subject.end(True)
    assert subject.told[1:] == [None]
    # And settings may be changed as ever.
    subject.change(lambda document: document.update({"name": "Newer"}))
    assert subject.in_force() == "Newer"


def test_taken_back_or_forgotten_the_old_ones_are_in_force_at_once():
    subject = Subject()
    subject.begin()
    assert subject.end(False)
    assert subject.adopted == ["New", "Old"]
    assert subject.told == ["on trial: taken back"]
    subject = Subject()
    subject.begin()
    subject.watch(TRIAL_MS - 1)
    assert subject.adopted == ["New"]
    subject.watch(TRIAL_MS)
    assert subject.adopted == ["New", "Old"]
    assert subject.told == ["on trial: not kept in time, taken back"]
    assert subject.restarts == 0
    assert subject.in_force() == "Old"


def test_they_go_back_in_a_quiet_moment_but_not_never():
    subject = Subject()
    subject.begin()
    subject.quiet = False
    subject.watch(TRIAL_MS, TRIAL_MS + 4000)
    assert subject.adopted == ["New"]
    subject.watch(TRIAL_MS + 5000)
    assert subject.adopted == ["New", "Old"]


def test_nothing_else_is_changed_meanwhile():
    subject = Subject()
    subject.begin()
    raises(NotSaved, subject.change, lambda document: None)
    raises(NotSaved, subject.begin, "Third")
    assert subject.adopted == ["New"]


def test_bad_settings_or_a_moment_that_is_not_quiet_begin_nothing():
    subject = Subject()
    bad = subject.trial.begin(lambda old: old.update({"x": 1}), None, [])
    raises(SettingsError, subject.run, bad)
    subject.quiet = False
    raises(NotSaved, subject.begin)
    assert subject.adopted == [] and subject.trial.until is None
    assert list(subject.flash.files) == [CURRENT]


def test_out_of_memory_leaves_no_trial_behind():
    subject = Subject()
    apply = subject.store.apply

    tries = [1, 1]

    def full(settings, now, by):
        tries.pop()
        if not tries:
            subject.store.apply = apply
        raise MemoryError

    subject.store.apply = full
    subject.store.shed = lambda spared: None
    raises(MemoryError, subject.begin)
    subject.begin()
    assert subject.adopted == ["New"]


def test_what_counts_at_the_start_is_tried_by_one_start_only():
    before = Subject()
    before.begin(at_start=True)
    assert before.adopted == [] and before.trial.until is None
    assert before.told == ["changed on trial, from the next start on"]
    subject = Subject(before.flash)
    assert subject.loaded.name == "New" and subject.store.trying == TRIAL
    subject.trial.resume(0)
    # Whatever ends this start, the next one is as before.
    assert subject.in_force() == "Old"
    subject.watch(TRIAL_MS)
    assert subject.restarts == 1
    assert subject.in_force() == "Old"


def test_tried_by_a_start_and_kept_they_stay():
    before = Subject()
    before.begin(at_start=True)
    subject = Subject(before.flash)
    subject.trial.resume(0)
    assert subject.end(True)
    assert subject.in_force() == "New" and subject.restarts == 0


def test_a_board_that_cannot_restart_says_that_it_cannot_take_them_back_now():
    before = Subject()
    before.begin(at_start=True)
    subject = Subject(before.flash)
    subject.trial.resume(0)
    subject.can_restart = False
    raises(NotSaved, subject.end, False)
    assert subject.trial.until is not None


def test_a_trial_that_waits_for_the_next_start_is_dropped_only_by_whoever_says_so():
    subject = Subject()
    subject.begin(at_start=True)
    edit = lambda document: document.update({"name": "Other"})  # noqa: E731
    for error in (
        raises(NotSaved, subject.change, edit),
        raises(NotSaved, subject.begin, "Other"),
    ):
        assert error.trial and "on trial" in str(error)
    assert not subject.end(True)
    assert NEXT in subject.flash.files
    assert subject.end(False)
    assert subject.told[-1] == "on trial: taken back before the next start"
    assert NEXT not in subject.flash.files
    subject.change(lambda document: document.update({"name": "Other"}))
    assert subject.in_force() == "Other"


def test_damaged_settings_are_not_tried():
    subject = Subject()
    subject.begin(at_start=True)
    subject.flash.files[NEXT] = subject.flash.files[NEXT].replace(b"New", b"Nex")
    again = Subject(subject.flash)
    assert again.loaded.name == "Old" and again.store.trying is None


def test_wherever_the_power_goes_off_a_start_finds_the_old_or_the_kept_ones():
    for at_start in (False, True):
        for left in range(12):
            subject = Subject(Flash(left))
            kept = False
            try:
                subject.begin(at_start=at_start)
                if at_start:
                    subject = Subject(subject.flash)
                    subject.trial.resume(0)
                subject.end(True)
                kept = True
            except PowerCut:
                pass
            subject.flash.left = None
            names = [subject.in_force(), subject.in_force()]
            assert names[1] == ("New" if kept else "Old") or names == ["New", "New"], left
            assert NEXT not in subject.flash.files


def test_whatever_keeps_the_module_from_adopting_them_no_trial_stays_behind():
    """Else every further change would be refused until a restart."""
    subject = Subject()
    apply = subject.store.apply

    def broken(settings, now, by):
        subject.store.apply = apply
        raise ValueError("a mistake of ours")

    subject.store.apply = broken
    raises(ValueError, subject.begin)
    assert subject.store.trying is None
    subject.change(lambda document: document.update({"name": "Newer"}))
    assert subject.adopted == ["Newer"]


def test_what_begins_no_trial_is_let_go():
    subject = Subject()
    bad = subject.trial.begin(lambda old: old.update({"x": 1}), None, [])
    raises(SettingsError, subject.run, bad)
    assert subject.overs == 1
    # But not the trial that is under way.
    subject.begin()
    raises(NotSaved, subject.begin, "Third")
    assert subject.overs == 1 and subject.trial.until is not None


def test_who_asks_for_the_settings_meanwhile_is_told_those_that_are_in_force():
    subject = Subject()
    subject.begin()
    assert finished(subject.store.document(), subject.store)["name"] == "New"
    subject.end(False)
    assert finished(subject.store.document(), subject.store)["name"] == "Old"
    subject.begin()
    subject.end(True)
    assert finished(subject.store.document(), subject.store)["name"] == "New"


def test_what_waits_for_the_next_start_does_so_from_when_they_are_kept():
    subject = Subject()
    power_on = ["ports.2.power_on"]
    subject.run(subject.trial.begin(lambda document: None, None, power_on))
    assert subject.store.waiting == []
    subject.end(True)
    assert subject.store.waiting == ["ports.2.power_on"]
    again = Subject()
    again.run(again.trial.begin(lambda document: None, None, power_on))
    again.end(False)
    assert again.store.waiting == []
