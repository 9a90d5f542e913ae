"""What device plumbing needs around a module: a board, its flash, its store; on CPython and
MicroPython.
"""

from flash import Flash
from holdfast.core.accounts import Account
from holdfast.core.module import Module
from holdfast.core.reconfigure import reconfigure
from holdfast.settings.store import Store
from holdfast.vapix.identity import Device
from holdfast.wire.dump import dumps
from makers import WIRING, Caller, Numbers, account


class Board:
    """What a board's module says of the board."""

    NAME = "bench"
    PRODUCT = "Bench"
    SERIAL = "0200000000AB"
    ARCHITECTURE = "unix"
    SOC = "none"
    SOC_SERIAL = "17"


def device():
    return Device(Board(), "1.2.3", "Nov 24 2026")


class Running:
    """A module with its store, joined as the application joins them."""

    def __init__(self, accounts=None, files=None, **more):
        if files is None:
            files = {}
            if accounts is None:
                accounts = [account("a"), account("b", "administrator"), account("v", "viewer")]
            if accounts or more:
                more["accounts"] = accounts
                files["settings.json"] = dumps(more).encode()
        self.flash = Flash(files)
        self.store = Store(self.flash, WIRING)
        settings = self.store.load()
        self.accounts = settings.accounts
        self.module = Module(settings, bytes([1 - row[2] for row in WIRING]), Numbers(), 0)
        self.quiet = True
        self.store.quiet = lambda now: self.quiet
        self.store.turn = lambda: 0
        self.store.apply = self._apply

    def _apply(self, settings, now, by):
        self.accounts = settings.accounts
        reconfigure(self.module, settings, now)

    def account(self, name):
        """The account of a name, None when there is none."""
        for row in self.accounts:
            if row.name == name:
                return row
        return None


def stranger():
    """A caller without credentials."""
    caller = Caller()
    caller.account = None
    return caller


def administrator():
    caller = Caller()
    caller.account = Account("b", 3, b"", b"")
    return caller
