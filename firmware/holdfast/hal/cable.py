"""What the simulated board may believe of its network: a file stands for the cable."""

from holdfast.hal.link import Link


class _Cable:
    """An interface as holdfast.hal.link drives it: all that it has is an address, or none."""

    def __init__(self, path):
        self._path = path

    def start(self):
        """There is nothing to start, to join, to leave or to stop."""

    join = leave = stop = start

    def address(self):
        """What the file says."""
        try:
            with open(self._path) as file:
                return file.read().strip() or None
        except OSError:
            return None


def link(path, quiet):
    """A Link of such an interface."""
    return Link(_Cable(path), quiet)
