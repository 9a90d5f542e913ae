"""`holdfast watch`: ports, masters and events of a module, live in the terminal.

Events come over an event stream; what they do not carry (names, deadlines, why) is read from the
status after them. A stream that was cut is opened again where it ended, so that no event is
missed, or the gap is shown. While there is none, what is on the screen is old, and it says so.
"""

import contextlib
import sys
import time
from collections import deque
from typing import Annotated

import typer
import websockets.exceptions
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from holdfast_cli.client import event
from holdfast_cli.options import Insecure, Trust, User, Where, module
from holdfast_cli.problems import REFUSED, STRANGER, UNREACHABLE, USAGE, Problem
from holdfast_cli.status import headline, masters_table, period, ports_table

ALL = "//."  # every topic
_TURN_S = 0.25  # the screen is drawn anew
_AFTER_EVENT_S = 0.2  # several come at once; the status is asked for when they have
_REFRESH_S = 10  # ... and now and then, for margins
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10
_KEPT = 200


def register(app):
    app.command()(watch)


def watch(
    where: Where,
    user: User = "root",
    trust: Trust = None,
    insecure: Insecure = False,
    plain: Annotated[bool, typer.Option("--plain", help="one line an event, for pipes")] = False,
    topic: Annotated[
        list[str] | None, typer.Option(help="only events of these topics, ONVIF ConcreteSet")
    ] = None,
    seconds: Annotated[float, typer.Option(help="how long; 0: until Ctrl-C", min=0)] = 0,
):
    """Show ports, masters and events as they happen. Ctrl-C ends it."""
    with module(where, user, trust, insecure) as subject:
        watcher = Watcher(subject, topic or [ALL])
        watcher.begin()  # what is wrong from the start is no outage
        end = time.monotonic() + seconds if seconds else None
        with contextlib.suppress(KeyboardInterrupt):
            if plain or not sys.stdout.isatty():
                lines(watcher, end)
            else:
                screen(watcher, end)
        watcher.close()


class Watcher:
    """The latest of a module. `turn` waits for events and connects; an outage is no exception."""

    def __init__(self, subject, topics):
        self.url = subject.url
        self.said = None  # the status
        self.said_at = 0.0
        self.events = deque(maxlen=_KEPT)
        self.count = 0
        self.gaps = 0
        self.live = False
        self.since = time.time()  # it is live, or is not
        self.trouble = ""  # why it is not
        self.tries = 0
        self._subject = subject
        self._topics = topics
        self._stream = None
        self.tell_state = False  # events that only say how things are, at the beginning
        self._state_until = 0  # their numbers
        self._number = ""
        self._epoch = None
        self._again_at = 0.0
        self._stale_at = 0.0

    def begin(self):
        """Connect for the first time; a Problem when that cannot be."""
        self.said = self._subject.status()
        self.said_at = time.monotonic()
        self._connect()

    def close(self):
        if self._stream is not None:
            with contextlib.suppress(Exception):
                self._stream.close()
            self._stream = None

    def _connect(self):
        self._stream, reply = self._subject.stream(self._topics, self._number, self._epoch)
        epoch = reply.get("epoch")
        if self._epoch is not None and epoch != self._epoch:
            self._note("it was restarted")
        elif reply.get("gap"):
            self.gaps += 1
            self._note("events are missing here")
        self._epoch = epoch
        # Where there is a gap, the state follows, whose events carry the numbers.
        if self._number == "" or reply.get("gap"):
            self._number = self._state_until = reply.get("number", 0)
        self._turn(True, "")
        self._stale_at = 0.0

    def _turn(self, live, trouble):
        if live != self.live:
            self.since = time.time()
            if self.count or not live:
                self._note("live again" if live else "not live: " + trouble)
        self.live = live
        self.trouble = trouble
        self.tries = 0 if live else self.tries

    def _note(self, text):
        self.events.append((time.time(), None, None, text))
        self.count += 1

    def turn(self, seconds):
        """Take what comes within a while."""
        now = time.monotonic()
        if self._stream is None:
            if now < self._again_at:
                time.sleep(min(seconds, self._again_at - now))
                return
            self._retry()
        else:
            try:
                self._take(seconds)
                self._refresh()
            except Problem as problem:
                self._lost(problem)
            except (OSError, websockets.exceptions.WebSocketException) as error:
                self._lost(Problem(_reason(error), UNREACHABLE))

    def _retry(self):
        try:
            self.said = self._subject.status()
            self.said_at = time.monotonic()
            self._connect()
        except Problem as problem:
            if problem.status in (REFUSED, STRANGER, USAGE):
                raise  # it is not an outage
            self._lost(problem)

    def _lost(self, problem):
        self.close()
        self.tries += 1
        pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self.tries - 1, 10))
        self._again_at = time.monotonic() + pause
        self._turn(False, problem.text)

    def _take(self, seconds):
        """Events that come within `seconds`; TimeoutError is the usual end."""
        end = time.monotonic() + seconds
        while True:
            try:
                message = self._stream.recv(max(0.0, end - time.monotonic()))
            except TimeoutError:
                return
            topic, source, value, number, _ = event(message)
            if number is not None:
                self._number = max(number, self._number or 0)
            news = number is not None and number > self._state_until
            if news or self.tell_state:
                self.events.append((time.time(), topic, source, value))
                self.count += 1
            if not self._stale_at:
                self._stale_at = time.monotonic() + _AFTER_EVENT_S

    def _refresh(self):
        now = time.monotonic()
        if (self._stale_at and now >= self._stale_at) or now >= self.said_at + _REFRESH_S:
            self.said = self._subject.status()
            self.said_at = time.monotonic()
            self._stale_at = 0.0


