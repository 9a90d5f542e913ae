"""What the chips have in common: the watchdog, the network, the end of a life."""

import os
import sys
import time
from hashlib import sha256

import machine
import micropython

_PORT = 80
_DNS_PORT = 53


class Watchdog:
    """Resets the chip board.WATCHDOG_MS after it was fed last. Nobody can stop it; made again, it
    goes on."""

    def __init__(self, board):
        self.feed = machine.WDT(timeout=board.WATCHDOG_MS).feed


class Random:
    """Random bytes for nonces, session ids and tokens. The oscillator of an RP2040 gives biased
    bits, and an ESP32 gives poor ones before its radio is on. So SHA-256 is taken over 1 KB of
    them with the chip's number, and each call adds a counter and 32 bytes more.
    """

    def __init__(self):
        pool = sha256(machine.unique_id())
        for _ in range(32):
            pool.update(os.urandom(32))
        self._key = pool.digest()
        self._count = 0

    def bytes(self, count):
        """So many of them."""
        found = b""
        while len(found) < count:
            self._count += 1
            fresh = self._count.to_bytes(4, "big") + os.urandom(32)
            found += sha256(self._key + fresh).digest()
            # Whoever reads the memory later does not learn what was given before.
            self._key = sha256(fresh + self._key).digest()
        return found[:count]


class Network:
    """The board's network, kept up by a Link; without settings for Wi-Fi there is none."""

    def __init__(self, board, settings, quiet):
        from holdfast.hal.link import Link

        self._lamp = None
        self._board = board
        self._link = None
        note_chip(board)
        if settings is not None and settings[0] != board.NETWORK:
            print("holdfast: network.kind: this board has %s" % board.NETWORK)
            settings = None
        if board.NETWORK == "ethernet":
            from holdfast.hal.ethernet import Ethernet

            self._link = Link(Ethernet(board, settings), quiet)
        else:
            # Also without settings: on ESP32 there are no sockets before this.
            from holdfast.hal.wifi import WiFi

            interface = WiFi(board, settings)
            if settings is None:
                print("holdfast: no network in the settings")
            else:
                self._link = Link(interface, quiet)

    def address(self):
        """(host, port) to listen on: whatever address there will be."""
        return "0.0.0.0", _PORT

    def step(self, now, heard_at):
        """Do what is due; the address at which the module is reached, None for none."""
        return None if self._link is None else self._link.step(now, heard_at)

    def signal(self):
        """How well the Wi-Fi is heard, dBm; None when it is not."""
        return None if self._link is None or self._link.address is None else self._link.signal()

    def dns(self):
        """Who knows host names, as DHCP or the settings have it: rows (address, port)."""
        import network

        server = network.ipconfig("dns")
        return [] if server in ("", "0.0.0.0") else [(server, _DNS_PORT)]

    def refused(self, error):
        """There is no listening: nothing to add."""

    def show(self, lit):
        """The lamp. That of a Pico W hangs at the radio, which is there when the network is."""
        if self._board.LED is None or self._link is None or not self._link.starts:
            return
        if self._lamp is None:
            self._lamp = machine.Pin(self._board.LED, machine.Pin.OUT)
        self._lamp.value(lit)


def note_chip(board):
    """The chip's own number."""
    board.SOC_SERIAL = "".join(["%02X" % byte for byte in machine.unique_id()])


def maintenance(board):
    """True when the jumper is set: board.MAINTENANCE, a GPIO, to ground."""
    pin = machine.Pin(board.MAINTENANCE, machine.Pin.IN, machine.Pin.PULL_UP)
    time.sleep_ms(2)  # the pull needs some time
    return not pin.value()


def lock_console():
    """From here on a Ctrl-C at the console is a character like any other."""
    micropython.kbd_intr(-1)


def reset(board, asked=True):
    """Begin anew; does not come back."""
    machine.reset()


def stop(board):
    """The application ended, which only a PC's does: begin anew."""
    machine.reset()


def ended(board):
    """Whatever it was, it does not end in the REPL."""
    machine.reset()


def report(error):
    """Print an error with its trace."""
    sys.print_exception(error)


def sleep_ms(ms):
    """Stand still for so long."""
    time.sleep_ms(ms)


def ticks():
    """(ticks_ms, ticks_diff)."""
    return time.ticks_ms, time.ticks_diff


def cause():
    """Why the chip was reset. rp2 knows power and watchdog alone, and calls machine.reset() the
    latter (ports/rp2/modmachine.c); ESP32 counts a brown-out as power (ports/esp32/modmachine.c).
    """
    value = machine.reset_cause()
    if value == machine.PWRON_RESET:
        return "power on"
    return "watchdog" if value == machine.WDT_RESET else "reset"
