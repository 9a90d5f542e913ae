"""Breaks the safety path on purpose, a line at a time: do the unit tests notice?

    make mutants                               all of it; fails below 95 % killed
    make mutants ARGS="core/port.py ticker"    files whose path holds one of these texts

A mutant is a source file with one small change: a comparison at its boundary or negated, `and` for
`or`, one side of them or a `not` dropped, a condition turned round, a constant one more or less,
other arithmetic, a statement left out, None returned. It is killed when a unit test fails, or runs
several times as long as it does else; else it survives, and is printed with its place.

The unit tests of `core/port.py` are host_tests/test_core_port.py, and those in ALSO. They are
plain functions, called here without pytest: a process that has compiled everything forks for each
mutant, and tries the test first that killed the last one. The usual tools do not serve. mutmut 3
changes nothing outside of functions, where our limits and enumerations stand. cosmic-ray starts
pytest anew for each mutant, which is hours for these thousands. mutatest is not kept any more.

tools/mutants.toml lists survivors that no test can kill, each with the reason. They are known by
their text, not by a line number, and are left out of the figures; an entry that is killed, or that
is no mutant, is an error.
"""

import ast
import contextlib
import importlib.abc
import importlib.machinery
import inspect
import os
import resource
import select
import signal
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "firmware" / "holdfast"
TESTS = ROOT / "host_tests"
ACCEPTED = Path(__file__).with_suffix(".toml")
PATHS = (ROOT / "firmware", ROOT / "boards" / "simulated" / "cpython", TESTS)

LEAST_PERCENT = 95
SOURCES = (
    *sorted("core/" + path.name for path in (HOUSE / "core").glob("[a-z]*.py")),
    *sorted("settings/" + path.name for path in (HOUSE / "settings").glob("schema*.py")),
    "settings/address.py",
    "settings/changes.py",
    "settings/model.py",
    "settings/secrets.py",
    "hal/pins.py",
    "server/admission.py",
    "runtime/hard_fallback.py",
    "runtime/ticker.py",
    "lifecycle.py",
    "safemode.py",
    "start.py",
)
# Further unit tests of a source: those of what it is a part of.
ALSO = {
    "core/accounts.py": ("test_settings_schema",),
    "core/checkins.py": ("test_core_monitors",),
    "core/log.py": ("test_core_module",),
    "settings/model.py": ("test_settings_schema",),
    "core/reconfigure.py": (
        "test_core_module",
        "test_core_rules",
        "test_core_blocked",
        "test_masters",
    ),
    "core/module.py": ("test_masters", "test_runtime_hard_fallback"),
    "core/port.py": ("test_core_module", "test_masters"),
    "core/session.py": ("test_core_module", "test_masters"),
    "core/events.py": ("test_core_module",),
    "core/virtual_inputs.py": ("test_core_module",),
    "core/definition.py": ("test_core_monitors",),
}
LIMIT_S = 0.5  # of processor time, beside several times what the tests take
MEMORY_BYTES = 1 << 30
STANDSTILL_S = 60  # of real time: a mutant that waits for ever

_FLIPS = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}


# -- making mutants -------------------------------------------------------------------------------


class Mutant:
    """One change of a source: `apply` makes it in the tree; the texts tell what it is."""

    def __init__(self, source, line, where, before, after, apply):
        self.source = source
        self.line = line
        self.text = "%s: %s  ->  %s" % (where, before, after)
        self.apply = apply


def mutants(source, tree):
    """Every mutant of a source. Equal ones in one function are told apart by a number."""
    made = list(_Finder(source).find(tree))
    seen = {}
    for mutant in made:
        number = seen[mutant.text] = seen.get(mutant.text, 0) + 1
        if number > 1:
            mutant.text += "  (%d)" % number
    return made


