"""Filters against references that evaluate what they were written from (CPython only)."""

from holdfast.core.contentfilter import MAX_TERMS, content_filter, content_matches
from holdfast.core.topicfilter import MAX_LENGTH, FilterError, topic_filter, topic_matches
from hypothesis import given, settings
from hypothesis import strategies as st

words = st.sampled_from(["port", "state", "0", "1", "", "and", "a b", "\u00fc", "])"])
items = st.lists(st.tuples(words, words), max_size=4).map(tuple)


def trees(leaves):
    """Trees of and, or, not over the leaves, as tuples."""
    return st.recursive(
        leaves,
        lambda inner: (
            st.tuples(st.sampled_from(["and", "or"]), inner, inner)
            | st.tuples(st.just("not"), inner)
        ),
        max_leaves=4,
    )


attributes = trees(st.tuples(st.sampled_from(["Name", "Value"]), words))
existences = st.tuples(
    st.sampled_from(["SimpleItem", "tt:SimpleItem", "ElementItem", "tt:ElementItem"]), attributes
)
expressions = trees(existences)


def judge(tree, event, item=None):
    """The reference: does the tree hold for the event, or for one item of it?"""
    kind = tree[0]
    if kind == "and":
        return judge(tree[1], event, item) and judge(tree[2], event, item)
    if kind == "or":
        return judge(tree[1], event, item) or judge(tree[2], event, item)
    if kind == "not":
        return not judge(tree[1], event, item)
    if item is not None:
        return item[kind == "Value"] == tree[1]
    return kind.endswith("SimpleItem") and any(judge(tree[1], event, each) for each in event)


def render(tree, draw, above=0):
    """Write the tree down as tokens, with the parentheses it needs and some it does not."""
    kind = tree[0]
    if kind in ("and", "or"):
        level = 2 if kind == "and" else 1
        # Left associative: an equal operator needs no parentheses on the left side.
        tokens = render(tree[1], draw, level) + [kind] + render(tree[2], draw, level + 1)
        if level < above:
            return ["(", *tokens, ")"]
    elif kind == "not":
        tokens = ["not", "(", *render(tree[1], draw), ")"]
    elif kind in ("Name", "Value"):
        quotation = draw(st.sampled_from("'\""))
        tokens = ["@", kind, "=", quotation + tree[1] + quotation]
    else:
        tokens = ["boolean", "(", "//", kind, "[", *render(tree[1], draw), "]", ")"]
    return ["(", *tokens, ")"] if draw(st.integers(0, 9)) == 0 else tokens


def join(tokens, draw):
    """Put random blanks between the tokens, at least one where two names would run together."""
    text = ""
    for token in tokens:
        blank = draw(st.sampled_from(["", "", " ", "\n\t"]))
        if not blank and text[-1:].isalpha() and token[0].isalpha():
            blank = " "
        text += blank + token
    return text


@settings(max_examples=400, deadline=None)
@given(expressions, st.lists(items, min_size=1, max_size=4), st.data())
def test_filters_hold_where_the_reference_says_so(tree, events, data):
    text = join(render(tree, data.draw), data.draw)
    try:
        compiled = content_filter(text)
    except FilterError:
        assert len(text) > MAX_LENGTH or text.count("@") > MAX_TERMS or text.count("(") > 8
        return
    for event in events:
        assert content_matches(compiled, event) is judge(tree, event), text


PIECES = (
    "boolean ( // ) [ ] @ Name Value = \"a\" 'b' \" ' and or not SimpleItem tt:SimpleItem / : | "
    ". //. tns1 Device IO * \u00fc \x00 1 boolean(//SimpleItem[ @Name='a' ]) not("
)
pieces = st.sampled_from([*PIECES.split(" "), " ", "\n"])
garbage = st.lists(pieces, max_size=30).map("".join) | st.text(max_size=30)


@settings(max_examples=800)
@given(garbage, items)
def test_garbage_raises_nothing_but_our_error(text, event):
    try:
        assert content_matches(content_filter(text), event) in (True, False)
    except FilterError:
        pass
    try:
        assert topic_matches(topic_filter(text), "tns1:Device/tnsaxis:IO/Port") in (True, False)
    except FilterError:
        pass


names = st.sampled_from(["Device", "IO", "Port", "a", "Dev"])
paths = st.lists(names, min_size=1, max_size=4)


@settings(max_examples=400)
@given(st.lists(st.tuples(paths, st.booleans()), min_size=1, max_size=4), paths, st.data())
def test_topics_are_asked_for_where_the_reference_says_so(alternatives, topic, data):
    prefix = st.sampled_from(["", "tns1:", "tnsaxis:", "axis:"])

    def prefixed(path):
        return "/".join([data.draw(prefix) + step for step in path])

    text = "|".join([prefixed(path) + ("//." if deep else "") for path, deep in alternatives])
    expected = any(
        topic[: len(path)] == path if deep else topic == path for path, deep in alternatives
    )
    assert topic_matches(topic_filter(text), prefixed(topic)) is expected
