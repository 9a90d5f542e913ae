"""Monitors: when they are up, late and down, what is counted, and what listeners are told."""

from claims import raises
from holdfast.core.checkins import (
    COMPLETE,
    DOWN,
    FAIL,
    HOUR_MS,
    IGNORED,
    LATE,
    LOG,
    MISSED,
    NEW,
    PAUSED,
    RUN,
    TICK,
    UP,
)
from holdfast.core.events import EventSystem
from holdfast.core.monitors import PER_MINUTE, Monitor, Monitors
from holdfast.core.rules import Rules
from holdfast.core.topics import MONITOR
from makers import module
from makers import settings as make_settings

S = 1000
RUN_A = "7f3b5c9e-0000-4000-8000-00000000000a"
RUN_B = "7f3b5c9e-0000-4000-8000-00000000000b"


class Watched:
    """Monitors with their events and notes as lists."""

    def __init__(self, offset=0, known=True):
        self.events = EventSystem()
        self.notes = []
        self.subject = Monitors(self.events, self._note, 0, offset, known)
        self._given = 0

    def _note(self, monitor, result, at, message, duration_ms, status):
        self.notes.append((monitor.name, result, at, message, duration_ms, status))

    def add(
        self, name="job", interval=60, grace=0, enabled=True, now=0, since_start=True, waits=False
    ):
        self._given += 1
        monitor = Monitor(
            self._given, "id%d" % self._given, "s", name, name, interval, grace, enabled, waits
        )
        self.subject.add(monitor, now, since_start)
        return monitor

    def told(self):
        """The events not yet taken: (source, data, at)."""
        return [(declared.source, data, at) for declared, data, at, _ in self.events.take()]


def test_a_monitor_that_waits_expects_nothing_before_its_first_check_in():
    watched = Watched()
    job = watched.add(waits=True)
    watched.subject.advance(1000 * HOUR_MS)
    assert job.state == NEW
    assert watched.told() == [] and watched.notes == []
    assert watched.subject.closed == []
    watched.subject.check_in(job, TICK, 1000 * HOUR_MS)
    assert (job.state, job.counts) == (UP, [1, 1, 0, 1])
    watched.subject.advance(1000 * HOUR_MS + 60 * S)
    assert (job.state, job.counts) == (DOWN, [2, 1, 1, 1])


def test_a_monitor_that_never_checks_in_is_late_and_then_down():
    watched = Watched()
    job = watched.add(interval=60, grace=10, now=1000)
    assert watched.subject.due == 61 * S
    watched.subject.advance(61 * S - 1)
    assert job.state == NEW
    watched.subject.advance(61 * S)
    assert (job.state, job.counts) == (LATE, [0, 0, 0, 0])
    watched.subject.advance(71 * S)
    assert (job.state, job.counts) == (DOWN, [1, 0, 1, 0])
    assert watched.told() == [("job", "late", 61000), ("job", "down", 71000)]
    assert watched.notes == [("job", MISSED, 71000, "", None, None)]
    job.settle(131 * S - 1)
    assert job.counts == [1, 0, 1, 0]
    job.settle(131 * S)
    assert job.counts == [2, 0, 2, 0]


def test_the_first_interval_begins_when_it_is_enabled_or_has_other_times():
    watched = Watched()
    job = watched.add(enabled=False)
    for now, interval, due in ((100, 60, 160), (130, 60, 160), (140, 50, 190), (150, 50, 190)):
        watched.subject.adjust(job, interval, 0, True, False, now * S)
        assert (job.state, job.due, watched.subject.due) == (NEW, due * S, due * S)
    watched.subject.adjust(job, 50, 5, True, False, 160 * S)
    assert (job.ends, job.due, watched.subject.due) == (210 * S, 215 * S, 210 * S)
    # It is told to wait for its first check-in, and not to.
    watched.subject.adjust(job, 50, 5, True, True, 170 * S)
    watched.subject.advance(300 * S)
    assert (job.state, job.due, job.counts) == (NEW, None, [0, 0, 0, 0])
    watched.subject.adjust(job, 50, 5, True, False, 310 * S)
    watched.subject.advance(360 * S)
    assert job.state == LATE
    watched.subject.adjust(job, 50, 6, True, False, 360 * S)
    assert (job.state, job.since, job.due) == (NEW, 360 * S, 416 * S)
    watched.subject.advance(410 * S)
    assert job.state == LATE
    watched.subject.adjust(job, 50, 6, False, True, 411 * S)
    watched.subject.adjust(job, 50, 6, True, True, 412 * S)
    watched.subject.advance(HOUR_MS - 1)
    assert (job.state, job.counts) == (NEW, [0, 0, 0, 0])


