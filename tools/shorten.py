"""Makes the firmware's sources smaller for MicroPython's heap before they are compiled.

MicroPython keeps every name of a loaded file for ever, 8 bytes and its letters, and a module's
constants as rows of a dict. Inside a file mpy-cross puts numbers in for `_NAME = const(1)`. What
it cannot see, because it compiles one file at a time, is done here; lines stay where they are:

1. `NAME = const(1)` of one file is a number in those that import it, and is kept nowhere.
2. Private names, `_like_this`, and names of attributes, functions and classes become short ones
   that many files have in common. No two become the same where they could meet: variables and
   functions in one file, attributes in the files of a class and its bases, too. An attribute that
   is given to an object from outside its class, and what a file of the HAL speaks of, stay.
3. So do parameters that nobody names in a call.

A name that also stands in a text, or that objects of Python's own have, is left alone. The tests
of the simulated board under MicroPython run what comes out.
"""

import ast
import asyncio
import binascii
import builtins
import errno
import gc
import hashlib
import io
import itertools
import keyword
import os
import re
import select
import socket
import ssl
import string
import struct
import symtable
import sys
import time
import tokenize

_SMALL = range(-(1 << 30), 1 << 30)  # an int of a 32-bit MicroPython that takes no heap
_PRIVATE = re.compile(r"_[A-Za-z0-9]\w*(?<!__)\Z")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_MODULES = (asyncio, binascii, errno, gc, hashlib, os, select, socket, ssl, struct, sys, time)
_OBJECTS = (0, 0.0, "", b"", (), [], {}, set(), bytearray(), memoryview(b""), Exception(), re)
_OBJECTS += (io.BytesIO(), io.StringIO(), socket.socket, ssl.SSLContext, hashlib.md5())
_OBJECTS += (asyncio.Event, asyncio.Lock, asyncio.Task, asyncio.StreamReader, asyncio.StreamWriter)
# Of MicroPython alone.
_NAMES = {
    "callback",
    "ioctl",
    "irq",
    "readinto",
    "sleep_ms",
    "ticks_diff",
    "ticks_ms",
    "ticks_add",
}
_THEIRS = _NAMES.union(dir(builtins), *[dir(one) for one in (*_MODULES, *_OBJECTS)])
_WORD = re.compile(r"\w+")
_LETTERS = string.ascii_lowercase + string.ascii_uppercase


