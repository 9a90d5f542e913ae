"""MicroPython's heap, filled for a test."""

import gc


class Hog:
    """All of the heap but so many cells."""

    def __init__(self, cells):
        self.held = None
        gc.collect()
        gc.disable()
        chain = None
        try:
            while True:
                chain = (chain, None)  # one cell each
        except MemoryError:
            pass
        for _ in range(cells):
            chain = chain[0]
        gc.collect()  # what was let go, and what the MemoryError was made of
        self.held = chain

    def end(self):
        self.held = None
        gc.enable()
        gc.collect()
