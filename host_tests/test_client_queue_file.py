"""Queues in flash: what comes back, and what does not."""

from flash import Flash
from holdfast.client.queue_file import NAME, load, mark, save
from holdfast.core.events import EventSystem
from holdfast.core.rules import NOTIFY
from holdfast.core.uplinks import QUEUED, Links

HERE = (False, "192.0.2.1", 80)


class Rule:
    def __init__(self, action):
        self.action = action


class Rules:
    def __init__(self, *actions):
        self.rules = [Rule(action) for action in actions] + [Rule((0, 4, True))]


def action(number):
    return NOTIFY, HERE, "/%d" % number, "T\u00fcr\n%d" % number, "me", "secret"


def links(*names):
    rows = [(0, name, HERE, "/", 300000, (), "own", (), True) for name in names]
    return Links(EventSystem(), rows, None, lambda n: bytes(n), 0)


def waiting(subject):
    return [[(entry[0][2], entry[1]) for entry in link.queue] for link in subject.links]


def test_what_waits_comes_back_in_its_order_with_its_time():
    flash = Flash()
    before = links("a", "b")
    for link, number, at in ((0, 1, 1000), (1, 2, 2000), (0, 3, 3000), (0, 1, 4000)):
        before.put(before.links[link], action(number), at)
    assert save(flash, before, 5000, 1700000000000)
    after = links("a", "b")
    # Up for 10 s, ten minutes later.
    epoch_ms = 1700000600000
    assert load(flash, after, Rules(*[action(i) for i in range(4)]), epoch_ms, 5) == 0
    assert waiting(after) == [
        [("/1", 1000 - 600000), ("/3", 3000 - 600000), ("/1", 4000 - 600000)],
        [("/2", 2000 - 600000)],
    ]


def test_without_the_time_nobody_knows_when_it_was():
    for then, now in ((0, 1700000000000), (1700000000000, 0), (0, 0)):
        flash = Flash()
        before = links("a")
        before.put(before.links[0], action(1), 1000)
        save(flash, before, 5000, then)
        after = links("a")
        assert load(flash, after, Rules(action(1)), now, 5) == 0
        assert waiting(after) == [[("/1", None)]]


def test_no_secret_goes_into_the_file():
    flash = Flash()
    before = links("a")
    before.put(before.links[0], action(1), 0)
    save(flash, before, 0, 0)
    assert flash.files[NAME] == ("a %s 0\n" % mark(action(1))).encode()


def test_what_is_in_no_rule_or_has_no_link_any_more_is_counted():
    flash = Flash()
    before = links("a", "b")
    for number in range(3):
        before.put(before.links[0], action(number), 0)
    before.put(before.links[1], action(0), 0)
    save(flash, before, 0, 0)
    after = links("a")
    assert load(flash, after, Rules(action(0), action(2)), 0, 5) == 2
    assert waiting(after) == [[("/0", None), ("/2", None)]]
    assert load(flash, links("a"), None, 0, 5) == 4


def test_an_empty_queue_is_no_file_and_costs_no_write():
    flash = Flash()
    subject = links("a")
    assert not save(flash, subject, 0, 0) and flash.writes == 0
    subject.put(subject.links[0], action(1), 0)
    assert save(flash, subject, 0, 0) and list(flash.files) == [NAME]
    subject.links[0].queue.clear()
    assert save(flash, subject, 0, 0) and flash.files == {}
    assert load(flash, links("a"), Rules(), 0, 5) == 0


def test_a_damaged_file_gives_what_is_whole():
    flash = Flash()
    before = links("a")
    for number in range(3):
        before.put(before.links[0], action(number), 0)
    save(flash, before, 0, 0)
    good = flash.files[NAME]
    rules = Rules(*[action(i) for i in range(3)])
    for at in range(len(good)):
        for end in (b"", b"\xff", b"\n", b" "):
            flash.files[NAME] = good[:at] + end + good[at + 1 :]
            after = links("a")
            lost = load(flash, after, rules, 0, 5)
            assert 0 <= lost <= 3 and len(after.links[0].queue) >= 1


def test_no_more_come_back_than_a_queue_holds():
    flash = Flash()
    flash.files[NAME] = ("a %s 0\n" % mark(action(0))).encode() * (QUEUED + 5)
    after = links("a")
    assert load(flash, after, Rules(action(0)), 0, 5) == 5
    assert len(after.links[0].queue) == QUEUED


def test_what_came_back_without_its_time_is_saved_without_it():
    flash = Flash()
    before = links("a")
    before.put(before.links[0], action(1), 1000)
    save(flash, before, 5000, 0)
    saved = flash.files[NAME]
    after = links("a")
    load(flash, after, Rules(action(1)), 0, 5)
    # Meanwhile the time is known.
    assert save(flash, after, 6000, 1700000000000)
    assert flash.files[NAME] == saved
