"""WHEN, towards the module: connections, requests, answers. It moves bytes and decides nothing."""
