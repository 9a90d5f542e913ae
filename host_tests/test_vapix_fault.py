"""Faults in the vendor's style."""

from holdfast.vapix.fault import Fault
from holdfast.wire.json import loads


def test_a_fault_is_a_soap_fault_in_json_with_status_400():
    fault = Fault("ter:InvalidArgVal", 'a "reason"')
    assert fault.status == 400
    assert loads(fault.json.encode()) == {
        "Fault": {
            "Code": {"Value": "env:Sender", "Subcode": {"Value": "ter:InvalidArgVal"}},
            "Reason": {"Text": 'a "reason"'},
        }
    }


def test_a_second_subcode_stands_in_the_first():
    fault = Fault("ter:InvalidArgs/ter:TooManyItems", "r", receiver=True)
    assert (fault.status, fault.subcode) == (500, "ter:InvalidArgs/ter:TooManyItems")
    assert loads(fault.json.encode())["Fault"]["Code"] == {
        "Value": "env:Receiver",
        "Subcode": {"Value": "ter:InvalidArgs", "Subcode": {"Value": "ter:TooManyItems"}},
    }
