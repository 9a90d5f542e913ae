"""Who the module calls in end-to-end tests: HTTP servers good and bad, with TLS or without, and
name servers, all on the loopback.
"""

import contextlib
import datetime
import select
import socket
import ssl
import threading
import time

import trustme

from boards import wait_for

# -- HTTP -----------------------------------------------------------------------------------------


class Request:
    """What came: when, the request line's parts, headers by lower case name, and the body."""

    def __init__(self, at, head, body):
        self.at = at
        lines = head.decode().split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ")
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            assert name.lower() not in self.headers, "twice: " + name
            self.headers[name.lower()] = value.strip()
        self.body = body


class Receiver:
    """An HTTP server. `got` are the Requests; each is answered by what `answer` is just then: a
    status, bytes, or a function(sock, request) that does as it likes before the end. most_open:
    connections at a time, without TLS. port: the one to have; context: an ssl.SSLContext.
    """

    def __init__(self, answer=200, port=0, context=None):
        self.answer = answer
        self.got = []
        self.connections = 0
        self.most_open = 0
        self.troubles = []  # of TLS
        self._context = context
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", port), backlog=16)
        self.port = self._listener.getsockname()[1]
        self.url = "%s://127.0.0.1:%d" % ("https" if context else "http", self.port)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                # What the module has closed is closed, whether its thread has run since or not.
                self._open = [one for one in self._open if not _gone(one)] + [sock]
                self.connections += 1
                self.most_open = max(self.most_open, len(self._open))
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with sock:
            sock.settimeout(30)
            with contextlib.suppress(OSError):
                self._talk(sock)

    def _talk(self, sock):
        if self._context is not None:
            try:
                sock = self._context.wrap_socket(sock, server_side=True)
            except (ssl.SSLError, OSError) as error:
                self.troubles.append(str(error))
                return
        with sock:
            if self.answer == "silent":
                self._hold(sock)
                return
            request = read(sock)
            if request is None:
                return
            self.got.append(request)
            answer = self.answer
            if callable(answer):
                answer(sock, request)
            elif isinstance(answer, bytes):
                sock.sendall(answer)
            else:
                sock.sendall(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok" % answer)

    def _hold(self, sock):
        """Nothing is read and nothing said until the other side goes."""
        while sock.recv(1):
            pass

    def wait(self, count=1, seconds=15):
        """Wait for so many requests; the last of them."""
        wait_for(lambda: len(self.got) >= count, seconds, "request %d" % count)
        return self.got[count - 1]

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _gone(sock):
    """Has either side closed it?"""
    poll = select.poll()
    try:
        poll.register(sock, select.POLLRDHUP)
    except ValueError:
        return True  # closed here
    return bool(poll.poll(0))


def read(sock):
    """The request that comes, None when its sender goes before it is whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    at = time.monotonic()
    request = Request(at, head, body)
    length = int(request.headers.get("content-length", 0))
    while len(request.body) < length:
        part = sock.recv(65536)
        if not part:
            return None
        request.body += part
    return request


@contextlib.contextmanager
def receiver(*arguments, **more):
    subject = Receiver(*arguments, **more)
    try:
        yield subject
    finally:
        subject.close()


# -- names ----------------------------------------------------------------------------------------


class NameServer:
    """A DNS server on UDP. `asked` are the names; answer: a function(name, query) for the packets
    to send, each as bytes, and sent from the server's own port.
    """

    def __init__(self, answer):
        self.answer = answer
        self.asked = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.address = "127.0.0.1:%d" % self.port
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                query, place = self._socket.recvfrom(2048)
                if query == b"end":
                    return
                name = _name(query)
                self.asked.append(name)
                for packet in self.answer(name, query):
                    self._socket.sendto(packet, place)

    def close(self):
        # A closed socket does not wake its reader.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", ("127.0.0.1", self.port))


def _name(query):
    labels = []
    at = 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels)


def addresses(query, *texts, seconds=60, flags=b"\x81\x80", number=None):
    """A reply with these addresses to a query."""
    head = (query[:2] if number is None else number) + flags
    reply = head + bytes((0, 1, 0, len(texts), 0, 0, 0, 0)) + query[12:]
    for text in texts:
        reply += b"\xc0\x0c\x00\x01\x00\x01" + seconds.to_bytes(4, "big") + b"\x00\x04"
        reply += socket.inet_aton(text)
    return reply


@contextlib.contextmanager
def name_server(answer):
    subject = NameServer(answer)
    try:
        yield subject
    finally:
        subject.close()


# -- certificates ---------------------------------------------------------------------------------


class Authority:
    """Issues certificates; `pem` and `der` are its own, which a module may trust."""

    def __init__(self):
        self._authority = trustme.CA()
        self.pem = self._authority.cert_pem.bytes()
        self.der = ssl.PEM_cert_to_DER_cert(self.pem.decode())

    def context(self, *names, days=1):
        """For a server that calls itself so; days: until the certificate ends, or ended."""
        now = datetime.datetime.now(datetime.UTC)
        begins = now - datetime.timedelta(days=30)
        ends = now + datetime.timedelta(days=days)
        issued = self._authority.issue_cert(*names, not_before=begins, not_after=ends)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(context)
        return context
