"""Wi-Fi of a chip, as holdfast.hal.link drives it."""

import network


class WiFi:
    """settings: of settings.schema_network."""

    def __init__(self, board, settings):
        self._board = board
        self._settings = settings
        self._wlan = network.WLAN(network.WLAN.IF_STA)

    def start(self):
        """Power on. The host name counts from here on only; power saving, which costs hundreds of
        ms, comes back with every start of a Pico W."""
        _, _, _, hostname, country, static = self._settings
        wlan = self._wlan
        if country:
            network.country(country)
        if hostname:
            network.hostname(hostname)
        wlan.active(True)
        wlan.config(pm=wlan.PM_NONE)
        if self._board.HAL == "esp32":
            wlan.config(reconnects=0)  # else it tries by itself, beside us
        if static is not None:
            wlan.ifconfig(static)
        note(self._board, wlan.config("mac"))

    def join(self):
        """Begin to join the network; does not wait."""
        _, ssid, key, _, _, _ = self._settings
        if key:
            self._wlan.connect(ssid, key)
        else:
            self._wlan.connect(ssid)

    def leave(self):
        """Leave it, whatever state it is in."""
        self._wlan.disconnect()

    def stop(self):
        """Power off."""
        self._wlan.active(False)

    def address(self):
        """The address as text, None while there is none."""
        wlan = self._wlan
        if not wlan.isconnected():
            return None
        # ESP32 stays connected when only DHCP is lost.
        return known(wlan.ifconfig()[0])

    def signal(self):
        """dBm, None when the radio does not tell."""
        try:
            return self._wlan.status("rssi")
        except (OSError, ValueError):
            return None


def known(address):
    """The address, None for the one that says there is none."""
    return None if address == "0.0.0.0" else address


def note(board, mac):
    """The MAC address is the serial number, 12 upper case hex digits, once it is known."""
    board.SERIAL = "".join(["%02X" % byte for byte in mac])
