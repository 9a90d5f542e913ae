"""What the module says of itself."""

from devices import device
from holdfast.vapix.identity import PROPERTIES, RESTRICTED


def test_every_property_is_text():
    subject = device()
    names = [name for name, _ in PROPERTIES]
    assert len(names) == 14 and names == sorted(names)
    for _, attribute in PROPERTIES:
        assert isinstance(getattr(subject, attribute), str), attribute


def test_it_is_no_product_of_somebody_else():
    subject = device()
    assert subject.brand == "Holdfast"
    assert subject.product_full == subject.product_short == "Holdfast Bench"
    assert subject.web_url == "about:blank"


def test_serial_number_version_and_board_are_those_handed_in():
    subject = device()
    assert (subject.serial, subject.soc, subject.hardware_id) == ("0200000000AB", "none", "bench")
    assert (subject.version, subject.build_date) == ("1.2.3", "Nov 24 2026")


def test_what_is_restricted_is_a_property():
    assert set(RESTRICTED) < {name for name, _ in PROPERTIES}
