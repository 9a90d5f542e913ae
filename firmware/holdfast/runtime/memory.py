"""Keeps what stays at one end of the heap, so that the other end is free in one piece.

MicroPython's collector moves nothing, and left alone it runs only when the heap is full: by then
what stays lies scattered all over it. Measured on a 32-bit MicroPython with 140 KB, 59 KB of them
free: no hole was larger than 4 KB, and loading a module failed. So it runs often while code is
loaded, and later whenever half of what was free is used: seldom, because it looks at the whole
heap each time, and the other half stays in one piece.
"""

import binascii
import gc
import hashlib
import os
import struct
import sys

from micropython import const

_LOADING_BYTES = const(2048)  # allocated between two collections


def known():
    """Have modules of MicroPython's own found at once. Else every import of one looks first for a
    file of that name, which takes 900 bytes of the C stack: too much where code is loaded late.
    """
    for module in (binascii, hashlib, os, struct):
        sys.modules[module.__name__] = module


def loading():
    """Collect now, and often from now on: what is made next is there to stay. CPython's heap needs
    no order.
    """
    if hasattr(gc, "threshold"):
        gc.collect()
        gc.threshold(_LOADING_BYTES)


def loaded():
    """Collect now, and from now on before more than half of the rest is used."""
    if hasattr(gc, "threshold"):
        gc.collect()
        gc.threshold(gc.mem_free() // 2)


def load(module, name):
    """Import something late, and keep the heap in order meanwhile; cheap once it is there."""
    if module in sys.modules:
        return getattr(sys.modules[module], name)
    late = not hasattr(gc, "threshold") or gc.threshold() != _LOADING_BYTES
    if late:
        loading()
    try:
        return getattr(__import__(module, None, None, (name,)), name)
    finally:
        if late:
            loaded()


def borrow(module, name):
    """What a module holds; the module itself is let go."""
    try:
        return load(module, name)
    finally:
        forget(module)


def forget(module):
    """Let go of a module that was loaded; it is loaded again when it is needed again."""
    if sys.modules.pop(module, None) is not None:
        package, _, name = module.rpartition(".")
        delattr(sys.modules[package], name)
