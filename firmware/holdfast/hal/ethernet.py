"""Ethernet of a W5500 at an RP2040, as holdfast.hal.link drives it (network.WIZNET5K)."""

import machine
import network

from holdfast.hal.wifi import known, note

_BAUD = 33000000  # of SPI; the W5500 takes 33.3 MHz at any rate (datasheet, SPI timing)


class Ethernet:
    """settings: of settings.schema_network, None for DHCP without a host name. The board says
    where the chip is: SPI = (bus, sck, mosi, miso, cs, reset, interrupt)."""

    def __init__(self, board, settings):
        self._board = board
        self._hostname = "" if settings is None else settings[3]
        self._static = None if settings is None else settings[5]
        bus, sck, mosi, miso, cs, reset, interrupt = board.SPI
        pin = machine.Pin
        spi = machine.SPI(bus, baudrate=_BAUD, sck=pin(sck), mosi=pin(mosi), miso=pin(miso))
        # Only images of boards with the chip have the class. Without its interrupt frames are
        # fetched every 64 ms (MicroPython, extmod/network_wiznet5k.c, ports/rp2/mpnetworkport.c).
        make = getattr(network, "WIZNET5K")  # noqa: B009
        self._nic = make(spi, pin(cs), pin(reset), pin(interrupt))

    def start(self):
        """Reset the chip and begin to look for a link; DHCP does not wait, as ifconfig does."""
        if self._hostname:
            network.hostname(self._hostname)
        self._nic.active(True)
        note(self._board, self._nic.config("mac"))

    def join(self):
        """Take the fixed address, or ask for one."""
        if self._static is not None:
            self._nic.ifconfig(self._static)
        else:
            self._nic.ipconfig(dhcp4=True)

    def leave(self):
        """There is nothing to leave."""

    def stop(self):
        """Stop the chip; the next start resets it."""
        self._nic.active(False)

    def address(self):
        """The address as text, None without a link or an address."""
        if not self._nic.isconnected():
            return None
        return known(self._nic.ifconfig()[0])

    def signal(self):
        """A cable has none."""
        return
