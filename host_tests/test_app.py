"""The application: when it starts anew by itself, and what the log is told."""

from holdfast import app as app_module
from holdfast.app import SCARCE_MS, App
from holdfast.core.crashloop import ASKED, STARVED, Restart
from holdfast.core.log import ALARM, HEAP
from makers import module


class Log:
    def __init__(self):
        self.told = []

    def add(self, kind, text, now):
        self.told.append((kind, text))


class Subject(App):
    """What looks after memory and the alarm, without all else."""

    def __init__(self):
        self.module = module()
        self.log = Log()
        self.stage = ASKED
        self.scarce = False
        self.alarms = 0
        self.restarts = 0
        self._room_at = self._tried_at = 0

    def restart(self):
        self.restarts += 1


class Timer:
    def __init__(self, check=None):
        self.check = check
        self.cancelled = 0

    def cancel(self):
        self.cancelled += 1


def full(size):
    raise MemoryError


def look(subject, start, end):
    for now in range(start, end, 1000):
        subject.module.act(now)
        subject.look_for_room(now)


def test_memory_that_is_short_for_long_is_told_and_ends_in_a_restart_with_its_own_word(
    monkeypatch,
):
    subject = Subject()
    look(subject, 0, 60000)
    monkeypatch.setattr(app_module, "bytearray", full, raising=False)
    look(subject, 60000, SCARCE_MS + 50000)
    assert not subject.scarce and subject.restarts == 0
    look(subject, SCARCE_MS + 50000, SCARCE_MS + 70000)
    assert [kind for kind, _ in subject.log.told] == [HEAP]
    assert subject.restarts and subject.stage == STARVED
    word = Restart("reset", None).word(STARVED)
    again = Restart("watchdog", word)
    assert (again.why, again.crashed, again.crashes) == ("a restart for want of memory", False, 0)


def test_a_living_master_and_what_is_due_keep_it_from_starting_anew(monkeypatch):
    subject = Subject()
    monkeypatch.setattr(app_module, "bytearray", full, raising=False)
    subject.module.heartbeat("a", 10000000, 0)
    look(subject, 0, 3 * SCARCE_MS)
    assert subject.scarce and subject.restarts == 0
    assert len(subject.log.told) == 1
    # Room again: nothing is short any more.
    monkeypatch.setattr(app_module, "bytearray", bytearray, raising=False)
    look(subject, 3 * SCARCE_MS, 3 * SCARCE_MS + 20000)
    assert not subject.scarce


def test_an_alarm_that_ended_is_told_counted_and_replaced():
    subject = Subject()
    timer = subject.timer = Timer()
    subject.timer_of = Timer, "check"
    subject.revive(5)
    assert timer.cancelled == 1 and subject.timer is not timer
    assert subject.timer.check == "check"
    assert subject.alarms == 1
    assert subject.log.told[0][0] == ALARM


class Radio:
    dbm = None

    def signal(self):
        return self.dbm


def test_a_cause_says_that_the_network_is_down_or_how_well_it_is_heard():
    subject = Subject()
    subject.network = radio = Radio()
    subject.address = None
    assert subject.around() == "; network down"
    subject.address = "192.0.2.7"
    assert subject.around() == ""
    radio.dbm = -67
    assert subject.around() == "; signal -67 dBm"
