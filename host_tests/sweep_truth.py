"""Every kind of first step, on whole modules: what their pins do at a power-on, a restart that was
asked for, a crash, a loss and a return, beside what `/holdfast/outputs` says; run by
test_faults_truth.py on both interpreters.

    python sweep_truth.py STRIDE

The pins are the judge. STRIDE: every so many-th board, of four outputs each.
"""

import asyncio
import sys

import wholeboard
from holdfast.core.port import CLOSED, OPEN, STATES
from holdfast.rest.outputs import OutputsService
from holdfast.settings.format import seal
from holdfast.settings.saving import CURRENT
from holdfast.wire.dump import dumps
from holdfast.wire.json import loads
from makers import Asked, Caller, account, whole

DURATION_MS = 1000
FIRST = 2  # the first output of a whole board
LATER = [{"after": 400, "state": "closed", "pulse": 600}]
OTHER = [{"state": "closed"}], [{"state": "open"}], [{"state": "hold"}]


def timelines():
    for after in (0, 8000):
        for state in ("open", "closed", "hold"):
            for pulse in (None, 300):
                if state != "hold" or pulse is None:
                    step = {"after": after, "state": state}
                    if pulse:
                        step["pulse"] = pulse
                    yield [step]
    yield [{"state": "hold"}] + LATER
    yield [{"state": "open"}] + LATER
    yield [{"state": "closed", "pulse": 100}] + LATER


def rows():
    """The settings of every kind of output."""
    for steps in timelines():
        for power_on in ("open", "closed"):
            for on_return in ("hold", "restore"):
                for locked in (False, True):
                    for inverted in (False, True):
                        fallback = {"steps": steps, "on_return": on_return, "locked": locked}
                        yield {"power_on": power_on, "fallback": fallback}, inverted


def boards():
    """Settings of whole boards, {port: row}, that have all of these."""
    ports = {}
    for row, inverted in rows():
        port = FIRST + len(ports)
        if inverted:
            row["closed_level"] = 1 - wholeboard.WIRING[port][2]
            row["normal"] = "closed"
        row["fallback"]["master"] = ("any", "a")[port % 2]
        ports[str(port)] = row
        if len(ports) == 4:
            yield ports
            ports = {}
    assert not ports


def flash(ports):
    document = {"accounts": [account("root", "administrator"), account("a")], "ports": ports}
    return {CURRENT: seal(dumps(document))}


class Wires(wholeboard.Wires):
    """Keeps what was on each wire since the module began: its safe level comes first."""

    def __init__(self, hal):
        super().__init__(hal)
        self.told = [[level] for level in self.levels]

    def _put(self, index, level):
        super()._put(index, level)
        self.told[index].append(level)


def hal_of(files, retained=None):
    hal = wholeboard.Hal(wholeboard.Flash(files), retained)
    hal.pins = Wires(hal)
    return hal


class Judge:
    """Compares wires with what the module says of them."""

    def __init__(self):
        self.compared = 0
        self.wrong = []

    def table(self, app):
        answer = OutputsService(app.module).get(Caller(), Asked(), 0)
        return loads(whole(answer))["outputs"]

    def levels(self, app, hal, event, at, before):
        """The wires are as the table says, `at` ms after the event. before: states by port."""
        for row in self.table(app):
            port = app.module.ports[int(row["port"])]
            state = before[port.index]
            for ms, name in row[event]["changes"]:
                if ms <= at:
                    state = port.wanted if name == "commanded" else STATES.index(name)
            self.same((row["port"], event, at), hal.pins.levels[port.index], port.levels[state])

    def same(self, what, seen, wanted):
        self.compared += 1
        if seen != wanted:
            self.wrong.append((what, "seen", seen, "said", wanted))


def times(table, event):
    """The moments at which something changes, and just before each."""
    found = [0]
    for row in table:
        for ms, _ in row[event]["changes"]:
            found += [ms - 1, ms] if ms else [ms]
    return sorted(set(found)) + [max(found) + 5000]


