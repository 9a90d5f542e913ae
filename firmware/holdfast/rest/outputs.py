"""`GET /holdfast/outputs`: what each output does at whatever may happen, its truth table; see
core/truth.py for the events.

`changes` are [ms from the event, state], the state `open`, `closed` or `commanded`; none where the
output stays as it is. `words` says the same to people. `master`: whose loss counts, null for any;
`locked`: settings ask that commands are refused meanwhile. `bypassed_until`: none of this happens
to an output that is bypassed, until then (ms of the module's clock); null for others.
"""

from holdfast.core.port import STATES
from holdfast.core.truth import COMMANDED, EVENTS, happens, words
from holdfast.rest.json import boolean, listed, number
from holdfast.wire.http import Response
from holdfast.wire.json import quote


class OutputsService:
    """Tells the truth table of a module."""

    def __init__(self, module):
        self._module = module

    def get(self, caller, request, now):
        """Answer with a row for each output, as the settings are now."""
        return Response(200, self._told, "application/json")

    def _told(self):
        yield '{"outputs":['
        for i, port in enumerate(list(self._module.outputs)):
            if i:
                yield ","
            yield from _row(port)
        yield "]}"


def _row(port):
    fallback = port.fallback
    yield '{"port":"%s","name":%s,"master":%s,"locked":%s,"bypassed_until":%s' % (
        port.id,
        quote(port.name),
        "null" if fallback.master is None else quote(fallback.master),
        boolean(fallback.locked),
        number(port.bypassed_until),
    )
    for event in EVENTS:
        changes = happens(event, port.power_on, fallback)
        yield ',"%s":{"words":"%s","changes":[' % (event, words(changes))
        yield from listed(_change, changes)
        yield "]}"
    yield "}"


def _change(change):
    ms, state = change
    return '[%d,"%s"]' % (ms, "commanded" if state == COMMANDED else STATES[state])
