"""`holdfast drill`: trips the fallback on purpose, times it, and writes a commissioning report.

Beats as a master with a short Duration, stops, and takes the time until the module's event says
that the master is lost; compares every output with what the settings promise; then lets the
master return. The module's own record of due and true time stands beside, because a PC's clock and
network are in the first figure. At the end outputs are what they were, as far as locks allow.

An output that was where its fallback puts it did not move, and so shows nothing. So each output is
set to the opposite first. What moved nevertheless not once leaves the drill INCONCLUSIVE, and so
does a master with which no output falls back: status 9.
"""

import time
from pathlib import Path
from typing import Annotated

import typer
import websockets.exceptions
from rich.console import Console

from holdfast_cli import report, truth
from holdfast_cli.client import Module, event
from holdfast_cli.options import Insecure, Trust, User, Where, confirmed, module, read_password
from holdfast_cli.problems import (
    FAILED,
    INCONCLUSIVE,
    REFUSED,
    SETTINGS,
    UNREACHABLE,
    USAGE,
    Problem,
)

LOST = "tns1:Device/tnsaxis:Monitor/Heartbeat"
PORT = "tns1:Device/tnsaxis:IO/Port"
_BEATS = 3
_PATIENCE_S = 5  # for an event that is due
_LOOKING_MS = 10000  # more than that takes
_SETTLE_S = 0.3  # for the pins and the status after an event

PASSED = "PASSED"
INCONCLUSIVE_RESULT = "INCONCLUSIVE"


def register(app):
    app.command()(drill)


