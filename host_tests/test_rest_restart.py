"""A restart is promised where the board can, and refused where it cannot."""

from claims import raises
from holdfast.rest.restart import RestartService
from holdfast.wire.http import HttpError
from makers import Asked, Caller


def test_a_restart_is_asked_for_and_promised():
    asked = []
    service = RestartService(lambda: asked.append(1) or True)
    assert service.post(Caller(), Asked(), 0).status == 202
    assert asked == [1]


def test_a_board_without_a_reset_says_so():
    service = RestartService(lambda: False)
    assert raises(HttpError, service.post, Caller(), Asked(), 0).status == 501