class _Finder:
    def __init__(self, source):
        self._source = source
        self._where = []

    def find(self, node, statement=None):
        """Yield the mutants of a node and of what is in it."""
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._where.append(node.name)
            for child in [*_defaults(node), *node.body]:
                yield from self.find(child, child)
            self._where.pop()
            return
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.JoinedStr)) or _is_text(node):
            return
        if isinstance(node, ast.stmt):
            statement = node
        yield from self._changes(node, statement)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "ctx"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self.find(child, statement)

    def _mutant(self, node, statement, apply):
        """The mutant that `apply`, a function that returns how to undo it, makes."""
        before = _head(statement)
        undo = apply()
        after = _head(statement)
        undo()
        where = ".".join(self._where) or "module"
        return Mutant(self._source, node.lineno, where, before, after, apply)

    def _changes(self, node, statement):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            for flip in _FLIPS[type(node.ops[0])]:
                yield self._set(node, statement, "ops", [flip()])
        elif isinstance(node, ast.Compare):
            for i, operator in enumerate(node.ops):
                for flip in _FLIPS[type(operator)]:
                    operators = [*node.ops[:i], flip(), *node.ops[i + 1 :]]
                    yield self._set(node, statement, "ops", operators)
        elif isinstance(node, ast.BoolOp):
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield self._set(node, statement, "op", other)
            for i in range(len(node.values)):
                rest = node.values[:i] + node.values[i + 1 :]
                if len(rest) > 1:
                    yield self._set(node, statement, "values", rest)
                else:
                    yield self._become(node, statement, rest[0])
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield self._become(node, statement, node.operand)
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _ARITHMETIC:
            if not (isinstance(node, ast.BinOp) and _is_text(node.left)):  # "%s" % value
                yield self._set(node, statement, "op", _ARITHMETIC[type(node.op)]())
        elif isinstance(node, ast.Constant):
            yield from self._constants(node, statement)
        if isinstance(node, (ast.If, ast.IfExp, ast.While)) and not _negates_itself(node.test):
            yield self._set(node, statement, "test", ast.UnaryOp(ast.Not(), node.test))
        if isinstance(node, ast.stmt):
            yield from self._statements(node)

    def _constants(self, node, statement):
        value = node.value
        if isinstance(value, bool):
            yield self._set(node, statement, "value", not value)
        elif isinstance(value, int):
            yield self._set(node, statement, "value", value + 1)
            yield self._set(node, statement, "value", value - 1)

    def _statements(self, node):
        gone = isinstance(node, (ast.Raise, ast.AugAssign, ast.Continue, ast.Break, ast.Delete))
        if isinstance(node, ast.Expr):
            gone = not isinstance(node.value, ast.Constant)
        elif isinstance(node, ast.Assign):
            # A name that is never set fails wherever it is read: nothing is learnt from that.
            gone = not isinstance(node.targets[0], (ast.Name, ast.Tuple))
        if gone:
            yield self._become(node, node, ast.Pass())
        elif isinstance(node, ast.Return) and not _is_none(node.value):
            yield self._set(node, node, "value", ast.Constant(None))

    def _set(self, node, statement, field, value):
        """The mutant with another value in this field of a node."""

        def apply():
            before = getattr(node, field)
            setattr(node, field, value)
            return lambda: setattr(node, field, before)

        return self._mutant(node, statement, apply)

    def _become(self, node, statement, other):
        """The mutant in which a node is another."""

        def apply():
            kind, fields = node.__class__, dict(node.__dict__)
            node.__class__ = other.__class__
            node.__dict__.update(other.__dict__)
            ast.copy_location(node, ast.Constant(0, **_place(fields)))

            def undo():
                node.__class__ = kind
                node.__dict__.clear()
                node.__dict__.update(fields)

            return undo

        return self._mutant(node, statement, apply)


def _place(fields):
    return {name: fields[name] for name in ("lineno", "col_offset")}


def _defaults(node):
    if isinstance(node, ast.ClassDef):
        return []
    return [value for value in node.args.defaults + node.args.kw_defaults if value is not None]


def _is_none(node):
    return node is None or isinstance(node, ast.Constant) and node.value is None


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _negates_itself(test):
    """True where another change already turns the condition round."""
    if isinstance(test, ast.Compare):
        return len(test.ops) == 1
    return isinstance(test, ast.Constant) or (
        isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    )


def _head(statement):
    """The text of a statement in one line, without what is inside of it."""
    body = getattr(statement, "body", None)
    if not isinstance(body, list):
        return " ".join(ast.unparse(statement).split())
    first = ast.unparse(statement).split("\n")[0]
    return first.rstrip(":")