def test_13_check_ins_in_an_interval_are_one_that_was_expected_and_one_that_succeeded():
    watched = Watched()
    job = watched.add(interval=3600)
    for at in range(0, 3600 * S, 300 * S):
        watched.subject.check_in(job, TICK, at)
    watched.subject.check_in(job, COMPLETE, 3600 * S - 1)
    assert job.counts == [1, 13, 0, 1]
    watched.subject.check_in(job, TICK, 3600 * S)  # the next interval, of the next hour
    assert watched.subject.closed == [(0, True, [(1, (1, 13, 0, 1))])]
    assert job.counts == [1, 1, 0, 1]


def test_a_fail_fails_its_interval_once_though_a_success_came_before_or_comes_after():
    watched = Watched()
    job = watched.add(interval=600)
    for at, result, counts in (
        (10, TICK, [1, 1, 0, 1]),
        (20, FAIL, [1, 2, 1, 0]),
        (30, FAIL, [1, 3, 1, 0]),
        (40, TICK, [1, 4, 1, 0]),
        (50, FAIL, [1, 5, 1, 0]),
        (599, COMPLETE, [1, 6, 1, 0]),
        (600, COMPLETE, [2, 7, 1, 1]),
        (1200, FAIL, [3, 8, 2, 1]),
    ):
        watched.subject.check_in(job, result, at * S)
        assert job.counts == counts, at


def test_an_hour_that_is_over_keeps_its_success_and_a_fail_begins_the_next_interval():
    watched = Watched()
    job = watched.add(interval=86400)
    watched.subject.check_in(job, TICK, 10 * S)
    watched.subject.check_in(job, FAIL, HOUR_MS)
    assert watched.subject.closed == [(0, True, [(1, (1, 1, 0, 1))])]
    assert (job.counts, job.ends) == ([1, 1, 1, 0], HOUR_MS + 86400 * S)
    watched.subject.check_in(job, TICK, HOUR_MS + 1)
    watched.subject.check_in(job, FAIL, HOUR_MS + 2)
    assert job.counts == [1, 3, 1, 0]


def test_a_late_check_in_ends_its_interval_when_that_was_over():
    watched = Watched()
    job = watched.add(interval=60, grace=40)
    watched.subject.check_in(job, TICK, 75 * S)  # the first, 15 s late
    assert (job.counts, job.ends) == ([1, 1, 0, 1], 135 * S)
    watched.subject.check_in(job, TICK, 76 * S)
    assert (job.counts, job.ends) == ([2, 2, 0, 2], 135 * S)
    watched.subject.check_in(job, FAIL, 170 * S)  # late, within the interval
    assert (job.state, job.counts, job.ends) == (DOWN, [3, 3, 1, 2], 195 * S)
    # The one that begins at 195 s has interval and grace from the fail on; those after it do not.
    job.settle(270 * S - 1)
    assert (job.counts, job.ends) == ([3, 3, 1, 2], 255 * S)
    job.settle(270 * S)
    assert (job.counts, job.ends) == ([4, 3, 2, 2], 330 * S)
    job.settle(330 * S)
    assert job.counts == [5, 3, 3, 2]


def test_a_check_in_ends_the_interval_that_was_over_while_it_was_down_after_a_fail():
    watched = Watched()
    job = watched.add(interval=60, grace=40)
    watched.subject.check_in(job, FAIL, 50 * S)
    watched.subject.check_in(job, TICK, 149 * S)  # of the one from 60 to 120 s
    assert (job.counts, job.ends) == ([2, 2, 1, 1], 209 * S)
    watched.subject.advance(500 * S)
    # Late from 209 s on, down at 249 s, and then at 309, 369, 429 and 489 s.
    job.settle(500 * S)
    assert job.counts == [7, 2, 6, 1]


def test_a_miss_fails_the_interval_that_is_under_way():
    watched = Watched()
    job = watched.add(interval=60)
    watched.subject.check_in(job, TICK, 10 * S)
    watched.subject.advance(70 * S)
    assert (job.state, job.counts, job.ends) == (DOWN, [2, 1, 1, 1], 120 * S)
    watched.subject.check_in(job, TICK, 100 * S)
    assert (job.state, job.counts) == (UP, [2, 2, 1, 1])
    watched.subject.check_in(job, TICK, 130 * S)
    assert (job.counts, job.ends) == ([3, 3, 1, 2], 180 * S)


def test_up_then_late_then_down_each_at_the_moment_it_became_true():
    watched = Watched()
    job = watched.add(interval=60, grace=10, waits=True)
    watched.subject.check_in(job, TICK, 5 * S)
    assert job.state == UP
    assert watched.subject.due == 65 * S
    watched.subject.advance(64999)
    assert job.state == UP
    watched.subject.advance(65 * S)
    assert job.state == LATE
    assert watched.subject.due == 75 * S
    watched.subject.advance(500 * S)  # noticed much later
    assert job.state == DOWN
    assert watched.told() == [("job", "up", 5000), ("job", "late", 65000), ("job", "down", 75000)]
    assert [note[1:3] for note in watched.notes] == [(TICK, 5000), (MISSED, 75000)]


