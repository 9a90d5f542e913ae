"""Runs a program of this folder on the application file, as an image has it.

micropython slot_runner.py FILE PROGRAM ARGUMENT...
"""

import os
import sys

import vfs


def mount(path):
    data = bytearray(os.stat(path)[6])
    with open(path, "rb") as file:
        file.readinto(data)
    vfs.mount(vfs.VfsRom(data), "/rom")
    sys.path.insert(0, "/rom")


mount(sys.argv[1])
sys.argv[:] = sys.argv[2:]
with open(sys.argv[0]) as program:
    exec(program.read())
