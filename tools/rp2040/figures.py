"""What the chip did, as figures, each held to a bound: the stories of the trials of trial.py.

Each function prints its figures and returns how many are out of bounds.
"""

from rp2040.chip import GPIO, OUTPUTS

WATCHDOG_CAUSE = "3"  # machine.WDT_RESET
KEPT = 7  # port 5, which is closed and has no fallback
DURATION_MS = 250  # of the last heartbeat (trial.py)
LATE_MS = 30  # README: a hard timer's trip to pin is so much after the deadline at most
WATCHDOG_MS = 8000  # board.py
TICK_MS = 10  # of the alarm (hal/rp2.py)

# What is measured may become so much, by form: the figures of README with some room.
BOUNDS = {
    "frozen": {"image": 860, "serving": 2500, "rest": 56, "driven": 68, "live": 170},
    "romfs": {"image": 560, "serving": 2500, "rest": 76, "driven": 84, "live": 170},
}
BEAT_MS = 25
FALLBACK_MS = 500  # after the reset, of which the boot ROM and MicroPython take the most

# The stack has 8,192 bytes. The alarm's interrupt takes 1,160 of them from wherever it meets the
# program, 2,116 with another one on top; 256 are kept in reserve.
STACK_BYTES = 8192
THREAD_BYTES = 5800
# While flash is erased and written no interrupt runs; then the tick that waited comes.
TICK_LATE_MS = 3
HOLE_KB = 20  # the largest hole in the realistic hour, at least

REFUSED = "503"  # a change whose flash writes would meet a deadline
MOVES = ("drill", "release")  # requests that move the output themselves


class Figures:
    """Prints figures as they are asked for, and counts those out of bounds."""

    def __init__(self):
        self.bad = 0

    def between(self, what, unit, low, value, high):
        """None is out of bounds."""
        good = value is not None and low <= value <= high
        shown = "none" if value is None else "%.1f" % value
        self.row(good, "%-56s %8s %-3s (%g to %g)" % (what, shown, unit, low, high))

    def true(self, what, good, seen):
        self.row(good, "%-56s %s" % (what, seen))

    def row(self, good, text):
        print("%s  %s" % ("ok " if good else "BAD", text), flush=True)
        self.bad += not good


