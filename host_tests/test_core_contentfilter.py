"""Which content filters are understood, and what they let through (ONVIF ItemFilter)."""

from claims import raises
from holdfast.core.contentfilter import (
    MAX_NESTING,
    MAX_TERMS,
    content_filter,
    content_matches,
)
from holdfast.core.topicfilter import MAX_LENGTH, FilterError

ITEMS = (("port", "1"), ("state", "0"))


def holds(text, items=ITEMS):
    return content_matches(content_filter(text), items)


def item(condition):
    return "boolean(//SimpleItem[" + condition + "])"


def test_one_item_must_satisfy_the_whole_condition_in_brackets():
    for condition, expected in (
        ('@Name="port"', True),
        ('@Name="por"', False),
        ('@Name="Port"', False),
        ('@Value="0"', True),
        ('@Value=""', False),
        ('@Name="port" and @Value="1"', True),
        ('@Name="port" and @Value="0"', False),  # each holds, but for different items
        ('@Name="port" or @Value="7"', True),
        ('not(@Name="port")', True),  # of the other item
        ('not(@Name="port") and not(@Name="state")', False),
        ('not(@Name="port" or @Name="state")', False),
        ('not(not(@Name="port"))', True),
        ('@Name="state" and (@Value="1" or @Value="0")', True),
        ('(((@Name="state")))', True),
    ):
        assert holds(item(condition)) is expected, condition


def test_the_vendors_examples_hold():
    ready = 'boolean(//SimpleItem[@Name="ready" and @Value="1"])'
    assert holds(ready, (("ready", "1"),))
    assert not holds(ready, (("ready", "0"),))
    both = (
        'boolean(//SimpleItem[@Name="port" and @Value="1"]) and '
        'boolean(//SimpleItem[@Name="state" and @Value="0"])'
    )
    assert holds(both)
    assert not holds(both, (("port", "1"), ("state", "1")))
    assert not holds(both, (("port", "2"), ("state", "0")))


def test_expressions_combine_as_in_xpath():
    yes, no = item('@Name="port"'), item('@Name="none"')
    for text, expected in (
        ("%s and %s" % (yes, yes), True),
        ("%s and %s" % (yes, no), False),
        ("%s or %s" % (no, yes), True),
        ("not(%s)" % no, True),
        ("not(%s)" % yes, False),
        ("not(not(%s))" % yes, True),
        ("%s or %s and %s" % (yes, no, no), True),
        ("%s and %s or %s" % (no, no, yes), True),
        ("(%s or %s) and %s" % (yes, no, no), False),
        ("%s and (%s or %s)" % (no, no, yes), False),
        ("not(%s) or %s" % (yes, yes), True),
        ("not(%s or %s)" % (no, yes), False),
        ("not(%s) and not(%s)" % (no, no), True),
        ("not (%s) and (not (%s or %s))" % (no, no, no), True),
    ):
        assert holds(text) is expected, text


def test_and_binds_tighter_inside_the_brackets_too():
    assert holds(item('@Name="port" or @Name="state" and @Value="7"'))
    assert not holds(item('(@Name="port" or @Name="state") and @Value="7"'))


def test_blanks_are_free_and_quotes_of_both_kinds_do():
    for text in (
        "boolean(//SimpleItem[@Name='port'and@Value='1'])",
        " boolean\t(\n// SimpleItem [ @ Name = \"port\" and @Value\r= '1' ] ) ",
        "boolean(//SimpleItem[@Name='port'])and(boolean(//tt:SimpleItem[@Value='0']))or(not(("
        "boolean(//SimpleItem[@Name='x']))))",
    ):
        assert holds(text), text


def test_any_prefix_of_the_item_will_do():
    for name in ("SimpleItem", "tt:SimpleItem", "onvif:SimpleItem", "_1.-:SimpleItem"):
        assert holds("boolean(//%s[@Name='port'])" % name), name


def test_values_are_compared_as_they_stand():
    for value in (
        "",
        " 1 ",
        "a]b)",
        "it's",
        "and",
        "&quot;",
        "gr\u00fcn \U0001f600",
        "\\",
        "a\nb",
        "//",
    ):
        text = item('@Value="%s"' % value)
        assert holds(text, (("x", value),)), value
        assert not holds(text, (("x", value + "."),)), value
    assert holds(item("@Value='say \"1\"'"), (("x", 'say "1"'),))


def test_there_is_no_element_item():
    assert not holds("boolean(//ElementItem[@Name='port'])")
    assert not holds("boolean(//tt:ElementItem[not(@Name='x')])")
    assert holds("not(boolean(//tt:ElementItem[@Name='port']))")


def test_an_event_without_items_satisfies_no_condition_in_brackets():
    assert not holds(item('@Name="port"'), ())
    assert not holds(item('not(@Name="port")'), ())
    assert holds("not(%s)" % item('@Name="port"'), ())