# -- running tests --------------------------------------------------------------------------------


class Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports what is below PATHS out of memory; `code` of a mutant takes the place of its own."""

    def __init__(self):
        self._files = {}
        self.code = {}
        for folder in PATHS:
            for path in folder.rglob("*.py"):
                if folder == TESTS and path.parent != TESTS:
                    continue
                parts = list(path.relative_to(folder).with_suffix("").parts)
                package = parts[-1] == "__init__"
                name = ".".join(parts[:-1] if package else parts)
                self._files.setdefault(name, (path, package))

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in self._files:
            return None
        file, package = self._files[fullname]
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(file), is_package=package)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        file = self._files[module.__name__][0]
        module.__file__ = str(file)
        exec(self.compiled(module.__name__), module.__dict__)

    def compiled(self, name):
        code = self.code.get(name)
        if code is None:
            file = self._files[name][0]
            code = self.code[name] = compile(file.read_bytes(), str(file), "exec")
        return code


def module_name(source):
    return "holdfast." + source[: -len(".py")].replace("/", ".")


def test_files(source):
    """The names of the test files of a source."""
    own = "test_" + source[: -len(".py")].replace("/", "_")
    names = [own] if (TESTS / (own + ".py")).exists() else []
    return names + list(ALSO.get(source, ()))


def functions(names):
    """(file, function) of every test in these files; they take no arguments."""
    found = []
    for name in names:
        module = __import__(name)
        for key in sorted(vars(module)):
            if key.startswith("test_"):
                function = getattr(module, key)
                if inspect.signature(function).parameters:
                    raise TypeError("%s.%s is no plain function" % (name, key))
                found.append((name + "." + key, function))
    return found


def in_child(work, limit_s=None):
    """Fork, and have the child do the work; (pid, what it writes)."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    status = 1
    try:
        os.close(reading)
        quiet = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(quiet, number)
        if limit_s is not None:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
            signal.setitimer(signal.ITIMER_REAL, max(STANDSTILL_S, 10 * limit_s))
        os.write(writing, work().encode())
        status = 0
    finally:
        os._exit(status)


def run(names, order):
    """Run the tests, those in `order` first; the name of the first that fails, "" for none."""
    try:
        tests = dict(functions(names))
    except Exception:
        return "import"
    for name in [*order, *(name for name in tests if name not in order)]:
        if name in tests:
            try:
                tests[name]()
            except BaseException:
                return name
    return ""


def baseline(names):
    """The tests of a source as it is, quickest first, with the seconds of each."""

    def work():
        lines = []
        start = time.process_time()
        try:
            tests = functions(names)
        except Exception as error:
            return "! %s" % error
        lines.append("%f import" % (time.process_time() - start))
        for name, test in tests:
            start = time.process_time()
            try:
                test()
            except BaseException as error:
                return "! %s: %r" % (name, error)
            lines.append("%f %s" % (time.process_time() - start, name))
        return "\n".join(lines)

    pid, reading = in_child(work)
    with open(reading) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    if text[:1] in ("", "!"):
        raise SystemExit("the tests fail without any change: %s %s" % (", ".join(names), text))
    rows = [line.split() for line in text.splitlines()]
    return sorted([(float(seconds), name) for seconds, name in rows if name != "import"]), sum(
        float(seconds) for seconds, _ in rows
    )


class Source:
    """A source, its mutants and what has become of them."""

    def __init__(self, name, loader):
        self.name = name
        self.path = HOUSE / name
        self.tests = test_files(name)
        self._loader = loader
        self._tree = ast.parse(self.path.read_text())
        self.mutants = mutants(name, self._tree)
        self.order = []
        self.limit_s = 0
        self.survivors = []
        self.killed = []
        self.seconds = 0.0

    def measure(self):
        """Do the tests pass as it is? How long do they take?"""
        rows, total = baseline(self.tests)
        self.order = [name for _, name in rows]
        self.limit_s = LIMIT_S + 5 * total

    def start(self, index):
        """(pid, pipe) of a child that tries a mutant."""

        def work():
            self.mutants[index].apply()
            ast.fix_missing_locations(self._tree)
            code = compile(self._tree, str(self.path), "exec")
            self._loader.code[module_name(self.name)] = code
            return "." + run(self.tests, self.order)

        return in_child(work, self.limit_s)

    def ended(self, index, text):
        """A child has ended with this text: "." of a survivor, nothing of whoever was stopped."""
        if text == ".":
            self.survivors.append(self.mutants[index])
            return
        self.killed.append(self.mutants[index])
        killer = text[1:]
        if killer in self.order:
            self.order.remove(killer)
            self.order.insert(0, killer)


