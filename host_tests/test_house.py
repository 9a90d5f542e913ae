"""The house keeps its own rules: who imports whom, what is tested, what happens when."""

import ast
import re
import subprocess
import sys

import interpreters
import pytest

FIRMWARE = interpreters.FIRMWARE
HOUSE = FIRMWARE / "holdfast"
TESTS = interpreters.ROOT / "host_tests"

# Who may import whom, folder by folder; "" is holdfast/ itself: the composition root, its start.
MAY_IMPORT = {
    "": {"", "core", "settings", "wire", "vapix", "monitors", "rest", "uplink"}
    | {"server", "client", "storage", "runtime", "hal"},
    "server": {"server", "runtime", "core", "wire"},
    "client": {"client", "runtime", "storage", "uplink", "core", "wire"},
    "storage": {"storage", "core", "wire"},
    "runtime": {"runtime", "core"},
    "monitors": {"monitors", "runtime", "storage", "core", "wire", "settings"},
    "vapix": {"vapix", "core", "wire", "settings"},
    "page": set(),
    "rest": {"rest", "core", "wire", "page", "settings"},
    "uplink": {"uplink", "core", "wire"},
    "settings": {"settings", "server", "client", "runtime", "storage", "core", "wire"},
    "core": {"core"},
    "wire": {"wire"},
    "hal": {"hal"},
}
# Modules of MicroPython that only these folders may import.
RESERVED = {
    "machine": {"hal"},
    "network": {"hal"},
    "rp2": {"hal"},
    "esp32": {"hal"},
    "asyncio": {"runtime", "server", "client", "monitors", "settings", ""},
    "socket": {"runtime", "client"},
    "select": {"runtime", "client", "hal"},
    "time": {"runtime", "hal"},
}

# Files without a test_<folder>_<file>.py of their own, and why.
TESTED_ELSEWHERE = {
    "app": "what is joined: every test_e2e_*.py starts it",
    "routes": "rows and what is behind them: every test_e2e_*.py, test_server_dispatch.py",
    "wire/rarejson": "what wire/json seldom reads: test_wire_json.py",
    "wire/target": "what wire/http seldom reads: test_wire_http.py, test_wire_query.py",
    "core/reconfigure": "what changes of a module: test_core_module.py, test_core_rules.py",
    "serving": "what begins, once: every test_e2e_*.py",
    "joining": "joins everything, once: every test_e2e_*.py",
    "vapix/reply": "the answer to a call: test_vapix_systemready.py, test_vapix_time.py",
    "hal/cable": "a file as a cable: test_e2e_network.py",
    "hal/simulated": "files as wires: test_e2e_contract.py",
    "hal/chip": "what chips share: test_hal_rp2.py, test_hal_esp32.py",
    "hal/ethernet": "a W5500: test_hal_rp2.py",
    "hal/gpio": "pins of a chip: test_hal_rp2.py, test_hal_esp32.py",
    "hal/wifi": "a radio: test_hal_rp2.py, test_hal_esp32.py",
    "hal/storage": "files: test_e2e_accounts.py, test_e2e_restart.py",
    "server/connection": "moves bytes: test_e2e_hostile.py",
    "storage/atomic": "how a file is replaced: test_settings_store.py, test_monitors_store.py",
    "runtime/portable_cpython": "portable.py's other half: every test_e2e_*.py on CPython",
    "settings/documents": "what rest/settings reads and gathers: test_rest_settings.py",
    "runtime/memory": "order in the heap: test_e2e_memory.py, tools/smallest.py",
    "client/sender": "when what is sent: test_e2e_uplinks.py, test_e2e_rules.py",
    "server/body": "moves bytes: test_e2e_page_figures.py",
    "runtime/portable": "asyncio and sockets: every test_e2e_*.py, on both interpreters",
    "runtime/sockets": "listening, UDP, TLS: test_server_tls.py, test_e2e_exchange.py",
    "settings/saving": "what a store does: test_settings_store.py",
    "settings/format": "what a store reads and writes: test_settings_store.py",
    "settings/tls_files": "what a certificate must be: test_wire_certificate.py, test_e2e_tls.py",
    "server/websocket_pump": "moves bytes: test_e2e_events.py",
    "wire/chunked": "a coding of request bodies: test_wire_http.py",
}

FILES = sorted(path for path in FIRMWARE.rglob("*.py") if path.parent != HOUSE / "page")
NAMES = [str(path.relative_to(FIRMWARE).with_suffix("")) for path in FILES]
each_file = pytest.mark.parametrize("path", FILES, ids=NAMES)


