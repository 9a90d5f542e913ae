"""A file that is replaced as a whole and never half: beside the new one the one before is kept.

Written under a new name first, then renamed. At whichever write or rename the power goes off, the
old contents or the new ones are there under one of the three names.
"""


class Copies:
    """names: of the current file, of one being written, and of the one before. `held` is the name
    under which what counts is in flash, None when there is nothing.
    """

    def __init__(self, storage, names, held=None):
        self._storage = storage
        self._names = names
        self.held = held

    def write(self, data):
        """Replace the file; OSError, and then the old one counts."""
        for _ in self.steps(data):
            pass

    def steps(self, data):
        """As `write`, a step for each change of flash: a generator that stops before each."""
        storage = self._storage
        current, new, previous = self._names
        try:
            if self.held == new:
                # The power went off before the last rename: it comes now.
                yield
                storage.rename(new, current)
                self.held = current
            yield
            storage.write(new, data)
            # What counts becomes the previous; what is damaged may not.
            if self.held == current:
                yield
                storage.rename(current, previous)
                self.held = previous
            yield
            storage.rename(new, current)
            self.held = current
        except OSError:
            if self.held != new:
                # What is refused now must not be found at the next start.
                storage.remove(new)
            raise
