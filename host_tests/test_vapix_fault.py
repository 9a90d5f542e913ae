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
