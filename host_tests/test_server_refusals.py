"""What a refused login leaves behind: a count, an entry in the log, a delay for its address."""

from holdfast.core.accounts import Account
from holdfast.core.log import DELAY, LOGIN, Log
from holdfast.server.connection import Connection
from holdfast.server.refusals import Refusals
from holdfast.wire.digest import Authenticator
from makers import module


def made():
    """(Refusals, its module) of a device with the account `root`."""
    subject = module()
    subject.log = Log()
    account = Account("root", 3, b"0" * 32, b"0" * 64)
    return Refusals(subject, Authenticator("Holdfast", [account], bytes)), subject


def from_address(address):
    connection = Connection(None, None, 0)
    connection.peer = (address, 5)
    return connection


def test_the_log_names_accounts_and_never_what_may_be_a_password_or_a_token():
    refusals, subject = made()
    for value in (b'Digest username="root"', b'digest username="hunter2"', b"Bearer 12345"):
        refusals.note(from_address("192.0.2.7"), value, 0)
    entries = [entry[3:] for entry in subject.log.books[1].waiting]
    assert entries == [
        (LOGIN, "root, from 192.0.2.7"),
        (LOGIN, "no account's name, from 192.0.2.7"),
        (LOGIN, "a token, from 192.0.2.7"),
    ]
    assert subject.logins == [3, 0]


def test_the_log_names_the_accounts_of_basic_alone():
    refusals, subject = made()
    # root:hunter2, hunter2:, and what is no base64.
    for value in (b"Basic cm9vdDpodW50ZXIy", b"basic aHVudGVyMjo=", b"Basic x"):
        refusals.note(from_address("192.0.2.7"), value, 0)
    entries = [entry[4] for entry in subject.log.books[1].waiting]
    nobody = "no account's name, from 192.0.2.7"
    assert entries == ["root, from 192.0.2.7", nobody, nobody]


def test_an_address_waits_after_some_and_others_do_not():
    refusals, subject = made()
    guesser, other = from_address("192.0.2.7"), from_address("192.0.2.8")
    for _ in range(5):
        refusals.note(guesser, b"Digest x", 0)
        assert refusals.delay(guesser, 0) == 0
    refusals.note(guesser, b"Digest x", 0)
    assert refusals.delay(guesser, 0) == 250 and refusals.delay(guesser, 250) == 0
    assert refusals.delay(other, 0) == 0
    assert subject.logins == [6, 1]


def test_who_is_logged_in_and_the_address_of_a_living_master_never_wait():
    refusals, subject = made()
    guesser = from_address("192.0.2.7")
    for _ in range(7):
        refusals.note(guesser, b"Digest x", 0)
    assert refusals.delay(guesser, 0) > 0
    guesser.caller.memory.account = object()
    assert refusals.delay(guesser, 0) == 0
    guesser.caller.memory.account = None
    subject.heartbeat("a", 10000, 0)
    for session in subject.sessions:
        session.peer = ("192.0.2.7", 9)
    assert subject.sessions and refusals.delay(guesser, 0) == 0


def test_the_log_tells_when_the_delays_of_an_address_begin():
    refusals, subject = made()

    def told():
        return [entry[4] for entry in subject.log.books[1].waiting if entry[3] == DELAY]

    for count in range(40):
        refusals.note(from_address("192.0.2.7"), b'Digest username="hunter2"', count * 8000)
        assert len(told()) == (count >= 5)
    assert told() == ["from 192.0.2.7, after 6 that were refused"]
    # When it was forgotten meanwhile it is told again, as often as other entries of strangers.
    for hour in range(6):
        for _ in range(9):
            refusals.note(from_address("192.0.2.8"), b"Digest x", 400000 + hour * 400000)
    assert len(told()) == 4
    assert "hunter2" not in str(subject.log.books[1].waiting)
