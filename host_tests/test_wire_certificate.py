"""What kind of key a certificate has: P-256 alone is let in, and the reason is told."""

import certificates
import pytest
from certificates import PKCS8, SEC1, certificate, key, key_bytes
from cryptography.hazmat.primitives.serialization import Encoding
from holdfast.wire.certificate import BadCertificate, der, examine

GOOD = certificate(key()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("form", [SEC1, PKCS8])
@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_p256_in_every_form_is_let_in(form, encoding):
    data = key_bytes(key(), encoding, form)
    made = certificate(key()).public_bytes(encoding)
    assert der(made, False) == GOOD
    examine(der(made, False), der(data, True))


def refused(certificate_der, key_der):
    with pytest.raises(BadCertificate) as caught:
        examine(certificate_der, key_der)
    return caught.value


@pytest.mark.parametrize("form", [SEC1, PKCS8])
def test_rsa_is_refused_with_the_reason(form):
    error = refused(GOOD, key_bytes(key("rsa"), form=form))
    assert error.key
    assert "RSA" in str(error)
    error = refused(certificate(key("rsa")).public_bytes(Encoding.DER), key_bytes(key()))
    assert not error.key
    assert "RSA" in str(error)


@pytest.mark.parametrize("form", [SEC1, PKCS8])
def test_other_curves_are_refused(form):
    assert "curve" in str(refused(GOOD, key_bytes(key("p384"), form=form)))
    made = certificate(key("p384")).public_bytes(Encoding.DER)
    assert "curve" in str(refused(made, key_bytes(key())))


@pytest.mark.parametrize("form", [SEC1, PKCS8])
def test_a_key_of_another_certificate_is_refused(form):
    assert "belong" in str(refused(GOOD, key_bytes(key(number=1), form=form)))


def test_certificate_and_key_mixed_up_are_told():
    assert not refused(key_bytes(key()), GOOD).key
    assert refused(GOOD, GOOD).key


def test_files_that_are_not_what_they_should_be():
    secret = key_bytes(key(), Encoding.PEM, PKCS8, b"password")
    for data, is_key in (
        (b"", False),
        (b"hello", True),
        (secret, True),
        (b"-----BEGIN CERTIFICATE-----\nMII", False),
        (b"-----BEGIN CERTIFICATE-----\n$$$$$\n-----END CERTIFICATE-----\n", True),
        (certificate(key()).public_bytes(Encoding.PEM) * 2, False),
        (b"0" * 3000, True),
    ):
        with pytest.raises(BadCertificate) as caught:
            der(data, is_key)
        assert caught.value.key == is_key


def test_any_cut_and_any_flipped_bit_is_let_in_or_refused_with_a_reason():
    private = key_bytes(key(), form=PKCS8)
    for end in range(len(GOOD)):
        refused(GOOD[:end], private)
    for end in range(len(private)):
        refused(GOOD, private[:end])
    for data, other in ((GOOD, False), (private, True)):
        for at in range(len(data)):
            bad = bytearray(data)
            bad[at] ^= 1 << at % 8
            try:
                examine(*((GOOD, bytes(bad)) if other else (bytes(bad), private)))
            except BadCertificate as error:
                assert str(error)


def test_made_certificates_are_as_boards_get_them(tmp_path):
    certificates.install(tmp_path)
    examine((tmp_path / "tls.crt").read_bytes(), (tmp_path / "tls.key").read_bytes())
