"""HOW bytes mean values: HTTP, WebSocket, Digest, JSON. Pure: no socket, no loop, no clock."""
