"""Settings on trial are kept or taken back by who says so."""

from claims import raises
from holdfast.rest.confirm import ConfirmService
from holdfast.settings.model import NotSaved
from holdfast.wire.http import HttpError
from makers import Asked, Caller, finished


class Trial:
    """Says `there`, or raises it; keeps what it was asked."""

    def __init__(self, there):
        self.there = there
        self.asked = []

    def method(self, name):
        return {"end": self._end}[name]

    async def _end(self, keep, by):
        assert by == "a with /a/path"
        self.asked.append(("end", keep))
        if self.there is None:
            raise NotSaved("full")
        return self.there


def post(trial, body):
    return finished(ConfirmService(trial).post(Caller(), Asked(body), 7))


def test_what_is_on_trial_is_kept_or_taken_back():
    trial = Trial(True)
    assert post(trial, '{"keep":true}').body == b'{"kept":true}'
    assert post(trial, '{"keep":false}').body == b'{"kept":false}'
    assert trial.asked == [("end", True), ("end", False)]


def test_nothing_on_trial_is_a_conflict_and_full_flash_says_later():
    assert raises(HttpError, post, Trial(False), '{"keep":true}').status == 409
    assert raises(HttpError, post, Trial(None), '{"keep":true}').status == 503


def test_anything_but_yes_or_no_is_refused():
    trial = Trial(True)
    for body in ("", "{", "[]", "{}", '{"keep":1}', '{"keep":"true"}', '{"keep":null}'):
        assert raises(HttpError, post, trial, body).status == 400
    assert trial.asked == []
