"""What every output does in every case: the truth table that the module has computed."""

OPEN, CLOSED = "open", "closed"
# As `/holdfast/outputs` calls them, and people.
EVENTS = (
    ("power_on", "power on"),
    ("loss", "its master is lost"),
    ("return", "that master returns, or is released"),
    ("restarting", "a restart is asked for, until the chip resets"),
    ("restart", "after that restart"),
    ("crash", "after a crash or a reset by the watchdog"),
)


class Output:
    """One output. row: of `/holdfast/outputs`; state: what it is now."""

    def __init__(self, row, state):
        self.id = row["port"]
        self.name = row["name"]
        self.state = state
        self.master = row["master"]  # None: any
        self.locked = row["locked"]
        self.restores = bool(row["return"]["changes"])
        self.changes = row["loss"]["changes"]  # [[ms from the loss, state], ...]
        self._row = row

    def falls_back_with(self, master):
        return self.master in (None, master)

    def settled_ms(self):
        """When the last change of the timeline is, in ms from the loss."""
        return self.changes[-1][0] if self.changes else 0

    def state_after(self, ms, before):
        """The state so long after the loss of a master that found it in `before`."""
        for at, state in self.changes:
            if at <= ms:
                before = state
        return before

    def does(self, event):
        """What it does at an event, in words."""
        words = self._row[event]["words"]
        if event != "loss":
            return words
        locked = "locked" if self.locked else "not locked"
        return "of %s: %s; %s" % (self.master or "any master", words, locked)


def outputs(rows, status):
    """The outputs of a module: its truth table and its status."""
    states = {row["port"]: row["state"] for row in status["ports"]}
    return [Output(row, states[row["port"]]) for row in rows]
