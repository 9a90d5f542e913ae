"""Flash in memory: it counts, the power goes off at a chosen write, bytes rot."""


class PowerCut(Exception):
    """The power went off; what was written before is there."""


class Flash:
    """Files by name. `left`: bytes and names that can still be written; None for any number."""

    def __init__(self, files=()):
        self.files = dict(files)
        self.left = None
        self.full = False
        self.size = None  # in bytes, of blocks of 4096, a file each or more; None: not known
        self.writes = 0
        self.written = 0

    def read(self, name):
        return self.files.get(name)

    def write(self, name, data):
        self._spend(name, b"", data)

    def append(self, name, data):
        self._spend(name, self.files.get(name, b""), data)

    def _spend(self, name, before, data):
        if self.full:
            raise OSError(28)
        self.writes += 1
        self.written += len(data)
        if self.left is not None and self.left < len(data):
            self.files[name] = before + data[: self.left]
            self.left = 0
            raise PowerCut()
        if self.left is not None:
            self.left -= len(data)
        self.files[name] = before + data

    def free(self):
        if self.size is None:
            return None
        return self.size - sum([-(-len(data) // 4096) * 4096 for data in self.files.values()])

    def remove(self, name):
        self._rename()
        self.files.pop(name, None)

    def rename(self, name, to):
        self._rename()
        self.files[to] = self.files.pop(name)

    def _rename(self):
        if self.left is not None:
            if self.left < 1:
                raise PowerCut()
            self.left -= 1

    def rot(self, name, at):
        """One bit turns over."""
        data = bytearray(self.files[name])
        data[at] ^= 1
        self.files[name] = bytes(data)
