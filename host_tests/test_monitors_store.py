"""What is kept of monitors: definitions at once, history in batches, whole or set aside."""

import hashlib

from claims import raises
from flash import Flash, PowerCut
from holdfast.core.checkins import (
    COMPLETE,
    DOWN,
    FAIL,
    HOUR_MS,
    LATE,
    LOG,
    MISSED,
    NEW,
    PAUSED,
    TICK,
    UP,
    Refused,
)
from holdfast.monitors import store as keeping
from holdfast.monitors.store import (
    BATCH_BYTES,
    BATCH_MS,
    EVENT_FILES,
    EVENTS_KEPT,
    PAUSE_MS,
    RESERVE_BYTES,
)
from holdfast.settings.model import NotSaved
from holdfast.wire import records
from watching import EPOCH, Life

MINUTE = 60000


# -- definitions ----------------------------------------------------------------------------------


def test_a_definition_is_in_flash_before_it_is_acknowledged():
    life = Life()
    job = life.create("Bäckup", 300, grace=60, enabled=False)
    after = life.again().keeper.engine.all
    assert len(after) == 1
    again = after[0]
    assert (again.id, again.name, again.service) == (job.id, "Bäckup", "s")
    assert (again.interval_ms, again.grace_ms, again.number) == (300000, 60000, job.number)
    life.keeper.change(job, {"name": "Other", "interval": 5}, 0)
    again = life.again().keeper.engine.all[0]
    assert (again.id, again.name, again.interval_ms, again.grace_ms) == (
        job.id,
        "Other",
        5000,
        60000,
    )
    life.keeper.remove([job], 0)
    assert life.again().names() == []


def test_whether_it_waits_for_its_first_check_in_is_in_flash():
    life = Life()
    job, waiting = life.create("job", 60), life.create("waiting", 60, wait_for_first=True)
    paused = life.create("paused", 60, wait_for_first=True, enabled=False)
    for now in (life, life.again()):
        assert [m.waits for m in now.keeper.engine.all] == [False, True, True]
        assert [m.due for m in now.keeper.engine.all] == [60000, None, None]
    life.keeper.change(job, {"wait_for_first": True}, 0)
    life.keeper.change(waiting, {"wait_for_first": False}, 0)
    life.keeper.change(paused, {"enabled": True}, 0)
    for now in (life, life.again()):
        assert [m.waits for m in now.keeper.engine.all] == [True, False, True]
        assert [m.due for m in now.keeper.engine.all] == [None, 60000, None]


