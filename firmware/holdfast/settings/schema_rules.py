"""Checks the actions and rules of the settings, in the shape that VAPIX action rules have.

    "actions": {"1": {"name": "Strike", "template": "com.axis.action.fixed.io.toggle",
                      "parameters": {"port": "4", "state": "high", "duration": "5"}}}
    "rules": {"1": {"name": "Button opens", "action": "1",
                    "start": {"topic": "tns1:Device/tnsaxis:IO/Port", "content": "..."},
                    "conditions": [{"topic": "...", "content": "..."}]}}

Makes rows `(id, name, start, conditions, action)` for core.rules out of the enabled ones: start
and conditions are compiled filters `(topics, content or None)`, start None when there is none; an
action is one of the tuples that core.rules describes. Loaded when there are any, let go with
settings.schema.
"""

from micropython import const

from holdfast.core.contentfilter import content_filter
from holdfast.core.events import TOPIC, EventSystem
from holdfast.core.rules import FOLLOW, NOTIFY, PLAY, SET, Rule
from holdfast.core.topicfilter import MAX_LENGTH, FilterError, topic_filter, topic_matches
from holdfast.core.topics import TOPICS
from holdfast.settings.address import url
from holdfast.settings.model import SettingsError
from holdfast.settings.schema import Keys

MAX_ACTIONS = const(16)
MAX_RULES = const(16)
MAX_CONDITIONS = const(8)  # of one rule
_MAX_TEXT = const(256)  # of a parameter
_MAX_STEPS = const(16)  # of a sequence
_MAX_DURATION_S = const(24 * 60 * 60)
_MAX_STEP_MS = const(65535)  # as in setStateSequence

TOGGLE = "com.axis.action.fixed.io.toggle"
TOGGLE_WHILE = "com.axis.action.unlimited.io.toggle"
SEQUENCE = "com.holdfast.action.fixed.io.sequence"
NOTIFICATION = "com.axis.action.fixed.notification.http"

# By template: its parameters, all of which must be given; unused ones as "".
TEMPLATES = {
    TOGGLE: ("port", "state", "duration"),
    TOGGLE_WHILE: ("port", "state"),
    SEQUENCE: ("port", "sequence"),
    NOTIFICATION: (
        "message",
        "parameters",
        "upload_url",
        "login",
        "password",
        "proxy_host",
        "proxy_port",
        "proxy_login",
        "proxy_password",
        "qos",
    ),
}


class ConditionError(SettingsError):
    """A condition does not ask for exactly one stateful event (InvalidConditionFilterFault)."""

    condition = True


class Useless(SettingsError):
    """A change would make a rule useless that was not so before."""

    useless = True


def rules(keys, outputs: tuple):
    """The rows of all enabled rules, as the last value of a generator that stops after each rule;
    SettingsError. keys: of the settings; outputs: port ids.
    """
    uplinks = keys.get("uplinks", None)
    certificate = bool(isinstance(uplinks, dict) and uplinks.get("certificate"))
    actions = {}
    for identifier, row in _rows(keys, "actions", MAX_ACTIONS):
        actions[identifier] = _action(row, outputs, certificate)
    yield
    rows = []
    for identifier, row in _rows(keys, "rules", MAX_RULES):
        rule = _rule(identifier, row, actions)
        if rule is not None:
            rows.append(rule)
        yield
    yield tuple(rows)


def _rows(keys, name, limit):
    """The (id, Keys) of an object of objects, in the order of their ids, which are digits."""
    data = keys.get(name, {})
    path = keys.path(name)
    if not isinstance(data, dict) or len(data) > limit:
        raise SettingsError(path, "must be an object of up to %d" % limit)
    for identifier in data:
        if not identifier or len(identifier) > 6 or identifier.strip("0123456789"):
            raise SettingsError("%s.%s" % (path, identifier), "its name must be a number")
    known = _RULE_KEYS if name == "rules" else ("name", "template", "parameters")
    for identifier in sorted(data, key=int):
        yield identifier, Keys(data[identifier], "%s.%s" % (path, identifier), known)


_RULE_KEYS = ("name", "enabled", "start", "conditions", "action")


def _rule(identifier, keys, actions):
    name = keys.text("name", "Rule " + identifier, _MAX_TEXT)
    enabled = keys.boolean("enabled", True)
    start = None
    if keys.get("start", None) is not None:
        start = _filter(keys.object("start", ("topic", "content")), False)
    conditions = []
    for row in keys.rows("conditions", MAX_CONDITIONS, "", ("topic", "content")):
        conditions.append(_filter(row, True))
    identifier_of_action = keys.get("action", None)
    action = actions.get(identifier_of_action) if isinstance(identifier_of_action, str) else None
    if action is None:
        raise SettingsError(keys.path("action"), "must be the number of one of the actions")
    if start is None and not conditions:
        raise SettingsError(keys.path("start"), "a rule needs a start or a condition")
    if action[0] == FOLLOW and not conditions:
        raise SettingsError(keys.path("conditions"), "an action that lasts needs a condition")
    if not enabled:
        return None
    return identifier, name, start, tuple(conditions), action


