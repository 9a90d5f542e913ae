"""Rights inside a handler."""

from claims import raises
from holdfast.core.accounts import ADMINISTRATOR, ANYONE, OPERATOR, VIEWER
from holdfast.vapix.access import require
from holdfast.wire.http import HttpError
from makers import Caller


def test_who_has_not_logged_in_is_asked_to_and_who_may_not_is_told():
    stranger = Caller()
    stranger.account = None
    assert raises(HttpError, require, stranger, VIEWER).status == 401
    assert raises(HttpError, require, Caller(role=VIEWER), OPERATOR).status == 403
    for role in (ANYONE, VIEWER, OPERATOR, ADMINISTRATOR):
        require(Caller(role=ADMINISTRATOR), role)
