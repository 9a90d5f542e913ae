"""Runs the real firmware on this PC as a simulated board; see boards/simulated/README.md.

Prints `ready http://HOST:PORT` once it serves; ends cleanly on SIGTERM or Ctrl-C.
"""

import argparse
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import interpreters
import slots

BOARD = interpreters.ROOT / "boards" / "simulated"
sys.path[:0] = interpreters.IMPORTS

ADDRESS_TAKEN = 3  # what run.py ends with when it cannot listen
RESTART = 4  # ... when the module is to start again
PATIENCE_S = 5  # for a board to end by itself
PORT_TRIES = 5  # with --port 0, should somebody else take the free port first


def heap(text):
    """Bytes, with k or m as on MicroPython's own command line."""
    factor = {"k": 1024, "m": 1024 * 1024}.get(text[-1:].lower(), 1)
    return int(text if factor == 1 else text[:-1]) * factor


def parse(arguments=None):
    parser = argparse.ArgumentParser(prog="simulate.py", description="Run the simulated board.")
    parser.add_argument("--runtime", choices=("micropython", "cpython"), default="micropython")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8080, help="0 picks a free one")
    parser.add_argument("--tls-port", type=int, default=8443, help="0 picks a free one")
    parser.add_argument("--pins", type=Path, metavar="DIR", help="the wiring: DIR/gpio<N>")
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="settings to flash the board with"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="the board's flash; without, changes are not kept"
    )
    parser.add_argument(
        "--slots", type=Path, metavar="DIR", help="run the application file in it (make app)"
    )
    parser.add_argument("--heap", type=heap, metavar="BYTES", help="of a 32-bit board, e.g. 190k")
    parser.add_argument("--connections", type=int, default=5, help="TCP connections in all")
    parser.add_argument(
        "--socket-bytes",
        type=int,
        metavar="BYTES",
        help="what a connection holds in each direction, e.g. 6400 as a Pico W's",
    )
    options = parser.parse_args(arguments)
    if options.connections < 2:
        parser.error("--connections: a board has at least two")
    if options.slots and options.runtime != "micropython":
        parser.error("--slots: an application file runs on MicroPython alone")
    return options


def check_settings(path):
    """Say what is wrong with a settings file before anything starts; the board itself goes on."""
    import board
    from holdfast.settings.format import document
    from holdfast.settings.model import SettingsError
    from holdfast.settings.schema import check
    from holdfast.wire.json import JsonError

    try:
        check(document(path.read_bytes()), board.PORTS)
    except OSError as error:
        sys.exit("simulate: %s: %s" % (path, error.strerror))
    except JsonError as error:
        sys.exit("simulate: %s is not JSON: %s at byte %d" % (path, error, error.position))
    except SettingsError as error:
        sys.exit("simulate: %s: %s" % (path, error))


def interpreter(options, slot):
    """The command that runs a program, and the firmware folder it is to run. slot: the application
    file that runs instead, or None.
    """
    if options.runtime == "micropython":
        micropython = interpreters.micropython()
        if micropython is not None:
            command = [micropython]
            if options.heap:
                size = options.heap * interpreters.word_bytes(micropython) // 4
                if size != options.heap:
                    print("simulate: %d bytes of heap: words are of 64 bits here" % size)
                if slot:  # it is in flash on a board, here in the heap
                    size += slot.stat().st_size
                command += ["-X", "heapsize=%d" % size]
            if slot:
                return command, interpreters.FIRMWARE
            return command, interpreters.compile_firmware() or interpreters.FIRMWARE
        if slot:
            sys.exit("simulate: no MicroPython for this machine, and an application file needs it")
        print("simulate: no MicroPython for this machine (set MICROPYTHON); running under CPython")
    if options.heap:
        print("simulate: --heap bounds MicroPython's heap only; CPython ignores it")
    return [sys.executable, "-u"], interpreters.FIRMWARE


def slot_of(options):
    """The application file that is to run, or None."""
    if not options.slots:
        return None
    try:
        slot = slots.chosen(options.slots, "simulated")
    except slots.Damaged as problem:
        sys.exit("simulate: %s" % problem)
    print("simulate: runs %s" % slot.name)
    return slot.resolve()


def flash(settings, data):
    """Put settings, else root / pass, into the board's flash `data`, as provisioning does.

    A board that was flashed with the same file before keeps what has become of it: changes made
    through the network survive a restart.
    """
    flashed = data / "flashed.json"  # the file it was flashed with, to tell a new one
    kept = data / "settings.json"
    if settings is None:
        if list(data.glob("settings.*")):
            return
        settings = BOARD / "settings.json"
    check_settings(settings)
    content = settings.read_bytes()
    if kept.exists() and flashed.exists() and flashed.read_bytes() == content:
        return
    for name in ("settings.new", "settings.old"):
        (data / name).unlink(missing_ok=True)
    kept.write_bytes(content)
    flashed.write_bytes(content)


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def run(options):
    """Run the board to its end and return its status."""
    if options.data:
        return run_with(options, options.data)
    data = Path(tempfile.mkdtemp(prefix="holdfast-"))
    try:
        return run_with(options, data)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def run_with(options, data):
    """Run the board with the folder `data` as its flash."""
    for folder in (options.pins, data):
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    flash(options.settings, data)
    host = socket.gethostbyname(options.host)
    slot = slot_of(options)
    command, firmware = interpreter(options, slot)
    command += [str(BOARD / "run.py"), str(firmware), "HOST=" + host]
    command += ["CONNECTIONS=%d" % options.connections, "DATA=%s" % data.resolve()]
    if slot:
        command.append("SLOT=%s" % slot)
    if options.pins:
        command.append("PINS=%s" % options.pins.resolve())
    if options.socket_bytes:
        command.append("SOCKET_BYTES=%d" % options.socket_bytes)
    for _ in range(PORT_TRIES):
        port = options.port or free_port(host)
        tls_port = options.tls_port or free_port(host)
        ports = ["PORT=%d" % port, "TLS_PORT=%d" % tls_port]
        status = supervise(command + ports)
        while status == RESTART:
            status = supervise(command + ports)
        if status != ADDRESS_TAKEN or options.port:
            break
    return status


def supervise(command):
    """Run the board as a child and return its status, 0 when we were told to end.

    Its standard input is its power switch: it ends when that closes, also when we are killed. In a
    session of its own, so that a terminal's Ctrl-C comes to us alone.
    """
    board = subprocess.Popen([*command, "SWITCH=1"], stdin=subprocess.PIPE, start_new_session=True)
    told = []

    def end(signum, frame):
        if told:
            board.kill()
        told.append(time.monotonic())
        board.stdin.close()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while True:
        try:
            status = board.wait(timeout=1)
            return 0 if told else status
        except subprocess.TimeoutExpired:
            if told and time.monotonic() - told[0] > PATIENCE_S:
                print("simulate: the board does not end; killed")
                board.kill()


if __name__ == "__main__":
    sys.path.insert(0, str(BOARD))
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(run(parse()))
