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
