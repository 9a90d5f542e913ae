"""Faults in the vendor's style: a SOAP 1.2 Fault, here in its JSON mapping.

The vendor prints no JSON fault for axhbt. This one follows the convention of its JSON services,
XML element names as keys, with the subcodes of ONVIF Core (section "Generic faults") that axgpio
uses.
"""

from holdfast.wire.http import HttpError
from holdfast.wire.json import quote


class Fault(HttpError):
    """A request answered with a fault of the sender; `subcode` like "ter:InvalidArgVal"."""

    def __init__(self, subcode, reason):
        super().__init__(400)
        self.json = (
            '{"Fault":{"Code":{"Value":"env:Sender","Subcode":{"Value":%s}},"Reason":{"Text":%s}}}'
        ) % (quote(subcode), quote(reason))