def test_without_grace_it_is_down_when_the_interval_is_over_and_never_late():
    watched = Watched()
    job = watched.add(interval=1)
    watched.subject.check_in(job, TICK, 0)
    watched.subject.advance(999)
    assert job.state == UP
    watched.subject.advance(1000)
    assert job.state == DOWN
    assert [data for _, data, _ in watched.told()] == ["up", "down"]


def test_a_check_in_within_grace_is_in_time_and_ends_late():
    watched = Watched()
    job = watched.add(interval=60, grace=30)
    watched.subject.check_in(job, TICK, 0)
    watched.subject.check_in(job, COMPLETE, 80 * S)
    assert job.state == UP
    assert job.counts == [2, 2, 0, 2]
    assert [data for _, data, _ in watched.told()] == ["up", "late", "up"]


def test_what_is_missed_while_down_is_counted_interval_by_interval():
    watched = Watched()
    job = watched.add(interval=60)
    watched.subject.check_in(job, TICK, 0)
    watched.subject.advance(60 * S)
    assert job.counts == [2, 1, 1, 1]
    watched.subject.check_in(job, TICK, 250 * S)  # those up to 120, 180 and 240 were missed
    assert job.counts == [5, 2, 3, 2]
    watched.subject.check_in(job, TICK, 300 * S)
    assert job.counts == [6, 3, 3, 3]
    assert [note[1] for note in watched.notes] == [TICK, MISSED, TICK, TICK]


def test_a_fail_is_down_at_once_and_the_next_interval_has_its_time():
    watched = Watched()
    job = watched.add(interval=60)
    watched.subject.check_in(job, TICK, 0)
    watched.subject.check_in(job, FAIL, 30 * S, "disk full", None, 2)
    assert job.state == DOWN
    assert job.counts == [1, 2, 1, 0]
    job.settle(120 * S - 1)
    assert job.counts == [1, 2, 1, 0]
    job.settle(120 * S)
    assert job.counts == [2, 2, 2, 0]
    assert watched.notes[-1] == ("job", FAIL, 30000, "disk full", None, 2)


def test_the_same_state_twice_is_silence():
    watched = Watched()
    job = watched.add()
    for at in range(0, 300 * S, 50 * S):
        watched.subject.check_in(job, TICK, at)
    for at in range(300 * S, 320 * S, 5 * S):
        watched.subject.check_in(job, FAIL, at)
    assert [data for _, data, _ in watched.told()] == ["up", "down"]


def test_a_run_is_timed_by_its_id_and_does_not_feed():
    watched = Watched()
    job = watched.add(interval=600, grace=100)
    watched.subject.check_in(job, TICK, 0)
    due = job.due
    watched.subject.check_in(job, RUN, 10 * S, "", RUN_A)
    assert job.due == due
    watched.subject.check_in(job, COMPLETE, 20 * S, "", RUN_B)  # another run's
    assert job.run_at == 10 * S
    assert watched.notes[-1][4] is None
    watched.subject.check_in(job, COMPLETE, 42 * S, "", RUN_A)
    assert watched.notes[-1][4] == 32 * S
    assert job.run_at is None
    watched.subject.check_in(job, RUN, 50 * S, "", RUN_A)
    watched.subject.check_in(job, COMPLETE, 51 * S)  # without an id it ends any run
    assert job.run_at is None and watched.notes[-1][4] is None
    watched.subject.check_in(job, RUN, 60 * S)
    watched.subject.check_in(job, FAIL, 63 * S)
    assert watched.notes[-1][4] == 3 * S


def test_a_run_that_does_not_end_in_time_is_down_though_the_interval_is_not_over():
    for grace, limit in ((100, 100), (0, 600)):
        watched = Watched()
        job = watched.add(interval=600, grace=grace)
        watched.subject.check_in(job, TICK, 0)
        watched.subject.check_in(job, RUN, 20 * S)
        watched.subject.advance((20 + limit) * S - 1)
        assert job.state == (UP if grace else DOWN)  # without grace the interval was over
        watched.subject.advance((20 + limit) * S)
        assert job.state == DOWN
        assert watched.told()[-1][2] == (120 * S if grace else 600 * S)
        # It ends after all, and tells how long it took.
        watched.subject.check_in(job, COMPLETE, 900 * S)
        assert job.state == UP
        assert watched.notes[-1][4] == 880 * S