def test_events_may_have_more_items_than_a_word_has_bits():
    items = tuple([("name%d" % number, str(number)) for number in range(70)])
    assert holds(item('@Name="name69" and @Value="69"'), items)
    assert not holds(item('@Name="name69" and @Value="68"'), items)
    assert holds("not(%s)" % item('@Name="name70"'), items)


def test_malformed_content_filters_are_refused():
    good = item('@Name="a"')
    holds(good)
    for end in range(len(good)):
        raises(FilterError, content_filter, good[:end])
    for text in (
        " ",
        "\n\t",
        "and",
        "()",
        "not",
        "not()",
        "not " + good,
        good + good,
        good + " " + good,
        good + " and",
        "and " + good,
        good + " and and " + good,
        good + " & " + good,
        good + " AND " + good,
        good + " xor " + good,
        good + ")",
        "(" + good,
        "((" + good + ")",
        good + " not(" + good + ")",
        good + ";",
        '@Name="a"',
        "boolean(" + good + ")",
        "boolean(true())",
        'boolean(//SimpleItem[@Name="a"]',
        'boolean(//SimpleItem[@Name="a")]',
        'boolean(//SimpleItem[(@Name="a"])',
        'boolean(//SimpleItem[@Name="a")])',
        'boolean(//SimpleItem[@Name="a"]])',
        'boolean((//SimpleItem[@Name="a"]))',
        'boolean(/SimpleItem[@Name="a"])',
        'boolean(///SimpleItem[@Name="a"])',
        'boolean(SimpleItem[@Name="a"])',
        'boolean(//*[@Name="a"])',
        'boolean(//simpleitem[@Name="a"])',
        'boolean(//Source/SimpleItem[@Name="a"])',
        'boolean(//:SimpleItem[@Name="a"])',
        'boolean(//1:SimpleItem[@Name="a"])',
        'boolean(//a:b:SimpleItem[@Name="a"])',
        'boolean(//tt: SimpleItem[@Name="a"])',
        'boolean(//["a"])',
        "boolean(//SimpleItem)",
        "boolean(//SimpleItem[])",
        "boolean(//SimpleItem[1])",
        "boolean(//SimpleItem[@Name])",
        "boolean(//SimpleItem[@Name=])",
        "boolean(//SimpleItem[@Name=a])",
        "boolean(//SimpleItem[@Name=1])",
        'boolean(//SimpleItem[@Name=="a"])',
        'boolean(//SimpleItem[@Name!="a"])',
        'boolean(//SimpleItem[@Name<"a"])',
        'boolean(//SimpleItem["a"=@Name])',
        'boolean(//SimpleItem[Name="a"])',
        'boolean(//SimpleItem[@name="a"])',
        'boolean(//SimpleItem[@tt:Name="a"])',
        'boolean(//SimpleItem[@Name="a" @Value="b"])',
        'boolean(//SimpleItem[@Name="a", @Value="b"])',
        'boolean(//SimpleItem[@Name="a" and])',
        'boolean(//SimpleItem[not @Name="a"])',
        'boolean(//SimpleItem[@Name="a" and boolean(//SimpleItem[@Name="b"])])',
        'boolean(//SimpleItem[@Name="a][@Value="b"])',
        'boolean(//SimpleItem[@Name="a"][@Value="b"])',
        "boolean(//SimpleItem[@Name=&quot;a&quot;])",
        "boolean(//SimpleItem[@Name=\u201ca\u201d])",
        good + "\u00a0",
        good + "\x00",
    ):
        raises(FilterError, content_filter, text)
    raises(FilterError, content_filter, "")


def test_content_filters_are_bounded():
    short = "@Name='a'"
    assert len(short + " or ") * MAX_TERMS < MAX_LENGTH
    content_filter(item(" or ".join([short] * MAX_TERMS)))
    raises(FilterError, content_filter, item(" or ".join([short] * (MAX_TERMS + 1))))
    depth = MAX_NESTING - 1  # the item's bracket counts
    for opening in ("(", "not("):
        content_filter(opening * depth + item(short) + ")" * depth)
        content_filter(item(opening * depth + short + ")" * depth))
        depth += 1
        raises(FilterError, content_filter, opening * depth + item(short) + ")" * depth)
        raises(FilterError, content_filter, item(opening * depth + short + ")" * depth))
        depth -= 1
    raises(FilterError, content_filter, "(" * MAX_LENGTH)
    blanks = " " * (MAX_LENGTH - len(item(short)))
    content_filter(item(short) + blanks)
    raises(FilterError, content_filter, item(short) + blanks + " ")


def test_a_prefix_may_have_every_letter_and_digit():
    for prefix in ("AZ", "az", "A0", "Z9", "a-b", "a.b", "_a", "\u00e4b"):
        assert holds("boolean(//%s:SimpleItem[@Name='port'])" % prefix), prefix


def test_the_bounds_are_what_the_work_of_a_match_was_measured_with():
    assert (MAX_TERMS, MAX_NESTING) == (32, 16)
