"""`POST /holdfast/confirm`: settings on trial are kept, `{"keep": true}`, or taken back now."""

from holdfast.core.settings import NotSaved
from holdfast.own.words import asked, boolean
from holdfast.wire.http import HttpError, Response


class ConfirmService:
    """trial: of shell.trial, called by name."""

    def __init__(self, trial):
        self._trial = trial

    def post(self, caller, request, now):
        """Answer what has become of them; 409 when there are none on trial."""
        keep = asked(request, "keep", bool)
        try:
            there = self._trial.call("end", keep, now)
        except NotSaved:
            raise HttpError(503)
        if not there:
            raise HttpError(409)
        return Response(200, ('{"kept":%s}' % boolean(keep)).encode(), "application/json")
