"""Holdfast: a networked I/O module that does the right thing when its controller goes quiet."""

VERSION = "0.1.0"
