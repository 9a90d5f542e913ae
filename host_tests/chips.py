"""A scripted `machine` and `network`: chips whose pins, timers, resets and radios tests drive.

`install(...)` puts them where the HAL imports them from and gives the Chip that knows everything;
what was done to it stands in `chip.story`, in order.
"""

import sys
import time


class Reset(Exception):
    """The chip was reset."""


class Pin:
    IN, OUT, PULL_UP, PULL_DOWN = 0, 1, 1, 2
    chip = None

    def __init__(self, gpio, mode=None, pull=None, value=None):
        self.gpio = gpio
        chip = self.chip
        if mode == Pin.OUT:
            # As the ports do it: the level first, so that there is no edge.
            chip.levels[gpio] = chip.levels.get(gpio, 0) if value is None else value
            chip.story.append(("out", gpio, chip.levels.get(gpio)))
            chip.outputs.add(gpio)
        elif mode == Pin.IN:
            chip.story.append(("in", gpio, pull))
            if gpio not in chip.levels:
                chip.levels[gpio] = 1 if pull == Pin.PULL_UP else 0

    def value(self, *level):
        chip = self.chip
        if not level:
            return chip.levels[self.gpio]
        if chip.levels[self.gpio] != level[0]:
            chip.edges += 1
            chip.story.append(("level", self.gpio, level[0]))
        chip.levels[self.gpio] = level[0]
        return None


class Timer:
    PERIODIC = 1
    chip = None

    def __init__(self, *number):
        self.number = number

    def init(self, mode, period, callback, hard=False):
        if hard and self.chip.port == "esp32":
            raise ValueError("hard Timers are not implemented")
        self.chip.timers.append((period, callback, hard))

    def deinit(self):
        self.chip.timers.pop()


class WDT:
    chip = None

    def __init__(self, timeout):
        assert 0 < timeout <= 8388
        self.chip.watchdog = timeout
        self.chip.fed = 0

    def feed(self):
        self.chip.fed += 1


class RTC:
    chip = None

    def memory(self, *data):
        if not data:
            return self.chip.memory
        self.chip.memory = bytes(data[0])
        return None


class SPI:
    def __init__(self, bus, baudrate, sck, mosi, miso):
        self.pins = (bus, sck.gpio, mosi.gpio, miso.gpio)


class WLAN:
    """A radio. `chip.air`: the address it gets when it joins, None for none; `trouble`: calls that
    raise."""

    IF_STA, PM_NONE = 0, 16
    chip = None

    def __init__(self, interface):
        self.on = False
        self.joined = False
        self.fixed = None

    def _call(self, name, *more):
        self.chip.story.append((name,) + more)
        if name in self.chip.trouble:
            raise OSError(1)

    def active(self, on):
        self._call("active", on)
        self.on = on
        self.joined = False

    def config(self, *what, **more):
        if what:
            return b"\x28\xcd\xc1\x0a\x0b\x0c"
        assert self.on
        self._call("config", more)
        return None

    def connect(self, ssid, key=None):
        assert self.on
        self._call("connect", ssid, key)
        self.joined = True

    def disconnect(self):
        self._call("disconnect")
        self.joined = False

    def isconnected(self):
        return self.on and self.joined and self.chip.air is not None

    def ifconfig(self, fixed=None):
        if fixed is not None:
            self._call("ifconfig", fixed)
            self.fixed = fixed
            return None
        address = self.chip.air or "0.0.0.0"
        if self.fixed is not None and self.chip.air:
            address = self.fixed[0]
        return (address, "255.255.255.0", "10.0.0.1", "10.0.0.1")

    def status(self, what):
        assert what == "rssi"
        return -61

    def scan(self):
        raise AssertionError("never while a master may be there")


class WIZNET5K(WLAN):
    def __init__(self, spi, cs, reset, interrupt):
        super().__init__(0)
        self.chip.story.append(("wiznet", spi.pins, cs.gpio, reset.gpio, interrupt.gpio))
        self.joined = True

    def active(self, on):
        super().active(on)
        self.joined = on

    def ipconfig(self, dhcp4):
        self._call("dhcp")

    def isconnected(self):
        return self.on and self.chip.air is not None


class Memory(dict):
    """machine.mem32: words of 32 bits, read with their sign (extmod/machine_mem.c)."""

    def __getitem__(self, address):
        word = self.get(address, 0) & 0xFFFFFFFF
        return word - (1 << 32) if word >> 31 else word


class Names:
    pass


class Chip:
    """One chip: rp2 or esp32, just reset for a reason of this port's `machine`."""

    PWRON_RESET, HARD_RESET, WDT_RESET, SOFT_RESET = 1, 2, 3, 5

    def __init__(self, port, cause=1):
        self.port = port
        self.cause = cause
        self.story = []
        self.levels = {}
        self.outputs = set()
        self.edges = 0
        self.timers = []
        self.watchdog = None
        self.fed = 0
        self.memory = b""
        self.scratch = Memory()
        self.air = "10.0.0.9"
        self.trouble = ()
        self.console = True
        for thing in (Pin, Timer, WDT, RTC, WLAN):
            thing.chip = self

    def reset(self):
        raise Reset

    def hostname(self, name):
        self.story.append(("hostname", name))

    def country(self, code):
        self.story.append(("country", code))

    def kbd_intr(self, character):
        self.console = character != -1


def install(port, cause=1):
    """The chip, in place of the modules; those of the HAL that use them are forgotten."""
    chip = Chip(port, cause)
    machine, network = Names(), Names()
    for thing in (Pin, Timer, WDT, RTC, SPI):
        setattr(machine, thing.__name__, thing)
    for name in ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "SOFT_RESET"):
        setattr(machine, name, getattr(chip, name))
    machine.reset_cause = lambda: chip.cause
    machine.reset = chip.reset
    machine.unique_id = lambda: b"\xe6\x61\x01"
    machine.mem32 = chip.scratch
    network.WLAN, network.WIZNET5K = WLAN, WIZNET5K
    network.hostname, network.country = chip.hostname, chip.country
    sys.modules["machine"], sys.modules["network"] = machine, network
    for name in ("chip", "esp32", "ethernet", "gpio", "rp2", "wifi"):
        sys.modules.pop("holdfast.hal." + name, None)
    import micropython

    if not hasattr(micropython, "alloc_emergency_exception_buf"):
        try:
            micropython.alloc_emergency_exception_buf = lambda size: None
        except AttributeError:
            pass  # MicroPython's own
    if not hasattr(time, "sleep_ms"):
        time.sleep_ms = lambda ms: None
        time.ticks_ms = lambda: 0
        time.ticks_diff = lambda end, start: end - start
    return chip


class Board:
    """As boards/*/board.py has it; a test changes what it needs."""

    PORTS = ((2, "input", 0), (3, "input", 1), (6, "output", 1), (7, "output", 0))
    WITHOUT_PULL = ()
    LED = 25
    MAINTENANCE = 22
    NETWORK = "wifi"
    SCRATCH = 0x4005800C
    SPI = (0, 18, 19, 16, 17, 20, 21)
    WATCHDOG_MS = 8000
    DATA = ""
    SERIAL = ""
    SOC_SERIAL = ""

    def __init__(self, hal, **more):
        self.HAL = hal
        for name, value in more.items():
            setattr(self, name, value)
