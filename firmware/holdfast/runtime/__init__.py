"""WHEN, the inside: the loop, the fallback from the hardware timer, sockets, order in the heap."""
