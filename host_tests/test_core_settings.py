"""What a module is told, as plain values: what is text, and that every value arrives."""

from holdfast.core.printable import printable
from holdfast.core.settings import MAX_NAME, PortSettings, Settings, SettingsError


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
