"""What a status says, in words: each sentence of the command about what is. The page has the same
ones, in firmware/page/model.js.
"""

# By what a master is: words for people and their style.
STANDING = {
    "lost": ("lost", "red"),
    "returning": ("lost, its heartbeats come again", "red"),
    "alive": ("alive", "green"),
    "awaited": ("awaited", "yellow"),
    "released": ("released", "yellow"),
    "over": ("silent, and that was no loss", "dim"),
    "idle": ("not heard since the start", "dim"),
}
_HEADLINES = (
    ("alive", "alive: %s", "green"),
    ("awaited", "awaited: %s", "yellow"),
    ("released", "released: %s", "yellow"),
)
_LOST = ("lost", "returning")


def headline(said, stale=False):
    """(words, style): what the masters of a module are, the worst first; of those that count."""
    if stale:
        return "no answer; this is how it was", "bold yellow"
    counted = [row for row in said["masters"] if row.get("counts", True)]
    lost = ", ".join(row["master"] for row in counted if row["is"] in _LOST)
    if said["lost"]:
        return ("LOST: " + lost if lost else "LOST by a fault of the module"), "bold red"
    for what, words, style in _HEADLINES:
        names = [row["master"] for row in counted if row["is"] == what]
        if names:
            words %= ", ".join(names)
            if lost:
                return "%s; lost, and not needed: %s" % (words, lost), "yellow"
            return words, style
    return "no master was heard since the start", "dim"


def standing(master, left_ms=None, stale=False):
    """(words, style) of one master. left_ms: of its time, where that runs."""
    words, style = STANDING[master["is"]]
    if not master.get("counts", True) and master["is"] != "idle":
        words += ", not awaited: settings name others"
    if master.get("why"):
        words += ": " + master["why"]
    if stale:
        return words if words.startswith("not") else "was " + words, "dim"
    if left_ms is not None:
        words += ", %.1f s left" % (max(0, left_ms) / 1000)
    return words, style


def bypassed(port, now):
    """What a bypass means for a port, "" for one that is not bypassed. now: ms of the module."""
    until = port.get("bypassed_until")
    if until is None:
        return ""
    return "bypassed, %.1f s left: no loss moves it" % (max(0, until - now) / 1000)


def reason(port, masters, now):
    """Why a port is as it is. now: ms of the module."""
    if port["direction"] == "input":
        return "input"
    lost = "; ".join(_silent(name, masters, now) for name in port["lost"])
    if port["why"] == "fallback" and lost:
        return "fallback: " + lost
    who = port["who"] or "a fault of the module"
    why = {
        "fallback": "as its fallback left it, nobody has set it since",
        "restore": "restored: the loss of %s is over" % who,
        "release": "restored by a release: nobody waits for %s" % who,
        "command": "set by " + who,
    }.get(port["why"], "power-on state")
    return why + ("; its fallback is in force: " + lost if lost else "")


def _silent(name, masters, now):
    for master in masters:
        if name and master["master"] == name:
            if master["last"] is None:
                return "%s not heard since the start" % name
            return "%s silent for %.1f s" % (name, (now - master["last"]) / 1000)
    return "a fault of the module"


def advice(master):
    """What the heartbeats seen suggest for the Duration, "" while they are too few."""
    advised, used = master["suggested_ms"], master["duration_ms"]
    if advised is None or advised == used:
        return ""
    text = "%s: a Duration of %d ms " % (master["master"], advised)
    if advised > used:
        return text + "is suggested: the %d ms in use leave too little to spare" % used
    return text + "would do, of %d in use; then a longer pause is a loss" % used
