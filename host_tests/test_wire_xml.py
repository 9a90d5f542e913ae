"""XML as SOAP needs it: what is taken, what is refused, what is bounded."""

from claims import raises
from holdfast.wire.xml import (
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_NAME,
    MAX_PARTS,
    Element,
    XmlError,
    escape,
    parse,
)


def tree(element):
    """(name, attributes, text, children) of an Element."""
    children = [tree(child) for child in element.children]
    return element.name, element.attributes, element.text, children


def test_names_lose_their_prefix_and_none_needs_a_declaration():
    assert tree(parse(b'<a:b c:d="1" e="2"><f:g/></a:b>')) == (
        "b",
        {"d": "1", "e": "2"},
        "",
        [("g", {}, "", [])],
    )


def test_a_namespace_is_told_where_the_element_declares_it():
    root = parse(b'<s:E xmlns:s="urn:1" xmlns="urn:2"><c xmlns=\'urn:3\'/><s:d/></s:E>')
    assert root.namespace == "urn:1"
    assert [child.namespace for child in root.children] == ["urn:3", None]
    assert root.attributes == {}


def test_no_blank_is_needed_between_attributes():
    assert parse(b'<a b="1"c="2"d=\'3\'/>').attributes == {"b": "1", "c": "2", "d": "3"}


def test_text_is_joined_and_references_are_resolved():
    root = parse(b"<a>1&lt;&#50;<b/>&#x33;<![CDATA[<4>&amp;]]> \r\n5\r</a>")
    assert root.text == "1<23<4>&amp; \n5\n"
    assert parse(b'<a b="&quot;&apos;&gt;&amp;&#9;\t\n"/>').attributes["b"] == "\"'>&\t  "
    assert parse("<a>\u00e9\U0001f600&#x1F600;</a>".encode()).text == "\u00e9\U0001f600\U0001f600"


def test_what_stands_around_the_root_may_be_there():
    text = b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n<!-- c --><?pi x?><a/><!---->\n'
    assert parse(text).name == "a"
    assert (
        parse(b"<?xml version='1.0' encoding='us-ascii' standalone='yes' ?><a></a >").name == "a"
    )


def test_children_are_found_by_name():
    root = parse(b"<a><b>1</b><x:b>2</x:b><c/></a>")
    assert root.child("b").text == "1"
    assert [child.text for child in root.all("b")] == ["1", "2"]
    assert root.child("d") is None
    assert isinstance(root, Element)


BAD = (
    b"",
    b" ",
    b"a",
    b"<a>",
    b"</a>",
    b"<a></b>",
    b"<a></a",
    b"<a><b></a></b>",
    b"<a/><b/>",
    b"<a/>text",
    b"text<a/>",
    b"<a/><![CDATA[x]]>",
    b"<![CDATA[x]]><a/>",
    b"<a",
    b"<a b>",
    b"<a b=1/>",
    b'<a b="1/>',
    b'<a b="<"/>',
    b'<a b="1" b="2"/>',
    b"<a / >",
    b"<a/b>",
    b"< a/>",
    b"<1/>",
    b"<-a/>",
    b"<a>]]></a>",
    b"<a>&nbsp;</a>",
    b"<a>&</a>",
    b"<a>&amp</a>",
    b"<a>&#0;</a>",
    b"<a>&#;</a>",
    b"<a>&#x;</a>",
    b"<a>&#xD800;</a>",
    b"<a>&#x110000;</a>",
    b"<a>&#-5;</a>",
    b"<a>&#xFFFE;</a>",
    b"<a>\x00</a>",
    b"<a>\x1f</a>",
    b"<a>\xef\xbf\xbf</a>",
    b"<a>\xff</a>",
    b"<a>\xed\xa0\x80</a>",
    b"<a><!-- -- --></a>",
    b"<a><!-- </a>",
    b"<a><? x?></a>",
    b"<a><?xml version='1.0'?></a>",
    b" <?xml version='1.0'?><a/>",
    b"<?xml?><a/>",
    b"<?xml version='2.0'?><a/>",
    b"<?xml version='1.0' encoding='latin-1'?><a/>",
    b"<?xml version='1.0' more='1'?><a/>",
    b"<!DOCTYPE a><a/>",
    b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    b"<a><!ELEMENT b></a>",
)


def test_what_is_not_well_formed_is_refused():
    for text in BAD:
        error = raises(XmlError, parse, text)
        assert error.position <= len(text)


def test_every_cut_of_a_document_is_refused():
    text = b'<?xml version="1.0"?><a b="1"><!-- c --><d>&lt;<![CDATA[e]]></d><?f g?></a>'
    parse(text)
    for end in range(len(text)):
        raises(XmlError, parse, text[:end])


def test_depth_and_size_are_bounded():
    parse(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH)
    raises(XmlError, parse, b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1))
    parse(b"<a>" + b"<b/>" * (MAX_PARTS - 1) + b"</a>")
    raises(XmlError, parse, b"<a>" + b"<b/>" * MAX_PARTS + b"</a>")
    many = b"".join([b' a%d="1"' % i for i in range(MAX_PARTS)])
    raises(XmlError, parse, b"<a" + many + b"/>")


def test_what_is_escaped_reads_back():
    text = "<>&\"' \u00e9"
    assert parse(('<a b="%s">%s</a>' % (escape(text), escape(text))).encode()).text == text
    assert parse(('<a b="%s"/>' % escape(text)).encode()).attributes["b"] == text


def test_what_is_no_character_of_xml_is_not_written():
    text = "a\ufffeb\uffffc"
    assert parse(("<a>%s</a>" % escape(text)).encode()).text == "a\ufffdb\ufffdc"


def test_each_kind_of_part_is_bounded():
    for one in (b"<b/>", b"<b></b>", b"<!---->", b"<?b?>", b"<![CDATA[x]]>", b"&lt;", b"&#65;"):
        whole = b"<a>" + one * (MAX_PARTS - 1) + b"</a>"
        assert parse(whole).name == "a", one
        raises(XmlError, parse, whole.replace(one, one * 2, 1))
    names = [b'a%d="" ' % i for i in range(MAX_ATTRIBUTES + 1)]
    assert len(parse(b"<a " + b"".join(names[1:]) + b"/>").attributes) == MAX_ATTRIBUTES
    raises(XmlError, parse, b"<a " + b"".join(names) + b"/>")
    assert parse(b"<" + b"a" * MAX_NAME + b"/>").name == "a" * MAX_NAME
    raises(XmlError, parse, b"<" + b"a" * (MAX_NAME + 1) + b"/>")


def test_what_utf_8_is_called():
    for label in (b"utf-8", b"UTF-8", b"utf8", b"Utf8", b"US-ASCII", b"ascii"):
        document = b"<?xml version='1.0' encoding='" + label + b"'?><a/>"
        assert parse(document).name == "a", label
    for label in (b"utf-16", b"latin1", b"utf_8", b""):
        document = b"<?xml version='1.0' encoding='" + label + b"'?><a/>"
        raises(XmlError, parse, document)
