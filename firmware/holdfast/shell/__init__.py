"""WHEN it runs: asyncio, sockets, tasks. The shell moves bytes and time; it takes no decisions."""
