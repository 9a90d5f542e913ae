"""Keys and certificates for modules: P-256, because an RSA signature takes a Pico W seconds.

DER, because MicroPython up to 1.28 takes nothing else on boards. The certificate is the module's
own, signed by itself, and no authority: who trusts it trusts this one module.
"""

import datetime
import ipaddress
import os
from collections import namedtuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from holdfast_cli.problems import SETTINGS, USAGE, Problem

Made = namedtuple("Made", "key certificate")  # both DER

_WRONG_CURVE = "the key is %s; a module takes P-256: %s"


def make(name, addresses, days):
    """A key and a certificate for a module that is called by `name` and these IP addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    try:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.DNSName(name)]
        names += [x509.IPAddress(ipaddress.ip_address(text)) for text in addresses]
    except ValueError as error:
        raise Problem(str(error), USAGE) from None
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=days + 1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    return Made(_key_der(key), certificate.public_bytes(serialization.Encoding.DER))


def load(certificate_file, key_file):
    """A key and a certificate from files, PEM or DER; a Problem for what a module cannot use."""
    certificate = _read(
        certificate_file, x509.load_pem_x509_certificate, x509.load_der_x509_certificate
    )
    key = _read(
        key_file,
        lambda data: serialization.load_pem_private_key(data, None),
        lambda data: serialization.load_der_private_key(data, None),
    )
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        reason = "an RSA signature stops a Pico W for more than four seconds"
        raise Problem(_WRONG_CURVE % (type(key).__name__.strip("_"), reason), SETTINGS)
    if not isinstance(key.curve, ec.SECP256R1):
        raise Problem(_WRONG_CURVE % (key.curve.name, "others are slower still"), SETTINGS)
    if certificate.public_key() != key.public_key():
        raise Problem("%s does not belong to %s" % (key_file, certificate_file), SETTINGS)
    return Made(_key_der(key), certificate.public_bytes(serialization.Encoding.DER))


def _key_der(key):
    """SEC 1, which mbedTLS reads on every port."""
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _read(path, pem, der):
    try:
        data = open(path, "rb").read()  # noqa: SIM115 read at once
        return pem(data) if b"-----BEGIN" in data else der(data)
    except OSError as error:
        raise Problem("%s: %s" % (path, error.strerror), USAGE) from None
    except TypeError:
        raise Problem("%s has a passphrase; a module cannot ask for it" % path, SETTINGS) from None
    except (ValueError, UnsupportedAlgorithm):
        raise Problem("%s is no certificate or key, PEM or DER" % path, SETTINGS) from None


def save(made, folder, name):
    """Write NAME.crt.der and NAME.key.der, the key for you alone; the paths."""
    paths = folder / (name + ".crt.der"), folder / (name + ".key.der")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths[0].write_bytes(made.certificate)
        with open(os.open(paths[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(made.key)
    except OSError as error:
        raise Problem("%s: %s" % (folder, error.strerror), USAGE) from None
    return paths


def fingerprint(certificate):
    """The SHA-256 of a DER certificate, as browsers show it."""
    digest = x509.load_der_x509_certificate(certificate).fingerprint(hashes.SHA256())
    return ":".join("%02X" % byte for byte in digest)