def story(trial, size, form):
    """Heartbeats, a trip with the loop blocked, the watchdog and the start after it. size: of
    MicroPython's image.
    """
    figures = Figures()
    bounds = BOUNDS[form]
    errors = trial.errors()
    figures.true("no exception in the image", not errors, "\n     ".join(errors) or "none")
    figures.between("image, the client included", "KB", 0, size / 1024, bounds["image"])
    serving = trial.words(0, "serving")[0][0]
    figures.between("serves, after power-up", "ms", 0, serving, bounds["serving"])
    for name, what, high in (
        ("rest", "heap in use at rest", bounds["rest"]),
        ("beaten", "... after four heartbeats", bounds["driven"]),
        ("driven", "... and a setPorts", bounds["driven"]),
    ):
        used, free = [int(word) / 1024 for word in trial.words(0, name)[0][1]]
        figures.between("%s, of %.0f KB" % (what, used + free), "KB", 1, used, high)
    beats = trial.words(0, "beat")
    statuses = [words[0] for _, words in beats]
    statuses += [trial.words(0, name)[0][1][0] for name in ("ports", "answered")]
    figures.true("every request answered", set(statuses) == {"200"}, " ".join(statuses))
    closed = trial.level(0, KEPT, trial.words(0, "driven")[0][0] - 1000)
    figures.true("setPorts closes its output", closed is not None, "GPIO %d" % KEPT)
    times = [int(words[1]) / 1000 for _, words in beats]
    figures.between("first heartbeat, client included", "ms", 1, times[0], 2 * BEAT_MS)
    figures.between("next ones, the quickest", "ms", 1, min(times[1:]), BEAT_MS)
    figures.between("... the slowest", "ms", 1, max(times[1:]), BEAT_MS)

    # The deadline lies between the request and its answer, plus the Duration.
    sent, answered = trial.words(0, "last")[0][0], trial.words(0, "answered")[0][0]
    tripped = trial.level(0, GPIO, sent)
    for what, since, low, high in (
        ("trip to pin, loop blocked, after the request", sent, DURATION_MS, answered - sent),
        ("... after its answer", answered, DURATION_MS - (answered - sent), 0),
    ):
        value = None if tripped is None else tripped - since
        figures.between(what, "ms", round(low, 1), value, round(high + DURATION_MS + LATE_MS, 1))

    hanging = trial.words(0, "hanging")[0][0]
    reset = trial.resets[0] if trial.resets else None
    bitten = None if reset is None else reset - answered
    figures.between(
        "the watchdog, after the last turn of the loop",
        "ms",
        WATCHDOG_MS - 200,
        bitten,
        WATCHDOG_MS + 50,
    )
    while_hung = reset is not None and reset > hanging
    figures.true("it bit while the loop hung", while_hung, while_hung)
    if reset is None:
        return figures.bad
    # A word without its highest bit reads the same with a sign as without: nothing would be tried.
    word = int(trial.words(0, "word")[0][1][0])
    figures.true("the word that survives has its highest bit set", word >> 31, hex(word))
    cause, kept = trial.words(1, "begin")[0][1]
    figures.true("the next life knows the watchdog", cause == WATCHDOG_CAUSE, cause)
    figures.true("... and has that word", int(kept) == word, hex(int(kept)))
    back = trial.level(1, GPIO, reset)
    figures.between(
        "output in fallback, after the watchdog's reset",
        "ms",
        0,
        None if back is None else back - reset,
        FALLBACK_MS,
    )
    out, enabled = [int(value) for value in trial.words(1, "pins")[0][1]]
    bits = {gpio: out >> gpio & 1 for gpio in OUTPUTS}
    figures.true("... and still when it serves", bits[GPIO], "GPIO %d is %d" % (GPIO, bits[GPIO]))
    others = [gpio for gpio in OUTPUTS if gpio != GPIO and bits[gpio]]
    figures.true("outputs without a fallback are open", not others, others or "all")
    driven = all(enabled >> gpio & 1 for gpio in OUTPUTS)
    figures.true("every output is driven", driven, hex(enabled))
    return figures.bad


def _asked(trial):
    """(name, line of its answer) for each request that was answered."""
    for line in trial.lines:
        if line.words[0] == "answer":
            yield " ".join(line.words[4:]), line


def _healthy(figures, trial, tick_ms, full=True):
    """What holds in every trial, as it is seen from outside."""
    errors = trial.errors()
    figures.true("no exception in the image", not errors, "\n     ".join(errors) or "none")
    lost = [text for _, text in trial.console if "ncaught exception" in text]
    figures.true("no exception in an interrupt", not lost, "\n     ".join(lost) or "none")
    inside = [" ".join(line.words) for line in trial.lines if line.in_irq]
    figures.true("no interrupt that does not end", not inside, inside[:1] or "none")
    said = trial.lines[-1].words if trial.silent else None
    figures.true("the image answers to its end", said is None, said or "yes")
    deep = [line.recursions for line in trial.lines]
    figures.between("calls refused for want of stack", "", 0, sum(deep), 0)
    if full:
        figures.between("MemoryErrors", "", 0, sum([line.full for line in trial.lines]), 0)
    gap = max([line.tick_ms for line in trial.lines])
    figures.between("longest time between two ticks of the alarm", "ms", 1, gap, tick_ms)


