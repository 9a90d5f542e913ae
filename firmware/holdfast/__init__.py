"""Holdfast: a networked I/O module that does the right thing when its controller goes quiet."""

VERSION = "0.1.0"
BUILD_DATE = "Nov 24 2026"  # the day this version was made
