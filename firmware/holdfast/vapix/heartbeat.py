"""The Heartbeat service, `POST /vapix/axhbt` in JSON (VAPIX Heartbeat service API).

Request `{"axhbt:Heartbeat": {"Duration": <ms>}}`, answer `{"SessionId": "<uuid>"}`. A master sends
the same body every time, so the last few bodies and what they mean are kept: the usual heartbeat
parses no JSON, and its answer is the same object as long as the session lives.
"""

from micropython import const

from holdfast.wire import json
from holdfast.wire.http import Response, all_digits

_BODIES_KEPT = const(4)  # about one for each master


class HeartbeatService:
    """Feeds the sessions of the module."""

    def __init__(self, module):
        self._module = module
        self._bodies = []  # (body, Duration), the latest last
        self._answers = {}  # by master: (session id, Response)

    def post(self, caller, request, now):
        """Answer one heartbeat of an account with ACTUATE access; Fault for a bad Duration."""
        duration_ms = self._duration(request.body)
        session = self._module.heartbeat(caller.account.name, duration_ms, now)
        answer = self._answers.get(session.master)
        if answer is None or answer[0] != session.id:
            body = '{\n  "SessionId": "%s"\n}' % session.id
            if len(self._answers) > len(self._module.sessions):
                self._answers = {}  # of masters that are gone, too
            answer = (session.id, Response(200, body.encode(), "application/json"))
            answer[1].session = session
            self._answers[session.master] = answer
        return answer[1]

    def _duration(self, body):
        for kept, duration_ms in self._bodies:
            if kept == body:
                return duration_ms
        duration_ms = duration(body, self._module.shortest_ms, self._module.longest_ms)
        if len(self._bodies) == _BODIES_KEPT:
            self._bodies.pop(0)
        self._bodies.append((body, duration_ms))
        return duration_ms


def duration(body, shortest_ms, longest_ms):
    """The Duration in ms that a request body asks for; a Fault when there is none that will do.

    The prefix of the command does not matter. An integer, or a string of digits as the sibling
    service axgpio writes its numbers.
    """
    try:
        request = json.loads(body)
    except json.JsonError:
        raise _fault("ter:WellFormed", "The body is not well-formed JSON")
    fields = None
    if isinstance(request, dict) and len(request) == 1:
        for command in request:
            if command.split(":")[-1] == "Heartbeat":
                fields = request[command]
    if not isinstance(fields, dict):
        raise _fault("ter:TagMismatch", "The body is not an axhbt:Heartbeat request")
    if "Duration" not in fields:
        raise _fault("ter:InvalidArgs", "Duration is missing")
    return milliseconds(fields["Duration"], shortest_ms, longest_ms)


def milliseconds(value, shortest_ms, longest_ms):
    """A Duration, integer or text, as ms; a Fault for one that will not do."""
    if isinstance(value, str) and all_digits(value, json.MAX_DIGITS):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _fault("ter:InvalidArgVal", "Duration is not an integer")
    if not shortest_ms <= value <= longest_ms:
        reason = "Duration is not from %d to %d ms" % (shortest_ms, longest_ms)
        raise _fault("ter:InvalidArgVal", reason)
    return value


def _fault(subcode, reason):
    # Loaded when somebody makes the first mistake.
    from holdfast.vapix.fault import Fault

    return Fault(subcode, reason)
