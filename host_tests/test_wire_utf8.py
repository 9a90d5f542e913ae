"""What counts as UTF-8 (RFC 3629), the same on both interpreters."""

from claims import raises
from holdfast.wire.utf8 import utf8


def test_ascii_is_text():
    assert utf8(b"") == ""
    assert utf8(b"IO/Port\x00\x7f") == "IO/Port\x00\x7f"


def test_any_buffer_will_do():
    assert utf8(bytearray(b"gr\xc3\xbcn")) == "gr\u00fcn"
    assert utf8(memoryview(b"gr\xc3\xbcn")[2:]) == "\u00fcn"


def test_the_first_and_last_character_of_every_length_pass():
    for data, code in (
        (b"\x7f", 0x7F),
        (b"\xc2\x80", 0x80),
        (b"\xdf\xbf", 0x7FF),
        (b"\xe0\xa0\x80", 0x800),
        (b"\xec\xbf\xbf", 0xCFFF),
        (b"\xed\x80\x80", 0xD000),
        (b"\xed\x9f\xbf", 0xD7FF),
        (b"\xee\x80\x80", 0xE000),
        (b"\xef\xbf\xbf", 0xFFFF),
        (b"\xf0\x90\x80\x80", 0x10000),
        (b"\xf3\xbf\xbf\xbf", 0xFFFFF),
        (b"\xf4\x8f\xbf\xbf", 0x10FFFF),
    ):
        assert utf8(data) == chr(code), data
        assert utf8(b"a" + data + b"\xc3\xbc" + data) == "a" + chr(code) + "\u00fc" + chr(code)


def test_what_is_not_utf8_is_refused_wherever_it_stands():
    for data in (
        b"\x80",
        b"\xbf",
        b"\xc0\x80",  # overlong
        b"\xc1\xbf",
        b"\xe0\x80\x80",
        b"\xe0\x9f\xbf",
        b"\xf0\x80\x80\x80",
        b"\xf0\x8f\xbf\xbf",
        b"\xed\xa0\x80",  # a surrogate
        b"\xed\xbf\xbf",
        b"\xed\xa0\xbd\xed\xb8\x80",
        b"\xf4\x90\x80\x80",  # above U+10FFFF
        b"\xf5\x80\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xfe",
        b"\xff",
        b"\xc3",  # cut
        b"\xe2\x82",
        b"\xf0\x9f\x98",
        b"\xc3a",
        b"\xe2\x82a",
    ):
        for text in (
            data,
            b"ab" + data,
            data + b"ab",
            b"\xe2\x82\xac" + data + b"\xf0\x9f\x98\x80",
        ):
            raises(ValueError, utf8, text)


def test_every_pair_of_a_first_and_a_second_byte_is_judged_by_the_table_of_the_rfc():
    for lead in range(0xC0, 0x100):
        low, high = 0x80, 0xBF
        if lead == 0xE0:
            low = 0xA0
        elif lead == 0xED:
            high = 0x9F
        elif lead == 0xF0:
            low = 0x90
        elif lead == 0xF4:
            high = 0x8F
        rest = b"\x80" * (0 if lead < 0xE0 else 1 if lead < 0xF0 else 2)
        for second in range(0x100):
            data = bytes([lead, second]) + rest
            if 0xC2 <= lead <= 0xF4 and low <= second <= high:
                assert len(utf8(data)) == 1
            else:
                raises(ValueError, utf8, data)