def test_monitors_of_0_1_0_that_never_checked_in_have_an_interval_from_the_start_on():
    life = Life()
    text = (
        b'{"monitors":1,"following":4}\n'
        b'[1,"7f3b5c9e-0000-4000-8000-000000000001","s","never","never",60,10,true]\n'
        b'[2,"7f3b5c9e-0000-4000-8000-000000000002","s","up","up",60,10,true]\n'
        b'[3,"7f3b5c9e-0000-4000-8000-000000000003","s","paused","paused",60,10,false]\n'
    )
    check = "".join(["%02x" % byte for byte in hashlib.sha256(text).digest()])
    life.flash.files["monitors.json"] = text + ("sha256 %s\n" % check).encode()
    rows = [
        (1, NEW, 0, 0, (0, 0, 0, 0)),
        (2, UP, 1, EPOCH - 5000, (7, 8, 0, 7)),
        (3, PAUSED, 0, 0, (0, 0, 0, 0)),
    ]
    standing = records.standing(EPOCH // HOUR_MS, (0, 0, 0, 0), 4, rows)
    life.flash.files["standing.bin"] = records.seal(standing)
    again = life.again()
    assert [m.state for m in again.keeper.engine.all] == [NEW, UP, PAUSED]
    again.pass_ms(60000 - 1)
    assert [m.state for m in again.keeper.engine.all] == [NEW, UP, PAUSED]
    again.pass_ms(1)
    assert [m.state for m in again.keeper.engine.all] == [LATE, LATE, PAUSED]
    again.pass_ms(10000)
    never, up, paused = again.keeper.engine.all
    assert (never.state, up.state, paused.state) == (DOWN, DOWN, PAUSED)
    # What 0.1.0 counted stays, and goes on.
    assert again.statistics(up) == [(EPOCH // HOUR_MS, True, (8, 8, 1, 7))]
    assert again.statistics(never) == [(EPOCH // HOUR_MS, True, (1, 0, 1, 0))]


def test_a_definition_that_does_not_wait_is_a_line_as_0_1_0_reads_it():
    life = Life()
    life.create("job", 60, grace=5)
    life.create("waiting", 60, wait_for_first=True)
    lines = life.flash.files["monitors.json"].decode().split("\n")
    assert lines[1].endswith('"job","job",60,5,true]')
    assert lines[2].endswith('"waiting","waiting",60,0,true,true]')


def test_what_cannot_be_written_is_not_made_not_changed_and_not_removed():
    life = Life()
    job = life.create()
    before = dict(life.flash.files)
    for trouble in ("quiet", "full"):
        life.store.quiet_now = trouble != "quiet"
        life.flash.full = trouble == "full"
        raises(NotSaved, life.create, "other")
        raises(NotSaved, life.keeper.change, job, {"name": "x"}, 0)
        raises(NotSaved, life.keeper.remove, [job], 0)
        assert life.names() == ["job"] and job.name == "job"
        assert life.flash.files == before


def test_limits_and_names():
    life = Life()
    for i in range(32):
        life.create("job %d" % i)
    error = raises(Refused, life.create, "one more")
    assert error.taken
    error = raises(Refused, life.keeper.change, life.keeper.engine.all[0], {"name": "job 1"}, 0)
    assert error.field == "name" and error.taken
    assert life.again().names() == life.names()
    assert len(life.flash.files["monitors.json"]) < 4096


def test_a_name_in_two_services_has_two_sources_that_stay():
    life = Life()
    first = life.create("job")
    second = life.create("job", service_id="other")
    assert (first.label, second.label) == ("job", "job (2)")
    life.keeper.remove([first], 0)
    again = life.again().keeper.engine.all[0]
    assert again.label == "job (2)" and again.declared.source == "job (2)"


def test_a_number_is_never_given_twice_though_the_last_one_was_removed():
    life = Life()
    job = life.create()
    life.keeper.remove([job], 0)
    assert life.again().create().number == job.number + 1


def test_power_cut_at_every_byte_of_a_definition_loses_none_that_was_acknowledged():
    first = Life()
    first.create("old")
    files = dict(first.flash.files)
    left = 0
    while True:
        life = Life(Flash(files))
        life.flash.left = left
        try:
            life.create("new")
            done = True
        except PowerCut:
            done = False
        life.flash.left = None
        names = life.again().names()
        assert names in (["old"], ["new", "old"])
        if done:
            assert names == ["new", "old"]
            break
        left += 5
    assert left > 200


def test_damaged_definitions_are_set_aside_and_the_copy_before_counts():
    life = Life()
    life.create("old")
    life.create("new")
    damaged = life.flash.files["monitors.json"]
    for at in range(0, len(damaged), 11):
        flash = Flash(life.flash.files)
        flash.rot("monitors.json", at)
        again = Life(flash)
        assert again.names() == ["old"]
        assert flash.files["monitors.bad"][:at] == damaged[:at]
        again.create("third")
        assert Life(flash).names() == ["old", "third"]
    for name in ("monitors.json", "monitors.old"):
        life.flash.files[name] = b"\x00" * 20
    assert Life(life.flash).names() == []


# -- history --------------------------------------------------------------------------------------


def test_a_batch_is_written_when_it_is_old_and_only_then():
    life = Life()
    job = life.create("job", 3600)
    life.check_in(job)
    life.pass_ms(5000)  # the first check-in changed the state: that is told soon
    assert "events.0" in life.flash.files and "standing.bin" in life.flash.files
    life.pass_ms(PAUSE_MS)
    life.check_in(job, COMPLETE, "done")
    before = life.flash.writes
    life.pass_ms(BATCH_MS - PAUSE_MS)
    assert life.flash.writes == before
    life.pass_ms(PAUSE_MS + 5000)
    assert life.flash.writes == before + 2  # the batch, and how monitors stand
    events = life.again().events(life.keeper.engine.all[0])
    assert [event[2:] for event in events] == [
        (TICK, None, None, b""),
        (COMPLETE, None, None, b"done"),
    ]


def test_a_restart_keeps_history_state_and_counts():
    life = Life()
    job, idle = life.create("job", 60), life.create("idle", 600)
    life.check_in(job, TICK, "hello")
    life.pass_ms(61000)
    assert job.state == DOWN
    life.pass_ms(PAUSE_MS + 3000)
    again = life.again()
    job, idle = again.keeper.engine.all
    assert (job.state, idle.state) == (DOWN, NEW)
    assert [(ms - EPOCH, result) for ms, _, result, _, _, _ in again.events(job)] == [
        (0, TICK),
        (60000, MISSED),
    ]
    assert again.events(idle) == []
    assert job.counts[1] == 1 and job.counts[2] >= 1
    assert job.last_at == -again.clock.epoch + EPOCH
    assert again.module.events.take() == []


def test_a_restart_while_it_is_late_makes_it_new_again_or_up():
    life = Life()
    job, other = life.create("job", 60, grace=4000), life.create("other", 60, grace=4000)
    life.check_in(other)
    life.pass_ms(BATCH_MS + 3 * PAUSE_MS)
    assert (job.state, other.state) == (LATE, LATE)
    again = life.again()
    job, other = again.keeper.engine.all
    assert (job.state, other.state) == (NEW, UP)
    again.pass_ms(60000)
    assert (job.state, other.state) == (LATE, LATE)


def test_a_killed_module_loses_at_most_one_batch():
    life = Life()
    job = life.create("job", 60)
    for _ in range(200):
        life.check_in(job)
        life.pass_ms(30000)
    told = life.events(job)
    again = life.again()
    kept = again.events(again.keeper.engine.all[0])
    assert len(told) == 100
    since = life.clock.epoch + life.clock.at - kept[-1][0]
    assert since <= BATCH_MS + PAUSE_MS
    # The numbers go on where they were, so that nothing is there twice.
    job = again.keeper.engine.all[0]
    again.check_in(job, FAIL, "after")
    events = again.events(job)
    assert events[-1][5] == b"after" and events[:-1] == kept[-99:]


def test_hours_are_kept_and_added_to_what_is_counted_now():
    life = Life()
    job = life.create("job", 600)
    for _ in range(14):
        life.check_in(job)
        life.pass_ms(10 * MINUTE - 1, 60000)
    hours = life.statistics(job)
    first = EPOCH // HOUR_MS
    assert [row[0] - first for row in hours] == [0, 1, 2]
    assert sum([row[2][1] for row in hours]) == 14
    again = life.again()
    # The hour under way is as it was when a batch was last written.
    assert again.statistics(again.keeper.engine.all[0])[:2] == hours[:2]
    assert again.statistics(again.keeper.engine.all[0], first + 1, first + 2) == hours[1:2]


def test_an_hour_that_ended_while_the_module_was_off_counts_once():
    life = Life()
    job = life.create("job", 600)
    life.check_in(job)
    life.pass_ms(5000)
    assert "standing.bin" in life.flash.files
    again = life.again(EPOCH + 5 * HOUR_MS)
    for _ in range(2):
        job = again.keeper.engine.all[0]
        assert again.statistics(job) == [(EPOCH // HOUR_MS, True, (1, 1, 0, 1))]
        again.pass_ms(3000)
        again = again.again()


def test_the_latest_hundred_of_a_quiet_monitor_outlive_a_busy_one():
    life = Life()
    quiet, busy = life.create("quiet", 86400), life.create("busy", 3600)
    for i in range(150):
        life.check_in(quiet, LOG, "number %d" % i)
        life.pass_ms(40000, 20000)
    step = 0
    while life.keeper._events.first < 30:
        for _ in range(30):
            life.check_in(busy, TICK, "%048d" % step)
            step += 1
        life.clock.at += 61000
        for _ in range(3):
            life.keeper.step(life.clock.at)
    assert life.keeper._events.count <= EVENT_FILES + 1
    for now in (life, life.again()):
        quiet, busy = now.keeper.engine.all
        messages = [event[5].decode() for event in now.events(quiet)]
        assert messages == ["number %d" % i for i in range(50, 150)]
        assert len(now.events(busy)) == EVENTS_KEPT
        assert now.events(busy, 1)[0][5] == b"%048d" % (step - 1)


def test_where_flash_is_short_the_oldest_history_gives_way_before_settings_do():
    flash = Flash()
    flash.size = 40 * 4096
    life = Life(flash)
    busy = life.create("busy", 3600)
    counts = []
    for step in range(3000):
        life.check_in(busy, TICK, "%048d" % step)
        if step % 30 == 29:
            life.clock.at += 61000
            for _ in range(3):
                life.keeper.step(life.clock.at)
            counts.append(life.keeper._events.count)
    # A file that has just begun may be in the reserve; the oldest has given way for it.
    assert flash.free() >= RESERVE_BYTES - 4096
    assert 10 < max(counts) <= counts[-1] + 1 < EVENT_FILES
    assert life.events(busy, 1)[0][5] == b"%048d" % step
    again = life.again()
    assert again.events(again.keeper.engine.all[0], 1)[0][5] == b"%048d" % step


def test_what_does_not_fit_is_lost_from_the_history_and_counted():
    life = Life()
    job = life.create("job", 60)
    life.store.quiet_now = False
    for i in range(300):
        life.clock.at += 700
        life.check_in(job, TICK, "%d" % i)
        assert life.keeper._bytes <= BATCH_BYTES
    assert life.keeper.lost > 0
    events = life.events(job)
    assert [event[5] for event in events][-1] == b"299"
    assert len(events) + life.keeper.lost >= 100
    assert job.counts[1] == 300
    life.store.quiet_now = True
    life.pass_ms(3000)
    again = life.again()
    assert again.events(again.keeper.engine.all[0]) == events


def test_events_are_asked_for_by_number_and_by_time():
    life = Life()
    job = life.create("job", 3600)
    for i in range(30):
        life.check_in(job, LOG, "%d" % i)
        life.pass_ms(MINUTE, 30000)
    assert [event[5] for event in life.events(job, 3)] == [b"27", b"28", b"29"]
    at = life.events(job)[10][0]
    assert [event[5] for event in life.events(job, 3, at)] == [b"11", b"12", b"13"]
    assert life.events(job, 3, at + 3600000) == []


def test_a_damaged_journal_is_set_aside_and_the_rest_is_told():
    life = Life()
    job = life.create("job", 3600, wait_for_first=True)
    for i in range(60):
        life.check_in(job, LOG, "%048d" % i)
        life.pass_ms(BATCH_MS + 3000, 60000)
    assert len(life.events(job)) == 60
    life.flash.rot("events.0", 400)
    left = life.events(job)
    assert 0 < len(left) < 60
    life.pass_ms(2000)
    assert "events.bad" in life.flash.files
    assert life.events(job) == left
    life.flash.rot("standing.bin", 20)
    again = life.again()
    assert "standing.bad" in life.flash.files
    assert [event[5] for event in again.events(again.keeper.engine.all[0])] == [e[5] for e in left]


def test_how_monitors_stand_is_found_without_its_file():
    life = Life()
    job = life.create("job", 3600, wait_for_first=True)
    for i in range(5):
        life.check_in(job, LOG, "%d" % i)
        life.pass_ms(BATCH_MS + 3000, 60000)
    for name in ("standing.bin", "standing.old"):
        life.flash.files.pop(name, None)
    again = life.again()
    job = again.keeper.engine.all[0]
    assert job.state == NEW
    again.check_in(job, LOG, "after")
    assert [event[5] for event in again.events(job)] == [b"0", b"1", b"2", b"3", b"4", b"after"]


def test_power_cut_at_any_write_of_the_history_leaves_it_readable():
    for left in range(0, 400, 9):
        life = Life()
        job = life.create("job", 60, wait_for_first=True)
        life.check_in(job, LOG, "before")
        life.pass_ms(5000)
        life.pass_ms(BATCH_MS + PAUSE_MS)
        life.check_in(job, LOG, "at")
        life.flash.left = left
        try:
            life.pass_ms(HOUR_MS, 60000)
        except PowerCut:
            pass
        life.flash.left = None
        again = life.again()
        job = again.keeper.engine.all[0]
        messages = [event[5] for event in again.events(job)]
        assert messages in ([b"before"], [b"before", b"at"])
        again.check_in(job, LOG, "after")
        again.pass_ms(BATCH_MS + 3000, 60000)
        last = again.again()
        assert [e[5] for e in last.events(last.keeper.engine.all[0])] == messages + [b"after"]


def test_flash_that_fails_is_said_and_tried_later():
    life = Life()
    job = life.create("job", 60, wait_for_first=True)
    life.check_in(job, LOG, "kept")
    life.flash.full = True
    life.pass_ms(BATCH_MS + 5000)
    life.flash.full = False
    life.pass_ms(BATCH_MS + PAUSE_MS + 5000)
    again = life.again()
    assert [event[5] for event in again.events(again.keeper.engine.all[0])] == [b"kept"]


def test_without_the_time_of_day_it_goes_on_from_the_latest_known():
    life = Life(None, 0)
    job = life.create("job", 60)
    life.clock.at = 5000
    life.check_in(job)
    assert life.events(job) == [(5000, False, TICK, None, None, b"")]
    life.pass_ms(5000)
    # The time becomes known: what waits is kept by it, what is in flash says that it was a guess.
    life.clock.epoch = EPOCH
    life.pass_ms(PAUSE_MS + 5000)
    life.check_in(job, FAIL)
    life.pass_ms(PAUSE_MS + 5000)
    events = life.events(job)
    assert [(event[1], event[2]) for event in events] == [
        (False, TICK),
        (True, MISSED),
        (True, FAIL),
    ]
    assert events[1][0] == EPOCH + 65000
    # After a restart without it: not before what is there.
    again = life.again(0)
    job = again.keeper.engine.all[0]
    assert not again.keeper.engine.known
    again.check_in(job, LOG)
    last = again.events(job)[-1]
    assert not last[1] and last[0] >= events[-1][0] - HOUR_MS


def test_messages_are_cut_between_two_characters():
    life = Life()
    job = life.create()
    life.check_in(job, LOG, "x" * 47 + "ä" * 5)
    life.check_in(job, LOG, "ä" * 40)
    assert [event[5].decode() for event in life.events(job)] == ["x" * 47, "ä" * 24]


def test_the_checksum_is_that_of_other_tools():
    life = Life()
    life.create()
    text, _, check = life.flash.files["monitors.json"].rpartition(b"sha256 ")
    digest = hashlib.sha256(text).digest()
    assert check.decode().strip() == "".join(["%02x" % byte for byte in digest])


def test_names_of_files_are_those_the_app_looks_for():
    names = ("monitors.json", "monitors.new", "monitors.old")
    assert names == keeping.DEFINITIONS


def test_an_hour_that_ends_while_statistics_are_told_is_told_once():
    """Between two pieces of the answer it goes from the module's memory into a file."""
    for passing in (2 * HOUR_MS, 100):
        life = Life()
        job = life.create()
        life.check_in(job)
        life.pass_ms(2 * HOUR_MS + HOUR_MS // 2, 60000)
        job.settle(life.clock.at)
        before = life.statistics(job)
        assert len(before) == 3
        told = []
        for row in life.keeper.statistics(job, 0, 1 << 30):
            if row is None:
                life.pass_ms(passing, 60000)
            else:
                told.append(row)
        assert told == before
