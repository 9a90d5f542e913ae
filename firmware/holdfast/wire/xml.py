"""XML in, as much of it as SOAP needs (XML 1.0, fifth edition): bytes to a small tree, bounded.

Names lose their prefixes, and no prefix needs a declaration: requests are told apart by local
names, and the vendor's own example (Heartbeat service API) uses a prefix that it does not declare.
A second tolerance: no blank is needed between attributes, because a client in the field leaves it
out. Otherwise strict: what is not well-formed is refused, and so are document types, entities
beyond the five, encodings but UTF-8, and whatever exceeds a limit.

One loop over the bytes, from one `<` to the next; open elements on a stack. Loaded with the first
SOAP request.
"""

from micropython import const

from holdfast.wire.json import utf8

# SOAP requests of VAPIX are up to 8 deep and have up to 60 elements and attributes; a SetPort for
# 16 ports has 120.
MAX_DEPTH = const(16)
MAX_PARTS = const(160)  # elements, attributes, comments, instructions, CDATA, references
MAX_ATTRIBUTES = const(32)  # of one element: each is compared with those before it
MAX_NAME = const(64)  # bytes, with its prefix

_BLANKS = b" \t\r\n"
_NO_ATTRIBUTES = {}  # of most elements; nobody writes into it
_ENTITIES = {b"lt": "<", b"gt": ">", b"amp": "&", b"quot": '"', b"apos": "'"}


class XmlError(ValueError):
    """Not well-formed, or more than we take; `position` is about the byte where."""

    def __init__(self, message, position):
        super().__init__(message)
        self.position = position


class Element:
    """name: local. namespace: of its prefix, where the element itself declares it, else None.

    attributes: {local name: value}. children: in their order. text: all text directly in it,
    joined. To be looked at only: what is empty is shared.
    """

    def __init__(self, name):
        self.name = name
        self.namespace = None
        self.attributes = _NO_ATTRIBUTES
        self.children = ()
        self.text = ""

    def add(self, element):
        """Append a child."""
        if not self.children:
            self.children = []
        self.children.append(element)

    def child(self, name):
        """The first child of this name, None when there is none."""
        for element in self.children:
            if element.name == name:
                return element
        return None

    def all(self, name):
        """All children of this name."""
        return [element for element in self.children if element.name == name]


def parse(data):
    """The root Element of a document (bytes), or XmlError."""
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    _check_characters(data)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # section 2.11
    root = None
    stack = []  # (Element, name with its prefix)
    left = MAX_PARTS - data.count(b"&") - data.count(b"<") + data.count(b"</")
    if left < 0:
        raise XmlError("too much", 0)
    position = _declaration(data)
    while True:
        start = data.find(b"<", position)
        end = start if start >= 0 else len(data)
        if end > position:
            _add_text(stack, data[position:end], position)
        if start < 0:
            break
        if data.startswith(b"</", start):
            position = _find(data, b">", start)
            name = data[start + 2 : position].rstrip(_BLANKS)
            if not stack or name != stack[-1][1]:
                raise XmlError("end tag does not match", start)
            stack.pop()
            position += 1
        elif data.startswith(b"<!--", start):
            position = _find(data, b"--", start + 4)
            if not data.startswith(b"-->", position):
                raise XmlError("-- in a comment", position)
            position += 3
        elif data.startswith(b"<![CDATA[", start):
            position = _find(data, b"]]>", start)
            if not stack:
                raise XmlError("text outside of the root", start)
            stack[-1][0].text += data[start + 9 : position].decode()
            position += 3
        elif data.startswith(b"<?", start):
            position = _find(data, b"?>", start)
            target = _name(data, start + 2)
            blank = data[start + 2 + len(target) : start + 3 + len(target)]
            if target.lower() == b"xml" or blank not in (b" ", b"\n", b"\t", b"?"):
                raise XmlError("bad processing instruction", start)
            position += 2
        else:
            # A document type ends here, too: "!" begins no name.
            if not stack and root is not None:
                raise XmlError("second root", start)
            if len(stack) == MAX_DEPTH:
                raise XmlError("nested too deep", start)
            element, name, position, empty, left = _start_tag(data, start + 1, left)
            if stack:
                stack[-1][0].add(element)
            else:
                root = element
            if not empty:
                stack.append((element, name))
    if stack or root is None:
        raise XmlError("document ends early", len(data))
    return root


def escape(text):
    """Text as it stands in XML, between tags or in an attribute value in double quotes."""
    # Two that JSON has and XML has not; a name may hold them.
    text = text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;")


def _check_characters(data):
    """Refuse what is not UTF-8, or no character of XML (section 2.2)."""
    try:
        utf8(data)
    except ValueError:
        raise XmlError("not UTF-8", 0)
    for code in range(32):
        if code not in (9, 10, 13) and bytes([code]) in data:
            raise XmlError("control character", data.find(bytes([code])))
    if b"\xef\xbf\xbe" in data or b"\xef\xbf\xbf" in data:
        raise XmlError("no character", 0)