def test_a_new_monitor_whose_first_run_does_not_end_is_down():
    watched = Watched()
    for waits in (False, True):
        job = watched.add("job %s" % waits, interval=600, grace=5, waits=waits)
        watched.subject.check_in(job, RUN, 0)
        assert job.state == NEW
    watched.subject.advance(5 * S - 1)
    assert job.state == NEW
    watched.subject.advance(5 * S)
    for job in watched.subject.all:
        assert (job.state, job.counts) == (DOWN, [1, 1, 1, 0])
        job.settle(600 * S)
        assert job.counts == [1, 1, 1, 0]
    # The interval of the one that waited began when it was missed.
    for job, end in zip(watched.subject.all, (1200 * S, 1205 * S)):
        job.settle(end - 1)
        assert job.counts == [1, 1, 1, 0]
        job.settle(end)
        assert job.counts == [2, 1, 2, 0]


def test_a_log_changes_nothing_and_is_kept():
    watched = Watched()
    job = watched.add()
    watched.subject.check_in(job, LOG, 7, "hello")
    assert job.state == NEW and job.counts == [0, 0, 0, 0]
    assert watched.notes == [("job", LOG, 7, "hello", None, None)]
    watched.subject.check_in(job, TICK, 10)
    due = job.due
    watched.subject.check_in(job, LOG, 20)
    assert job.due == due


def test_a_paused_monitor_ignores_everybody_until_it_is_enabled():
    watched = Watched()
    job = watched.add(enabled=False)
    watched.subject.check_in(job, FAIL, 5)
    watched.subject.advance(HOUR_MS)
    assert job.state == PAUSED and job.counts == [0, 0, 0, 0]
    assert [note[1] for note in watched.notes] == [IGNORED]
    watched.subject.adjust(job, 60, 0, True, False, HOUR_MS)
    assert job.state == NEW
    watched.subject.check_in(job, TICK, HOUR_MS + 1)
    assert job.state == UP
    watched.subject.adjust(job, 60, 0, False, False, HOUR_MS + 2)
    assert job.state == PAUSED and job.next_at() is None
    assert [data for _, data, _ in watched.told()] == ["new", "up", "paused"]


def test_other_times_count_from_the_last_check_in_and_become_true_now():
    watched = Watched()
    job = watched.add(interval=600)
    watched.subject.check_in(job, TICK, 0)
    watched.subject.adjust(job, 300, 0, True, False, 100 * S)
    assert job.due == 300 * S
    watched.subject.adjust(job, 50, 60, True, False, 100 * S)
    assert (job.state, job.since) == (LATE, 100 * S)
    watched.subject.adjust(job, 50, 10, True, False, 101 * S)
    assert (job.state, job.since) == (DOWN, 101 * S)
    assert job.counts == [2, 1, 1, 1]
    assert job.ends == 151 * S


def test_too_many_check_ins_of_one_are_not_taken_and_others_are():
    watched = Watched()
    job, other = watched.add("a"), watched.add("b")
    for at in range(PER_MINUTE):
        assert watched.subject.check_in(job, TICK, at) == 0
    assert watched.subject.check_in(job, FAIL, 500) == 60 * S - 500
    assert job.state == UP and len(watched.notes) == PER_MINUTE
    assert watched.subject.check_in(other, TICK, 500) == 0
    assert watched.subject.check_in(job, TICK, 60 * S) == 0


def test_hours_are_closed_when_they_are_over_with_what_belongs_to_them():
    offset = 1000 * HOUR_MS + HOUR_MS // 2  # half past
    watched = Watched(offset)
    job = watched.add("job", interval=1200, waits=True)
    idle = watched.add("idle", waits=True)
    assert watched.subject.due == HOUR_MS // 2
    watched.subject.check_in(job, TICK, 0)
    # It is down from 20 minutes on, that is at 50 of the hour, and misses what ends at 30, 50, ...
    watched.subject.advance(3 * HOUR_MS)
    assert watched.subject.closed == [
        (1000, True, [(job.number, (2, 1, 1, 1))]),
        (1001, True, [(job.number, (2, 0, 2, 0))]),
        (1002, True, [(job.number, (3, 0, 3, 0))]),
    ]
    job.settle(3 * HOUR_MS)
    assert job.counts == [2, 0, 2, 0] and idle.counts == [0, 0, 0, 0]
    assert watched.subject.hour == 1003


def test_a_check_in_on_the_hour_counts_in_the_new_one():
    watched = Watched()
    job = watched.add(interval=2 * 3600)
    watched.subject.check_in(job, TICK, HOUR_MS - 1)
    watched.subject.check_in(job, TICK, HOUR_MS)
    assert watched.subject.closed == [(0, True, [(1, (1, 1, 0, 1))])]
    assert job.counts == [0, 1, 0, 0]  # of the same interval


def test_hours_that_cannot_be_kept_are_few():
    watched = Watched()
    job = watched.add(interval=60)
    watched.subject.check_in(job, TICK, 0)
    watched.subject.advance(50 * HOUR_MS)
    assert [hour for hour, _, _ in watched.subject.closed] == list(range(42, 50))


