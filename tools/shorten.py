"""Makes the firmware's sources smaller for MicroPython's heap before they are compiled; line numbers
stay.

MicroPython keeps every name of a loaded file for ever, 8 bytes and its letters, and a module's
constants as rows of a dict. Inside a file mpy-cross puts numbers in for `_NAME = const(1)`; what it
cannot see, because it compiles one file at a time, is done here:

1. `NAME = const(1)` of one file is a number in those that import it, and is kept nowhere.
2. Private names, `_like_this`, become short ones that many files have in common. No two names
   become the same where they could meet: in one file, or in those that a class and its base are in.
3. So do parameters that nobody names in a call.

A name that also stands in a text is left alone: it may be looked up by it. Behaviour is tested by
running the result: every test of the simulated board under MicroPython does.
"""

import ast
import io
import itertools
import re
import string
import symtable
import tokenize

_SMALL = range(-(1 << 30), 1 << 30)  # an int of a 32-bit MicroPython that takes no heap
_PRIVATE = re.compile(r"_[A-Za-z0-9]\w*(?<!__)\Z")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
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
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                if node not in docstrings:
                    self.strings.update(re.findall(r"\w+", node.value))
        self.tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        self.names = {token.string for token in self.tokens if token.type == tokenize.NAME}

    def stored(self):
        """Names that are given a value as attribute, function, class or variable."""
        found = set()
        for node in self.nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found.add(node.name)
        return found

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


def shorten(texts):
    """Of {module name: source text} of the whole firmware the same, shorter."""
    sources = {module: Source(module, texts[module]) for module in sorted(texts)}
    numbers, hidden = _constants(sources)
    short = _private(sources)
    keywords = {
        node.arg
        for source in sources.values()
        for node in source.nodes
        if isinstance(node, ast.keyword)
    }
    result = {}
    for source in sources.values():
        changes = {name: short[name] for name in source.names & short.keys()}
        changes.update(_parameters(source, keywords))
        changes.update(hidden[source.module])
        changes.update(numbers[source.module])
        result[source.module] = _rewritten(source, changes, numbers[source.module])
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


def _private(sources):
    """{private name: a short one}, the same for all files."""
    stored = {module: source.stored() for module, source in sources.items()}
    spoken = set().union(*[source.strings | source.foreign for source in sources.values()])
    ours = set().union(*stored.values())
    uses = {}  # name: modules
    for module, source in sources.items():
        folded = source.consts()
        for name in source.names:
            if _PRIVATE.match(name) and name in ours and name not in spoken and name not in folded:
                uses.setdefault(name, set()).add(module)
    family = _families(sources, stored, uses)
    taken = {}  # family: the short names that are in use there
    for module, source in sources.items():
        taken.setdefault(family[module], set()).update(
            name for name in source.names if name.startswith("_") and name not in uses
        )
    short = {}
    for name in sorted(uses, key=lambda name: (-len(uses[name]), name)):
        families = {family[module] for module in uses[name]}
        for candidate in _candidates("_"):
            if not any(candidate in taken[one] for one in families):
                break
        for one in families:
            taken[one].add(candidate)
        short[name] = candidate
    return {name: new for name, new in short.items() if len(new) < len(name)}


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
    for name, modules in uses.items():
        borrowers = [module for module in modules if name not in stored[module]]
        if borrowers:
            for module in modules:
                leader[find(module)] = find(borrowers[0])
    return {module: find(module) for module in sources}


def _candidates(prefix):
    for length in itertools.count(1):
        for letters in itertools.product(_LETTERS, repeat=length):
            yield prefix + "".join(letters)


# -- parameters -----------------------------------------------------------------------------------


def _parameters(source, keywords):
    """{parameter: a short name} for those that are variables of functions and nothing else."""
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
    free = (name for name in _candidates("") if name not in source.names)
    for name in sorted(parameters - others):
        if len(name) > 1 and not name.startswith("_"):
            short[name] = next(free)
    return short


# -- text -----------------------------------------------------------------------------------------


def _rewritten(source, changes, numbers):
    """The text with names changed, and without the imports of what has become a number."""
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
    for row, column, name in reversed(_names(source.tokens)):
        if name in changes and row not in rewritten:
            line = lines[row - 1]
            lines[row - 1] = line[:column] + changes[name] + line[column + len(name) :]
    for first, last, text in imports:
        lines[first - 1] = text + "\n"
        for row in range(first, last):
            lines[row] = "\n"
    return "".join(lines)


def _names(tokens):
    """(row, column, name) of the names that may change. Behind a dot those are private."""
    found = []
    dot = False
    for token in tokens:
        if token.type == tokenize.NAME and (not dot or _PRIVATE.match(token.string)):
            found.append((*token.start, token.string))
        dot = token.type == tokenize.OP and token.string == "."
    return found


def _alias(alias, changes):
    """One name of an import."""
    name = changes.get(alias.name, alias.name)
    return name if alias.asname is None else "%s as %s" % (name, alias.asname)