def try_all(source, jobs):
    """Try every mutant of a source, so many at a time."""
    began = _processor_s()
    source.measure()
    left = list(range(len(source.mutants)))[::-1]
    under_way = {}
    while left or under_way:
        while left and len(under_way) < jobs:
            index = left.pop()
            pid, reading = source.start(index)
            under_way[reading] = (pid, index)
        for reading in select.select(list(under_way), [], [])[0]:
            pid, index = under_way.pop(reading)
            with open(reading, errors="replace") as pipe:
                text = pipe.read()
            status = os.waitpid(pid, 0)[1]
            if os.WIFEXITED(status) and not text:
                raise SystemExit("a fault of this program: " + source.mutants[index].text)
            source.ended(index, text)
    source.seconds = _processor_s() - began


def _processor_s():
    """Seconds of processor time of children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# -- telling --------------------------------------------------------------------------------------


def accepted():
    """{(source, text of the mutant): reason}."""
    table = {}
    if ACCEPTED.exists():
        for row in tomllib.loads(ACCEPTED.read_text())["survivor"]:
            for text in row["mutants"]:
                table[(row["file"], text)] = row["why"]
    return table


def judge(source, table):
    """What is wrong with the list of accepted survivors, as far as this source is concerned."""
    survivors = {mutant.text for mutant in source.survivors}
    made = {mutant.text for mutant in source.mutants}
    for name, text in table:
        if name == source.name and text not in made:
            yield "%s: listed as a survivor, but no mutant: %s" % (name, text)
        elif name == source.name and text not in survivors:
            yield "%s: listed as a survivor, but killed: %s" % (name, text)


def main(arguments):
    jobs = os.cpu_count() or 1
    for path in PATHS:
        sys.path.insert(0, str(path))
    loader = Loader()
    sys.meta_path.insert(0, loader)
    with contextlib.suppress(ImportError):
        import asyncio  # noqa: F401 what children would else each import
        import hashlib  # noqa: F401
    table = accepted()
    wanted = [name for name in SOURCES if not arguments or any(a in name for a in arguments)]
    killed = made = 0
    wrong = []
    for name in wanted:
        source = Source(name, loader)
        for test in source.tests:
            loader.compiled(test)
        for path in (*HOUSE.rglob("*.py"),):
            if "page" not in path.parts:
                relative = path.relative_to(ROOT / "firmware").with_suffix("")
                parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
                loader.compiled(".".join(parts))
        if not source.tests:
            wrong.append("%s: has no unit test" % name)
            source.survivors = source.mutants
        else:
            try_all(source, jobs)
        listed = [m for m in source.survivors if (name, m.text) in table]
        rest = [m for m in source.survivors if (name, m.text) not in table]
        counted = len(source.mutants) - len(listed)
        killed += len(source.killed)
        made += counted
        print(
            "%-28s %4d mutants, %4d killed, %2d accepted, %3d survived  %5.1f s"
            % (
                name,
                len(source.mutants),
                len(source.killed),
                len(listed),
                len(rest),
                source.seconds,
            ),
            flush=True,
        )
        for mutant in rest:
            print("  %s:%d %s" % (source.path.relative_to(ROOT), mutant.line, mutant.text))
        wrong += judge(source, table)
    percent = 100.0 * killed / max(1, made)
    minutes = _processor_s() / 60
    print("%d of %d killed: %.1f %%, %.1f processor minutes" % (killed, made, percent, minutes))
    for line in wrong:
        print(line)
    return 1 if wrong or percent < LEAST_PERCENT else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
