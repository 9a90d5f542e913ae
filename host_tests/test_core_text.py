"""Which texts look the same wherever they are told."""

from holdfast.core.text import MAX_NAME, printable


def test_a_text_without_control_characters_is_printable():
    for text in ("", " ", "~", "a b", "T\u00fcr", "\u2713", "x" * MAX_NAME):
        assert printable(text), text
    for code in list(range(32)) + [127]:
        assert not printable("a%sb" % chr(code)), code
    assert MAX_NAME == 32


def test_exactly_these_characters_beyond_ascii_are_refused():
    """Around each range, alone and between others: controls, separators, marks of direction."""
    refused = set(range(0x20)) | set(range(0x7F, 0xA0)) | {0x61C, 0x200E, 0x200F}
    refused |= set(range(0x2028, 0x202F)) | set(range(0x2066, 0x206A))
    codes = set()
    for code in refused:
        codes |= {code - 2, code - 1, code, code + 1, code + 2}
    for code in sorted(codes | set(range(0x250))):
        if code >= 0:
            for text in ("%s", "a%sb", "\u00fc%s", "%s\u2713"):
                said = printable(text % chr(code))
                assert said is (code not in refused), (hex(code), text)


def test_two_characters_side_by_side_are_not_taken_for_another():
    """Bytes of one and of the next one together: U+00C2 is C3 82, U+00DF C3 9F, U+0622 D8 A2."""
    for text in ("\u00c2\u00a0", "\u0618\u00dc", "\u0422\u2713", "\U0001f9c0", "\u0142\u0080"[:1]):
        assert printable(text) is True
