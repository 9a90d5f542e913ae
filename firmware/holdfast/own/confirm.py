"""`POST /holdfast/confirm`: settings on trial are kept, `{"keep": true}`, or taken back now."""

from holdfast.core.settings import NotSaved
from holdfast.wire import json
from holdfast.wire.http import HttpError, Response


class ConfirmService:
    """trial: of shell.trial, called by name."""

    def __init__(self, trial):
        self._trial = trial

    def post(self, caller, request, now):
        """Answer what has become of them; 409 when there are none on trial."""
        try:
            asked = json.loads(request.body)
        except json.JsonError:
            raise HttpError(400)
        keep = asked.get("keep") if isinstance(asked, dict) else None
        if not isinstance(keep, bool):
            raise HttpError(400)
        try:
            there = self._trial.call("end", keep, now)
        except NotSaved:
            raise HttpError(503)
        if not there:
            raise HttpError(409)
        return Response(200, b'{"kept":%s}' % (b"true" if keep else b"false"), "application/json")
