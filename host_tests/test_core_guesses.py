"""Refused logins slow down whoever made them, and nobody else."""

from holdfast.core.guesses import FIRST_MS, FREE, KEPT, LONGEST_MS, Guesses


def test_the_first_ones_are_free_then_the_delay_doubles():
    guesses = Guesses()
    delays = [guesses.wrong("a", 1000) for _ in range(FREE + 8)]
    assert delays[:FREE] == [0] * FREE
    assert delays[FREE:] == [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]
    assert FIRST_MS == 250 and LONGEST_MS == 8000
    assert guesses.wait("a", 1000) == 8000
    assert guesses.wait("a", 8999) == 1
    assert guesses.wait("a", 9000) == 0
    assert guesses.wait("b", 1000) == 0


def test_guesses_of_one_address_in_a_minute():
    guesses = Guesses()
    count = 0
    for now in range(0, 600000, 10):
        if not guesses.wait("a", now):
            guesses.wrong("a", now)
            count += now >= 540000  # the last minute of ten
    assert count <= 8


def test_an_address_is_forgotten():
    guesses = Guesses()
    for _ in range(FREE + 9):
        guesses.wrong("a", 0)
    assert guesses.wrong("a", 299999) == LONGEST_MS
    assert guesses.wrong("a", 299999 + 300000) == 0


def test_many_addresses_push_nobody_out_and_share_one_place():
    guesses = Guesses()
    for _ in range(FREE + 9):
        guesses.wrong("first", 0)
    count = 0
    for number in range(1, 2000):
        address = "%d" % number
        if not guesses.wait(address, number * 30):
            guesses.wrong(address, number * 30)
            count += 1
    assert count <= KEPT * FREE + FREE + 20
    assert guesses.wait("first", 7000) == 1000


def test_after_a_minute_a_place_is_free_again():
    guesses = Guesses()
    for number in range(KEPT + 3):
        for _ in range(FREE + 1):
            guesses.wrong("%d" % number, number)
    assert guesses.wait("new", 300) > 0
    assert guesses.wait("new", 70000) == 0
    assert guesses.wrong("new", 70000) == 0
    assert guesses.wait("1", 70000) == 0


def test_five_are_free_sixteen_are_kept():
    assert (FREE, KEPT) == (5, 16)


def filled(count=KEPT, at=0):
    guesses = Guesses()
    for number in range(count):
        for _ in range(FREE + 1):
            guesses.wrong("%d" % number, at + number)
    return guesses


def test_a_full_table_gives_the_place_of_who_was_silent_for_longest():
    guesses = filled()
    guesses.wrong("0", 100)  # who came first is not silent
    assert guesses.wrong("new", 60001) == 0
    assert guesses.wrong("0", 60001) > 0 and guesses.wrong("2", 60001) > 0
    assert len(guesses._rows) == KEPT


def test_the_last_place_is_free_until_it_is_taken():
    guesses = filled(KEPT - 1)
    for count in range(FREE):
        assert guesses.wrong("new", 100) == 0, count
    assert guesses.wrong("new", 100) == FIRST_MS
    for _ in range(FREE):
        assert guesses.wrong("other", 100) == 0
    # From here on all who come share one place, which is none of those that were taken.
    assert guesses.wrong("third", 100) == FIRST_MS
    assert guesses.wrong("new", 100) == 2 * FIRST_MS
    for _ in range(FREE * 3):
        guesses.wrong("fourth", 100)
    assert len(guesses._rows) == KEPT + 1


def test_a_place_is_taken_for_a_minute():
    for after, shared in ((59999, True), (60000, False)):
        guesses = filled()
        for number in range(1, KEPT):
            guesses.wrong("%d" % number, 30000)
        for _ in range(FREE):
            guesses.wrong("x", after)
        for _ in range(2):
            guesses.wrong("y", after)
        assert (guesses.wait("y", after) > 0) is shared, after


def test_many_share_a_place_that_counts_for_no_one_alone():
    guesses = filled()
    for _ in range(FREE + 2):
        guesses.wrong("x", 2000)
    # A minute later one of the sixteen has gone: who comes has a place, though the shared one is
    # there still.
    for number in range(1, KEPT):
        guesses.wrong("%d" % number, 59000)
    assert guesses.wait("x", 61000) == 0 and guesses.wrong("x", 61000) == 0
