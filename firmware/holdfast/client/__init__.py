"""WHEN, out of the module: requests to others, names, the time of day."""