def test_counts_of_guessed_time_go_to_the_hour_that_becomes_known():
    watched = Watched(0, False)
    job = watched.add(interval=60)
    watched.subject.check_in(job, TICK, 0)
    watched.subject.set_clock(500000 * HOUR_MS, True, 10)
    assert watched.subject.hour == 500000 and watched.subject.known
    assert watched.subject.closed == []
    watched.subject.set_clock(500000 * HOUR_MS + 900, True, 20)  # it only drifts
    assert watched.subject.offset == 500000 * HOUR_MS
    # Set back: the hour that is counted in stays until the clock is there again.
    watched.subject.set_clock(499990 * HOUR_MS, True, 30)
    watched.subject.check_in(job, TICK, 40)
    watched.subject.advance(9 * HOUR_MS)
    assert watched.subject.hour == 500000 and watched.subject.closed == []


def test_after_a_restart_a_whole_interval_is_waited_for():
    for state, after in ((UP, UP), (LATE, UP), (DOWN, DOWN), (NEW, NEW), (PAUSED, NEW)):
        watched = Watched()
        job = watched.add(interval=60, grace=5)
        watched.subject.resume(job, state, -1000, (1, 2, 3, 4), 100)
        assert job.state == after
        assert watched.told() == []  # a restart is no event
        if after == UP:
            assert job.due == 100 + 65 * S and job.counts == [1, 2, 3, 4]
            watched.subject.advance(200 * S)
            assert watched.told()[-1] == ("job", "down", 65100)
    watched = Watched()
    job = watched.add(enabled=False)
    watched.subject.resume(job, UP, 0, (4, 3, 2, 1), 0)
    assert (job.state, job.due, job.counts) == (PAUSED, None, [4, 3, 2, 1])  # of before the pause


def test_monitors_come_and_go_with_events():
    watched = Watched()
    first = watched.add("first")
    second = watched.add("second", now=5, since_start=False)
    watched.subject.remove(first, 6)
    third = watched.add("third", now=7, since_start=False)
    watched.subject.rename(second, "s", "renamed", "renamed", 8)
    assert watched.told() == [
        ("second", "new", 5),
        ("first", "removed", 6),
        ("third", "new", 7),
        ("second", "removed", 8),
        ("renamed", "new", 8),
    ]
    assert watched.events.properties[0] is third.declared  # the place that was free
    assert len(watched.events.properties) == 2
    assert second.declared.source == "renamed"
    watched.subject.remove(third, 9)
    watched.subject.remove(second, 9)
    assert watched.subject.due is None


def test_of_many_the_first_to_change_is_told_first():
    watched = Watched()
    jobs = [watched.add("j%d" % i, interval=100 - 10 * i) for i in range(5)]
    for job in jobs:
        watched.subject.check_in(job, TICK, 0)
    watched.told()
    watched.subject.advance(1000 * S)
    assert [at for _, _, at in watched.told()] == [60000, 70000, 80000, 90000, 100000]


# -- with the module ------------------------------------------------------------------------------

TOPIC = MONITOR[0]
DOWN_JOB = 'boolean(//SimpleItem[@Name="monitor" and @Value="job"])'
DOWN_JOB += ' and boolean(//SimpleItem[@Name="state" and @Value="down"])'


def watched_module(**more):
    """(module, its engine, a monitor)."""
    subject = module(**more)
    subject.monitors = Monitors(subject.events, lambda *note: None, 0, 0, True)
    job = Monitor(1, "id", "s", "job", "job", 60, 0, True)
    subject.monitors.add(job, 0)
    subject.wake_by(subject.monitors.due)
    subject.tell(0)
    subject.events.take()
    return subject, subject.monitors, job


def check_in(subject, job, result, now):
    subject.act(now)
    subject.tell(now)
    subject.monitors.check_in(job, result, now)
    subject.wake_by(subject.monitors.due)


def test_the_modules_next_deadline_is_the_monitors_too():
    subject, _, job = watched_module()
    assert subject.next_deadline() == 60000  # the first check-in
    check_in(subject, job, TICK, 1000)
    assert subject.next_deadline() == 60000  # a lower bound
    assert subject.act(60000)
    subject.tell(60000)
    assert subject.act(60000) is False
    assert subject.next_deadline() == 61000
    subject.heartbeat("a", 500, 60700)
    assert subject.next_deadline() == 61000
    assert subject.act(61000)
    subject.tell(61000)
    assert job.state == DOWN
    assert subject.act(61000) is False
    assert subject.next_deadline() == 61201  # the session


def test_a_monitor_keeps_nobody_from_writing_flash_and_a_session_does():
    subject, _, job = watched_module()
    check_in(subject, job, TICK, 1000)
    assert subject.quiet(60999, 50)
    subject.heartbeat("a", 500, 60000)
    assert not subject.quiet(60490, 50)


