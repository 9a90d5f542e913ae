"""Heartbeats of our own and what their answers make of a link; queues that wait for it."""

from claims import raises
from holdfast.core.events import EventSystem
from holdfast.core.notifications import PAUSES_MS
from holdfast.core.rules import NOTIFY
from holdfast.core.uplinks import (
    AIRNODE,
    FIRST_PAUSE_MS,
    HEALTHCHECKS,
    KINDS,
    PACE_MS,
    PINGHOME,
    QUEUED,
    SAVE_AFTER_MS,
    SAVE_EVERY_MS,
    SPREAD_MS,
    UNIFI,
    Links,
)

HERE = (False, "192.0.2.1", 80)
THERE = (False, "192.0.2.2", 80)
REPLY = (200, "application/json", b"{}")


def row(name="a", receiver=HERE, interval_ms=300000, success=(), pauses="own", enabled=True):
    return 0, name, receiver, "/", interval_ms, success, pauses, (), enabled


def action(number=0, receiver=HERE):
    return NOTIFY, receiver, "/%d" % number, "", "", ""


class Uplinks(Links):
    """Links with their events at hand. chance: every random byte."""

    def __init__(self, *rows, inbound=None, chance=0, now=0):
        self.system = EventSystem()
        rows = rows or (row(),)
        super().__init__(self.system, rows, inbound, lambda n: bytes([chance]) * n, now)

    def events(self):
        return [
            (declared.topic[0].split("/")[-1], declared.source, data, at)
            for declared, data, at, _ in self.system.take()
        ]

    def answer(self, status, now, link=None, why=""):
        link = link or self.links[0]
        self.settle(link, link.row, status, why, now)

    def sent(self, status, now):
        """Send what is due; its target, None for nothing."""
        due = self.due_notification(now)
        if due is None:
            return None
        self.deliver(due[0], due[1], status, now)
        return due[1][0][2]


