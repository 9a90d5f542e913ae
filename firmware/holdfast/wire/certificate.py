"""Certificates and keys as TLS servers need them: PEM into DER, and what kind of key it is.

Only P-256 will do: with an RSA key of 2048 bits an RP2040 stands still for 4.3 s at every
handshake. Structures: RFC 5280 section 4.1, RFC 5915 section 3, RFC 5958 section 2, RFC 8017
appendix A.1.2; tags: X.690.
"""

from binascii import a2b_base64

from micropython import const

MAX_BYTES = const(2048)  # of a file: a certificate of a P-256 key has 400 to 900
_SEQUENCE = const(0x30)
_INTEGER = const(0x02)
_BITS = const(0x03)
_OCTETS = const(0x04)
_IDENTIFIER = const(0x06)
_PARAMETERS = const(0xA0)
_PUBLIC_KEY = const(0xA1)
_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"  # 1.2.840.113549.1.1.1
_EC = b"\x2a\x86\x48\xce\x3d\x02\x01"  # 1.2.840.10045.2.1
_P256 = b"\x2a\x86\x48\xce\x3d\x03\x01\x07"  # 1.2.840.10045.3.1.7
_POINT_BYTES = const(66)  # of a P-256 point as a bit string: 0 unused bits, 04, x, y


class BadCertificate(ValueError):
    """`key`: the private key is bad, else the certificate. The text says why."""

    def __init__(self, key, problem):
        super().__init__(problem)
        self.key = key


def der(data, key):
    """A file as DER; PEM is decoded. BadCertificate for what is neither, or holds too much."""
    if len(data) > MAX_BYTES:
        raise BadCertificate(key, "is longer than %d bytes" % MAX_BYTES)
    if data[:1] == b"\x30":
        return data
    if b"ENCRYPTED" in data:
        raise BadCertificate(key, "is encrypted; it must be stored without a password")
    found = []
    at = 0
    while True:
        begin = data.find(b"-----BEGIN ", at)
        if begin < 0:
            break
        start = data.find(b"-----", begin + 11)
        end = data.find(b"-----END ", begin)
        if start < 0 or end < start:
            raise BadCertificate(key, "is PEM without its end")
        label = data[begin + 11 : start]
        at = end + 9
        if label.endswith(b"PRIVATE KEY" if key else b"CERTIFICATE"):
            found.append(data[start + 5 : end])
    if len(found) != 1:
        name = "private key" if key else "certificate"
        raise BadCertificate(key, "must be one %s, DER or PEM; there are %d" % (name, len(found)))
    try:
        return a2b_base64(found[0])
    except ValueError:
        raise BadCertificate(key, "is PEM that is not base64")


def examine(certificate, key):
    """BadCertificate unless both (DER) are of P-256 and, as far as can be told, one pair."""
    try:
        public = _public_key(_enter(_enter(certificate, _SEQUENCE), _SEQUENCE))
    except (IndexError, ValueError) as error:
        raise BadCertificate(False, str(error) if _told(error) else "is no certificate")
    try:
        own = _private_key(_enter(key, _SEQUENCE))
    except (IndexError, ValueError) as error:
        raise BadCertificate(True, str(error) if _told(error) else "is no private key")
    if own is not None and own != public:
        raise BadCertificate(True, "does not belong to the certificate")


class _Told(ValueError):
    """A reason for people."""


def _told(error):
    return isinstance(error, _Told)


def _public_key(fields):
    """The public key, a bit string, out of the fields of a TBSCertificate."""
    rows = _all(fields)
    if rows and rows[0][0] == 0xA0:  # the version
        rows.pop(0)
    info = _all(rows[5][1])  # behind serial, signature, issuer, validity, subject
    _algorithm(info[0][1])
    tag, bits = info[1]
    if rows[5][0] != _SEQUENCE or tag != _BITS or len(bits) != _POINT_BYTES:
        raise ValueError()
    return bits


def _private_key(fields):
    """The public key that a private one has with it, as a bit string, or None."""
    rows = _all(fields)
    tag, version = rows[0]
    if tag != _INTEGER:
        raise ValueError()
    kind = rows[1][0]
    if kind == _INTEGER:  # RSAPrivateKey: the modulus
        raise _Told(_NOT_RSA)
    if kind == _SEQUENCE:  # PrivateKeyInfo
        _algorithm(rows[1][1])
        return _ec_key(_all(_enter(rows[2][1], _SEQUENCE)), True)
    if kind == _OCTETS and version == b"\x01":  # ECPrivateKey
        return _ec_key(rows, False)
    raise ValueError()


def _ec_key(rows, known):
    """known: the curve is, from around it."""
    if rows[1][0] != _OCTETS or len(rows[1][1]) != 32:
        raise _Told(_NOT_P256)
    public = None
    for tag, value in rows[2:]:
        if tag == _PARAMETERS:
            if _enter(value, _IDENTIFIER) != _P256:
                raise _Told(_NOT_P256)
            known = True
        elif tag == _PUBLIC_KEY:
            public = _enter(value, _BITS)
    if not known:
        raise _Told("does not say its curve")
    return public


_NOT_RSA = "is of RSA, which stops a board for seconds at every handshake; it must be of P-256"
_NOT_P256 = "is of another curve; it must be of P-256"


def _algorithm(value):
    """Look at an AlgorithmIdentifier."""
    rows = _all(value)
    if rows[0] == (_IDENTIFIER, _RSA):
        raise _Told(_NOT_RSA)
    if rows[0] != (_IDENTIFIER, _EC):
        raise _Told("is of an algorithm that is not supported; it must be of P-256")
    if rows[1] != (_IDENTIFIER, _P256):
        raise _Told(_NOT_P256)


def _all(data):
    """All (tag, value) in a value, in their order."""
    rows = []
    at = 0
    while at < len(data):
        tag, start, end = _span(data, at)
        rows.append((tag, bytes(data[start:end])))
        at = end
    return rows


def _enter(data, wanted):
    """The value of the element that `data` is, with this tag."""
    tag, start, end = _span(data, 0)
    if tag != wanted:
        raise ValueError()
    return bytes(data[start:end])


def _span(data, at):
    """(tag, start, end) of the element at a position; IndexError or ValueError."""
    tag = data[at]
    length = data[at + 1]
    start = at + 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 2:
            raise ValueError()
        length = 0
        for i in range(count):
            length = length << 8 | data[start + i]
        start += count
    if start + length > len(data):
        raise ValueError()
    return tag, start, start + length