def test_a_rule_drives_a_port_by_a_monitors_state():
    rules = {
        "actions": {
            "1": {
                "template": "com.axis.action.unlimited.io.toggle",
                "parameters": {"port": "2", "state": "high"},
            }
        },
        "rules": {"1": {"action": "1", "conditions": [{"topic": TOPIC, "content": DOWN_JOB}]}},
    }
    subject, _, job = watched_module(**rules)
    check_in(subject, job, TICK, 1000)
    assert subject.levels[2] == 0

    def turn(now):
        subject.act(now)
        subject.tell(now)
        subject.rules.react(subject.events.take(), now)
        return subject.levels[2]

    assert turn(60999) == 0
    assert turn(61000) == 1
    check_in(subject, job, TICK, 62000)
    assert turn(62000) == 0
    check_in(subject, job, FAIL, 63000)
    assert turn(63000) == 1
    # It holds no more when the monitor is gone.
    subject.monitors.remove(job, 64000)
    assert turn(64000) == 0
    # A monitor that comes later is seen by the rule.
    later = Monitor(2, "id2", "s", "job", "job", 60, 0, True)
    subject.monitors.add(later, 65000)
    check_in(subject, later, FAIL, 66000)
    assert turn(66000) == 1


def test_a_condition_without_content_holds_while_any_monitor_is_down():
    rows = make_settings(
        actions={
            "1": {
                "template": "com.axis.action.unlimited.io.toggle",
                "parameters": {"port": "2", "state": "high"},
            }
        },
        rules={"1": {"action": "1", "conditions": [{"topic": TOPIC}]}},
    ).rules
    subject, engine, job = watched_module()
    other = Monitor(2, "id2", "s", "other", "other", 60, 0, True)
    engine.add(other, 0)
    check_in(subject, other, FAIL, 10)
    subject.rules = Rules(subject, rows, 20)
    assert subject.rules.rules[0].on
    subject.events.take()
    check_in(subject, job, TICK, 30)
    check_in(subject, other, TICK, 40)
    subject.rules.react(subject.events.take(), 40)
    assert not subject.rules.rules[0].on


# -- the numbers, and what is true at the very ms -------------------------------------------------


def test_the_bounds():
    assert PER_MINUTE == 120
    job = Watched().add()
    job.count(0, 65534)
    job.count(0)
    job.count(0, 5)
    assert job.counts[0] == 65535  # 16 bits in flash


def test_a_new_monitor_expects_nobody_and_has_not_happened():
    job = Monitor(7, "id", "service", "job", "label", 60, 5, True)
    assert (job.number, job.id, job.service, job.name, job.label) == (
        7,
        "id",
        "service",
        "job",
        "label",
    )
    assert (job.state, job.kept, job.since, job.noted) == (NEW, NEW, 0, 0)
    assert (job.last_at, job.due, job.run_at, job.run_due, job.run_id) == (None,) * 5
    assert (job.declared, job.counts, job.next_at()) == (None, [0, 0, 0, 0], None)
    paused = Monitor(7, "id", "s", "job", "job", 60, 5, False)
    assert (paused.state, paused.kept) == (PAUSED, PAUSED)
    watched = Watched()
    assert watched.subject.due is None and watched.subject.advance(10**9) is None


def test_a_monitor_is_found_by_its_id():
    watched = Watched()
    watched.add("a")
    second = watched.add("b")
    assert watched.subject.find("id2") is second
    assert watched.subject.find("id3") is None


def test_a_minute_of_check_ins_begins_with_its_first():
    watched = Watched()
    job = watched.add()
    for _ in range(PER_MINUTE):
        assert watched.subject.check_in(job, LOG, 100000) == 0
    assert watched.subject.check_in(job, LOG, 100000) == 60000
    assert watched.subject.check_in(job, LOG, 159999) == 1
    for _ in range(PER_MINUTE):
        assert watched.subject.check_in(job, LOG, 160000) == 0
    assert watched.subject.check_in(job, LOG, 160000) == 60000


def test_the_clock_of_the_day_is_followed_when_it_is_a_second_off():
    for change, followed in ((999, False), (1000, True), (-999, False), (-1000, True)):
        watched = Watched(10 * HOUR_MS)
        job = watched.add()
        watched.subject.check_in(job, TICK, 0)
        watched.subject.set_clock(10 * HOUR_MS + change, True, 10)
        assert (watched.subject.offset == 10 * HOUR_MS + change) is followed
        assert watched.subject.hour == 10
        # The hour ends by the clock that is followed.
        end = HOUR_MS - change if followed else HOUR_MS
        assert watched.subject.due == 60 * S
        watched.subject.advance(60 * S)
        watched.subject.advance(end - 1)
        assert watched.subject.closed == []
        watched.subject.advance(end)
        assert len(watched.subject.closed) == 1