def drill(
    where: Where,
    user: User = "root",
    trust: Trust = None,
    insecure: Insecure = False,
    master: Annotated[
        str | None,
        typer.Option(help="the account that beats; its password: HOLDFAST_MASTER_PASSWORD"),
    ] = None,
    duration: Annotated[int, typer.Option(help="ms of its heartbeats", min=200)] = 2000,
    times: Annotated[int, typer.Option(help="how often to trip", min=1, max=100)] = 2,
    observe: Annotated[
        int, typer.Option(help="s to follow a timeline; steps that come later are not seen", min=0)
    ] = 10,
    out: Annotated[
        Path | None, typer.Option("--report", help="file to write, .md or .html")
    ] = None,
    opposite: Annotated[
        bool,
        typer.Option(
            "--opposite/--as-it-is", help="set outputs against their fallback first, so they move"
        ),
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", help="outputs may move; do not ask")] = False,
):
    """Trip the fallback of a module on purpose. OUTPUTS MOVE: it asks first.

    USER is an administrator: the settings are read, and the master is released at the end.
    """
    if out is not None and out.suffix not in (".md", ".html"):
        raise Problem("%s: a report is a .md or a .html file" % out, USAGE)
    if out is not None and not out.resolve().parent.is_dir():
        raise Problem("%s: there is no such folder" % out.parent, USAGE)
    name = master or user
    console = Console(highlight=False)
    with module(where, user, trust, insecure) as admin:
        subject = Drill(admin, name, duration, observe, opposite, console)
        subject.look()
        subject.announce()
        if not confirmed("Outputs will move. Go on?", yes):
            raise typer.Abort()
        beater = admin
        if name != user:
            password = read_password(name, "HOLDFAST_MASTER_PASSWORD")
            beater = Module(where, name, password, trust, insecure)
        try:
            subject.run(beater, times)
        finally:
            if beater is not admin:
                beater.close()
    text = subject.write(out)
    for line in text:
        console.print(line)
    raise typer.Exit({PASSED: 0, INCONCLUSIVE_RESULT: INCONCLUSIVE}.get(subject.result, FAILED))


class Trip:
    """One loss, measured. Times in s of this PC's monotonic clock, None where nothing came."""

    def __init__(self):
        self.sent = self.answered = self.heard = None
        self.lateness_ms = None  # the module's own figure
        self.before = {}  # states by port, while the master was alive
        self.ended = {}  # ... when the timelines had been followed
        self.seen = {}  # by port: (state wanted, state seen) after the loss
        self.returned = {}  # ... after the return
        self.changed = set()  # ports whose events said that they moved with the loss


class Drill:
    """A drill of one module. admin: an administrator's Module; master: who beats."""

    def __init__(self, admin, master, duration_ms, observe_s, opposite, console):
        self._admin = admin
        self._console = console
        self.master = master
        self.duration_ms = duration_ms
        self._observe_ms = observe_s * 1000
        self._opposite = opposite
        self._commanded = {}  # by us: port, state
        self.trips = []
        self.notes = []
        self.counts = True  # its heartbeats do
        self.after = {}  # states at the end
        self.put_back = False
        self.began = time.time()

    @property
    def result(self):
        """PASSED: every trip came, every output that falls back with this master moved, and did as
        the module says it does.
        """
        if not self.counts:
            return INCONCLUSIVE_RESULT
        as_said = self.put_back and all(
            trip.heard is not None
            and all(wanted == seen for wanted, seen in trip.seen.values())
            and all(wanted == seen for wanted, seen in trip.returned.values())
            for trip in self.trips
        )
        if not as_said:
            return "FAILED"
        moved = any(trip.changed for trip in self.trips)
        return PASSED if moved and not self.unproved else INCONCLUSIVE_RESULT

    @property
    def unproved(self):
        """The outputs that the loss is to change, and that were seen to change in no trip."""
        seen = set().union(*[trip.changed for trip in self.trips])
        return [port for port in self.moved if port.changes and port.id not in seen]

    def look(self):
        """Read settings and status; a Problem where a drill would prove nothing, or do harm."""
        self.status = self._admin.status()
        # As `holdfast backup` gets them, so that the report names that file.
        self.data, self.tag, self.document = self._admin.settings(secrets=True)
        self.identity = self._admin.identity()
        rows = [row for row in self.document.get("accounts", []) if row["name"] == self.master]
        if not rows:
            raise Problem("the module has no account %s" % self.master, SETTINGS)
        if rows[0]["role"] == "viewer":
            raise Problem("%s is a viewer, who may not send heartbeats" % self.master, REFUSED)
        lost = [row["master"] for row in self.status["masters"] if row["lost"]]
        if self.status["lost"]:
            names = ", ".join(lost) or "the module itself"
            raise Problem("lost already: %s; bring it back or release it first" % names, FAILED)
        for row in self.status["masters"]:
            if row["master"] == self.master and row["session"] is not None:
                text = "%s is beating: stop that controller first, else nothing is lost"
                raise Problem(text % self.master, FAILED)
        rows = [row for row in self.status["masters"] if row["master"] == self.master]
        self.counts = all(row["counts"] for row in rows)
        if self.counts:
            self._look_at_others()
        heartbeat = self.document.get("heartbeat", {})
        shortest, longest = heartbeat.get("shortest", 500), heartbeat.get("longest", 86400000)
        if not shortest <= self.duration_ms <= longest:
            text = "the module takes Durations from %d to %d ms; choose one with --duration"
            raise Problem(text % (shortest, longest), USAGE)
        # Until the last one, so that nothing that is looked at in between ends the session.
        self._long_ms = min(longest, self.duration_ms + _LOOKING_MS)
        self.before = {row["port"]: row for row in self.status["ports"]}
        self.outputs = truth.outputs(self._admin.outputs(), self.status)
        self.moved = [port for port in self.outputs if port.falls_back_with(self.master)]

    def _look_at_others(self):
        """A Problem where so many others live that the heartbeat would not be lost."""
        needed = {"one": 1, "all": len(self.status["masters"])}.get(self.status["needed"])
        if needed is None:
            needed = self.status["needed"]
        others = [
            row["master"]
            for row in self.status["masters"]
            if row["counts"] and row["master"] != self.master and row["left_ms"] is not None
        ]
        if len(others) >= needed:
            text = "%s would live on, and that is enough: nothing is lost; stop it first"
            raise Problem(text % ", ".join(others), INCONCLUSIVE)

    def announce(self):
        """Say what is going to happen."""
        print_ = self._console.print
        print_("%s, %s" % (self.status["name"], self._admin.url), markup=False)
        text = "%s beats %d times with Duration %d ms, and then stops. These outputs fall back:"
        print_(text % (self.master, _BEATS, self.duration_ms), markup=False)
        for port in self.moved:
            text = "  %s %s: is %s; %s" % (port.id, port.name, port.state, port.does("loss"))
            wanted = self._against(port)
            if wanted is not None and wanted != port.state:
                text += "; is set to %s first" % wanted
            print_(text, markup=False)
        if not self.moved:
            print_("  none: no output falls back with %s" % self.master, markup=False)

    def run(self, beater, times):
        """Trip so often; then leave the module as it was."""
        if not self.counts:
            text = "settings name other masters: heartbeats of %s count for nothing"
            self.notes.append(text % self.master)
            return
        stream, _ = self._admin.stream([LOST, PORT])
        try:
            for count in range(times):
                trip = Trip()
                self.trips.append(trip)
                self._trip(trip, beater, stream, count)
        except (OSError, websockets.exceptions.WebSocketException) as error:
            reason = str(error) or type(error).__name__
            raise Problem("the event stream ended: %s" % reason, UNREACHABLE) from None
        finally:
            stream.close()
            try:
                self._put_back()
            except Problem as problem:
                self.notes.append("outputs were not put back: " + problem.text)
                self._console.print(self.notes[-1], markup=False)

    def _trip(self, trip, beater, stream, count):
        pause = min(self.duration_ms / 2, 1000) / 1000
        for beat in range(_BEATS):
            last = beat == _BEATS - 1
            trip.sent = time.monotonic()
            beater.heartbeat(self.duration_ms if last else self._long_ms)
            trip.answered = time.monotonic()
            if beat == 0:
                if count:
                    self._check_return(self.trips[-2])
                if self._opposite:
                    self._command()
                trip.before = self._states()
            if not last:
                time.sleep(pause)
        self._drain(stream)
        end = trip.answered + self.duration_ms / 1000 + _PATIENCE_S
        while trip.heard is None:
            left = end - time.monotonic()
            if left <= 0:
                self._console.print("trip %d: NO EVENT CAME" % (count + 1))
                return
            try:
                if self._take(trip, stream, left):
                    trip.heard = time.monotonic()
            except TimeoutError:
                continue
        self._follow(trip)
        self._drain(stream, trip)
        said = self._admin.status()
        trip.lateness_ms = [
            row["moved"] - row["due"]
            for row in said["trips"]["latest"]
            if row["master"] == self.master
        ][-1]
        late = (trip.heard - trip.sent) * 1000 - self.duration_ms
        text = "trip %d: event %.1f ms after the deadline; pins, says the module, %d ms"
        self._console.print(text % (count + 1, late, trip.lateness_ms))

    def _command(self):
        """Set every output that is to fall back against the state that it then ends in."""
        for port in self.moved:
            wanted = self._against(port)
            if wanted is not None:
                refused = self._admin.set_ports({port.id: wanted})
                if refused:
                    self._note("%s %s could not be set to %s: %s", port, wanted, refused)
                else:
                    self._commanded[port.id] = wanted

    def _against(self, port):
        """The opposite of where the fallback puts an output first; None for one that it leaves as
        it is, or where nothing is to be set.
        """
        if not self._opposite or not port.changes:
            return None
        return truth.CLOSED if port.changes[0][1] == truth.OPEN else truth.OPEN

    def _note(self, text, port, *values):
        note = text % (port.id, port.name, *values)
        if note not in self.notes:
            self.notes.append(note)

    def _take(self, trip, stream, seconds):
        """The next event; True when it is the loss. TimeoutError."""
        topic, source, value, number, _ = event(stream.recv(seconds))
        if topic == PORT and number is not None:
            trip.changed.add(source)
        return topic == LOST and value == "1"

    def _drain(self, stream, trip=None):
        """The events that are there: of a trip, or of what came before it, which is not it."""
        trip = trip or Trip()
        while True:
            try:
                self._take(trip, stream, 0)
            except TimeoutError:
                return

    def _follow(self, trip):
        """Wait for the timelines, as long as we are to, and compare every output."""
        last = 0
        for port in self.moved:
            at = port.settled_ms()
            if at <= self._observe_ms:
                last = max(last, at)
            else:
                text = "%s %s: its timeline takes %d s; steps after %d s were not observed"
                self._note(text, port, at // 1000, self._observe_ms // 1000)
        time.sleep(max(0.0, trip.heard + last / 1000 - time.monotonic()) + _SETTLE_S)
        elapsed_ms = int((time.monotonic() - trip.heard) * 1000)
        trip.ended = self._states()
        for port in self.outputs:
            seen = wanted = trip.ended[port.id]  # what others do with other outputs is not judged
            if port.falls_back_with(self.master):
                wanted = port.state_after(elapsed_ms, trip.before[port.id])
            trip.seen[port.id] = wanted, seen

    def _states(self):
        """{port: state} as of now."""
        return {row["port"]: row["state"] for row in self._admin.status()["ports"]}

    def _check_return(self, trip):
        """After the first heartbeat of the next round: what did the return do?"""
        if trip.heard is None:
            return
        time.sleep(_SETTLE_S)
        said = self._states()
        for port in self.moved:
            wanted = self.commanded(port) if port.restores else trip.ended[port.id]
            if wanted is not None:
                trip.returned[port.id] = wanted, said[port.id]

    def commanded(self, port):
        """What a port that restores comes back to: its state before, unless a fallback put it
        there, whose command nobody but the module knows.
        """
        if port.id in self._commanded:
            return self._commanded[port.id]
        row = self.before[port.id]
        return row["state"] if row["why"] != "fallback" else None

    def _put_back(self):
        """Release the master, and set the outputs that moved to what they were."""
        status = self._admin.status()
        for row in status["masters"]:
            if row["master"] == self.master and row["left_ms"] is not None:
                # It was interrupted: the session has to end before it can be let go.
                time.sleep(row["left_ms"] / 1000 + _SETTLE_S)
        self._admin.release(self.master)
        said = self._states()
        for port in self.outputs:
            before = self.before[port.id]["state"]
            if said[port.id] != before:
                refused = self._admin.set_ports({port.id: before})
                if refused:
                    self._note("%s %s could not be put back to %s: %s", port, before, refused)
        self.after = self._states()
        self.put_back = True

    def _inconclusive(self):
        """Note what the drill did not show."""
        if not self.moved:
            self.notes.append("no output falls back with %s: nothing was shown" % self.master)
        for port in self.unproved:
            self._note("%s %s was not seen to move: that it falls back was not shown", port)

    def write(self, out):
        """Write the report; lines for the terminal."""
        self._inconclusive()
        if out is not None:
            text = report.markdown(self)
            if out.suffix == ".html":
                text = report.html(self)
            try:
                out.write_text(text, encoding="utf-8")
            except OSError as error:
                raise Problem("%s: %s" % (out, error.strerror), USAGE) from None
            yield "report: %s" % out
        for note in self.notes:
            yield "note: " + note
        more = {
            "FAILED": ": not every output did as the module says it does",
            INCONCLUSIVE_RESULT: ": see the notes for what was not shown",
        }
        yield self.result + more.get(self.result, "")
