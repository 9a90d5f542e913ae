"""Files in a folder of the board's file system: where settings are, and what is kept."""

import errno
import os


class Storage:
    """The folder board.DATA, "" for the root of a board's flash; None for no flash at all."""

    def __init__(self, board):
        self._folder = board.DATA

    def read(self, name):
        """The bytes of a file, None when it is not there; OSError when it cannot be read."""
        if self._folder is None:
            return None
        try:
            with open(self._path(name), "rb") as file:
                return file.read()
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return None

    def write(self, name, data):
        """Make or replace a file; OSError when it cannot be written."""
        self._write(name, "wb", data)

    def _write(self, name, mode, data):
        with open(self._path(name), mode) as file:
            file.write(data)
            file.flush()
            if hasattr(os, "fsync"):  # not in MicroPython; there a close writes through on flash
                os.fsync(file.fileno())

    def append(self, name, data):
        """Write at the end of a file, which is made when there is none; OSError."""
        self._write(name, "ab", data)

    def remove(self, name):
        """Remove a file, if it is there."""
        try:
            os.remove(self._path(name))
        except OSError:
            pass  # it is not there

    def free(self):
        """Bytes of flash that are free; None where that is not known."""
        if self._folder is None or not hasattr(os, "statvfs"):
            return None
        size, _, _, free = os.statvfs(self._folder or "/")[:4]
        return size * free

    def rename(self, name, to):
        """Rename a file; one that has the new name is replaced. OSError when it cannot be."""
        os.rename(self._path(name), self._path(to))

    def _path(self, name):
        if self._folder is None:
            raise OSError(errno.ENODEV)
        return "%s/%s" % (self._folder, name)
