"""Tokens: who shows one, and that looking for it does not end early."""

import hashlib

from holdfast.core.tokens import OPERATOR, PING, ROLES, VIEWER, token_row

ROWS = tuple(
    [
        (name, role, hashlib.sha256(name.encode()).digest())
        for name, role in (("first", PING), ("second", VIEWER), ("third", OPERATOR))
    ]
)


def test_a_token_is_found_by_its_hash_whatever_its_place():
    for row in ROWS:
        assert token_row(ROWS, row[0]) == row
    assert token_row(ROWS, "") is None
    assert token_row(ROWS, "First") is None
    assert token_row((), "first") is None


class Counted(bytes):
    """Bytes that count how many of them were looked at."""

    looked = 0

    def __iter__(self):
        for byte in bytes(self):
            Counted.looked += 1
            yield byte


def test_every_byte_of_every_row_is_looked_at_whoever_asks():
    looks = []
    for token in ("first", "third", "nobody"):
        Counted.looked = 0
        rows = [(name, role, Counted(digest)) for name, role, digest in ROWS]
        token_row(rows, token)
        looks.append(Counted.looked)
    # MicroPython's bytes do not ask a subclass; there nothing is counted.
    assert looks in ([96, 96, 96], [0, 0, 0])


def test_each_role_may_what_the_ones_before_it_may():
    assert (PING, VIEWER, OPERATOR) == (0, 1, 2)
    assert (ROLES[PING], ROLES[VIEWER], ROLES[OPERATOR]) == ("ping", "viewer", "operator")
