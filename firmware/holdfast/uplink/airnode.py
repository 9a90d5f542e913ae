"""A heartbeat as Airnode 0.11 sends it (Reference, Airnode v0.11, Heartbeat), signed.

The page's example is not what an Airnode sends. It shows `payload` as an object, and closes that
twice, so that the whole is no JSON; its table puts all fields into the body itself and calls
`timestamp` a string. What Airnode 0.11 does (airnode-node, src/reporting/heartbeat.ts), and
so do we:

    {"payload": "{\"timestamp\":1661582891,\"stage\":\"prod\",...}", "signature": "0x..."}

`payload` is a text: JSON made without blanks, in the order of the page, `timestamp` a number of
seconds, `region` left out for the cloud provider "local", gateways left out that there are not.
Exactly the bytes of that text are signed, so the receiver verifies before it parses, whatever its
own JSON writer would make of it. As ethers' signMessage has it, what is signed is the Keccak-256
hash of an EIP-191 message (version 0x45, "E"): 0x19, "Ethereum Signed Message:", a line feed, the
count of bytes in digits, the bytes. The signature is r, s and v = 27 or 28, with the lower s.
"""

from binascii import hexlify

from holdfast.core.notifications import NoAnswer
from holdfast.wire.httpclient import JSON, request
from holdfast.wire.json import quote
from holdfast.wire.keccak import keccak256
from holdfast.wire.secp256k1 import sign

_GATEWAYS = ("http_gateway_url", "http_signed_data_gateway_url", "oev_gateway_url")
_ID_DIGITS = 8  # of a deployment id, behind the cloud provider


def heartbeat(link, utc_s, serial):
    """Yield between its steps; return the whole request. NoAnswer without the time: utc_s is None.

    serial: of the board; its end makes the deployment's id when settings have none.
    """
    if utc_s is None:
        raise NoAnswer("the time is not known")
    api_key, key = link.details[:2]
    text = payload(link.details[2:], utc_s, serial)
    signature = yield from signed(key, text.encode())
    body = '{"payload":%s,"signature":"%s"}' % (quote(text), signature)
    lines = ("airnode-heartbeat-api-key: " + api_key,)
    return request(link.receiver, link.target, body.encode(), lines, JSON)


def payload(fields, utc_s, serial):
    """The JSON text that is signed."""
    stage, provider, deployment, region = fields[:4]
    if not deployment:
        deployment = provider + serial[-_ID_DIGITS:].lower()
    text = '{"timestamp":%d' % utc_s
    rows = [("stage", stage), ("cloud_provider", provider), ("deployment_id", deployment)]
    if provider != "local":
        rows.append(("region", region))
    for name, url in zip(_GATEWAYS, fields[4:]):
        if url:
            rows.append((name, url))
    for name, value in rows:
        text += ',"%s":%s' % (name, quote(value))
    return text + "}"


def signed(key, message):
    """Yield between its steps; return the signature of a personal message, 0x and 130 digits."""
    prefix = b"\x19Ethereum Signed Message:\n%d" % len(message)
    digest = yield from keccak256(prefix + message)
    r, s, parity = yield from sign(key, digest)
    data = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((27 + parity,))
    return "0x" + hexlify(data).decode()
