"""What an output does whatever happens: the truth table of a module.

Nothing is computed a second time here. A port that no pin hangs on, with the settings of the real
one, goes through each event by the port's own code, and what it does is written down. Pure; loaded
when somebody asks.
"""

from holdfast.core.port import OPEN, STATES, Port, PortSettings

# power_on: the supply comes. restarting: somebody asked for a restart; until the chip is reset.
# restart: the start after that. crash: the start after the watchdog, an exception or a reset that
# nobody asked for. loss: of its master. return: of that master, or its release.
EVENTS = ("power_on", "restarting", "restart", "crash", "loss", "return")
COMMANDED = 3  # beside the states: what was commanded last


class _Played(Port):
    """A port that writes down what it does: `changes`, [(ms, state), ...]."""

    def __init__(self, power_on, fallback):
        row = PortSettings("", "", True, OPEN, 1, power_on, fallback, 0)
        super().__init__(0, row, None)
        self.changes = []

    def put(self, state, at, why, who):
        changes = self.changes
        if changes and changes[-1][0] == at:
            changes.pop()  # what came before it in the same moment was never at the pin
        if not changes or changes[-1][1] != state:
            changes.append((at, state))

    def play_out(self):
        while self.due is not None:
            self.advance()


def happens(event, power_on, fallback):
    """What an output does at one of EVENTS: ((ms from the event, state), ...), nothing when it
    stays as it is. power_on: a state; fallback: a core.port.Fallback.
    """
    port = _Played(power_on, fallback)
    if event == "restarting":
        return ((0, port.first()),)
    if event in ("power_on", "restart", "crash"):
        port.wake(0)
    if event in ("crash", "loss"):
        port.lose(0, None)
        if event == "crash":
            port.hurry(0)
        port.play_out()
    if event == "return":
        port.lose(0, None)
        port.wanted = COMMANDED
        port.changes = []
        port.regain(0)
    return tuple(port.changes)


def words(changes):
    """What `happens` gives, for people: "stays as it is, closed after 8 s"."""
    parts = []
    for ms, state in changes:
        text = "as last commanded" if state == COMMANDED else STATES[state]
        parts.append(text + (" after " + span(ms) if ms else ""))
    if not changes or changes[0][0]:
        parts.insert(0, "stays as it is")
    return ", ".join(parts)


def span(ms):
    """A time in ms for people, exact: "0.4 s", "30 s", "2 min 0.5 s"."""
    minutes, ms = divmod(ms, 60000)
    text = "%d.%03d" % divmod(ms, 1000)
    text = text.rstrip("0").rstrip(".") + " s"
    if not minutes:
        return text
    return "%d min" % minutes + (" " + text if ms else "")