def _filter(keys, condition):
    """Compile a topic and a content filter; a condition names exactly one topic."""
    topic = keys.text("topic", "", MAX_LENGTH)
    content = keys.text("content", "", MAX_LENGTH)
    try:
        key = "topic"
        topics = topic_filter(topic)
        key = "content"
        program = content_filter(content) if content else None
    except FilterError as error:
        raise SettingsError(keys.path(key), "is no filter: %s" % error)
    if condition:
        count = len([row for row in TOPICS if topic_matches(topics, row[TOPIC])])
        if count != 1:
            raise ConditionError(keys.path("topic"), "must ask for one stateful event, not more")
    return topics, program


def _action(keys, outputs, certificate):
    keys.text("name", "", _MAX_TEXT)
    templates = tuple(TEMPLATES)
    template = templates[keys.choice("template", None, templates)]
    names = TEMPLATES[template]
    parameters = keys.object("parameters", names)
    values = {}
    for name in names:
        values[name] = parameters.text(name, None, _MAX_TEXT)
    if template == NOTIFICATION:
        return _notification(parameters, values, certificate)
    if values["port"] not in outputs:
        raise SettingsError(parameters.path("port"), "must be one of: " + ", ".join(outputs))
    port = int(values["port"])
    if template == SEQUENCE:
        return PLAY, port, _sequence(parameters, values["sequence"])
    if values["state"] not in ("high", "low"):
        raise SettingsError(parameters.path("state"), "must be high or low")
    active = values["state"] == "high"
    if template == TOGGLE_WHILE:
        return FOLLOW, port, active
    duration = _number(parameters, "duration", values["duration"] or "0", _MAX_DURATION_S)
    if duration == 0:
        return SET, port, active
    return PLAY, port, ((active, duration * 1000), (not active, 0))


def _sequence(keys, text):
    """`"high:500,low:200,high:0"`: states and how many ms each lasts; the last one stays."""
    steps = []
    for part in text.split(","):
        state, _, time = part.strip(" \t\r\n").partition(":")
        if state not in ("high", "low") or len(steps) == _MAX_STEPS:
            problem = 'must be like "high:500,low:0", up to %d steps' % _MAX_STEPS
            raise SettingsError(keys.path("sequence"), problem)
        steps.append((state == "high", _number(keys, "sequence", time or "0", _MAX_STEP_MS)))
    return tuple(steps)


def _number(keys, name, text, highest):
    if len(text) > 9 or text.strip("0123456789") or not int(text) <= highest:
        raise SettingsError(keys.path(name), "must hold a number from 0 to %d" % highest)
    return int(text)


def _notification(keys, values, certificate):
    """An HTTP request. certificate: False when there is none to verify a receiver with."""
    receiver, target = url(keys, "upload_url", values["upload_url"], certificate)
    for name in ("proxy_host", "proxy_port", "proxy_login", "proxy_password"):
        if values[name]:
            raise SettingsError(keys.path(name), "must be empty: there is no proxy support")
    if ":" in values["login"]:
        # It ends the name (RFC 7617 section 2).
        raise SettingsError(keys.path("login"), "must not have a colon")
    for character in values["parameters"]:
        if not "!" <= character <= "~" or character == "#":
            raise SettingsError(keys.path("parameters"), "must be of printable ASCII, no blanks")
    if values["parameters"]:
        target += ("&" if "?" in target else "?") + values["parameters"]
    return NOTIFY, receiver, target, values["message"], values["login"], values["password"]


def refuse(module, settings) -> None:
    """Useless for a rule of `settings` that a lock makes so, unless it is so in the module, too.
    module: a core.module.Module, None for one without rules.
    """
    from holdfast.core.blocked import blocked

    known = []
    if module is not None and module.rules is not None:
        for rule in module.rules.rules:
            if blocked(module, rule) is not None:
                known.append((rule.id, rule.action[1]))
    for row in settings.rules:
        rule = Rule(row, EventSystem())
        why = blocked(settings, rule)
        if why is not None and (rule.id, rule.action[1]) not in known:
            text = "%s would do nothing at a loss: %s; set ports.%d.fallback.locked to false first"
            raise Useless("settings.rules." + rule.id, text % (rule.who, why, rule.action[1]))