def _declaration(data):
    """The position behind the XML declaration; XmlError for an encoding that is not ours."""
    if not data.startswith(b"<?xml") or data[5:6] not in (b" ", b"\t", b"\n"):
        return 0
    end = _find(data, b"?>", 0)
    left = MAX_PARTS
    element, _, _, _, _ = _start_tag(data[2:end] + b">", 0, left)
    names = element.attributes
    if "version" not in names or not names["version"].startswith("1."):
        raise XmlError("bad XML declaration", 0)
    for name in names:
        if name not in ("version", "encoding", "standalone"):
            raise XmlError("bad XML declaration", 0)
    if names.get("standalone", "no") not in ("yes", "no"):
        raise XmlError("bad XML declaration", 0)
    # "utf8" is no registered name; several stacks write it, and WHATWG's Encoding has it.
    if names.get("encoding", "utf-8").lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise XmlError("only UTF-8", 0)
    return end + 2


def _start_tag(data, position, left):
    """Read a tag from its name on: (Element, name, position behind, empty?, parts left)."""
    name = _name(data, position)
    prefix, _, local = name.rpartition(b":")
    element = Element(local.decode())
    declared = b"xmlns:" + prefix if prefix else b"xmlns"
    seen = None
    position += len(name)
    length = len(data)
    while True:
        blank = position
        position = _skip(data, position)
        byte = data[position] if position < length else 0
        if byte == 62:  # >
            return element, name, position + 1, False, left
        if byte == 47:  # a slash
            if data[position + 1 : position + 2] != b">":
                raise XmlError("tag does not end", position)
            return element, name, position + 2, True, left
        if seen is None:
            seen = []
            element.attributes = {}
            if blank == position:
                raise XmlError("bad name", position)
        attribute = _name(data, position)
        left -= 1
        if left < 0 or len(seen) == MAX_ATTRIBUTES:
            raise XmlError("too much", position)
        if attribute in seen:
            raise XmlError("attribute twice", position)
        seen.append(attribute)
        position = _skip(data, position + len(attribute))
        if data[position : position + 1] != b"=":
            raise XmlError("= expected", position)
        position = _skip(data, position + 1)
        quote = data[position : position + 1]
        if quote not in (b'"', b"'") or not quote:
            raise XmlError("quote expected", position)
        end = _find(data, quote, position + 1)
        value = data[position + 1 : end]
        if b"<" in value:
            raise XmlError("< in a value", position)
        value = value.replace(b"\n", b" ").replace(b"\t", b" ")
        text = _decode(value, position)
        if attribute == declared:
            element.namespace = text
        if attribute != b"xmlns" and not attribute.startswith(b"xmlns:"):
            element.attributes[attribute.split(b":")[-1].decode()] = text
        position = end + 1


def _add_text(stack, data, position):
    """Text between two tags, for the innermost element."""
    if not stack:
        if data.strip(_BLANKS):
            raise XmlError("text outside of the root", position)
    elif b"]]>" in data:
        raise XmlError("]]> in text", position)
    else:
        stack[-1][0].text += _decode(data, position)


def _decode(data, position):
    """Text with its references resolved."""
    if b"&" not in data:
        return data.decode()
    parts = data.split(b"&")
    texts = [parts[0].decode()]
    for part in parts[1:]:
        name, semicolon, rest = part.partition(b";")
        if not semicolon:
            raise XmlError("reference without end", position)
        text = _ENTITIES.get(name)
        if text is None:
            text = chr(_character(name, position))
        texts.append(text)
        texts.append(rest.decode())
    return "".join(texts)


def _character(name, position):
    """The code of a character reference, without & and ;"""
    digits = b"0123456789"
    start = 1
    if name[:2] == b"#x":
        digits = b"0123456789abcdefABCDEF"
        start = 2
    if name[:1] != b"#" or not 0 < len(name) - start <= 8 or name[start:].strip(digits):
        raise XmlError("unknown entity", position)
    code = int(name[start:], 16 if start == 2 else 10)
    if not (
        code in (9, 10, 13)
        or 32 <= code < 0xD800
        or 0xE000 <= code < 0xFFFE
        or 0x10000 <= code < 0x110000
    ):
        raise XmlError("no character", position)
    return code


def _name(data, position):
    """The name that begins at a position."""
    end = position
    for byte in data[position : position + MAX_NAME + 1]:
        # Other than ASCII passes: XML's table of letters is not worth its bytes here.
        letter = byte >= 128 or 97 <= byte | 32 <= 122 or byte == 95 or byte == 58
        if not letter and (end == position or not (45 <= byte <= 57) or byte == 47):
            break
        end += 1
    if end == position:
        raise XmlError("name expected", position)
    if end - position > MAX_NAME:
        raise XmlError("name too long", position)
    return data[position:end]


def _skip(data, position):
    """The position behind blanks."""
    length = len(data)
    while position < length and data[position] in _BLANKS:
        position += 1
    return position


def _find(data, what, position):
    found = data.find(what, position)
    if found < 0:
        raise XmlError("%s expected" % what.decode(), position)
    return found
