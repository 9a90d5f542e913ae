"""Which topics a client asked for (ONVIF Core specification, dialect ConcreteSet).

With what the vendor's pages and real clients write beside the grammar: names are compared without
their prefixes (`tns1`, `onvif`, `axis`, `tnsaxis`, none), because clients mix them.
"""

from micropython import const

# No filter seen in the field is a third as long; bounds the work of compiling one.
MAX_LENGTH = const(1024)
MAX_PATHS = const(32)  # alternatives in one filter

BLANKS = b" \t\r\n"


class FilterError(ValueError):
    """The filter does not follow its grammar, or exceeds a limit."""


def topic_filter(text):
    """Compile a ConcreteSet filter for `topic_matches`: `path | path`, `//.` for all below a path.

    The empty text and `//.` alone ask for every topic; `//`, which the vendor prints, is `//.`.
    """
    check_length(text)
    if not text:
        return ("",)
    paths = text.encode().split(b"|")
    if len(paths) > MAX_PATHS:
        raise FilterError("too many topics")
    return tuple([_topic_prefix(path.strip(BLANKS)) for path in paths])


def topic_matches(compiled, topic):
    """Tell whether a topic, such as `tns1:Device/tnsaxis:IO/Port`, is among those asked for."""
    names = topic.split("/")
    for index in range(len(names)):  # no comprehension, which is a call: the stack is short here
        names[index] = names[index].split(":")[-1]
    return ("/".join(names) + "//").startswith(compiled)


def asks(flags, compiled, topics, topic):
    """Is this row of `topics` among those asked for? flags: by place in that list, what is known
    so far; it grows when topics come later.
    """
    place = topics.index(topic)
    for row in topics[len(flags) : place + 1]:
        flags.append(topic_matches(compiled, row[0]))
    return flags[place]


def _topic_prefix(path):
    """Return what the local path of a topic, with `//` behind it, must begin with."""
    ending = b"//"  # nothing below: only the topic itself
    if path.endswith((b"//.", b"//")):
        path = path[: path.rfind(b"//")]
        if not path:
            return ""
        ending = b"/"
    return (b"/".join([local_name(step) for step in path.split(b"/")]) + ending).decode()


def check_length(text):
    """FilterError for a text that is too long to be looked at."""
    if len(text) > MAX_LENGTH:
        raise FilterError("filter too long")


def local_name(name):
    """Return a name, bytes, without its prefix; FilterError when either is no NCName."""
    local = name
    for part in name.split(b":", 1):
        local = part
        first = True
        for byte in part:
            # Other than ASCII passes: XML's table of letters is not worth its bytes here.
            letter = byte >= 128 or 97 <= byte | 32 <= 122 or byte == 95
            if not letter and (first or not (48 <= byte <= 57 or byte in b".-")):
                raise FilterError("name expected")
            first = False
        if first:
            raise FilterError("name expected")
    return local
