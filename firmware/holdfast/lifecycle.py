"""One life of the module, from a reset to the next: how it starts, and what it leaves behind when
it ends.

    reset -> boot.py: safe levels -> here: the fallback's levels after a crash -> settings, the
    core -> safe mode, after crashes in a row -> the network, the server

What is going on stands in a word that survives a reset, see core.crashloop. Whatever leaves the
application ends here: outputs go to their fallback, the word says that it failed, and the chip is
reset.
"""

from holdfast.core.crashloop import (
    ASKED,
    FAILED,
    HEALTHY,
    MAINTENANCE,
    SAFE_MODE,
    STARTING,
    Restart,
)
from holdfast.hal import safe_levels


class Life:
    """What this life is, and how it is told to the next one."""

    def __init__(self, board, hal):
        self._board = board
        self._hal = hal
        self._retained = hal.Retained(board)
        self.restart = Restart(self._retained.cause, self._retained.word)
        self.levels = safe_levels(board)  # of the fallback, as far as it is known
        if self.restart.crashed:
            self.levels = self.restart.levels(len(board.PORTS))
        self.healthy = False

    def keep(self, stage):
        """Note what is going on."""
        self._retained.write(self.restart.word(stage, self.levels))

    def starting(self, module):
        """The settings are known, and with them the fallback."""
        self.levels = module.fallback_levels  # it follows the settings
        module.reset_cause = self.restart.why
        module.boot_facts = ("reset: " + self._retained.cause, "start: " + self.restart.why)
        if self.restart.crashes:
            module.boot_facts += ("crashes in a row: %d" % self.restart.crashes,)
        self.keep(SAFE_MODE if self.restart.safe_mode() else STARTING)

    def changed(self):
        """The settings were changed, and with them the fallback, perhaps."""
        self.keep(HEALTHY if self.healthy else STARTING)

    def well(self):
        """It has run for long enough: no crash counts any more."""
        self.healthy = True
        self.restart.forgive()
        self.keep(HEALTHY)

    def ask(self, stage=ASKED):
        """Somebody wants a restart, or memory is short (STARVED): now."""
        self.restart.forgive()
        self.keep(stage)
        self._hal.reset(self._board)

    def fail(self, error):
        """The application is over: tell, and begin anew."""
        self._hal.report(error)
        self.keep(FAILED)
        self._hal.reset(self._board, False)


def live(board, hal, pins):
    """Start and run the module. Comes back on a PC alone, when the power goes off there."""
    life = Life(board, hal)
    if life.restart.crashed:
        pins.write(life.levels)
    life.keep(STARTING)
    try:
        app = _start(board, hal, pins, life)
        import asyncio

        try:
            # From here, because whatever lies below it takes its part of a short stack for ever.
            asyncio.run(app.run())
        except KeyboardInterrupt:
            pass
        finally:
            pins.release()
            pins.write(app.module.fallback_levels)
        if app.restarting:
            life.ask(app.stage)
    except KeyboardInterrupt:
        pass
    except Exception as error:
        pins.release()
        pins.write(life.levels)
        life.fail(error)
    hal.stop(board)


def _start(board, hal, pins, life):
    """The application, which is to be run."""
    hal.lock_console()
    if life.restart.bare():
        from holdfast.safemode import stand

        stand(board, hal, life)
    from holdfast.runtime.memory import known, loaded, loading

    known()
    loading()
    from holdfast.start import start

    running = start(board, hal, pins, life)
    start = None  # it has left sys.modules, and now the heap
    if life.restart.safe_mode():
        from holdfast import safemode

        running = safemode.run(board, hal, pins, running, life)
    # Only now that the outputs are where the settings say.
    from holdfast.app import App

    loaded()
    return App(board, hal, pins, *running, life)


def maintain(board, hal):
    """The jumper is set: outputs stay safe, the console is free, no application is started."""
    life = Life(board, hal)
    life.restart.forgive()
    life.keep(MAINTENANCE)
    print("holdfast: maintenance: the application is not started; remove the jumper and reset")