def test_what_was_due_before_the_clock_is_set_is_done_by_the_clock_before():
    watched = Watched(0)
    job = watched.add(interval=60)
    watched.subject.check_in(job, TICK, HOUR_MS - 30 * S)
    watched.subject.set_clock(5 * HOUR_MS, True, HOUR_MS + 30 * S)
    assert job.state == DOWN
    assert watched.subject.closed[0][:2] == (0, True)
    assert watched.subject.hour == 6
    assert watched.subject.due == 2 * HOUR_MS


def test_an_hour_ends_where_it_ends_and_a_miss_on_the_hour_is_of_the_next():
    watched = Watched()
    job = watched.add(interval=600)
    watched.subject.check_in(job, FAIL, 0)
    # Down: it misses every ten minutes, for the fifth time on the hour.
    watched.subject.advance(HOUR_MS)
    assert watched.subject.closed == [(0, True, [(1, (5, 1, 5, 0))])]
    job.settle(HOUR_MS)
    assert job.counts == [1, 0, 1, 0]


def test_a_miss_in_the_last_ms_of_an_hour_is_of_that_hour():
    watched = Watched()
    job = watched.add(interval=600, now=600 * S - 1)
    watched.subject.check_in(job, FAIL, 600 * S - 1)
    watched.subject.advance(HOUR_MS)
    assert watched.subject.closed == [(0, True, [(1, (5, 1, 5, 0))])]
    assert job.counts == [0, 0, 0, 0]


def test_what_is_noticed_late_is_counted_in_the_hour_in_which_it_became_true():
    watched = Watched()
    first, second = watched.add("a", interval=600), watched.add("b", interval=600)
    watched.subject.check_in(first, TICK, HOUR_MS - 900 * S)
    watched.subject.check_in(second, TICK, HOUR_MS - 301 * S)
    first.counts = [0, 0, 0, 0]
    second.counts = [0, 0, 0, 0]
    watched.subject.advance(HOUR_MS + 400 * S)
    assert (first.state, second.state) == (DOWN, DOWN)
    assert watched.subject.closed == [(0, True, [(1, (1, 0, 1, 0))])]
    assert second.counts == [1, 0, 1, 0]


def test_a_guess_gives_way_to_the_time_that_is_known_wherever_that_is():
    watched = Watched(5 * HOUR_MS, False)
    job = watched.add(waits=True)
    watched.subject.check_in(job, LOG, 0)
    watched.subject.set_clock(5 * HOUR_MS, True, 10)  # it was right
    assert watched.subject.known
    watched = Watched(5 * HOUR_MS, False)
    watched.add(waits=True)
    watched.subject.set_clock(HOUR_MS + 600 * S, True, 10)
    assert (watched.subject.hour, watched.subject.due) == (1, HOUR_MS - 600 * S)


def test_quiet_hours_are_skipped_and_those_of_whoever_is_down_are_not():
    watched = Watched()
    watched.add(waits=True)
    watched.subject.advance(10 * HOUR_MS)
    assert (watched.subject.hour, watched.subject.closed) == (10, [])
    assert watched.subject.due == 11 * HOUR_MS


def test_of_two_that_change_in_the_same_ms_the_first_is_told_first():
    watched = Watched()
    jobs = [watched.add("a"), watched.add("b")]
    for job in jobs[::-1]:
        watched.subject.check_in(job, TICK, 0)
    watched.told()
    watched.subject.advance(60 * S)
    assert [row[0] for row in watched.told()] == ["a", "b"]


def test_a_check_in_that_counts_is_dated_and_ends_what_was_awaited():
    watched = Watched()
    job = watched.add(interval=600, grace=100)
    watched.subject.check_in(job, TICK, 5 * S)
    assert job.last_at == 5 * S
    watched.subject.check_in(job, RUN, 10 * S, "", RUN_A)
    watched.subject.check_in(job, FAIL, 20 * S, "", RUN_B)  # any fail ends what is awaited
    assert (job.run_due, job.run_at, job.last_at) == (None, None, 20 * S)
    assert job.state == DOWN
    watched.subject.check_in(job, RUN, 30 * S, "", RUN_A)
    assert job.run_due is None  # it is down already


def test_a_monitor_that_comes_is_dated_and_told_unless_it_was_there_before():
    watched = Watched()
    assert watched.add("a", now=7).since == 7
    assert watched.told() == []
    second = Monitor(2, "id2", "s", "b", "b", 60, 0, True)
    watched.subject.add(second, 8)
    assert watched.told() == [("b", "new", 8)]
    watched.subject.remove(second, 9)
    assert (second.declared.data, second.declared.at) == ("removed", 9)
    third = watched.add("c", now=10, since_start=False)
    assert watched.events.properties[1] is third.declared


