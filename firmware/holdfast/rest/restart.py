"""`POST /holdfast/restart`: the module starts again, for settings that wait for that."""

from holdfast.wire.http import HttpError, Response


class RestartService:
    """restart: a function() that makes it happen once the answer is out; False where the board
    cannot.
    """

    def __init__(self, restart):
        self._restart = restart

    def post(self, caller, request, now):
        """202: it will be gone in a moment; outputs fall back until then, and then power on."""
        if not self._restart():
            raise HttpError(501)
        return Response(202, b'{"restarting":true}', "application/json")
