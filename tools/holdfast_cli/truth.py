"""What every output does in every case, computed from settings: the truth table of a module."""

OPEN, CLOSED = "open", "closed"
CASES = ("power on", "loss", "return", "restart", "watchdog reset")


class Output:
    """One output. row: its settings, said: its row of the status."""

    def __init__(self, row, said):
        fallback = row.get("fallback", {})
        self.id = said["port"]
        self.name = said["name"]
        self.state = said["state"]
        self.power_on = row.get("power_on", OPEN)
        self.master = fallback.get("master", "any")
        self.restore = fallback.get("on_return", "hold") == "restore"
        self.locked = fallback.get("locked", True)
        self.changes = []  # (ms from the loss, state or "hold"), a pulse's end with them
        for step in fallback.get("steps", [{}]):
            after, state = step.get("after", 0), step.get("state", OPEN)
            self.changes.append((after, state))
            if step.get("pulse") is not None:
                self.changes.append((after + step["pulse"], OPEN if state == CLOSED else CLOSED))

    def falls_back_with(self, master):
        return self.master in ("any", master)

    def settled_ms(self):
        """When the last change of the timeline is, in ms from the loss."""
        return self.changes[-1][0]

    def holds(self):
        """True for a timeline that leaves the output as it is."""
        return all(state == "hold" for _, state in self.changes)

    def state_after(self, ms, before):
        """The state so long after the loss of a master that found it in `before`."""
        state = before
        for at, new in self.changes:
            if at <= ms and new != "hold":
                state = new
        return state

    def loss(self):
        """The timeline in words."""
        words = []
        for at, state in self.changes:
            word = "stays as it is" if state == "hold" else state
            words.append(word + (" at once" if at == 0 else " after %s" % seconds(at)))
        text = ", then ".join(words)
        return text + ("; locked" if self.locked else "; not locked")

    def table(self):
        """What happens, case by case."""
        whose = "any master" if self.master == "any" else self.master
        if self.restore:
            back = "what was commanded last"
        else:
            back = "stays until it is set"
        first = self.changes[0][1] if self.changes[0][0] == 0 else "hold"
        reset = self.power_on if first == "hold" else first
        return {
            "power on": self.power_on,
            "loss": "of %s: %s" % (whose, self.loss()),
            "return": back,
            "restart": self.power_on,
            "watchdog reset": reset,
        }


def outputs(document, status):
    """The outputs of a module: its settings document and its status."""
    ports = document.get("ports", {})
    return [
        Output(ports.get(row["port"], {}), row) for row in status["ports"] if row["why"] != "input"
    ]


def seconds(ms):
    """30 s, 0.5 s."""
    return ("%.3f" % (ms / 1000)).rstrip("0").rstrip(".") + " s"
