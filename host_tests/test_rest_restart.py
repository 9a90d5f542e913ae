"""A restart is promised, and asked for."""

from holdfast.rest.restart import RestartService
from makers import Asked, Caller


def test_a_restart_is_asked_for_and_promised():
    asked = []
    service = RestartService(lambda: asked.append(1))
    assert service.post(Caller(), Asked(), 0).status == 202
    assert asked == [1]
