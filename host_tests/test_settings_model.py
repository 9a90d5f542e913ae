"""What a module is told, as plain values: every value arrives."""

from holdfast.settings.model import (
    NotSaved,
    Settings,
    SettingsError,
)


def test_an_error_has_the_key_and_the_problem_and_says_both():
    error = SettingsError("settings.name", "must be text")
    assert (error.key, error.problem) == ("settings.name", "must be text")
    assert str(error) == "settings.name: must be text"
    assert error.condition is False  # of settings.schema_rules alone it may be


def test_every_value_of_the_settings_arrives_and_what_few_have_is_not_there():
    settings = Settings("N", "R", ("a",), ("p",), 500, 9000, ("r",))
    assert (settings.name, settings.realm, settings.accounts) == ("N", "R", ("a",))
    assert (settings.ports, settings.rules) == (("p",), ("r",))
    assert (settings.shortest_ms, settings.longest_ms) == (500, 9000)
    assert (settings.network, settings.tls, settings.time) == (None, None, None)
    assert (settings.tokens, settings.uplinks, settings.dns) == ((), (), ())
    assert settings.login == (True, ())


def test_what_is_not_saved_says_why_and_when_again():
    error = NotSaved("flash is full")
    assert (str(error), error.retry_s) == ("flash is full", None)
    assert NotSaved("x", 7).retry_s == 7
    assert not NotSaved("x").trial and NotSaved("x", trial=True).trial
