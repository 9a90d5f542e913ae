"""time.cgi: the time as it is known, and an error where it is not."""

from devices import stranger
from holdfast.vapix.time import TimeService
from holdfast.wire.json import loads
from makers import Asked

EPOCH = 1_795_644_000_250  # 2026-11-25T22:00:00.250Z


class Clock:
    def __init__(self, epoch_ms=EPOCH):
        self.epoch = epoch_ms

    def epoch_ms(self):
        return self.epoch


def ask(method, epoch_ms=EPOCH, now=1000, version="1.0"):
    body = '{"apiVersion":"%s","context":"c","method":"%s"}' % (version, method)
    answer = TimeService(Clock(epoch_ms)).post(stranger(), Asked(body), now)
    assert (answer.status, answer.content_type) == (200, "application/json")
    told = loads(answer.body)
    assert (told["context"], told["method"]) == ("c", method)
    return told


def test_the_time_is_utc_to_the_second():
    assert ask("getDateTimeInfo")["data"] == {
        "dateTime": "2026-11-25T22:00:01Z",
        "localDateTime": "2026-11-25T22:00:01",
        "timeZone": "UTC",
        "posixTimeZone": "UTC0",
        "dstEnabled": False,
    }


def test_all_has_the_time_zones_too():
    told = ask("getAll")["data"]
    assert told["timeZones"] == ["UTC"] and told["dateTime"] == "2026-11-25T22:00:01Z"


def test_a_time_that_is_not_known_is_an_error():
    for method in ("getDateTimeInfo", "getAll"):
        error = ask(method, 0)["error"]
        assert error["code"] == 1100 and "time.server" in error["message"]


def test_nothing_can_be_set():
    for method in ("setDateTime", "setTimeZone", "setPosixTimeZone", "resetTimeZone"):
        assert ask(method)["error"]["code"] == 2102


def test_versions():
    assert ask("getSupportedVersions", 0)["data"] == {"apiVersions": ["1.0"]}
    assert ask("getAll", version="2.0")["error"]["code"] == 2100
