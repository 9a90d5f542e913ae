"""Our JSON against CPython's: the same values, and nothing it refuses (CPython only)."""

import json
import math
import re

from holdfast.wire.json import MAX_DEPTH, JsonError, loads, quote
from hypothesis import example, given, settings
from hypothesis import strategies as st

BOUND = 10**15 - 1
# A string, or a comma that ours forgives; in what ours accepts, nothing else looks like one.
COMMA = re.compile(rb'"(?:[^"\\]|\\.)*"|,(?=[ \t\r\n]*[\]}])', re.DOTALL)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-BOUND, BOUND)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)
# What JSON is made of, and what people and machines put in by mistake.
PIECES = (
    r"""{ } [ ] , : " \ \u d83d \ud83d \ude00 \n 0 1 01 12 -1 . e E + - _ 1e5 1.5 1e400 true"""
    """ false null NaN Infinity a "a" "b" "" ,, // ' \x00 \x1f \x7f \xa0 \xfc \u20ac \U0001f600 """
)
pieces = st.sampled_from([*PIECES.split(" "), " ", "\n", "\t", "\r", "\ufeff"])


def depth(value):
    """Return how deep lists and objects stand in each other."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def refuse(name):
    raise ValueError(name)


def strict(data):
    """CPython's reading of the bytes, without its own extensions."""
    value = json.loads(data.removeprefix(b"\xef\xbb\xbf").decode("utf-8"), parse_constant=refuse)
    json.dumps(value, ensure_ascii=False).encode()  # refuses half a surrogate pair
    return value


def keep_strings(match):
    return b"" if match[0] == b"," else match[0]


def same(one, other):
    """Equal, in type and sign as well."""
    return repr(one) == repr(other)


@settings(max_examples=200)
@given(values, st.booleans(), st.sampled_from([None, 0, 1, "\t"]))
def test_what_cpython_writes_is_read_as_cpython_reads_it(value, ensure_ascii, indent):
    text = json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)
    if depth(value) <= MAX_DEPTH:
        assert same(loads(text.encode()), value)


def beyond(value):
    """Tell whether a number in the value exceeds what ours takes."""
    if isinstance(value, dict):
        return any(map(beyond, value.values()))
    if isinstance(value, list):
        return any(map(beyond, value))
    if isinstance(value, float):
        return math.isinf(value)
    return isinstance(value, int) and abs(value) > BOUND


def judge(data):
    """Whatever the bytes are, ours refuses them or gives CPython's value."""
    try:
        ours = loads(data)
    except JsonError as error:
        assert 0 <= error.position <= len(data)
        try:
            theirs = strict(data)
        except (ValueError, RecursionError):
            return
        # An earlier one of equal keys is not in the value, but counts for us.
        assert depth(theirs) > MAX_DEPTH or beyond(theirs) or data.count(b":") > 1, data
    else:
        theirs = strict(COMMA.sub(keep_strings, data))
        assert same(ours, theirs)


@settings(max_examples=600)
@given(st.lists(pieces, max_size=14).map("".join))
@example('{"Duration": 10000,}')
@example("[-0, -0.0, 0e999]")
def test_texts_of_pieces_are_judged_as_cpython_judges_them(text):
    judge(text.encode())


@settings(max_examples=600)
@given(values, st.booleans(), st.data())
def test_mutated_texts_are_judged_as_cpython_judges_them(value, ensure_ascii, data):
    text = json.dumps(value, ensure_ascii=ensure_ascii)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 4)))
        text = text[:start] + data.draw(pieces | st.just("")) + text[end:]
    judge(text.encode())


@settings(max_examples=400)
@given(values, st.data())
def test_mutated_bytes_are_judged_as_cpython_judges_them(value, data):
    text = bytearray(json.dumps(value, ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    judge(bytes(text))


@given(st.binary(max_size=40))
def test_random_bytes_raise_nothing_but_our_error(data):
    judge(data)


@given(st.from_regex(r"\A-?[0-9]{0,17}(\.[0-9]{0,4})?([eE][+-]?[0-9]{0,4})?\Z"))
def test_numbers_are_judged_as_cpython_judges_them(text):
    data = text.encode()
    try:
        theirs = strict(data)
    except ValueError:
        theirs = None
    if isinstance(theirs, int) and abs(theirs) > BOUND:
        theirs = None
    if isinstance(theirs, float) and math.isinf(theirs):
        theirs = None
    try:
        ours = loads(data)
    except JsonError:
        ours = None
    assert same(ours, theirs)


@settings(max_examples=200)
@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("".join(map(chr, range(0x100))))
def test_text_is_quoted_as_cpython_quotes_it(text):
    assert quote(text) == json.dumps(text, ensure_ascii=False)
