"""What follows when the network goes, comes back, or gives the module another address.

Loaded for each of these and let go again. Connections need nothing: the server listens on all
addresses, and those of one that is gone are ended by the chip's TCP, or by their own deadlines.
"""

from micropython import const

from holdfast.core.log import NETWORK

_LATE_MS = const(60000)  # a first address that takes longer than this is told


def changed(log, outbound, before, address, since, now):
    """Tell the log, and let what has waited for a network try again. outbound: of client.sender,
    None where nothing is sent. before, address: as text, None for none; since: of `before`, None
    where that is the module's start.
    """
    if address is None:
        log.add(NETWORK, "down, was %s" % before, now)
        return
    if before is not None:
        log.add(NETWORK, "%s instead of %s" % (address, before), now)
    elif since is not None or now >= _LATE_MS:
        log.add(NETWORK, "up, %s, after %d s" % (address, (now - (since or 0)) // 1000), now)
    if outbound is not None:
        outbound.reachable(now)
