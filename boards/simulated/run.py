"""What the C start-up of MicroPython does on a board: the application file is mounted, where there
is one, then boot.py and main.py run.

micropython run.py FIRMWARE name=value ...      (tools/simulate.py calls this)
"""

import sys

_SEND = 7  # SO_SNDBUF and SO_RCVBUF of Linux, for which MicroPython has no names
_RECEIVE = 8
_OTHER_SOCKETS = 12  # beside the connections: listeners, what the module sends, newcomers


def room_to_poll(count):
    """Have room for so many sockets in asyncio's poller.

    MicroPython's unix port crashes when that has to move its list of descriptors while a socket of
    TLS, which has none, is in it (extmod/modselect.c, poll_set_add_fd: it moves NULL, too). The
    ports of the chips have no such list. So it grows now, before there is TLS.
    """
    import asyncio
    import select
    import socket

    poller = asyncio.core._io_queue.poller
    made = [socket.socket() for _ in range(count)]
    for sock in made:
        poller.register(sock, select.POLLIN)
    for sock in made:
        poller.unregister(sock)
        sock.close()


def bound_sockets(count):
    """Have connections hold so many bytes in each direction, as a chip's do, and not megabytes.

    They inherit it from the socket that listens. Linux doubles what it is told, for its own needs.
    """
    import socket

    from holdfast.runtime import sockets

    unbound = sockets.listen

    def listen(host, port, backlog):
        listener = unbound(host, port, backlog)
        for option in (_SEND, _RECEIVE):
            listener.setsockopt(socket.SOL_SOCKET, option, count // 2)
        return listener

    sockets.listen = listen


def mount(path):
    """Have an application file at /rom, where an image has it; its modules are executed in place.

    Exactly its bytes of heap: tools/simulate.py puts them on top of the board's.
    """
    import os

    import vfs

    data = bytearray(os.stat(path)[6])
    with open(path, "rb") as file:
        file.readinto(data)
    vfs.mount(vfs.VfsRom(data), "/rom")


def main(arguments):
    """Fill in the board from name=value arguments and start it."""
    firmware = arguments[0]
    here = __file__.rpartition("/")[0]
    sys.path.insert(0, here)
    if sys.implementation.name != "micropython":
        sys.path.insert(0, here + "/cpython")
    values = dict([argument.split("=", 1) for argument in arguments[1:]])
    slot = values.pop("SLOT", None)
    if slot:
        mount(slot)
    sys.path.insert(0, "/rom" if slot else firmware)
    import board

    for name, value in values.items():
        if name == "SOCKET_BYTES":
            bound_sockets(int(value))
        elif name in ("PORT", "TLS_PORT", "CONNECTIONS"):
            setattr(board, name, int(value))
        elif value:
            setattr(board, name, value)
    if sys.implementation.name == "micropython":
        room_to_poll(board.CONNECTIONS + _OTHER_SOCKETS)
    namespace = {"__name__": "__main__"}
    for part in ("boot", "main"):
        with open("%s/%s.py" % (firmware, part)) as file:
            exec(file.read(), namespace)


main(sys.argv[1:])
