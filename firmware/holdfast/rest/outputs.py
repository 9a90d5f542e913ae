"""`GET /holdfast/outputs`: what each output does at whatever may happen, its truth table; see
core/truth.py for the events.

`changes` are [ms from the event, state], the state `open`, `closed` or `commanded`; none where the
output stays as it is. `words` says the same to people. `master`: whose loss counts, null for any;
`locked`: settings ask that commands are refused meanwhile. `bypassed_until`: none of this happens
to an output that is bypassed, until then (ms of the module's clock); null for others.
"""

from holdfast.core.port import STATES
from holdfast.core.truth import COMMANDED, EVENTS, happens, words
from holdfast.rest.json import boolean, number
from holdfast.wire.http import Response
from holdfast.wire.json import quote


class OutputsService:
    """Tells the truth table of a module."""

    def __init__(self, module):
        self._module = module

    def get(self, caller, request, now):
        """Answer with a row for each output, as the settings are now."""
        pieces = [b'{"outputs":[']
        for port in self._module.outputs:
            text = "" if len(pieces) == 1 else ","
            pieces.append((text + _row(port)).encode())
        pieces.append(b"]}")
        return Response(200, pieces, "application/json")


def _row(port):
    fallback = port.fallback
    text = '{"port":"%s","name":%s,"master":%s,"locked":%s,"bypassed_until":%s' % (
        port.id,
        quote(port.name),
        "null" if fallback.master is None else quote(fallback.master),
        boolean(fallback.locked),
        number(port.bypassed_until),
    )
    for event in EVENTS:
        changes = happens(event, port.power_on, fallback)
        rows = ['[%d,"%s"]' % (ms, _state(state)) for ms, state in changes]
        text += ',"%s":{"words":"%s","changes":[%s]}' % (event, words(changes), ",".join(rows))
    return text + "}"


def _state(state):
    return "commanded" if state == COMMANDED else STATES[state]