def test_the_first_heartbeat_comes_by_chance_within_a_spread():
    for chance, due in ((0, 0), (128, SPREAD_MS // 2), (255, SPREAD_MS)):
        link = Uplinks(chance=chance, now=7).links[0]
        assert abs(link.due - 7 - due) <= SPREAD_MS // 256
    assert Uplinks(row(interval_ms=1000), chance=255).links[0].due < 1000


def test_with_a_network_again_what_failed_is_tried_soon_and_the_rest_when_it_is_due():
    links = Uplinks(row("a"), row("b", THERE))
    failing, fine = links.links
    links.answer(200, 0, fine)
    for now in range(0, 3600000, 400000):
        links.answer(None, now, failing, "dead")
    due = fine.due
    assert failing.due > 3200000 + SPREAD_MS
    links.reachable(3210000)
    assert 3210000 <= failing.due <= 3210000 + SPREAD_MS
    assert fine.due == due
    links.reachable(3220000)
    assert failing.due <= 3210000 + SPREAD_MS


def test_a_link_is_up_from_the_first_good_answer_and_down_from_the_first_bad_one():
    subject = Uplinks()
    link = subject.links[0]
    assert subject.due_link(0) is link and not link.up and subject.events() == []
    subject.answer(204, 10)
    assert subject.events() == [("Link", "a", "1", 10)]
    subject.answer(200, 20)
    assert subject.events() == []
    subject.answer(500, 30)
    assert subject.events() == [("Link", "a", "0", 30)]
    assert (link.status, link.why, link.since) == (500, "answered 500", 30)
    subject.answer(None, 40, why="no connection")
    assert subject.events() == [] and (link.status, link.why) == (None, "no connection")
    subject.answer(200, 50)
    assert subject.events() == [("Link", "a", "1", 50)]
    assert (link.sent, link.failed, link.why) == (3, 2, "")


def test_what_counts_as_a_good_answer():
    for status in (100, 199, 300, 301, 404, 500, None):
        assert not Uplinks().links[0].wants(status)
    for status in (200, 299):
        assert Uplinks().links[0].wants(status)
    configured = Uplinks(row(success=(202, 409))).links[0]
    assert [configured.wants(status) for status in (200, 202, 409, None)] == [0, 1, 1, 0]


def test_heartbeats_keep_in_step_with_when_they_were_due():
    subject = Uplinks()
    link = subject.links[0]
    subject.answer(200, 70)
    assert link.due == 300000 and subject.due_link(299999) is None
    subject.answer(200, 300123)
    assert link.due == 600000
    subject.answer(200, 1000000)  # long late: not three at once
    assert link.due == 1300000


def test_a_failed_heartbeat_is_tried_again_with_growing_pauses():
    subject = Uplinks()
    link = subject.links[0]
    pauses = []
    now = 0
    for _ in range(9):
        subject.answer(None, now, why="x")
        pauses.append(link.due - now)
        now = link.due
    assert pauses == [min(FIRST_PAUSE_MS << i, 300000) for i in range(6)] + [300000] * 3
    subject.answer(200, now)
    assert link.due == now + 300000 and link.failures == 0
    short = Uplinks(row(interval_ms=1000))
    short.answer(None, 0, why="x")
    assert short.links[0].due == 1000


def test_half_of_a_pause_is_chance():
    subject = Uplinks(chance=255)
    subject.answer(None, 0, why="x")
    assert FIRST_PAUSE_MS // 2 <= subject.links[0].due <= FIRST_PAUSE_MS // 2 + 20


def test_the_one_that_is_due_first_comes_first():
    subject = Uplinks(row("a"), row("b"), row("c"))
    a, b, c = subject.links
    a.due, b.due, c.due = 30, 10, 20
    assert subject.due_link(9) is None
    assert subject.due_link(40) is b
    subject.answer(200, 40, b)
    assert subject.due_link(40) is c


def test_a_notification_belongs_to_the_link_to_the_same_receiver():
    subject = Uplinks(row("a", pauses="none"), row("b"), row("c", THERE), row("d", pauses="all"))
    names = [subject.holder(action(receiver=place)).name for place in (HERE, THERE)]
    assert names == ["b", "c"]
    assert subject.holder(action(receiver=(True, "192.0.2.1", 80))).name == "d"
    alone = Uplinks()
    assert alone.holder(action(receiver=THERE)) is None
    assert Uplinks(row(pauses="none")).holder(action()) is None


def test_notifications_wait_while_the_link_is_down_and_go_in_their_order_paced():
    subject = Uplinks()
    link = subject.links[0]
    for i in range(3):
        subject.put(link, action(i), i)
    assert subject.due_notification(1000000) is None
    subject.answer(200, 5000)
    assert subject.sent(200, 5000) == "/0"
    assert subject.sent(200, 5000 + PACE_MS - 1) is None
    assert subject.sent(200, 5000 + PACE_MS) == "/1"
    subject.put(link, action(3), 6000)
    assert [subject.sent(204, 7000 + PACE_MS * i) for i in range(3)] == ["/2", "/3", None]
    assert (link.delivered, link.refused, link.dropped, link.queue) == (4, 0, 0, [])


def test_of_too_many_the_oldest_is_lost_with_a_count_and_an_event():
    subject = Uplinks()
    link = subject.links[0]
    for i in range(QUEUED + 3):
        subject.put(link, action(i), i)
    assert (len(link.queue), link.dropped) == (QUEUED, 3)
    assert subject.events() == [("Overflow", "a", "1", QUEUED)]
    subject.answer(200, 1000)
    assert subject.events() == [("Link", "a", "1", 1000), ("Overflow", "a", "0", 1000)]
    assert subject.sent(200, 1000) == "/3"


def test_one_that_gives_way_while_it_is_sent_is_counted_once():
    subject = Uplinks()
    link = subject.links[0]
    subject.answer(200, 0)
    subject.put(link, action(0), 0)
    due = subject.due_notification(0)
    for i in range(QUEUED):
        subject.put(link, action(i + 1), 1)
    subject.deliver(due[0], due[1], 200, 2)
    assert (link.delivered, link.dropped, len(link.queue)) == (0, 1, QUEUED)
    assert link.queue[0][0][2] == "/1"


def test_a_notification_that_nobody_takes_brings_the_heartbeat_forward():
    subject = Uplinks()
    link = subject.links[0]
    subject.answer(200, 0)
    subject.put(link, action(), 10)
    assert subject.due_link(10) is None
    subject.sent(None, 10)
    assert subject.due_link(10) is link
    subject.answer(None, 11, why="no connection")
    assert not link.up and subject.due_notification(1000000) is None and len(link.queue) == 1
    subject.answer(200, 2000000)
    assert subject.sent(200, 2000000) == "/0"


def test_a_notification_is_tried_again_and_given_up_while_the_link_is_up():
    for status in (None, 500, 302, 429):
        subject = Uplinks()
        link = subject.links[0]
        subject.answer(200, 0)
        subject.put(link, action(0), 0)
        subject.put(link, action(1), 0)
        now = 0
        for pause in PAUSES_MS:
            assert subject.sent(status, now) == "/0"
            assert subject.sent(status, now + pause - 1) is None
            now += pause
        assert subject.sent(status, now) == "/0"
        assert (link.refused, link.queue[0][2:]) == (1, [0, 0])
        assert subject.sent(200, now + PACE_MS) == "/1"
    refused = Uplinks()
    refused.answer(200, 0)
    refused.put(refused.links[0], action(0), 0)
    assert refused.sent(404, 0) == "/0" and refused.links[0].refused == 1


def test_one_link_holds_up_no_other():
    subject = Uplinks(row("a"), row("b", THERE))
    a, b = subject.links
    subject.put(a, action(1), 0)
    subject.put(b, action(2, THERE), 0)
    subject.answer(200, 0, b)
    assert subject.sent(200, 0) == "/2" and subject.sent(200, 10000) is None


def test_changes_of_the_queues_go_to_flash_together_and_seldom():
    subject = Uplinks()
    link = subject.links[0]
    assert not subject.to_be_saved(10**9)
    subject.put(link, action(), 0)
    subject.put(link, action(), SAVE_AFTER_MS - 1)
    assert not subject.to_be_saved(SAVE_AFTER_MS - 1) and subject.to_be_saved(SAVE_AFTER_MS)
    subject.saved(SAVE_AFTER_MS, True)
    assert not subject.to_be_saved(10**9)
    now = SAVE_AFTER_MS + 1
    subject.put(link, action(), now)
    assert not subject.to_be_saved(SAVE_AFTER_MS + SAVE_EVERY_MS - 1)
    assert subject.to_be_saved(SAVE_AFTER_MS + SAVE_EVERY_MS)
    subject.saved(now, False)  # as it is in flash: that costs nothing, so the next may come soon
    subject.answer(200, 10**6)
    subject.sent(200, 10**6)
    assert subject.to_be_saved(10**6 + SAVE_AFTER_MS)


def test_what_was_in_flash_comes_first():
    subject = Uplinks(row("a"), row("b", pauses="none"))
    assert subject.restore("a", action(1), -5, 2)
    assert not subject.restore("b", action(2), -5, 2)
    assert not subject.restore("c", action(3), 0, 2)
    subject.put(subject.links[0], action(4), 3)
    subject.answer(200, 10)
    assert [subject.sent(200, 10 + PACE_MS * i) for i in range(2)] == ["/1", "/4"]


def test_others_heartbeats_are_counted():
    subject = Uplinks(inbound=("/x", 0, REPLY))
    subject.heard(5)
    subject.heard(9)
    assert (subject.inbound.count, subject.inbound.last_at) == (2, 9)
    subject.look(10**9)
    assert subject.events() == []


def test_others_who_fall_silent_are_down_from_when_they_should_have_called():
    subject = Uplinks(inbound=("/x", 600, REPLY))
    subject.look(10**6)
    assert subject.events() == []  # nobody has called yet
    subject.heard(1000)
    subject.heard(1500)
    subject.look(2099)
    assert subject.events() == [("Link", "inbound", "1", 1000)]
    subject.look(2500)
    assert subject.events() == [("Link", "inbound", "0", 2100)]
    subject.look(3000)
    subject.heard(3001)
    assert subject.events() == [("Link", "inbound", "1", 3001)]


def test_the_numbers_of_kinds_and_the_times():
    """The kinds are places in a table; the times are what was agreed with the receivers."""
    assert (UNIFI, AIRNODE, PINGHOME, HEALTHCHECKS) == (0, 1, 2, 3)
    assert [KINDS[kind] for kind in (UNIFI, AIRNODE, PINGHOME, HEALTHCHECKS)] == list(KINDS)
    assert (QUEUED, SPREAD_MS, FIRST_PAUSE_MS, PACE_MS) == (32, 10000, 5000, 500)
    assert (SAVE_AFTER_MS, SAVE_EVERY_MS) == (5000, 60000)


def test_a_new_link_has_sent_nothing_and_is_not_up():
    subject = Uplinks(row("a", pauses="none"), row("b"), inbound=("/x", 0, REPLY), now=7)
    link = subject.links[0]
    assert (link.up, link.since, link.status, link.last_at) == (False, 7, None, None)
    assert (link.why, link.next_at, link.failures) == ("nothing sent yet", 7, 0)
    assert (link.sent, link.failed, link.delivered, link.refused) == (0, 0, 0, 0)
    assert (link.dropped, link.queue) == (0, [])
    assert link.overflow is None and subject.links[1].overflow is not None
    assert (subject.changed_at, subject.to_be_saved(10**9)) == (None, False)
    inbound = subject.inbound
    assert (inbound.path, inbound.up, inbound.since) == ("/x", False, 7)
    assert (inbound.count, inbound.last_at, inbound.due) == (0, None, None)
    assert Uplinks().inbound is None


def test_of_two_that_are_due_together_the_first_in_the_settings_comes_first():
    subject = Uplinks(row("a"), row("b"))
    assert subject.due_link(0) is subject.links[0]
    assert subject.due_link(-1) is None


def test_a_heartbeat_is_dated_whatever_came_of_it():
    subject = Uplinks()
    for now, status in ((10, None), (20, 200)):
        subject.answer(status, now, why="x")
        assert subject.links[0].last_at == now


def test_an_answer_at_the_very_ms_of_the_next_one_begins_a_new_interval():
    subject = Uplinks()
    link = subject.links[0]
    subject.answer(200, 300000)
    assert link.due == 600000
    subject.answer(200, 899999)
    assert link.due == 900000


def test_the_pauses_after_failures_grow_to_64_times_the_first():
    day = 24 * 60 * 60 * 1000
    subject = Uplinks(row(interval_ms=day))
    now, pauses = 0, []
    for _ in range(9):
        subject.answer(None, now, why="x")
        pauses.append(subject.links[0].due - now)
        now = subject.links[0].due
    assert pauses == [FIRST_PAUSE_MS << i for i in range(7)] + [FIRST_PAUSE_MS << 6] * 2


def test_with_a_network_again_the_next_try_is_a_moment_away_by_chance():
    subject = Uplinks(chance=128)
    subject.answer(None, 0, why="x")
    subject.links[0].due = 10**6
    subject.reachable(1000)
    assert subject.links[0].due == 1000 + SPREAD_MS * 0x8080 // 65536


def test_when_a_link_turns_what_waits_begins_its_tries_anew():
    subject = Uplinks()
    link = subject.links[0]
    subject.answer(200, 0)
    subject.put(link, action(), 0)
    subject.sent(500, 0)
    subject.sent(500, 1000)
    assert link.queue[0][2:] == [2, 6000]
    subject.answer(None, 2000, why="x")
    assert (link.queue[0][2:], link.next_at) == ([0, 2000], 2000)
    subject.events()
    subject.answer(200, 3000)
    assert (link.queue[0][2:], link.next_at, link.since) == ([0, 3000], 3000, 3000)
    # Nothing had been lost: that stays so, without an event.
    assert subject.events() == [("Link", "a", "1", 3000)]


def test_a_link_that_goes_down_does_not_say_that_nothing_is_lost():
    subject = Uplinks()
    link = subject.links[0]
    subject.answer(200, 0)
    for i in range(QUEUED + 1):
        subject.put(link, action(i), 1)
    subject.events()
    subject.answer(None, 2, why="x")
    assert subject.events() == [("Link", "a", "0", 2)]


def test_whoever_comes_to_be_the_first_in_the_queue_has_all_its_tries():
    subject = Uplinks()
    link = subject.links[0]
    subject.answer(200, 0)
    subject.put(link, action(0), 0)
    subject.sent(500, 0)
    assert link.queue[0][2:] == [1, PAUSES_MS[0]]
    for i in range(QUEUED):
        subject.put(link, action(i + 1), 1)
    assert (link.queue[0][2:], link.dropped) == ([0, 1], 1)


def test_which_answers_count_as_delivered():
    for status, delivered in ((199, 0), (200, 1), (299, 1), (300, 0)):
        subject = Uplinks()
        subject.answer(200, 0)
        subject.put(subject.links[0], action(), 0)
        subject.sent(status, 0)
        assert subject.links[0].delivered == delivered, status


def test_the_pauses_between_the_tries_of_a_notification_have_a_random_part_of_up_to_half():
    for chance, part in ((0, 0), (128, 250), (255, 499)):
        subject = Uplinks(chance=chance)
        link = subject.links[0]
        subject.answer(200, 0)
        subject.put(link, action(), 0)
        subject.sent(500, 100)
        assert abs(link.queue[0][3] - 100 - PAUSES_MS[0] - part) <= 2


def test_the_queues_are_saved_so_long_after_their_first_change():
    subject = Uplinks()
    subject.put(subject.links[0], action(), 10000)
    assert subject.to_be_saved(10000) is False
    assert subject.to_be_saved(9999 + SAVE_AFTER_MS) is False
    assert subject.to_be_saved(10000 + SAVE_AFTER_MS) is True


def test_no_more_comes_back_from_flash_than_may_wait():
    subject = Uplinks()
    for i in range(QUEUED):
        assert subject.restore("a", action(i), 0, 0) is True
    assert subject.restore("a", action(), 0, 0) is False
    assert len(subject.links[0].queue) == QUEUED


def test_others_are_down_at_the_very_ms_and_once():
    subject = Uplinks(inbound=("/x", 600, REPLY))
    inbound = subject.inbound
    subject.heard(1000)
    assert (inbound.up, inbound.since, inbound.due) == (True, 1000, 1600)
    subject.look(1599)
    assert inbound.up
    subject.look(1600)
    assert (inbound.up, inbound.since, inbound.due) == (False, 1600, None)
    inbound.up = True  # whoever says so later is not undone by a deadline that is over
    subject.look(5000)
    assert inbound.up


def test_what_a_link_does_not_have_is_not_missed():
    subject = Uplinks(row("a", pauses="none"))
    subject.answer(200, 0)
    assert subject.events() == [("Link", "a", "1", 0)]
    subject.look(10**9)
    # A try that ends when nothing waits any more: it gave way meanwhile.
    other = Uplinks()
    other.deliver(other.links[0], [action(), 0, 0, 0], 200, 0)
    assert other.links[0].delivered == 0


def test_after_a_failure_the_intervals_count_from_the_answer():
    subject = Uplinks()
    subject.answer(None, 0, why="x")
    assert subject.links[0].due == 5000
    subject.answer(200, 5100)
    assert subject.links[0].due == 305100


# -- who waits for whom ---------------------------------------------------------------------------


def test_all_notifications_wait_while_a_link_that_pauses_all_is_down():
    subject = Uplinks(row("a"), row("b", THERE, pauses="all"))
    a, b = subject.links
    subject.put(a, action(1), 0)
    assert subject.paused()  # nobody has answered b yet
    subject.answer(200, 0, a)
    assert subject.sent(200, 0) is None
    subject.answer(200, 10, b)
    assert not subject.paused() and subject.sent(200, 10) == "/1"
    subject.put(a, action(2), 20)
    subject.answer(500, 20, b)
    assert subject.paused() and subject.sent(200, 10**6) is None


def test_a_link_that_pauses_its_own_or_none_holds_up_nobody_else():
    for pauses in ("own", "none"):
        subject = Uplinks(row("a"), row("b", THERE, pauses=pauses))
        subject.put(subject.links[0], action(1), 0)
        subject.answer(200, 0, subject.links[0])
        subject.answer(500, 0, subject.links[1])
        assert not subject.paused() and subject.sent(200, 0) == "/1"


def test_links_that_are_down_together_come_up_one_after_the_other():
    """A heartbeat waits for no link: else two that are down would wait for one another."""
    subject = Uplinks(row("a", pauses="all"), row("b", THERE, pauses="all"))
    a, b = subject.links
    subject.put(a, action(1), 0)
    for link in (a, b):
        subject.answer(None, 0, link, "dead")
    assert {subject.due_link(10**6).name for _ in range(2)} == {"a"}
    subject.answer(200, 10**6, a)
    assert subject.due_link(10**6) is b
    assert a.up and subject.paused() and subject.sent(200, 10**6) is None
    subject.answer(200, 10**6, b)
    assert subject.sent(200, 10**6) == "/1"


def test_of_links_that_hold_a_notification_the_one_to_its_receiver_has_it():
    subject = Uplinks(row("a", pauses="all"), row("b", THERE, pauses="all"))
    assert subject.holder(action(receiver=THERE)).name == "b"
    assert subject.holder(action(receiver=(True, "192.0.2.9", 1))).name == "a"


def test_a_receiver_that_is_dead_holds_up_no_other_of_the_same_link():
    subject = Uplinks(row(pauses="all"))
    link = subject.links[0]
    subject.answer(200, 0)
    for number, receiver in ((1, THERE), (2, THERE), (3, HERE)):
        subject.put(link, action(number, receiver), 0)
    assert subject.sent(None, 0) == "/1"
    assert subject.sent(200, 1) == "/3"  # /2 waits behind /1
    assert subject.sent(200, PAUSES_MS[0] - 1) is None
    assert subject.sent(200, PAUSES_MS[0]) == "/1"
    assert subject.sent(200, PAUSES_MS[0] + PACE_MS) == "/2"


def test_what_was_lost_behind_another_link_is_told_until_notifications_go_out_again():
    subject = Uplinks(row("a", pauses="all"), row("b", THERE, pauses="all"))
    a, b = subject.links
    subject.answer(200, 0, a)
    for i in range(QUEUED + 1):
        subject.put(a, action(i), 1)
    assert subject.events() == [("Link", "a", "1", 0), ("Overflow", "a", "1", 1)]
    subject.answer(200, 2, b)
    assert subject.events() == [("Link", "b", "1", 2), ("Overflow", "a", "0", 2)]


# -- other settings -------------------------------------------------------------------------------


def queues(subject):
    return [[entry[0][2] for entry in link.queue] for link in subject.links]


def test_a_link_that_stays_keeps_its_state_its_queue_and_its_counts():
    rows = (row("a"), row("b", THERE))
    subject = Uplinks(*rows)
    a, b = subject.links
    subject.answer(200, 70, b)
    subject.put(b, action(1, THERE), 80)
    subject.events()
    due = b.due
    subject.reconfigure((rows[1], row("c")), None, 100)
    assert subject.links[0] is b
    assert (b.up, b.since, b.sent, b.due, queues(subject)[0]) == (True, 70, 1, due, ["/1"])
    assert subject.events() == [
        ("Link", "c", "0", 100),
        ("Overflow", "c", "0", 100),
        ("Overflow", "a", "removed", 100),
        ("Link", "a", "removed", 100),
    ]
    c = subject.links[1]
    assert (c.up, c.since, c.why, c.due) == (False, 100, "nothing sent yet", 100)


def test_a_link_with_other_settings_keeps_all_and_sends_its_next_heartbeat_soon():
    subject = Uplinks(row("a"), chance=128)
    link = subject.links[0]
    subject.answer(200, 70)
    subject.put(link, action(1), 80)
    subject.events()
    subject.reconfigure((row("a", success=(201,)),), None, 100)
    assert subject.links == [link] and subject.events() == []
    assert (link.up, link.sent, queues(subject)) == (True, 1, [["/1"]])
    assert 100 < link.due < 100 + SPREAD_MS
    subject.answer(200, 200)
    assert subject.events() == [("Link", "a", "0", 200)]


def test_a_heartbeat_that_was_under_way_says_nothing_of_other_settings():
    subject = Uplinks(row("a"), row("b"))
    a, b = subject.links
    before = a.row, b.row
    subject.events()
    subject.reconfigure((row("a", success=(201,)),), None, 100)
    subject.events()
    for link, old in zip((a, b), before):
        due = link.due
        subject.settle(link, old, 200, "", 110)
        assert (link.up, link.sent, link.due, link.last_at) == (False, 0, due, None)
    assert subject.events() == []


def test_the_queue_of_a_link_that_is_gone_goes_to_whoever_holds_it_then():
    subject = Uplinks(row("a"), row("b", THERE), row("c", pauses="all"))
    a, b = subject.links[:2]
    subject.put(a, action(1), 0)
    subject.put(b, action(2, THERE), 0)
    loose = []
    put = lambda action, now: loose.append((action[2], now))  # noqa: E731
    subject.reconfigure((row("b", THERE), row("c", pauses="all")), None, 100)
    assert subject.moved and subject.gone == [a]
    subject.move(put, 110)
    assert (queues(subject), loose, subject.moved, subject.gone) == (
        [["/2"], ["/1"]],
        [],
        False,
        [],
    )
    subject.reconfigure((row("b", THERE),), None, 120)
    subject.move(put, 130)
    assert (queues(subject), loose) == ([["/2"]], [("/1", 130)])
    subject.reconfigure((row("b", THERE, pauses="none"),), None, 140)
    subject.move(put, 150)
    assert (queues(subject), loose[1:]) == ([[]], [("/2", 150)])
    assert subject.to_be_saved(10**9)


def test_one_that_was_being_sent_when_its_link_went_goes_nowhere_else():
    subject = Uplinks()
    link = subject.links[0]
    subject.answer(200, 0)
    subject.put(link, action(1), 0)
    due = subject.due_notification(0)
    subject.reconfigure((), None, 10)
    subject.deliver(due[0], due[1], 200, 20)
    assert link.delivered == 1
    subject.move(None, 30)
    again = Uplinks()
    again.answer(200, 0)
    again.put(again.links[0], action(1), 0)
    due = again.due_notification(0)
    again.reconfigure((), None, 10)
    again.deliver(due[0], due[1], None, 20)
    loose = []
    again.move(lambda action, now: loose.append(action[2]), 30)
    assert loose == ["/1"]


def test_a_name_that_comes_again_is_another_link_in_the_place_of_the_first():
    subject = Uplinks(row("a"))
    count = len(subject.system.properties)
    for now in range(10):
        subject.reconfigure((), None, now)
        subject.reconfigure((row("ab"[now % 2]),), None, now)
    assert len(subject.system.properties) == count
    assert [one.source for one in subject.system.properties if not one.gone()] == ["b", "b"]


def test_a_disabled_link_sends_nothing_pauses_nothing_and_has_no_event():
    subject = Uplinks(row("a", pauses="all", enabled=False), row("b", THERE))
    a = subject.links[0]
    assert (a.up, a.why, a.due, a.declared, a.overflow) == (False, "disabled", None, None, None)
    assert not subject.paused() and subject.holder(action()) is None
    assert subject.due_link(10**9).name == "b"
    subject.reachable(10)
    assert not subject.restore("a", action(), 0, 0)
    subject.reconfigure((row("a", pauses="all"), row("b", THERE)), None, 100)
    assert subject.events() == [("Link", "a", "0", 100), ("Overflow", "a", "0", 100)]
    assert (subject.paused(), a.why, a.due) == (True, "nothing sent yet", 100)
    subject.answer(500, 110, a)
    subject.put(a, action(1), 120)
    subject.reconfigure((row("a", pauses="all", enabled=False), row("b", THERE)), None, 130)
    assert subject.events() == [("Overflow", "a", "removed", 130), ("Link", "a", "removed", 130)]
    assert (a.up, a.why, a.due, a.failures, a.failed) == (False, "disabled", None, 0, 1)
    assert not subject.paused() and subject.due_link(10**9).name == "b"
    subject.reachable(140)
    loose = []
    subject.move(lambda action, now: loose.append(action[2]), 150)
    assert loose == ["/1"]


def test_a_link_that_is_gone_lets_the_others_notifications_go():
    subject = Uplinks(row("a"), row("b", THERE, pauses="all"))
    a = subject.links[0]
    subject.answer(200, 0, a)
    for i in range(QUEUED + 1):
        subject.put(a, action(i), 1)
    assert subject.sent(200, 1) is None
    subject.events()
    subject.reconfigure((row("a"),), None, 2)
    assert ("Overflow", "a", "0", 2) in subject.events()
    assert subject.sent(200, 2) == "/1"


def test_the_inbound_path_is_another_at_once():
    subject = Uplinks(inbound=("/x", 600, REPLY))
    subject.heard(1000)
    subject.events()
    other = (202, "text/plain", b"ok")
    subject.reconfigure((row(),), ("/y", 600, other), 1100)
    inbound = subject.inbound
    assert (inbound.path, inbound.reply, inbound.count, inbound.up) == ("/y", other, 1, True)
    assert (inbound.due, subject.events()) == (1600, [])
    subject.reconfigure((row(),), ("/y", 50, other), 1200)
    subject.look(1200)
    assert subject.events() == [("Link", "inbound", "0", 1200)]
    subject.reconfigure((row(),), ("/y", 0, other), 1300)
    assert subject.events() == [("Link", "inbound", "removed", 1300)]
    subject.heard(1400)
    subject.look(10**9)
    assert (subject.inbound.count, subject.events()) == (2, [])
    subject.reconfigure((row(),), ("/y", 10, other), 1500)
    assert subject.events() == [("Link", "inbound", "0", 1500)]
    subject.reconfigure((row(),), None, 1600)
    assert subject.events() == [("Link", "inbound", "removed", 1600)]
    assert subject.inbound is None
    subject.look(10**9)


class NoRoom(Exception):
    pass


def test_settings_that_ran_out_of_memory_are_taken_over_by_the_second_call():
    """Whatever call to the events fails: afterwards all is as if none had."""
    rows = (row("b", THERE, pauses="none"), row("c"), row("d", enabled=False))
    inbound = ("/y", 600, REPLY)
    for failing in range(8):
        subject = Uplinks(row("a"), row("b", THERE), row("d"))
        subject.put(subject.links[0], action(1), 0)
        calls = [0]

        def change(*arguments, calls=calls, failing=failing, real=subject.system.change):
            calls[0] += 1
            if calls[0] == failing + 1:
                raise NoRoom
            real(*arguments)

        subject.system.change = change
        raises(NoRoom, subject.reconfigure, rows, inbound, 10)
        subject.reconfigure(rows, inbound, 20)
        told = [
            (link.name, link.declared is None, link.overflow is None) for link in subject.links
        ]
        assert told == [("b", False, True), ("c", False, False), ("d", True, True)], failing
        assert [link.name for link in subject.gone] == ["a"]
        assert subject.gone[0].declared is subject.gone[0].overflow is None
        assert subject.inbound.declared is not None
        subject.move(None, 30)
        assert queues(subject) == [[], ["/1"], []]