def test_after_a_restart_the_last_check_in_is_known_and_the_state_is_what_listeners_see():
    watched = Watched()
    job = watched.add(interval=60)
    watched.subject.resume(job, DOWN, -5000, (0, 1, 0, 0), 100)
    assert (job.last_at, job.declared.data, job.due) == (-5000, "down", 60100)
    up = watched.add("up", interval=60, grace=7)
    watched.subject.resume(up, UP, -5000, (0, 0, 0, 0), 100)
    assert (up.declared.data, up.due, watched.subject.due) == ("up", 67100, 60100)


def test_a_new_name_is_the_name_and_another_label_another_source():
    watched = Watched()
    job = watched.add("job")
    watched.subject.rename(job, "t", "other", "job", 5)
    assert (job.service, job.name, job.label) == ("t", "other", "job")
    assert watched.told() == []
    watched.subject.rename(job, "t", "other", "other", 6)
    assert job.label == "other"
    assert watched.told() == [("job", "removed", 6), ("other", "new", 6)]
    watched.subject.rename(job, "t", "other", "other", 7)
    assert watched.told() == []


def test_other_times_come_after_what_was_due_by_the_old_ones():
    watched = Watched()
    job = watched.add(interval=60)
    watched.subject.check_in(job, TICK, 0)
    watched.subject.adjust(job, 600, 0, True, False, 60 * S)
    # It was missed; that stays so until somebody checks in, within the new interval.
    assert (job.state, job.since, job.due) == (DOWN, 60 * S, 660 * S)
    assert job.counts == [2, 1, 1, 1]
    watched.subject.adjust(job, 300, 0, True, False, 700 * S)
    assert (job.counts, job.due) == ([3, 1, 2, 1], 1000 * S)


def test_other_times_at_the_very_ms():
    for now, interval, grace, state in (
        (100 * S, 100, 0, DOWN),
        (100 * S, 100, 1, LATE),
        (100 * S - 1, 100, 0, UP),
        (100 * S - 1, 100, 1, UP),
        (101 * S - 1, 100, 1, LATE),
        (101 * S, 100, 1, DOWN),
    ):
        watched = Watched()
        job = watched.add(interval=600)
        watched.subject.check_in(job, TICK, 0)
        watched.subject.adjust(job, interval, grace, True, False, now)
        assert job.state == state, (now, interval, grace)
        assert job.grace_ms == grace * S
        if state != DOWN:
            assert job.due == (interval + grace) * S
            assert watched.subject.due == job.next_at()


def test_other_times_of_one_that_was_last_heard_before_the_start_count_from_it():
    watched = Watched()
    job = watched.add(interval=60)
    watched.subject.resume(job, UP, -50 * S, (0, 0, 0, 0), 0)
    watched.subject.adjust(job, 100, 0, True, False, 10 * S)
    assert (job.state, job.due) == (UP, 100 * S)
    job.last_at = None
    watched.subject.adjust(job, 200, 0, True, False, 10 * S)
    assert (job.state, job.due) == (UP, 200 * S)


def test_other_times_become_true_though_memory_runs_out_meanwhile():
    watched = Watched()
    job = watched.add(interval=600)
    watched.subject.check_in(job, TICK, 0)
    whole = watched.events.set

    def short(*arguments):
        raise MemoryError()

    watched.events.set = short
    raises(MemoryError, watched.subject.adjust, job, 50, 0, True, False, 100 * S)
    watched.events.set = whole
    watched.subject.advance(101 * S)
    assert (job.state, job.since) == (DOWN, 100 * S)
    # The same is asked for again, as a request is.
    watched.subject.adjust(job, 50, 0, True, False, 101 * S)
    assert (job.state, job.interval_ms, watched.subject.due) == (DOWN, 50 * S, HOUR_MS)


def test_a_pause_forgets_what_was_awaited():
    watched = Watched()
    job = watched.add(interval=600, grace=5)
    watched.subject.check_in(job, TICK, 0)
    watched.subject.check_in(job, RUN, 1000)
    watched.subject.adjust(job, 600, 5, False, False, 2000)
    assert (job.state, job.due, job.last_at) == (PAUSED, None, None)
    assert (job.run_at, job.run_due, job.run_id) == (None, None, None)
    assert watched.subject.due == HOUR_MS


def test_a_run_under_way_has_the_new_time_from_when_it_began():
    for interval, grace, due in ((600, 50, 60 * S), (600, 0, 610 * S), (600, 3, 20 * S)):
        watched = Watched()
        job = watched.add(interval=600, grace=100)
        watched.subject.check_in(job, TICK, 0)
        watched.subject.check_in(job, RUN, 10 * S)
        watched.subject.adjust(job, interval, grace, True, False, 20 * S)
        assert job.run_due == due, (interval, grace)
        assert watched.subject.due == min(due, 600 * S)
