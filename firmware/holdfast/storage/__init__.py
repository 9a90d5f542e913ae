"""WHEN, to flash: files that are replaced whole, files that are only added to."""