class Source:
    """One file: its module's name, its text, and what the steps look at."""

    def __init__(self, module, text):
        self.module = module
        self.text = text
        self.tree = ast.parse(text)
        self.nodes = list(ast.walk(self.tree))
        self.names = set()  # every identifier that stands in it
        self.attributes = set()
        self.imported = {}  # name: (module, name there), as far as they are the firmware's
        self.foreign = set()  # names that come from anywhere else
        self.strings = set()  # words in texts
        self.keywords = set()  # parameters that are named in calls
        self.members = set()  # what classes give their objects
        self.variables = set()  # parameters among them
        docstrings = {
            node.body[0].value
            for node in self.nodes
            if isinstance(node, _DOCUMENTED) and node.body and isinstance(node.body[0], ast.Expr)
        }
        for node in self.nodes:
            if isinstance(node, ast.Attribute):
                self.attributes.add(node.attr)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if node.module.partition(".")[0] == "holdfast":
                        self.imported[alias.asname or alias.name] = (node.module, alias.name)
                    else:
                        self.foreign.add(alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    self.foreign.update(alias.name.split("."))
            elif isinstance(node, ast.Name):
                self.variables.add(node.id)
            elif isinstance(node, ast.arg):
                self.variables.add(node.arg)
            elif isinstance(node, ast.keyword):
                self.keywords.add(node.arg)
            elif isinstance(node, ast.ClassDef):
                self.members.update(_stored(node.body), _assigned(node.body))
                self.members.update(_asked(node))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.strings.update(() if node in docstrings else _WORD.findall(node.value))
        self.tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        self.names = {token.string for token in self.tokens if token.type == tokenize.NAME}

    def consts(self):
        """{name: the expression} of all `NAME = const(...)` of the file."""
        return {
            node.targets[0].id: node.value.args[0]
            for node in self.tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id == "const"
        }

    def bound_again(self, name):
        """True when a name of the module is also a variable of a function or a class, or is set
        more than once.
        """
        stores = 0
        for node in self.nodes:
            if isinstance(node, ast.arg) and node.arg == name:
                return True
            if isinstance(node, ast.Name) and node.id == name:
                stores += not isinstance(node.ctx, ast.Load)
        return stores > (name not in self.imported)


def _asked(node):
    """Variables that the body of a class itself asks for, not its functions: these meet its
    members.
    """
    outside = []
    for statement in node.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            outside += [*statement.decorator_list, *statement.args.defaults]
        else:
            outside.append(statement)
    names = [part for one in outside for part in ast.walk(one) if isinstance(part, ast.Name)]
    return {name.id for name in names}


def _assigned(nodes):
    """Variables that these statements themselves give a value."""
    targets = [target for node in nodes if isinstance(node, ast.Assign) for target in node.targets]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _stored(nodes, public=False):
    """Names that these give a value, as attribute, function, class or variable. public: of
    attributes only those of `self`, of variables none that a function has.
    """
    found = set()
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if not public or isinstance(node.value, ast.Name) and node.value.id == "self":
                found.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not public:
            found.add(node.id)
    return found


def shorten(texts, outside=()):
    """Of {module name: source text} of the whole firmware the same, shorter. outside: texts of
    other files that speak of it.
    """
    sources = {module: Source(module, texts[module]) for module in sorted(texts)}
    spoken = set(_WORD.findall(" ".join(sources)))
    for other in [Source("", text) for text in outside]:
        spoken |= other.names | other.strings
    keywords = set().union(*[source.keywords for source in sources.values()])
    spoken |= keywords.union(*[source.strings | source.foreign for source in sources.values()])
    numbers, hidden = _constants(sources)
    short = _private(sources, spoken)
    result = {}
    for source in sources.values():
        everywhere = {name: short[name] for name in source.names & short.keys()}
        taken = {everywhere[name] for name in everywhere if name in source.variables}
        changes = {**everywhere, **_parameters(source, keywords, taken)}
        changes.update(hidden[source.module])
        changes.update(numbers[source.module])
        result[source.module] = _rewritten(source, changes, everywhere, numbers[source.module])
    return result


# -- constants ------------------------------------------------------------------------------------


def _constants(sources):
    """By module {imported name: number as text}, and {its own name: what hides it}."""
    values = {module: {} for module in sources}

    def value(module, name, under_way=()):
        """The number behind a name in a module, None when it is none."""
        source = sources.get(module)
        if source is None or (module, name) in under_way:
            return None
        if name in values[module]:
            return values[module][name]
        found = None
        under_way = (*under_way, (module, name))
        expression = source.consts().get(name)
        if source.bound_again(name):
            pass
        elif expression is not None:
            inner = {
                node.id: value(module, node.id, under_way)
                for node in ast.walk(expression)
                if isinstance(node, ast.Name)
            }
            if None not in inner.values():
                found = eval(compile(ast.Expression(expression), module, "eval"), {}, inner)
        elif name in source.imported:
            found = value(*source.imported[name], under_way)
        if type(found) is not int or found not in _SMALL:
            found = None
        values[module][name] = found
        return found

    by_text = set().union(*[source.attributes | source.strings for source in sources.values()])
    numbers = {module: {} for module in sources}
    hidden = {module: {} for module in sources}
    for module, source in sources.items():
        for name in source.imported:
            number = value(module, name)
            if number is not None and name not in by_text:
                numbers[module][name] = str(number) if number >= 0 else "(%d)" % number
        for name in source.consts():
            private = "_" + name
            if (
                not name.startswith("_")
                and value(module, name) is not None
                and name not in by_text
                and private not in source.names
            ):
                hidden[module][name] = private
    return numbers, hidden


# -- private names --------------------------------------------------------------------------------


def _private(sources, spoken):
    """{name: a short one}, the same for all files. spoken: names to be left alone."""
    stored = {module: _stored(source.nodes) for module, source in sources.items()}
    uses = {}  # name: modules
    folded = set().union(*[source.consts() for source in sources.values()])
    public = _public(sources)
    for module, source in sources.items():
        for name in source.names - folded - spoken:
            uses.setdefault(name, set()).add(module)
    for name, modules in list(uses.items()):
        first, *more = modules
        if _PRIVATE.match(name):
            known = any(name in stored[module] for module in modules)
        else:
            known = name in public if more else name in _alone(sources[first])
        if not known:
            del uses[name]
    family = _families(sources, stored, uses.keys() - public)
    attributes = set().union(*[source.attributes | source.members for source in sources.values()])
    # Which short names are in use: for variables of a file, for attributes in a family of files.
    variables = {module: source.names - uses.keys() for module, source in sources.items()}
    members = {leader: set() for leader in family.values()}
    for module, source in sources.items():
        members[family[module]] |= (source.attributes | source.members) - uses.keys()
    importers = dict.fromkeys(sources, 0)
    for source in sources.values():
        for module in {module for module, _ in source.imported.values()} & importers.keys():
            importers[module] += 1

    def rank(name):
        """The first letters for what many files have, then for files that are always loaded, as
        those are that many import.
        """
        return -len(uses[name]), -max(importers[module] for module in uses[name]), name

    short = {}
    for name in sorted(uses, key=rank):
        places = []
        if name in attributes or name in public:
            places += [members[family[module]] for module in uses[name]]
        if (
            name in public
            or name not in attributes
            or any(name in sources[module].variables for module in uses[name])
        ):
            places += [variables[module] for module in uses[name]]
        short[name] = next(new for new in _candidates() if not any(new in one for one in places))
        for place in places:
            place.add(short[name])
    return {name: new for name, new in short.items() if len(new) < len(name)}


def _alone(source):
    """Public names of a file that become short where no other file speaks of them."""
    if source.module.startswith("holdfast.hal."):
        return set()  # of what a chip's own objects have, who knows the names?
    names = _stored(source.nodes, True) | _assigned(source.tree.body) | source.members
    return {name for name in names - _THEIRS if not name.startswith("__")}


def _public(sources):
    """Public names that become short in all files: where an object has one, the file of its class,
    or of a base, says so, and there no other becomes the same.
    """
    found = set()
    left = set()
    for module, source in sources.items():
        found |= _alone(source)
        if module.startswith("holdfast.hal"):
            left |= source.names
        for node in source.nodes:
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                ours = isinstance(node.value, ast.Name) and node.value.id == "self"
                left.update(() if ours else (node.attr,))
    return {name for name in found - left if not _PRIVATE.match(name)}


def _families(sources, stored, uses):
    """{module: a name for all modules whose objects may have names of one another}: those of a
    class and its bases, and those that share a private name that is not their own.
    """
    leader = {module: module for module in sources}

    def find(module):
        while leader[module] != module:
            module = leader[module]
        return module

    for module, source in sources.items():
        own = {node.name for node in source.nodes if isinstance(node, ast.ClassDef)}
        for node in source.nodes:
            if not isinstance(node, ast.ClassDef):
                continue
            for base in node.bases:
                name = base.value.id if isinstance(base, ast.Attribute) else base.id
                if name in own or name not in source.imported:
                    continue
                other, inner = source.imported[name]
                for there in (other, other + "." + inner):
                    if there in sources:
                        leader[find(module)] = find(there)
    for name in uses:
        modules = {module for module in sources if name in sources[module].names}
        borrowers = [module for module in modules if name not in stored[module]]
        if borrowers:
            for module in modules:
                leader[find(module)] = find(borrowers[0])
    return {module: find(module) for module in sources}


def _candidates():
    for length in itertools.count(1):
        for letters in itertools.product(_LETTERS, repeat=length):
            name = "".join(letters)
            if name not in _THEIRS and not keyword.iskeyword(name):
                yield name


# -- parameters -----------------------------------------------------------------------------------


def _parameters(source, keywords, taken):
    """{parameter: a short name} for those that are variables of functions and nothing else. taken:
    short names of the file's other variables.
    """
    parameters = {node.arg for node in source.nodes if isinstance(node, ast.arg)}
    others = keywords | source.attributes | {"self"}

    def look(table):
        inside = table.get_type() not in ("module", "class")
        for symbol in table.get_symbols():
            if not inside or symbol.is_global() or symbol.is_imported():
                others.add(symbol.get_name())
        for child in table.get_children():
            look(child)

    look(symtable.symtable(source.text, source.module, "exec"))
    short = {}
    free = (name for name in _candidates() if name not in source.names and name not in taken)
    for name in sorted(parameters - others):
        if len(name) > 1 and not name.startswith("_"):
            short[name] = next(free)
    return short


# -- text -----------------------------------------------------------------------------------------


def _rewritten(source, changes, everywhere, numbers):
    """The text with names changed, and without the imports of what has become a number.
    everywhere: those that change behind a dot, too.
    """
    lines = source.text.splitlines(keepends=True)
    imports = []  # (first row, last row, what stands there instead)
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and node.module.startswith("holdfast"):
            left = [alias for alias in node.names if (alias.asname or alias.name) not in numbers]
            if len(left) < len(node.names):
                names = ", ".join([_alias(alias, changes) for alias in left])
                text = "from %s import %s" % (node.module, names) if left else "pass"
                imports.append((node.lineno, node.end_lineno, " " * node.col_offset + text))
    rewritten = {row for first, last, _ in imports for row in range(first, last + 1)}
    # From the end, so that columns stay what they are.
    for row, column, name in reversed(_names(source.tokens, everywhere)):
        if name in changes and row not in rewritten:
            line = lines[row - 1]
            lines[row - 1] = line[:column] + changes[name] + line[column + len(name) :]
    for first, last, text in imports:
        lines[first - 1] = text + "\n"
        for row in range(first, last):
            lines[row] = "\n"
    return "".join(lines)


def _names(tokens, everywhere):
    """(row, column, name) of the names that may change."""
    found = []
    dot = False
    for token in tokens:
        if token.type == tokenize.NAME and (not dot or token.string in everywhere):
            found.append((*token.start, token.string))
        dot = token.type == tokenize.OP and token.string == "."
    return found


def _alias(alias, changes):
    """One name of an import."""
    name = changes.get(alias.name, alias.name)
    return name if alias.asname is None else "%s as %s" % (name, alias.asname)
