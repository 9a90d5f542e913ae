"""`POST /holdfast/restart`: an administrator has the module start anew, for settings that count
from the next start.
"""

from holdfast.wire.http import Response


class RestartService:
    """restart: a function(now) that has it done in a moment, after the answer."""

    def __init__(self, restart):
        self._restart = restart

    def post(self, caller, request, now):
        """Say that it will be done."""
        self._restart(now)
        return Response(200, b'{"restart":true}', "application/json")
