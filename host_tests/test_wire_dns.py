"""Questions and replies, byte for byte, and the replies that lie, loop and end too early."""

from claims import raises
from holdfast.wire.dns import MAX_ADDRESSES, BadReply, Refused, answer, question

NAME = "www.example.com"
QNAME = b"\x03www\x07example\x03com\x00"
QUESTION = QNAME + b"\x00\x01\x00\x01"
HERE = b"\xc0\x0c"  # the name of the question


def reply(*records, flags=b"\x81\x80", number=7, asked=QUESTION, count=None, questions=1):
    """A reply; records: whole ones as bytes."""
    count = len(records) if count is None else count
    head = bytes((number >> 8, number & 255)) + flags + bytes((0, questions, 0, count, 0, 0, 0, 0))
    return head + asked + b"".join(records)


def record(owner, kind, value, seconds=300, group=1):
    length = bytes((len(value) >> 8, len(value) & 255))
    return owner + bytes((0, kind, 0, group)) + seconds.to_bytes(4, "big") + length + value


def a(*parts, owner=HERE, seconds=300):
    return record(owner, 1, bytes(parts), seconds)


def alias(owner, name, seconds=300):
    return record(owner, 5, name, seconds)


def get(data, number=7, name=NAME):
    return answer(data, number, name)


def test_a_question_is_as_the_rfc_has_it():
    assert question(0xABCD, NAME) == (
        b"\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + QUESTION
    )


def test_addresses_come_with_the_least_of_their_times():
    data = reply(a(192, 0, 2, 1), a(192, 0, 2, 2, seconds=60))
    assert get(data) == (["192.0.2.1", "192.0.2.2"], 60)
    assert len(get(reply(*[a(192, 0, 2, i) for i in range(9)]))[0]) == MAX_ADDRESSES
    assert get(reply(a(192, 0, 2, 1, seconds=2**31 + 5)))[1] == 0  # RFC 2181 section 8


def test_letters_of_either_case_are_the_same():
    asked = b"\x03WWW\x07eXample\x03com\x00\x00\x01\x00\x01"
    assert get(reply(a(192, 0, 2, 1), asked=asked)) == (["192.0.2.1"], 300)


def test_aliases_are_followed_in_whatever_order_they_come():
    one, two = b"\x03one\xc0\x10", b"\x03two\x07example\x03com\x00"
    rows = [alias(HERE, one, 50), alias(one, two, 40), a(192, 0, 2, 9, owner=two, seconds=70)]
    assert get(reply(*rows)) == (["192.0.2.9"], 40)
    assert get(reply(*reversed(rows))) == (["192.0.2.9"], 40)


def test_aliases_in_a_circle_and_without_end_lead_nowhere():
    one = b"\x03one\xc0\x10"
    assert get(reply(alias(HERE, one), alias(one, HERE))) == ([], 0)
    assert get(reply(alias(HERE, HERE))) == ([], 0)
    assert get(reply(alias(HERE, one))) == ([], 0)
    names = [b"\x01" + bytes((97 + i,)) + b"\x00" for i in range(12)]
    rows = [alias(names[i], names[i + 1]) for i in range(11)] + [a(1, 2, 3, 4, owner=names[11])]
    assert get(reply(alias(HERE, names[0]), *rows)) == ([], 0)


def test_what_was_not_asked_for_is_passed_over():
    other = b"\x05other\x07example\x03com\x00"
    rows = [
        a(6, 6, 6, 6, owner=other),
        record(HERE, 28, b"\x00" * 16),
        record(HERE, 1, b"\x01\x02\x03\x04", group=3),
        record(HERE, 1, b"\x01\x02\x03"),
        record(HERE, 16, b"\x04text"),
        a(192, 0, 2, 1),
    ]
    assert get(reply(*rows)) == (["192.0.2.1"], 300)


def test_no_such_name_and_no_address_are_answers():
    assert get(reply(flags=b"\x81\x83")) == ([], 0)
    assert get(reply()) == ([], 0)


def test_a_server_that_cannot_help_is_told_apart():
    for code in (1, 2, 4, 5, 15):
        raises(Refused, get, reply(flags=bytes((0x81, 0x80 | code))))


def test_a_reply_that_is_cut_off_counts_as_far_as_it_goes():
    whole = reply(a(192, 0, 2, 1), a(192, 0, 2, 2), flags=b"\x83\x80")
    assert get(whole[:-16]) == (["192.0.2.1"], 300)
    raises(Refused, get, reply(flags=b"\x83\x80"))
    raises(Refused, get, whole[:-32])


def test_a_reply_to_something_else_is_none():
    good = a(192, 0, 2, 1)
    for data in (
        reply(good, number=8),
        reply(good, number=0x0107),
        reply(good, asked=b"\x03wwx\x07example\x03com\x00\x00\x01\x00\x01"),
        reply(good, asked=QNAME + b"\x00\x1c\x00\x01"),
        reply(good, asked=QNAME + b"\x00\x01\x00\x03"),
        reply(good, asked=b"", questions=0),
        reply(good, asked=QUESTION + QUESTION, questions=2),
        reply(good, flags=b"\x01\x80"),  # a question
        reply(good, flags=b"\xa1\x80"),  # another opcode
        question(7, NAME),
        b"",
        b"\x00\x07",
    ):
        raises(BadReply, get, data)


def test_pointers_lead_back_only():
    at = 12 + len(QUESTION)
    for owner in (
        bytes((0xC0, at)),  # to itself
        bytes((0xC0, at + 2)),  # ahead
        b"\xff\xff",
        b"\xc0\x00",  # into the head
        b"\xc0\x0b",
        b"\x01a" + bytes((0xC0, at)),  # to the beginning of this name: for ever
    ):
        raises(BadReply, get, reply(a(192, 0, 2, 1, owner=owner)))
    # One that leads to another, which leads back to it.
    first = record(bytes((0xC0, at + 12)), 1, bytes((0xC0, at)) + b"\x00\x00")
    raises(BadReply, get, reply(first))


def test_names_have_an_end():
    label = b"\x3f" + b"a" * 63
    raises(BadReply, get, reply(a(192, 0, 2, 1, owner=label * 4 + b"\x00")))
    for length in (0x40, 0x80, 0xBF):
        raises(BadReply, get, reply(a(192, 0, 2, 1, owner=bytes((length,)) + b"a" * 255)))


def test_a_reply_that_ends_anywhere_is_no_reply_or_has_less():
    one = b"\x03one\xc0\x10"
    whole = reply(alias(HERE, one), a(192, 0, 2, 1, owner=one))
    assert get(whole) == (["192.0.2.1"], 300)
    for end in range(len(whole)):
        raises(BadReply, get, whole[:end])


def test_every_flipped_byte_is_met_with_an_answer_or_a_refusal():
    one = b"\x03one\xc0\x10"
    whole = reply(alias(HERE, one), a(192, 0, 2, 1, owner=one))
    for at in range(len(whole)):
        for flip in (1, 0x40, 0x80, 0xC0, 0xFF):
            data = bytearray(whole)
            data[at] ^= flip
            try:
                addresses, seconds = get(bytes(data))
                assert len(addresses) <= MAX_ADDRESSES and 0 <= seconds < 2**31
            except (BadReply, Refused):
                pass


def test_more_records_than_anybody_sends_are_not_looked_at():
    other = b"\x01x\x00"
    rows = [a(1, 1, 1, 1, owner=other)] * 40 + [a(192, 0, 2, 1)]
    assert get(reply(*rows)) == ([], 0)
