"""A journal: added to, the oldest dropped, found again, and whole up to where it is damaged."""

from flash import Flash, PowerCut
from holdfast.storage.journal import FILE_BYTES, Journal


def payloads(journal):
    found = []
    for number in journal.numbers():
        data, places = journal.read(number)
        found.extend([data[start:end] for start, end in places])
    return found


def filled(flash, count, size=1000):
    journal = Journal(flash, "j", None, None)
    for i in range(count):
        journal.append(b"%04d" % i + b"x" * (size - 4))
    return journal


def test_files_are_blocks_and_are_found_again_with_and_without_a_hint():
    flash = Flash()
    journal = filled(flash, 10)
    assert journal.count == 3
    assert max([len(data) for data in flash.files.values()]) <= FILE_BYTES
    for hint in ((journal.first, journal.count), (None, None), (0, 1), (0, 0)):
        again = Journal(flash, "j", hint[0], hint[1])
        assert (again.first, again.count) == (0, 3)
        assert [data[:4] for data in payloads(again)] == [b"%04d" % i for i in range(10)]
        assert again.damaged == []


def test_it_goes_round_and_the_oldest_is_dropped():
    flash = Flash()
    journal = filled(flash, 0)
    for i in range(4 * 300):
        journal.append(b"%04d" % i + b"x" * 990)
        if journal.count > 5:
            journal.drop()
    assert len(flash.files) == 5
    assert journal.first == (300 - 5) % 256
    # Over the end of the round, and a dropped file is not looked for.
    for hint in ((journal.first, 5), (None, None), (journal.first - 1, 6)):
        again = Journal(flash, "j", hint[0], hint[1])
        assert (again.first, again.count) == (journal.first, 5)
    assert payloads(again)[-1][:4] == b"1199"


def test_after_a_restart_the_last_file_is_filled_up():
    flash = Flash()
    filled(flash, 2)
    again = Journal(flash, "j", 0, 1)
    again.append(b"more")
    assert again.count == 1
    assert payloads(again)[-1] == b"more"


def test_power_cut_within_a_write_keeps_what_was_there_and_sets_the_rest_aside():
    for left in range(1, 106, 7):
        flash = Flash()
        journal = filled(flash, 2, 100)
        flash.left = left
        try:
            journal.append(b"y" * 100)
            whole = 3
        except PowerCut:
            whole = 2
        flash.left = None
        again = Journal(flash, "j", 0, 1)
        assert len(payloads(again)) == whole
        again.append(b"after")
        assert payloads(again)[-1] == b"after" and len(payloads(again)) == whole + 1
        assert ("j.bad" in flash.files) == (whole == 2)
        assert payloads(Journal(flash, "j", 0, 1))[-1] == b"after"


def test_a_damaged_file_is_set_aside_and_what_is_whole_of_it_stays():
    flash = Flash()
    journal = filled(flash, 10)
    flash.rot("j.1", 1500)
    before = flash.files["j.1"]
    assert len(payloads(journal)) == 7  # three of the four in the second file are lost
    assert journal.damaged == [1]
    journal.repair()
    assert flash.files["j.bad"] == before
    assert len(payloads(journal)) == 7 and journal.damaged == []
    assert journal.numbers() == [0, 1, 2]


def test_a_write_that_fails_is_looked_at_before_the_next():
    flash = Flash()
    journal = filled(flash, 2, 100)
    flash.full = True
    try:
        journal.append(b"lost")
        raise AssertionError("it was written")
    except OSError:
        pass
    flash.full = False
    journal.append(b"next")
    assert [data[:4] for data in payloads(journal)] == [b"0000", b"0001", b"next"]


def test_nothing_in_flash_is_an_empty_journal():
    journal = Journal(Flash(), "j", None, None)
    assert journal.numbers() == [] and payloads(journal) == []
    journal = Journal(Flash(), "j", 17, 9)
    assert journal.count == 0
