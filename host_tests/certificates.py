"""Certificates and keys for TLS tests, as files of every kind that people have."""

import datetime
import functools
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

SEC1 = PrivateFormat.TraditionalOpenSSL
PKCS8 = PrivateFormat.PKCS8


@functools.cache
def key(kind="p256", number=0):
    """A private key; number tells several of a kind apart."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1() if kind == "p256" else ec.SECP384R1())


@functools.cache
def certificate(private, common_name="holdfast", ends_in_days=30):
    """A self-signed certificate for 127.0.0.1."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(private.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - 9 * day).not_valid_after(now + ends_in_days * day)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), False)
    return builder.sign(private, hashes.SHA256())


def key_bytes(private, encoding=Encoding.DER, form=SEC1, password=None):
    protection = NoEncryption() if password is None else BestAvailableEncryption(password)
    return private.private_bytes(encoding, form, protection)


def install(folder, kind="p256", number=0, common_name="holdfast", name="tls", ends_in_days=30):
    """Put tls.crt and tls.key (DER) into a board's flash; the path of the certificate as PEM."""
    folder.mkdir(parents=True, exist_ok=True)
    private = key(kind, number)
    made = certificate(private, common_name, ends_in_days)
    (folder / (name + ".crt")).write_bytes(made.public_bytes(Encoding.DER))
    (folder / (name + ".key")).write_bytes(key_bytes(private))
    path = folder / (name + ".trusted.pem")
    path.write_bytes(made.public_bytes(Encoding.PEM))
    return path