def endpoints(trial, erase_ms):
    """Every endpoint and every change: answers, stack, ticks and heap."""
    figures = Figures()
    rows = {}
    for name, line in _asked(trial):
        rows.setdefault(name, []).append(line)
    print("    %-30s %-9s %6s %5s %6s %6s %7s %7s" % _HEAD)
    order = sorted(rows, key=lambda name: -max([line.thread for line in rows[name]]))
    for name in order:
        lines = rows[name]
        statuses = sorted({line.words[2] for line in lines})
        thread, irq, both, tick = [
            max([getattr(line, key) for line in lines])
            for key in ("thread", "irq", "deepest", "tick_ms")
        ]
        live = max([line.live or 0 for line in lines]) / 1024
        good = thread <= THREAD_BYTES and both <= STACK_BYTES
        good = good and all(status[0] in "12" for status in statuses)
        text = "%-30s %-9s %6d %5d %6d %6.1f %7.1f"
        figures.row(good, text % (name, ",".join(statuses), thread, irq, both, tick, live))
    _healthy(figures, trial, TICK_MS + erase_ms + TICK_LATE_MS)
    return figures.bad


_HEAD = ("request", "answers", "thread", "irq", "both", "tick", "live KB", "")


def held(trial):
    """The trip with thread mode held where each request is deepest."""
    figures = Figures()
    late = {}
    missed = []
    begun = due = None
    for name, line in _asked(trial):
        if name == "heartbeat":
            begun, due = line.ms, line.ms + int(line.words[3])
        elif name not in MOVES:
            if not line.held:
                missed.append(name)
                continue
            tripped = trial.level(line.life, GPIO, begun)
            late[name] = None if tripped is None else tripped - due
    worst = sorted(late, key=lambda name: -(1e9 if late[name] is None else late[name]))
    for name in worst[:5]:
        figures.between("trip, held in %s" % name, "ms", -BEAT_MS, late[name], LATE_MS)
    bad = [name for name in worst[5:] if late[name] is None or late[name] > LATE_MS]
    figures.true("... and in %d others" % len(worst[5:]), not bad, ", ".join(bad) or "in time")
    figures.true("every request was held", not missed, ", ".join(missed) or "%d" % len(late))
    _healthy(figures, trial, TICK_MS + TICK_LATE_MS)
    return figures.bad


def near(trial, erase_ms):
    """Changes of the settings at every distance before a deadline."""
    figures = Figures()
    due, rows = None, []
    for name, line in _asked(trial):
        if name == "heartbeat":
            due = line.ms + int(line.words[3])
        else:
            rows.append((int(line.words[1]), line.words[2], due))
    taken = [left for left, status, _ in rows if status == "200"]
    refused = [left for left, status, _ in rows if status == REFUSED]
    others = [row for row in rows if row[1] not in ("200", REFUSED)]
    figures.true("each change is made or refused", not others, others or len(rows))
    figures.true(
        "some are made, some refused", taken and refused, "%d, %d" % (len(taken), len(refused))
    )
    late = []
    for left, status, at in rows:
        tripped = trial.level(0, GPIO, at - 500)
        late.append((1e9 if tripped is None else tripped - at, left, status))
    late.sort(reverse=True)
    for value, left, status in late[:3]:
        what = "trip, a change begun %d ms before: %s" % (left, status)
        figures.between(what, "ms", -BEAT_MS, value, LATE_MS)
    over = [left for value, left, _ in late if value > LATE_MS]
    figures.true("trips too late", not over, over or "none of %d" % len(late))
    _healthy(figures, trial, TICK_MS + erase_ms + TICK_LATE_MS)
    return figures.bad


def day(trial, erase_ms, form):
    """The heap in a realistic hour: what is in use after a collection, the client's too."""
    figures = Figures()
    most = BOUNDS[form]["live"]
    statuses = {}
    for name, line in _asked(trial):
        if line.words[2][0] not in "12":
            statuses[name] = line.words[2]
    figures.true("every request answered", not statuses, statuses or "yes")
    live = [(line.live, name) for name, line in _asked(trial) if line.live is not None]
    hole = [(line.hole, name) for name, line in _asked(trial) if line.live is not None]
    figures.between("live at most, in %s" % max(live)[1], "KB", 1, max(live)[0] / 1024, most)
    what = "largest hole at least, in %s" % min(hole)[1]
    figures.between(what, "KB", HOLE_KB, min(hole)[0] / 1024, 205)
    _healthy(figures, trial, TICK_MS + erase_ms + TICK_LATE_MS)
    return figures.bad