def tree(path):
    return ast.parse(path.read_text(), str(path))


def folder(path):
    """The folder of holdfast/ a file is in, "" for holdfast/ itself, None outside of it."""
    if HOUSE not in path.parents:
        return None
    return "" if path.parent == HOUSE else path.parent.name


def imported(path):
    """(top name, folder of holdfast or None) of every import, wherever it stands, by text too."""
    for node in ast.walk(tree(path)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide who imports whom"
            names = ["%s.%s" % (node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # The name of a module that is imported when it is needed.
            names = [node.value] if re.fullmatch(r"holdfast(\.\w+){2,}", node.value) else []
        for name in names:
            parts = name.split(".")
            inner = None
            if parts[0] == "holdfast":
                inner = parts[1] if len(parts) > 1 and (HOUSE / parts[1]).is_dir() else ""
            yield parts[0], inner


@each_file
def test_imports_run_one_way(path):
    here = folder(path)
    if here is None:
        return
    for top, inner in imported(path):
        if inner is not None:
            assert inner in MAY_IMPORT[here], "%s imports %s" % (path, inner)
        allowed = RESERVED.get(top)
        assert allowed is None or here in allowed, "%s imports %s" % (path, top)


def test_every_folder_has_its_rule():
    folders = {path.name for path in HOUSE.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders | {""} == set(MAY_IMPORT)


def test_the_root_alone_imports_the_root():
    for path in FILES:
        if folder(path):
            assert "" not in [inner for _, inner in imported(path)], path


def test_every_file_has_a_test_of_its_own_or_a_reason():
    missing = []
    for path in FILES:
        name = str(path.relative_to(HOUSE).with_suffix("")) if folder(path) is not None else None
        if name is None or path.name == "__init__.py" or name in TESTED_ELSEWHERE:
            continue
        if not (TESTS / ("test_%s.py" % name.replace("/", "_"))).exists():
            missing.append(name)
    assert not missing


def test_every_reason_is_about_a_file_and_names_tests():
    for name, reason in TESTED_ELSEWHERE.items():
        assert (HOUSE / (name + ".py")).exists(), name
        for test in re.findall(r"test_\w+\.py", reason):
            assert (TESTS / test).exists(), test


def test_every_test_of_a_file_is_about_a_file():
    for path in TESTS.glob("test_*.py"):
        area, _, name = path.stem[len("test_") :].partition("_")
        if (HOUSE / area).is_dir():
            assert (HOUSE / area / (name + ".py")).exists(), path.name


@each_file
def test_no_bare_except_and_no_base_exception(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, "line %d" % node.lineno
            assert "BaseException" not in ast.dump(node.type), "line %d" % node.lineno


@each_file
def test_no_floats(path):
    """Times are integers of ms; single precision on a board counts them wrong."""
    name = str(path.relative_to(FIRMWARE))
    if name in ("holdfast/wire/json.py", "holdfast/wire/rarejson.py"):
        return  # reads other people's
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant):
            assert not isinstance(node.value, float), "line %d" % node.lineno
        if isinstance(node, ast.BinOp) and name != "holdfast/runtime/portable_cpython.py":
            # asyncio.sleep of CPython takes seconds, hence the exception.
            assert not isinstance(node.op, ast.Div), "line %d" % node.lineno


@each_file
def test_a_const_stands_above_whoever_uses_it(path):
    """MicroPython puts its value in place while it reads on, and keeps no name that begins with _:
    what stands above would look for one that is not there, and so would a shortened public one.
    """
    lines = {}
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("const("):
            lines.update({target.id: node.lineno for target in node.targets})
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            assert node.lineno >= lines.get(node.id, 0), "line %d: %s" % (node.lineno, node.id)


HARMLESS_CALLS = {"const", "bytes", "bytearray", "tuple", "range", "frozenset", "len"}


def harmless(node):
    """True for a value that only computes."""
    for part in ast.walk(node):
        if isinstance(part, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)):
            return False
        if isinstance(part, ast.Call):
            name = part.func.id if isinstance(part.func, ast.Name) else None
            method = part.func.attr if isinstance(part.func, ast.Attribute) else None
            if name not in HARMLESS_CALLS and method not in ("encode", "join", "keys"):
                return False
    return True


def check_statement(node):
    """What may stand at the top of a module."""
    where = "line %d" % node.lineno
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        assert not node.decorator_list, where
    elif isinstance(node, ast.ClassDef):
        assert not node.decorator_list, where
        for inner in node.body:
            check_statement(inner)
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        assert node.value is None or harmless(node.value), where
    elif isinstance(node, ast.Expr):
        assert isinstance(node.value, ast.Constant), where  # a docstring
    elif isinstance(node, ast.If):
        assert harmless(node.test), where
        for inner in node.body + node.orelse:
            check_statement(inner)
    elif isinstance(node, ast.Try):
        for handler in node.handlers:
            assert "ImportError" in ast.dump(handler.type), where
        for inner in node.body + node.orelse + node.finalbody:
            check_statement(inner)
        for handler in node.handlers:
            for inner in handler.body:
                check_statement(inner)
    else:
        assert isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass)), where


@each_file
def test_nothing_happens_at_import(path):
    if folder(path) is not None:  # boot.py and main.py are there to make things happen
        for node in tree(path).body:
            check_statement(node)


PROBE = """
import sys
for path in %r:
    sys.path.insert(0, path)
happened = []
def hook(event, arguments):
    if event.startswith("socket.") or event in ("os.mkdir", "os.remove", "os.rename"):
        happened.append((event, str(arguments)))
    elif event == "open" and not str(arguments[0]).endswith((".py", ".pyc")):
        happened.append((event, str(arguments)))
    elif event in ("subprocess.Popen", "_thread.start_new_thread"):
        happened.append((event, ""))
import asyncio, binascii, hashlib, json, socket, traceback
import asyncio.selector_events
sys.addaudithook(hook)
for name in %r:
    __import__(name)
print(happened)
"""


def test_importing_everything_opens_nothing():
    names = [name.replace("/", ".") for name in NAMES if name.startswith("holdfast/")]
    names = [name[: -len(".__init__")] if name.endswith("__init__") else name for name in names]
    chips = ("chip", "esp32", "ethernet", "gpio", "rp2", "wifi")  # these import machine, network
    names = [name for name in names if name.partition("hal.")[2] not in chips]
    simulated = interpreters.ROOT / "boards" / "simulated"
    # The last one has CPython's twin of the module micropython.
    paths = [str(simulated), str(FIRMWARE), str(simulated / "cpython")]
    result = subprocess.run(
        [sys.executable, "-B", "-c", PROBE % (paths, names)],  # -B: Python keeps nothing either
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


BOOT = """
import os, sys
sys.path.insert(0, %r)
sys.path.insert(0, %r)
import board
board.PINS = %r
before = set(sys.modules)
exec(open(%r).read(), {"__name__": "__main__"})
names = [name for name in sys.modules if name == "asyncio" or name == "socket"]
names += [name for name in sys.modules if name.startswith("holdfast")]
print(sorted(names))
os._exit(0)  # nothing tidies up: the pins are what boot.py left
"""

NOT_YET = (
    "asyncio",
    "socket",
    "holdfast.app",
    "holdfast.server",
    "holdfast.client",
    "holdfast.storage",
    "holdfast.runtime",
    "holdfast.wire",
    "holdfast.vapix",
)
NOT_YET += ("holdfast.rest", "holdfast.settings", "holdfast.start")


def boot(tmp_path, command):
    """Run boot.py alone, with wires that an earlier life left at the other level."""
    pins = tmp_path / "pins"
    pins.mkdir()
    for gpio in range(8):
        (pins / ("gpio%d" % gpio)).write_bytes(b"1")
    board = interpreters.ROOT / "boards" / "simulated"
    script = tmp_path / "boot_probe.py"
    names = (str(board), str(FIRMWARE), str(pins), str(FIRMWARE / "boot.py"))
    text = BOOT % names
    if "micropython" in command:
        text = text.replace("os._exit(0)", "sys.exit(0)")
    script.write_text(text)
    result = subprocess.run(
        [command, str(script)], capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return ast.literal_eval(result.stdout.strip()), pins


def check_boot(names, pins):
    assert "holdfast.hal" in names
    for name in names:
        assert not name.startswith(NOT_YET), name
    levels = [(pins / ("gpio%d" % gpio)).read_bytes() for gpio in range(8)]
    assert levels == [b"1"] * 4 + [b"0"] * 4  # inputs are left alone, outputs are safe


def test_boot_makes_outputs_safe_before_it_imports_what_could_fail(tmp_path):
    check_boot(*boot(tmp_path, sys.executable))


def test_boot_does_so_on_micropython(tmp_path, micropython):
    check_boot(*boot(tmp_path, micropython))
