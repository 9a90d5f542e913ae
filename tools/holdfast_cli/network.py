"""The `network` settings, made of what a person says on a command line."""

import ipaddress
import os

from holdfast_cli.options import ask
from holdfast_cli.problems import USAGE, Problem


def settings(wifi, ethernet, hostname, static):
    """The patch for `network`, None when nothing was said."""
    patch = {}
    if wifi is not None:
        key = os.environ.get("HOLDFAST_WIFI_KEY")
        patch["kind"] = "wifi"
        patch["ssid"] = wifi
        patch["key"] = ask("key of the Wi-Fi %s: " % wifi) if key is None else key
    if ethernet:
        patch.update(kind="ethernet", ssid=None, key=None)
    if hostname is not None:
        patch["hostname"] = hostname
    if static is not None:
        patch.update(_static(static))
    return patch or None


def _static(text):
    """192.168.1.20/24,192.168.1.1[,192.168.1.1] as settings."""
    try:
        parts = [part.strip() for part in text.split(",")]
        interface = ipaddress.IPv4Interface(parts[0])
        gateway = ipaddress.IPv4Address(parts[1])
        dns = ipaddress.IPv4Address(parts[2]) if len(parts) > 2 else gateway
        if len(parts) > 3 or "/" not in parts[0] or gateway not in interface.network:
            raise ValueError
    except (ValueError, IndexError):
        text = "%s: write it as 192.168.1.20/24,192.168.1.1" % text
        raise Problem("--static " + text, USAGE) from None
    return {
        "address": str(interface.ip),
        "netmask": str(interface.netmask),
        "gateway": str(gateway),
        "dns": [str(dns)],
    }
