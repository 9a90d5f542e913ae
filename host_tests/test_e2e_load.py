"""The board under load: a master that falls silent is noticed in time, the others are served.

The clients run in a process of their own, which is this file run as a program, so that what is
measured here is the board and not the clients' interpreter:

    python test_e2e_load.py HOST PORT MASTER...       until its input ends; prints a report as JSON
"""

import contextlib
import json
import random
import socket
import subprocess
import sys
import threading
import time

import pytest

from boards import (
    ANSWER_S,
    LOST_TOPIC,
    Figures,
    Master,
    Watch,
    account,
    notification,
    output,
    settings,
)

pytestmark = pytest.mark.alone

STRANGERS = 3  # of each kind: who drip, who send garbage
TRIPS = 12
HEAD = b"POST /vapix/axhbt HTTP/1.1\r\nHost: a\r\n"


# -- the clients ----------------------------------------------------------------------------------


class Clients:
    """Masters that hammer, as threads, and strangers that disturb once they are let loose."""

    def __init__(self, host, port, names):
        self.address = (host, int(port))
        self.ended = threading.Event()
        self.joined = threading.Semaphore(0)
        self.problems = []
        self.latency = []
        self.threads = []
        for name in names:
            self.start(self.beat, name)
            self.joined.acquire(timeout=ANSWER_S)

    def disturb(self):
        for seed in range(STRANGERS):
            self.start(self.drip, None)
            self.start(self.garbage, seed)

    def start(self, *job):
        self.threads.append(threading.Thread(target=self.run, args=job, daemon=True))
        self.threads[-1].start()

    def run(self, job, argument):
        try:
            job(argument)
        except Exception as error:
            self.problems.append("%s %s: %r" % (job.__name__, argument, error))

    def beat(self, name):
        master = Master(*self.address, name)
        first = master.beat(2000)
        self.joined.release()
        while not self.ended.is_set():
            if master.beat(2000) != first:
                self.problems.append("%s was lost while it lived" % name)
            self.latency.append(master.latency)
        if master.connects != 1:
            self.problems.append("the connection of %s gave way" % name)

    def drip(self, _):
        while not self.ended.is_set():
            with contextlib.suppress(OSError), socket.create_connection(self.address, 1) as sock:
                sock.sendall(HEAD)
                while not self.ended.wait(0.02):
                    sock.sendall(b"X")

    def garbage(self, seed):
        noise = random.Random(seed)
        while not self.ended.is_set():
            with contextlib.suppress(OSError), socket.create_connection(self.address, 1) as sock:
                sock.sendall(noise.randbytes(2000))
                self.ended.wait(0.005)

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(ANSWER_S)
        return {"problems": self.problems, "latency": self.latency}


@contextlib.contextmanager
def clients_of(board, names):
    """The clients in their own process; a function that ends them and gives their report."""
    command = [sys.executable, __file__, board.host, str(board.port)] + names
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    def stop():
        text, _ = process.communicate(timeout=4 * ANSWER_S)
        return json.loads(text)

    try:
        assert process.stdout.readline() == "joined\n"
        yield stop
    finally:
        process.kill()
        process.wait()


# -- the test -------------------------------------------------------------------------------------


def stubborn(master, duration_ms):
    """A heartbeat of a master that may have to connect anew: a lost one keeps no place."""
    for _ in range(5):
        try:
            return master.beat(duration_ms)
        except (ConnectionError, TimeoutError):
            master.close()
    return master.beat(duration_ms)


@pytest.mark.parametrize("connections", [5, 12])
def test_a_master_that_falls_silent_under_load(start, runtime, record_property, connections):
    """Four masters, three of which hammer, beside strangers that drip and send garbage. The fourth
    stops, comes back and stops again. Five places are all that a Pico W has."""
    ports = {"4": output("silent", "restore", power_on="closed")}
    board = start(settings(ports, [account("silent")]), "--connections", connections)
    silent = board.master("silent")
    silent.beat(60000)
    late = []
    stream = None
    with contextlib.ExitStack() as stack:
        if connections > 5:
            stream = stack.enter_context(board.subscribed(LOST_TOPIC, replay=1))
        stop = stack.enter_context(clients_of(board, ["root", "door", "vms"]))
        watch = stack.enter_context(Watch(board, 4))
        time.sleep(0.3)  # for the strangers to be at it
        # With five places a lost master comes back among the strangers: seconds each time.
        for _ in range(TRIPS if connections > 5 else TRIPS // 3):
            stubborn(silent, 150)
            fell = watch.next(4, 0, silent.answered_at)
            assert fell - silent.sent_at >= 0.15
            # From the answer: a heartbeat on a new connection may have waited to be accepted.
            late.append(fell - silent.answered_at - 0.15)
            if stream:
                assert notification(stream)[2] == "1"
                stubborn(silent, 60000)
                assert notification(stream)[2] == "0"
        report = stop()
    assert report["problems"] == []
    figures, beats = Figures(late), Figures(report["latency"])
    place = "%s, %d connections" % (runtime, connections)
    record_property("fallback lateness under load, " + place, str(figures))
    record_property("beats of live masters under load, " + place, str(beats))
    print("\nfallback lateness under load, %s: %s" % (place, figures))
    print("beats of live masters under load, %s: %s" % (place, beats))
    assert figures.within(100), str(figures)
    assert beats.within(1000), str(beats)


if __name__ == "__main__":
    running = Clients(*sys.argv[1:3], sys.argv[3:])
    print("joined", flush=True)
    running.disturb()
    sys.stdin.read()
    print(json.dumps(running.stop()))
