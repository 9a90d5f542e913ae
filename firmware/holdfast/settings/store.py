"""The settings of the board: load them, look at them, change them. The work is in saving.py,
loaded for each of these and let go again, because that happens seldom.

Changes are made by one task, `save`, one after the other: it begins at the bottom of the stack, of
which a board has 8 KB, and others have their turn between its steps. Whoever asks for one awaits
it. When the asker is gone meanwhile, the change is made all the same.
"""

import asyncio
import sys

from micropython import const

from holdfast.runtime.memory import forget, load
from holdfast.runtime.portable import sleep_ms
from holdfast.settings.model import NotSaved

# What loading and changing needs and nothing else does, beside this folder.
_ALSO = (
    "core.reconfigure core.blocked core.topics core.text storage.atomic runtime.sockets"
    " wire.certificate wire.dump wire.rarejson"
)
_HERE = "holdfast.settings."

# Flash wears: so many changes of it at once, and one more each two minutes.
MOST_WRITES = const(30)
WRITE_MS = const(120000)

BYPASS_MS = const(600000)  # how often what is left of a bypass is written

MOST_JOBS = const(8)  # that wait to be saved: whoever asks may be gone long before


class Store:
    """Settings of one board.

    storage: of the HAL. wiring: the board's PORTS. Set when the module runs: module: of core,
    whose rules a change may not make useless. turn: a function() that does what is due and gives
    the time. quiet: a function(now) that tells whether nothing is due while flash is written.
    apply: a function(settings, now, by) for what has changed. shed: a function(connection) that
    makes memory at the expense of others.
    """

    # Of the class, as long as they are so: each attribute of an object takes heap.
    earlier = None  # texts for the log when the settings in flash are of version 0.1.0
    bypass: list | tuple | None = ()  # ports, as flash has them; None when that was damaged
    due = None  # when one of these ends, or is to be written anew; None without any

    def __init__(self, storage, wiring):
        self.storage = storage
        self.wiring = wiring
        self.module = self.turn = self.quiet = self.apply = self.shed = None
        self.name = None  # of the file that holds the settings in force, None for none
        self.damaged = False  # flash holds settings that cannot be used
        self.fresh = False  # nobody has an account, and nothing is broken: a device to be set up
        self.trying = None  # the name of the file with settings on trial; see settings.trial
        self.next = False  # settings in flash are to be tried by the next start
        self.waiting = []  # paths of what was changed and counts from the next start on
        self.writes = 0  # of settings, since the start
        self.refused = 0  # .. that would have been too many
        self.left = MOST_WRITES  # so many are possible now
        self.left_at = 0  # when there was one more
        self._jobs = []  # what `save` has to do
        self._more = None  # an Event: there are some

    def resume(self, epoch_ms):
        """{port id: ms for which it is bypassed yet}; {} also where that cannot be told."""
        return self._do("resume", epoch_ms)

    def load(self):
        """The settings in flash; with none, or broken ones, safe defaults, no account, aloud."""
        return self._do("load")

    def defaults(self):
        """Safe defaults, whatever is in flash."""
        return self._do("defaults")

    async def document(self):
        """The settings in force, as a JSON reader gives them; NotSaved."""
        return await self.ask("read")

    async def change(self, edit, by=None, guard=None):
        """Edit the settings, check them, save them, apply them, all or nothing; the time.

        edit: a function(document) that changes it in place. by: who asks, with what, for the log.
        guard: a function(data) that looks at the document in force (bytes) before. What the two
        raise comes out of here. SettingsError: the edit makes bad settings. NotSaved: not now, or
        flash is full, or other settings are on trial.
        """
        return await self.ask("change", edit, by, guard)

    async def ask(self, name, *arguments):
        """Have the task that saves call a coroutine of settings.saving with these; its result.
        NotSaved when too many wait already.
        """
        # The end of a trial has a place of its own.
        if len(self._jobs) >= MOST_JOBS + (name == "back"):
            raise NotSaved("too many changes wait to be saved")
        job = Job(name, arguments)
        self._jobs.append(job)
        if self._more is not None:
            self._more.set()
        await job.done.wait()
        if job.error is not None:
            raise job.error
        return job.result

    async def save(self):
        """Do what is asked for; never ends."""
        self._more = asyncio.Event()
        while True:
            while self._jobs:
                job = self._jobs[0]
                try:
                    await sleep_ms(0)
                    job.result = await load("holdfast.settings.saving", job.name)(
                        self, *job.arguments
                    )
                except Exception as error:
                    job.error = error  # the asker's
                finally:
                    self._jobs.pop(0)
                    let_go()
                job.done.set()
            self._more.clear()
            await self._more.wait()

    def _do(self, name, *arguments):
        try:
            return load("holdfast.settings.saving", name)(self, *arguments)
        finally:
            let_go()


class Job:
    """Something for the task that saves: a function of settings.saving, and what comes of it."""

    def __init__(self, name, arguments):
        self.name = name
        self.arguments = arguments
        self.done = asyncio.Event()
        self.result = self.error = None


def let_go():
    """Let go of what only loading and changing needs: all of this folder that is not here already
    when the module has started.
    """
    for name in list(sys.modules):
        if name.startswith(_HERE) and name[len(_HERE) :] not in ("store", "model"):
            forget(name)
    for name in _ALSO.split(" "):
        forget("holdfast." + name)
