"""`POST /holdfast/restart`: the module starts again, for settings that wait for that."""

from holdfast.wire.http import Response


class RestartService:
    """restart: a function() that makes it happen once the answer is out."""

    def __init__(self, restart):
        self._restart = restart

    def post(self, caller, request, now):
        """202: it will be gone in a moment; outputs fall back until then, and then power on."""
        self._restart()
        return Response(202, b'{"restarting":true}', "application/json")
