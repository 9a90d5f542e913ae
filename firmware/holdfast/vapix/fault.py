"""Faults in the vendor's style: SOAP Faults, also in a JSON mapping.

The vendor prints no JSON fault for axhbt. This one follows the convention of its JSON services,
XML element names as keys, with the subcodes of ONVIF Core (section "Generic faults") that axgpio
uses.
"""

from holdfast.wire.http import HttpError
from holdfast.wire.json import quote


class Fault(HttpError):
    """A request answered with a fault; `subcode` like "ter:InvalidArgVal", or like
    "ter:InvalidArgVal/ter:InvalidStartReference" where a second one narrows the first.

    detail: XML text that names the fault further, for SOAP. receiver: the fault is ours.
    """

    def __init__(self, subcode, reason, detail=None, receiver=False):
        super().__init__(500 if receiver else 400)
        self.subcode = subcode
        self.reason = reason
        self.detail = detail
        codes = subcode.split("/")
        self.json = '{"Fault":{"Code":{"Value":"env:%s",%s}%s,"Reason":{"Text":%s}}}' % (
            "Receiver" if receiver else "Sender",
            ",".join(['"Subcode":{"Value":%s' % quote(code) for code in codes]),
            "}" * len(codes),
            quote(reason),
        )
