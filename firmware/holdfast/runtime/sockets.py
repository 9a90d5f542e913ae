"""The rarer part of sockets and TLS: listening, UDP, a look ahead, contexts. MicroPython and
CPython differ here, too; what is always needed is in runtime.portable.

Loaded when the module begins to serve, and with what uses it later.
"""

import socket
import sys

if sys.implementation.name == "micropython":

    def trusting(certificates):
        """A TLS client's context that trusts these certificates (DER) alone; ValueError."""
        import tls

        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED  # pyright: ignore  the stubs have it read-only
        for certificate in certificates:
            context.load_verify_locations(certificate)
        return context

    def tls_context(certificate, key):
        """What makes TLS servers of sockets, with a certificate and its key (DER)."""
        import tls

        context = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

else:
    from holdfast.runtime.portable_cpython import tls_context, trusting  # noqa: F401


def listen(host, port, backlog):
    """A listening socket that never blocks; OSError when the address is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setblocking(False)
    # Numeric addresses only: a name would block, and "" means different things on different ports.
    listener.bind(socket.getaddrinfo(host, port)[0][-1])
    listener.listen(backlog)
    return listener


def peek(sock, count):
    """The first bytes that are there, which stay there; b"" at the end."""
    try:
        return sock.recv(count, getattr(socket, "MSG_PEEK", 2))
    except OSError:
        return b""


def secure(sock, context, host):
    """TLS over a connected socket, towards a peer whose certificate must name this host. The
    handshake comes with the first writes and reads: until it is done they say that nothing was
    possible; OSError or ValueError when it fails.
    """
    return context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)


def asking(address, port):
    """(socket, address as recvfrom gives it) for UDP, never blocking; a port of its own."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    return sock, socket.getaddrinfo(address, port)[0][-1]
