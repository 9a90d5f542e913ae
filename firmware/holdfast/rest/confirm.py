"""`POST /holdfast/confirm`: settings on trial are kept, `{"keep": true}`, or taken back now."""

from holdfast.core.text import by_whom
from holdfast.rest.json import asked, boolean
from holdfast.settings.model import NotSaved
from holdfast.wire.http import HttpError, Response


class ConfirmService:
    """trial: of settings.trial, called by name."""

    def __init__(self, trial):
        self._trial = trial

    async def post(self, caller, request, now):
        """Answer what has become of them; 409 when there are none on trial."""
        keep = asked(request, "keep", bool)
        try:
            there = await self._trial.method("end")(keep, by_whom(caller, request.path))
        except NotSaved as error:
            raise HttpError(503, retry_s=error.retry_s)
        if not there:
            raise HttpError(409)
        return Response(200, ('{"kept":%s}' % boolean(keep)).encode(), "application/json")
