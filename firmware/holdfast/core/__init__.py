"""WHAT the module does. Pure: facts go in with the time, effects come out; no I/O, no clock."""
