"""Which JSON and which UTF-8 is read, and how JSON is written: the same on both interpreters."""

from claims import raises
from holdfast.wire.json import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_ESCAPES,
    MAX_ITEMS,
    JsonError,
    loads,
    quote,
    utf8,
)


def test_values_are_read():
    for text, value in (
        (b"null", None),
        (b"true", True),
        (b"false", False),
        (b"0", 0),
        (b"-0", 0),
        (b"7", 7),
        (b"-12", -12),
        (b"0.5", 0.5),
        (b"-0.25", -0.25),
        (b"1e2", 100.0),
        (b"1E+2", 100.0),
        (b"25e-2", 0.25),
        (b"1.5e1", 15.0),
        (b"0e999", 0.0),
        (b'""', ""),
        (b'"a"', "a"),
        (b"[]", []),
        (b"{}", {}),
        (b"[[],{}]", [[], {}]),
        (b'[1,"a",null]', [1, "a", None]),
        (b'{"a":[1,{"b":[]}],"c":{"d":"e"}}', {"a": [1, {"b": []}], "c": {"d": "e"}}),
        (b'{"":0}', {"": 0}),
        (b'{"axhbt:Heartbeat":{"Duration":10000}}', {"axhbt:Heartbeat": {"Duration": 10000}}),
    ):
        result = loads(text)
        assert result == value and type(result) is type(value), (text, result)


def test_blanks_may_stand_between_all_tokens():
    assert loads(b' \t\r\n{ "a"\n:\t[ 1 ,\r2 ] , "b" : { } } \n') == {"a": [1, 2], "b": {}}
    for blank in (b"\x0b", b"\x0c", b"\x00", b"\xc2\xa0", b"\xe2\x80\xa8"):
        for text in (blank + b"1", b"1" + blank, b"[" + blank + b"]"):
            raises(JsonError, loads, text)


def test_one_comma_before_a_closing_bracket_is_forgiven():
    assert loads(b'{"Duration": 10000,}') == {"Duration": 10000}
    assert loads(b"[1 , ]") == [1]
    assert loads(b'{"a":[1,],}') == {"a": [1]}


def test_no_other_comma_is_forgiven():
    for text in (
        b"[,]",
        b"{,}",
        b"[1,,]",
        b'{"a":1,,}',
        b"[,1]",
        b'{,"a":1}',
        b"1,",
        b",1",
        b"[],",
    ):
        raises(JsonError, loads, text)


def test_what_lax_parsers_take_is_refused():
    for text in (
        b"",
        b" ",
        b"[1 2]",
        b'{"a" 1}',
        b'{"a":1 "b":2}',
        b"[1}",
        b'{"a":1]',
        b"{1:2}",
        b'{"a"}',
        b'{"a":}',
        b'{"a":,}',
        b'{"a"::1}',
        b'{"a",1}',
        b"{null:1}",
        b"{[]:1}",
        b"[1:2]",
        b":",
        b"]",
        b"}",
        b"[",
        b"{",
        b"[1",
        b"[1,",
        b'{"a"',
        b'{"a":',
        b'{"a":1',
        b'{"a":1,',
        b"[]]",
        b"{}x",
        b"1 2",
        b'"a""b"',
        b"nul",
        b"nullx",
        b"True",
        b"truefalse",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"-",
        b"'a'",
        b"{a:1}",
        b"/**/1",
        b"1//",
        b"1\xef\xbb\xbf",  # a byte order mark, at the end
        b"\xef\xbb\xbf\xef\xbb\xbf1",
        b"\xef\xbb\xbf",
        b"\x00",
        b"1\x00",
        b"undefined",
    ):
        raises(JsonError, loads, text)


def test_numbers_follow_the_grammar():
    for text in (
        b"01",
        b"-01",
        b"00",
        b"1.",
        b".5",
        b"-.5",
        b"+1",
        b"--1",
        b"1e",
        b"1e+",
        b"1.e1",
        b"1.5.5",
        b"1e1.5",
        b"1e1e1",
        b"0x10",
        b"1_0",
        b"1_0.5",
        b"1.0_1",
        b"1e1_0",
        b"1a",
        b"1-",
        b"- 1",
        b"\xd9\xa1",
        b"1\xd9\xa1",
        b"1j",
        b"inf",
        b"nan",
    ):
        raises(JsonError, loads, text)
        raises(JsonError, loads, b"[" + text + b"]")


def test_integers_have_at_most_fifteen_digits():
    assert loads(b"9" * MAX_DIGITS) == 10**MAX_DIGITS - 1
    assert loads(b"-" + b"9" * MAX_DIGITS) == 1 - 10**MAX_DIGITS
    raises(JsonError, loads, b"1" + b"0" * MAX_DIGITS)
    raises(JsonError, loads, b"-1" + b"0" * MAX_DIGITS)
    raises(JsonError, loads, b"9" * 1000)


