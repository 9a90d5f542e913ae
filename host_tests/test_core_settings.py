"""What a module is told, as plain values: what is text, and that every value arrives."""

from holdfast.core.printable import printable
from holdfast.core.settings import (
    MAX_NAME,
    NotSaved,
    OnTrial,
    PortSettings,
    Settings,
    SettingsError,
)


def test_a_text_without_control_characters_is_printable():
    for text in ("", " ", "~", "a b", "T\u00fcr", "\u2713", "x" * MAX_NAME):
        assert printable(text), text
    for code in list(range(32)) + [127]:
        assert not printable("a%sb" % chr(code)), code
    assert MAX_NAME == 32


def test_an_error_has_the_key_and_the_problem_and_says_both():
    error = SettingsError("settings.name", "must be text")
    assert (error.key, error.problem) == ("settings.name", "must be text")
    assert str(error) == "settings.name: must be text"
    assert error.condition is False  # of core.rulecheck alone it may be


def test_every_value_of_a_port_arrives():
    port = PortSettings("Strike", "Door", True, 1, 0, 1, "fallback", 20)
    assert (port.name, port.usage, port.output, port.normal) == ("Strike", "Door", True, 1)
    assert (port.closed_level, port.power_on, port.fallback) == (0, 1, "fallback")
    assert port.debounce_ms == 20


def test_every_value_of_the_settings_arrives_and_what_few_have_is_not_there():
    settings = Settings("N", "R", ("a",), ("p",), 500, 9000, ("r",))
    assert (settings.name, settings.realm, settings.accounts) == ("N", "R", ("a",))
    assert (settings.ports, settings.rules) == (("p",), ("r",))
    assert (settings.shortest_ms, settings.longest_ms) == (500, 9000)
    assert (settings.network, settings.tls, settings.time) == (None, None, None)
    assert (settings.tokens, settings.uplinks, settings.dns) == ((), (), ())
    assert settings.login == (True, ())


def test_exactly_these_characters_beyond_ascii_are_refused():
    """Around each range, alone and between others: controls, separators, marks of direction."""
    refused = set(range(0x20)) | set(range(0x7F, 0xA0)) | {0x61C, 0x200E, 0x200F}
    refused |= set(range(0x2028, 0x202F)) | set(range(0x2066, 0x206A))
    codes = set()
    for code in refused:
        codes |= {code - 2, code - 1, code, code + 1, code + 2}
    for code in sorted(codes | set(range(0x250))):
        if code >= 0:
            for text in ("%s", "a%sb", "\u00fc%s", "%s\u2713"):
                said = printable(text % chr(code))
                assert said is (code not in refused), (hex(code), text)


def test_two_characters_side_by_side_are_not_taken_for_another():
    """Bytes of one and of the next one together: U+00C2 is C3 82, U+00DF C3 9F, U+0622 D8 A2."""
    for text in ("\u00c2\u00a0", "\u0618\u00dc", "\u0422\u2713", "\U0001f9c0", "\u0142\u0080"[:1]):
        assert printable(text) is True


def test_what_is_not_saved_says_why_and_when_again():
    error = NotSaved("flash is full")
    assert (str(error), error.retry_s) == ("flash is full", None)
    assert NotSaved("x", 7).retry_s == 7
    trial = OnTrial()
    assert isinstance(trial, NotSaved) and "on trial" in str(trial) and trial.retry_s is None
