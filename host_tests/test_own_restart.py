"""A restart that an administrator asks for: answered first, then done."""

from holdfast.own.restart import RestartService
from makers import Asked, Caller


def test_it_is_noted_with_its_time_and_answered():
    asked = []
    answer = RestartService(asked.append).post(Caller(), Asked(), 7)
    assert asked == [7]
    assert (answer.status, answer.body) == (200, b'{"restart":true}')
