"""Which events a client asked for by their items (ONVIF Core specification, dialect ItemFilter).

Compiled once into postfix order, matched often; loaded with the first content filter. Prefixes do
not matter. XML entities stay as they are: the filters come in JSON.
"""

from micropython import const

from holdfast.core.topicfilter import BLANKS, FilterError, check_length, local_name

# Comparisons in one content filter, each made for every item of every event.
MAX_TERMS = const(32)

# Open brackets and operators that wait for their right side, at any place of a content filter.
# Bounds the stacks of compiling and of matching.
MAX_NESTING = const(16)

# Steps of a compiled content filter, beside the comparisons. During compilation they wait on a
# stack: brackets until they are closed, operators until their right side is complete. Of two
# operators the higher one binds tighter.
_OPEN = const(0)  # (
_NOT = const(1)  # not(
_EXISTS = const(2)  # boolean(//SimpleItem[
_NEVER = const(3)  # boolean(//ElementItem[ : no event of ours has one
_OR = const(4)
_AND = const(5)


def content_filter(text):
    """Compile an ItemFilter expression for `content_matches`, into a flat tuple in postfix order.

    Such as `boolean(//SimpleItem[@Name="port" and @Value="1"]) and not(boolean(...))`.
    """
    check_length(text)
    tokens = _tokens(text.encode())
    program = []
    waiting = []
    terms = 0
    inside = False  # between [ and ]
    operand_due = True
    while True:
        token = next(tokens)
        if not operand_due:
            if token in (b"and", b"or"):
                operator = _AND if token == b"and" else _OR
                _finish(waiting, program, operator)
                waiting.append(operator)
                operand_due = True
                continue
            _finish(waiting, program, _OR)
            if not token and not waiting:
                return tuple(program)
            _close(token, tokens, waiting, program)
            inside = inside and token != b"]"
        elif token == b"@" and inside and terms < MAX_TERMS:
            program.append(_comparison(tokens))
            terms += 1
            operand_due = False
        elif len(waiting) >= MAX_NESTING:
            raise FilterError("nested too deep")
        elif token == b"(":
            waiting.append(_OPEN)
        elif token == b"not":
            _expect(tokens, b"(")
            waiting.append(_NOT)
        elif token == b"boolean" and not inside:
            waiting.append(_item(tokens))
            inside = True
        else:
            raise FilterError("operand expected, or too many")


def content_matches(compiled, items):
    """Tell whether a compiled filter holds for an event with these items.

    `items` are (name, value) pairs of text: source, key and data alike.
    """
    # One bit per item, for all items at once; true and false of the whole event are -1 and 0.
    every = (1 << len(items)) - 1
    stack = []
    for step in compiled:
        if isinstance(step, tuple):
            field, wanted = step
            holds = 0
            bit = 1
            for item in items:
                if item[field] == wanted:
                    holds |= bit
                bit <<= 1
            stack.append(holds)
        elif step == _AND:
            holds = stack.pop()
            stack[-1] &= holds
        elif step == _OR:
            holds = stack.pop()
            stack[-1] |= holds
        elif step == _NOT:
            stack[-1] = ~stack[-1]
        else:
            stack[-1] = -1 if step == _EXISTS and stack[-1] & every else 0
    return stack[0] != 0


def _tokens(data):
    """Yield the tokens of a content filter as bytes, then an empty one."""
    length = len(data)
    position = 0
    while position < length:
        start = position
        byte = data[start]
        position += 1
        if byte <= 32 and byte in BLANKS:
            continue
        if byte in (34, 39):  # a quote
            position = data.find(data[start:position], position) + 1
            if not position:
                raise FilterError("string without end")
        elif byte == 47:  # a slash; whether there are two is for the parser
            position += 1
        elif byte > 64:  # a name, or a square bracket
            position = max(position, _name_end(data, position - 1))
        yield data[start:position]
    yield b""


def _name_end(data, position):
    """Return the position behind letters, digits and whatever else may stand in a name."""
    length = len(data)
    while position < length:
        byte = data[position]
        if not (byte > 93 or 64 < byte < 91 or 45 <= byte <= 58 and byte != 47):
            break
        position += 1
    return position


def _expect(tokens, *wanted):
    for token in wanted:
        if next(tokens) != token:
            raise FilterError("%s expected" % token.decode())


def _comparison(tokens):
    """Read what follows `@`; return (place in an item, text)."""
    field = next(tokens)
    if field not in (b"Name", b"Value"):
        raise FilterError("@Name or @Value expected")
    _expect(tokens, b"=")
    literal = next(tokens)
    if literal[:1] not in (b'"', b"'"):
        raise FilterError("string expected")
    return (0 if field == b"Name" else 1, literal[1:-1].decode())


def _item(tokens):
    """Read what follows `boolean`, up to the bracket of the comparisons."""
    _expect(tokens, b"(", b"//")
    name = local_name(next(tokens))
    if name not in (b"SimpleItem", b"ElementItem"):
        raise FilterError("SimpleItem or ElementItem expected")
    _expect(tokens, b"[")
    return _EXISTS if name == b"SimpleItem" else _NEVER


def _finish(waiting, program, operator):
    """Write out what binds at least as tight as the operator."""
    while waiting and waiting[-1] >= operator:
        program.append(waiting.pop())


def _close(token, tokens, waiting, program):
    """Close the innermost bracket, which must be of the token's kind."""
    mark = waiting.pop() if waiting else None
    if token == b")" and mark in (_OPEN, _NOT):
        if mark == _NOT:
            program.append(_NOT)
    elif token == b"]" and mark in (_EXISTS, _NEVER):
        _expect(tokens, b")")
        program.append(mark)
    else:
        raise FilterError("operator, bracket or end expected")