def test_numbers_beyond_the_floats_are_refused():
    for text in (
        b"1e400",
        b"-1e400",
        b"[1.5E+999]",
        b"1e99999999999999999999",
        b"9" * 400 + b".0",
    ):
        raises(JsonError, loads, text)
    assert loads(b"1e-400") == 0.0


def test_no_number_becomes_a_boolean_nor_the_other_way_round():
    assert [type(value) for value in loads(b"[1,true,1.0]")] == [int, bool, float]


def test_strings_keep_every_character():
    for text, value in (
        (b'"gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80 \x7f"', "gr\u00fcn \u20ac \U0001f600 \x7f"),
        (b'"{[,:]}"', "{[,:]}"),
        (b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'),
        (b'"\\\\"', "\\"),
        (b'"\\\\\\""', '\\"'),
        (b'"a\\nb\\\\nc"', "a\nb\\nc"),
        (b'"\\u0041\\u00fc\\u20AC\\u20ac"', "A\u00fc\u20ac\u20ac"),
        (b'"\\u0000\\u001F"', "\x00\x1f"),
        (b'"\\ud7ff\\ue000\\uffff"', "\ud7ff\ue000\uffff"),
        (b'"a\\ud83d\\ude00b"', "a\U0001f600b"),
        (b'"\\uD800\\uDC00\\udbff\\udfff"', "\U00010000\U0010ffff"),
        (b'"\xc3\xbc\\n\xc3\xbc"', "\u00fc\n\u00fc"),
        (b'"\\\\u0041"', "\\u0041"),
    ):
        assert loads(text) == value, text
        assert loads(b'{"k":' + text + b"," + text + b":[1]}") == {"k": value, value: [1]}, text


def test_strings_that_end_late_or_never_are_refused():
    for text in (
        b'"',
        b'"a',
        b'"\\"',
        b'"\\',
        b'"\\\\\\"',
        b'"\\u',
        b'"\\u00',
        b'"\\ud83d\\u',
        b'{"a',
    ):
        raises(JsonError, loads, text)


def test_control_characters_in_strings_are_refused():
    for code in range(32):
        character = bytes([code])
        for text in (
            b'"' + character + b'"',
            b'"a\\n' + character + b'"',
            b'{"' + character + b'":1}',
        ):
            raises(JsonError, loads, text)


def test_bad_escapes_are_refused():
    for escape in (b"x", b"a", b"0", b"'", b"N", b"U0001f600", b" ", b"\n", b"\xc3\xbc", b"\x00"):
        raises(JsonError, loads, b'"\\' + escape + b'"')
    for digits in (
        b"",
        b"1",
        b"123",
        b"123g",
        b"+123",
        b"-123",
        b" 123",
        b"0x12",
        b"1_23",
        b"12\xc2\xb2",
    ):
        raises(JsonError, loads, b'"\\u' + digits + b'"')
        raises(JsonError, loads, b'"\\ud83d\\u' + digits + b'"')


def test_half_a_surrogate_pair_is_refused():
    for text in (
        b"\\ud800",
        b"\\udbff.",
        b"\\udc00",
        b"\\udfff\\ud800",
        b"\\ud83d\\ud83d",
        b"\\ud83d\\u0041",
        b"\\ud83d\\n",
        b"\\ud83d \\ude00",
        b"\\ud83d\\\\ude00",
        b"\\ud83d\\ue000",
        b"\\ud83d\\ude00\\ude00",
    ):
        raises(JsonError, loads, b'"' + text + b'"')


def test_strings_are_utf8():
    for text in (
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc3",
        b"\xe0\x80\x80",
    ):
        for string in (
            b'"' + text + b'"',
            b'"\\n' + text + b'"',
            b'"' + text + b'\\n"',
            b"[" + text + b"]",
        ):
            raises(JsonError, loads, string)
    raises(JsonError, loads, b'"\xc3\\n\xbc"')


def test_the_last_of_equal_keys_wins():
    assert loads(b'{"a":1,"b":2,"a":3}') == {"a": 3, "b": 2}
    assert loads(b'{"a":1,"\\u0061":2}') == {"a": 2}


def test_nesting_is_bounded():
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")):
        times = MAX_DEPTH // (2 if opening[-1:] == b":" and opening[:1] == b"[" else 1)
        loads(opening * times + b"0" + closing * times)
        raises(JsonError, loads, opening * (times + 1) + b"0" + closing * (times + 1))
    raises(JsonError, loads, b"[" * 50000)
    assert loads(b"[" + b"[]," * 1000 + b"[]]", -1) == [[]] * 1001


def test_a_byte_order_mark_in_front_is_skipped():
    assert loads(b"\xef\xbb\xbf" + b'{"result":"fail"}') == {"result": "fail"}
    assert loads(b"\xef\xbb\xbf 1 ") == 1


def test_values_are_counted_inner_ones_too():
    assert len(loads(b"[" + b"1," * (MAX_ITEMS - 1) + b"]")) == MAX_ITEMS - 1
    for text in (b"[" + b"1," * MAX_ITEMS + b"]", b'[{"a":{}},' * MAX_ITEMS + b"]"):
        raises(JsonError, loads, text)
    row = b'{"a":[{"b":{}}]}'  # five values
    assert len(loads(b"[" + b",".join([row] * 3) + b"]", 13)) == 3
    raises(JsonError, loads, b"[" + b",".join([row] * 3) + b"]", 12)


def test_escapes_are_counted_too_but_not_in_settings():
    text = b'"' + b"\\u00e9" * MAX_ESCAPES + b'"'
    assert loads(text) == "\u00e9" * MAX_ESCAPES
    longer = b'"' + b"\\u00e9" * (MAX_ESCAPES + 1) + b'"'
    raises(JsonError, loads, longer)
    assert loads(longer, -1) == "\u00e9" * (MAX_ESCAPES + 1)


def test_runs_of_backslashes():
    for count in range(1, 12):
        text = b'"' + b"\\" * count + b'"'
        if count % 2:
            raises(JsonError, loads, text)
            assert loads(text + b'"') == "\\" * (count // 2) + '"'
        else:
            assert loads(text) == "\\" * (count // 2)
    assert loads(b'["\\\\n","\\\\\\n","\\\\u0041","\\\\\\u0041"]') == [
        "\\n",
        "\\\n",
        "\\u0041",
        "\\A",
    ]


def test_the_error_says_where():
    for text, position in (
        (b"", 0),
        (b"[1 2]", 3),
        (b'{"a" 1}', 5),
        (b"{1:2}", 1),
        (b"[1,x]", 3),
        (b"[1", 2),
        (b"[01]", 1),
        (b"[1.]", 3),
        (b'["\x01"]', 2),
        (b'["\\x"]', 2),
        (b'{"a":1}x', 7),
    ):
        error = raises(JsonError, loads, text)
        assert error.position == position, (text, error.position)
        assert isinstance(error, ValueError) and isinstance(error.args[0], str)


def test_every_cut_of_a_text_is_refused():
    text = b'{"a":[1.5e3,true,"\\ud83d\\ude00 \xe2\x82\xac",{"b":null}],}'
    loads(text)
    for end in range(len(text)):
        raises(JsonError, loads, text[:end])


def test_text_is_quoted_with_the_shortest_escapes():
    for text, quoted in (
        ("", '""'),
        ("IO/Port", '"IO/Port"'),
        ('a "b" \\', '"a \\"b\\" \\\\"'),
        ("\b\f\n\r\t", '"\\b\\f\\n\\r\\t"'),
        ("\x00\x1f\x7f", '"\\u0000\\u001f\x7f"'),
        ("\\n\n", '"\\\\n\\n"'),
        ("gr\u00fcn \u20ac \U0001f600", '"gr\u00fcn \u20ac \U0001f600"'),
        ("\u2028", '"\u2028"'),
    ):
        assert quote(text) == quoted, text


def test_what_is_quoted_reads_back():
    for code in list(range(0x180)) + [0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF]:
        text = "a" + chr(code) + '"\\' + chr(code)
        assert loads(quote(text).encode()) == text, code


def in_steps(data, limit=MAX_ITEMS):
    """(what it is, number of steps)."""
    kept = []
    count = 0
    while True:
        value = loads(data, limit, kept)
        count += 1
        if not kept:
            return value, count
        assert value is None and count <= len(data)


def test_a_text_read_in_steps_is_what_it_is_at_once():
    row = b'{"a": [1, 2.5, {"b": "\\u00e9\\n"}], "": null, "t": {"x": [[], {}]}}'
    for count in (1, 2, 10, 100):
        data = b"[" + b",\n".join([row] * count) + b"]"
        value, steps = in_steps(data, -1)
        assert value == loads(data, -1) and len(value) == count
        assert len(data) // 400 <= steps <= len(data) // 200 + 1, (count, steps)
    for data in (b"1", b"[]", b'\xef\xbb\xbf{"a":1}', b'"' + b"a" * 3000 + b'"'):
        assert in_steps(data) == (loads(data), 1), data
    # Its end, its mistakes and its limits are where they are.
    for data in (
        b"[" + b"1," * 200,
        b"[" + b"1," * 200 + b"?]",
        b"[" + b"[]," * 200 + b"]]",
        b" " * 600 + b"1 2",
        b"[" + b"1," * (MAX_ITEMS + 1) + b"1]",
        b"[" + b"\n" * 500 + b"[" * MAX_DEPTH + b"1",
        b'"' + b"\\n" * (MAX_ESCAPES + 1) + b'"',
        b" " * 600,
    ):
        once = raises(JsonError, loads, data)
        error = raises(JsonError, in_steps, data)
        assert (str(error), error.position) == (str(once), once.position), data


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