def begin_loss(app, hal, states):
    """A master beats, outputs are commanded, and the beats stop; the deadline."""
    app.module.heartbeat("a", DURATION_MS, hal.time)
    app.turn()
    for port, state in zip(app.module.outputs, states):
        assert app.module.command(port, state, "root", hal.time) is None
    app.turn()
    hal.time += DURATION_MS
    app.turn()
    for port, state in zip(app.module.outputs, states):
        assert hal.pins.levels[port.index] == port.levels[state], "too early"
    hal.time += 1
    return hal.time


def losses(judge, app, hal):
    """From both states; and a return in the middle of everything, and at its end."""
    module = app.module
    ends = times(judge.table(app), "loss")
    for states in ((OPEN,) * 4, (CLOSED,) * 4):
        for end in ends[-1:] + ends:  # noqa: RUF005 MicroPython
            due = begin_loss(app, hal, states)
            before = {port.index: state for port, state in zip(module.outputs, states)}
            for at in ends:
                if at > end:
                    break
                hal.time = due + at
                app.turn()
                judge.levels(app, hal, "loss", at, before)
            for row in judge.table(app):
                refused = module.refuses(module.ports[int(row["port"])], hal.time) is not None
                judge.same((row["port"], "locked"), refused, row["locked"])
            before = {port.index: port.state for port in module.outputs}
            module.heartbeat("a", 60000, hal.time)
            app.turn()
            judge.levels(app, hal, "return", 0, before)
            hal.time += 20000  # no step comes any more
            app.turn()
            judge.levels(app, hal, "return", 0, before)


def command_all(app, hal, state):
    app.module.act(hal.time)
    for port in app.module.outputs:
        app.module.command(port, state, "root", hal.time)
    app.turn()


def judge_board(judge, files):
    hal = hal_of(files)
    before = {}

    def powered(app):
        before.update({port.index: port.power_on for port in app.module.outputs})
        judge.levels(app, hal, "power_on", 0, before)
        losses(judge, app, hal)

    assert hal.live(powered) and not hal.reports, hal.reports
    for state in (OPEN, CLOSED):
        restarted(judge, files, state)
        crashed(judge, files, state)


def restarted(judge, files, state):
    hal = hal_of(files)
    kept = []

    async def ask(app):
        command_all(app, hal, state)
        kept.append(app)
        app.restart()
        await asyncio.sleep(30)

    hal.live(ask)
    assert hal.resets and all(hal.resets) and not hal.reports, hal.reports
    judge.levels(
        kept[0], hal, "restarting", 0, {port.index: None for port in kept[0].module.ports}
    )
    after = hal_of(files, hal.word)

    def there(app):
        judge.levels(app, after, "restart", 0, [None] * 6)

    assert after.live(there)


def crashed(judge, files, state, change=None):
    """The life ends, and nobody has said so. change: of the settings, before that."""
    hal = hal_of(files)
    words = []

    def end(app):
        if change is not None:
            app.store.quiet = lambda now: True
            app.store.change(change, hal.time)
        command_all(app, hal, state)
        words.append(hal.word)

    assert hal.live(end)
    after = hal_of(hal.flash.files, words[0])

    def there(app):
        assert app.module.reset_cause.startswith("the watchdog"), app.module.reset_cause
        for port in app.module.outputs:
            # From the safe level to where it is to be, and nowhere else on the way.
            told = after.pins.told[port.index]
            judge.same((port.id, "on the way"), len(told) <= 2, True)
        began = after.time
        for at in times(judge.table(app), "crash"):
            after.time = began + at
            app.turn()
            judge.levels(app, after, "crash", at, [None] * 6)

    assert after.live(there) and not after.reports, after.reports


def changed(judge):
    """A fallback that was changed while the module runs is the one that a crash begins with."""
    for old in OTHER:
        for new in OTHER:

            def edit(document, new=new):
                document["ports"]["2"]["fallback"]["steps"] = new

            crashed(judge, flash({"2": {"fallback": {"steps": old}}}), CLOSED, edit)


def run(stride):
    judge = Judge()
    count = 0
    for number, ports in enumerate(boards()):
        if number % stride == 0:
            count += len(ports)
            judge_board(judge, flash(ports))
    changed(judge)
    for row in judge.wrong[:20]:
        print(*row)
    assert not judge.wrong, len(judge.wrong)
    print("%d outputs, %d levels compared" % (count, judge.compared))


if __name__ == "__main__":
    run(int(sys.argv[1]))
    print("done")
