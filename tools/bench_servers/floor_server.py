"""The lower bound: asyncio's own server and `readline`, JSON, no authentication (MicroPython)."""

import asyncio
import json

import control

SESSION_ID = "14b795e4-507a-44b8-b68c-f98be55bc1dd"
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


async def serve_client(reader, writer):
    """Answer heartbeats on one connection until its peer is done."""
    try:
        while await serve_request(reader, writer):
            pass
    except OSError:
        pass
    writer.close()
    await writer.wait_closed()


async def serve_request(reader, writer):
    """Answer one heartbeat; False when the connection ends here."""
    if not await reader.readline():
        return False
    length, keep = 0, True
    while True:
        line = await reader.readline()
        if line in (b"\r\n", b""):
            break
        name, value = line.split(b":", 1)
        name = name.lower()
        if name == b"content-length":
            length = int(value)
        elif name == b"connection":
            keep = value.strip() != b"close"
    heartbeat = json.loads(await reader.readexactly(length))
    if not isinstance(heartbeat["axhbt:Heartbeat"]["Duration"], int):
        return False
    body = json.dumps({"SessionId": SESSION_ID})
    writer.write(HEAD % (len(body), body))
    await writer.drain()
    return keep


async def run(port, with_control):
    """Serve on loopback for ever."""
    if with_control:
        asyncio.create_task(control.answer())
    server = await asyncio.start_server(serve_client, "127.0.0.1", port)
    await server.wait_closed()


def main(port, with_control):
    """What the harness calls."""
    asyncio.run(run(port, with_control))
