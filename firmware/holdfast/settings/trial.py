"""Changed settings on trial: kept when somebody who still reaches the module says so, else taken
back after a minute.

What is in force in flash stays there, untouched, until they are kept; so whatever restarts the
module meanwhile brings the old ones back. Settings that count at the start only (the network's)
wait under another name: the next start tries them, once, and its minute begins there.

Loaded for a trial, and let go when it is over.
"""

import asyncio

from micropython import const

from holdfast.runtime.portable import report, sleep_ms
from holdfast.settings.model import NotSaved

TRIAL_MS = const(60000)
_LOOK_MS = const(250)
_PATIENCE_MS = const(5000)  # for a moment without a deadline nearby


class Trial:
    """One trial at a time.

    store: of the settings. now: a function() that gives ms of the module's time. restart: a
    function() that starts the module again. over: a function(text, idle) that is told what became
    of the settings, None where there were none on trial; idle: nobody needs this any more.
    """

    def __init__(self, store, now, restart, over):
        self.until = None  # when they go back; None: no trial, or it waits for the next start
        self._store = store
        self._now = now
        self._restart = restart
        self._over = over
        self._from_start = False
        self._waiting = ()
        self._task = None
        self._askers = 0  # who wait for an answer of `begin` or `end`

    async def begin(self, edit, by, waiting, guard=None):
        """Edit the settings and try them: at once, or at the next start where something in
        `waiting` says so; see attempt in saving.py. SettingsError, NotSaved: as of Store.change.
        """

        def begun(now):
            self._waiting = waiting
            self._wait(now)

        self._askers += 1
        told = None
        try:
            if await self._store.ask("attempt", edit, by, guard, waiting, begun):
                told = "changed on trial, from the next start on"
        finally:
            self._askers -= 1
            if self.until is None:  # the next start begins it, or nobody: it may be tried again
                self._over(told, not self._askers)

    def resume(self, now):
        """The module has started with settings on trial."""
        self._from_start = True
        self._wait(now)

    def left_ms(self, now):
        """How long they may still be kept; None when there are none."""
        return None if self.until is None else max(0, self.until - now)

    async def end(self, keep, by=None):
        """Keep them, or take them back now; False when there is no trial. NotSaved: not now. by:
        as of Store.change.
        """
        self._askers += 1
        told = None
        try:
            told = await self._end(keep, by)
        finally:
            self._askers -= 1
            if self.until is None:
                self._over(told, not self._askers)
        return told is not None

    async def _end(self, keep, by):
        """What became of the settings; None without any."""
        store = self._store
        if self.until is None:
            if keep or not store.next:
                return None
            await store.ask("drop")
            return "on trial: taken back before the next start"
        if keep:
            await store.ask("keep", self._waiting)
            self.until = None
            return "on trial: kept"
        return await self._take_back("on trial: taken back", by)

    def _wait(self, now):
        self._task = asyncio.create_task(self._watch())  # it looks when this is done
        self.until = now + TRIAL_MS

    async def _watch(self):
        """Take them back when the time is over, in a quiet moment if there is one."""
        while self.until is not None:
            now = self._now()
            quiet = self._store.quiet(now) or now >= self.until + _PATIENCE_MS
            told = None
            if self._store.trying is None:
                told = "on trial: kept"  # whoever asked for it did not wait for the answer
            elif now >= self.until and quiet:
                try:
                    told = await self._take_back("on trial: not kept in time, taken back")
                except MemoryError:
                    pass  # once more in a moment
                except Exception as error:
                    report(error)
                    self._restart()  # the old settings come with the start
                    return
            if told is not None and not self._askers:
                self.until = None
                self._over(told, True)
            await sleep_ms(_LOOK_MS)

    async def _take_back(self, text, by=None):
        """Put the settings in flash into force again; text, with how that was done."""
        if self._from_start:
            if not self._restart():
                raise NotSaved("this board cannot start again by itself")
            text += " by a restart"
        else:
            await self._store.ask("back", by)
        self.until = None
        return text