def _reason(error):
    return "the event stream ended: %s" % (str(error) or type(error).__name__)


def lines(watcher, end):
    """A line for each event, as they come; how things are at the beginning, too."""
    watcher.tell_state = True
    shown = 0
    while end is None or time.monotonic() < end:
        new = watcher.count - shown
        for row in list(watcher.events)[-new:] if new else ():
            print(line(row).plain, flush=True)
        shown = watcher.count
        watcher.turn(_TURN_S)


def screen(watcher, end):
    """All of it on one screen, drawn anew as time passes."""
    console = Console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while end is None or time.monotonic() < end:
            live.update(picture(watcher, console.size.height), refresh=True)
            watcher.turn(_TURN_S)


def picture(watcher, height):
    """The whole screen."""
    said = watcher.said
    elapsed_ms = int((time.monotonic() - watcher.said_at) * 1000)
    if watcher.live:
        said = dict(said, now=said["now"] + elapsed_ms)
    stale = not watcher.live
    parts = [banner(watcher), headline(said, stale), Text("")]
    parts += [masters_table(said, 0 if stale else elapsed_ms, stale), Text("")]
    parts += [ports_table(said), Text("")]
    room = max(3, height - 8 - len(said["masters"]) - len(said["ports"]))
    rows = list(watcher.events)[-room:]
    parts += [line(row) for row in rows] or [Text("no event yet", style="dim")]
    if watcher.live:
        return Group(*parts)
    title = "as it was; no answer for %s" % period(elapsed_ms)
    return Group(parts[0], Panel(Group(*parts[1:]), style="dim", title=title))


def banner(watcher):
    """One line: is what is shown true now?"""
    clock = time.strftime("%H:%M:%S", time.localtime(watcher.since))
    if watcher.live:
        text = Text(" LIVE ", style="bold white on green")
        text.append(" %s since %s, %d events" % (watcher.url, clock, watcher.count), style="")
        if watcher.gaps:
            text.append(", %d gaps" % watcher.gaps, style="yellow")
        return text
    text = Text(" NOT LIVE ", style="bold white on red")
    text.append(" since %s, try %d: %s" % (clock, watcher.tries, watcher.trouble), style="red")
    return text


def line(row):
    """One event: when it came here, what, which, and its value."""
    at, topic, source, value = row
    clock = time.strftime("%H:%M:%S", time.localtime(at)) + ".%03d" % (at % 1 * 1000)
    if topic is None:
        return Text("%s  -- %s --" % (clock, value), style="magenta")
    short = topic.replace("tns1:Device/", "").replace("tnsaxis:", "").replace("tnsholdfast:", "")
    text = Text("%s  %-22s %-4s " % (clock, short, source or ""))
    lost = (topic.rpartition(":")[2], value) in (
        ("Monitor/Heartbeat", "1"),
        ("Monitor/State", "down"),
    )
    text.append(str(value), style="bold red" if lost else "bold")
    return text
