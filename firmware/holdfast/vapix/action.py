"""Action rules over SOAP (VAPIX Event and action services, http://www.axis.com/vapix/ws/action1).

Only translates: configurations and rules live in the settings as "actions" and "rules", are
checked by settings.schema_rules and run by core.rules. A change is made to the settings as a
whole: when the answer says so it is in flash and in force.

Clients take replies apart by their literal prefixes and by the order of attributes; both are as
real devices write them. A fault is named as the vendor's WSDL names it. A rule that a lock makes
useless is refused with InvalidActionConfigurationFault: it asks for an action that cannot happen.

Who may: reading is READ_SYSTEM_SENSITIVE, because rules tell what protects a door and whom the
module talks to; changing is WRITE_SYSTEM, because a rule acts for ever and in nobody's name. The
secrets of a notification are shown to administrators alone, over TLS (READ_SYSTEM_SECRET); others
see `*`, see settings.secrets. A new configuration with `*` has those of another for the same
receiver.
"""

from holdfast.core.accounts import ADMINISTRATOR
from holdfast.core.text import by_whom
from holdfast.settings.model import NotSaved, SettingsError
from holdfast.settings.secrets import hidden, hide, keep
from holdfast.vapix.fault import Fault
from holdfast.wire.xml import escape

# The two that ONVIF Core mandates; plain Concrete is a ConcreteSet of one path.
_CONCRETE = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
_CONCRETE_SET = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
_ITEM_FILTER = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"

# By the end of the key that settings.schema_rules found bad.
_FAULTS = (
    (".topic", "InvalidTopicExpressionFault"),
    (".content", "InvalidMessageContentExpressionFault"),
    (".start", "InsufficientActivationRuleFault"),
    (".conditions", "InsufficientActivationRuleFault"),
    (".template", "ActionTemplateNotFoundFault"),
)


class ActionService:
    """Configurations and rules of the settings in `store`. Handlers give XML, a text or a list."""

    def __init__(self, store):
        self._store = store

    # -- configurations ---------------------------------------------------------------------------

    def get_action_templates(self, caller, element, now):
        return _templates

    async def get_action_configurations(self, caller, element, now):
        document = await self._document()
        if not caller.secure or caller.account.role < ADMINISTRATOR:
            hide(document)
        return lambda: _configurations(document.get("actions", {}))

    async def add_action_configuration(self, caller, element, now):
        new = _required(element, "NewActionConfiguration")
        parameters = {}
        holder = new.child("Parameters")
        for row in [] if holder is None else holder.all("Parameter"):
            name = row.attributes.get("Name")
            if name is None or name in parameters:
                raise _fault("ParametersMissmatchFault", "a parameter without a name, or twice")
            parameters[name] = row.attributes.get("Value", "")
        action = {"template": _text(new, "TemplateToken"), "parameters": parameters}
        if new.child("Name") is not None:
            action["name"] = _text(new, "Name")
        _check_parameters(action["template"], parameters)
        identifier = await self._add("actions", action, caller)
        return "<aa:ConfigurationID>%s</aa:ConfigurationID>" % identifier

    async def remove_action_configuration(self, caller, element, now):
        identifier = _text(element, "ConfigurationID")

        def edit(document):
            if identifier not in document.get("actions", {}):
                raise _fault("ActionConfigurationNotFoundFault", "there is no such configuration")
            for rule in document.get("rules", {}).values():
                if rule.get("action") == identifier:
                    raise _fault("ActionConfigurationIsInUseFault", "a rule uses it")
            _remove(document, "actions", identifier)

        await self._change(edit, caller)
        return ""

    # -- rules ------------------------------------------------------------------------------------

    async def get_action_rules(self, caller, element, now):
        document = await self._document()
        return lambda: _rules(document.get("rules", {}))

    async def add_action_rule(self, caller, element, now):
        from holdfast.settings.schema_rules import MAX_CONDITIONS

        new = _required(element, "NewActionRule")
        failover = new.child("FailoverAction")
        if failover is not None and failover.text.strip(" \t\r\n"):
            raise _fault("InvalidActionConfigurationFault", "fallback actions are not supported")
        timeout = new.child("ActivationTimeout")
        if timeout is not None and not _is_zero(timeout.text):
            # No document says what it does; a client in the field sends PT0S with every rule.
            reason = "ActivationTimeout is not supported, it must be PT0S"
            raise _fault("InvalidActivationTimeoutFault", reason)
        rule = {"name": _text(new, "Name"), "action": _text(new, "PrimaryAction")}
        enabled = (_text(new, "Enabled") or "true").lower()
        if enabled not in ("true", "1", "false", "0"):
            raise Fault("ter:InvalidArgVal", "Enabled is neither true nor false")
        if enabled in ("false", "0"):
            rule["enabled"] = False
        start = new.child("StartEvent")
        if start is not None:
            rule["start"] = _filter(start)
        conditions = new.child("Conditions")
        if conditions is not None:
            rule["conditions"] = [_filter(row) for row in conditions.all("Condition")]
            if len(rule["conditions"]) > MAX_CONDITIONS:
                raise _fault(None, "a rule has up to %d conditions" % MAX_CONDITIONS)
        return "<aa:RuleID>%s</aa:RuleID>" % await self._add("rules", rule, caller)

    async def remove_action_rule(self, caller, element, now):
        identifier = _text(element, "RuleID")

        def edit(document):
            if identifier not in document.get("rules", {}):
                raise _fault("ActionRuleNotFoundFault", "there is no such rule")
            _remove(document, "rules", identifier)

        await self._change(edit, caller)
        return ""

    # -- recipients: there are none, a notification carries its own -------------------------------

    def get_recipient_templates(self, caller, element, now):
        return "<aa:RecipientTemplates></aa:RecipientTemplates>"

    def get_recipient_configurations(self, caller, element, now):
        return "<aa:RecipientConfigurations></aa:RecipientConfigurations>"

    # -- settings ---------------------------------------------------------------------------------

    async def _document(self):
        try:
            return await self._store.document()
        except NotSaved as error:
            raise _unsaved(error)

    async def _add(self, key, row, caller):
        """Add an action or a rule; its id, the lowest free number."""
        given = []

        def edit(document):
            if key == "rules" and row["action"] not in document.get("actions", {}):
                raise _fault("ActionConfigurationNotFoundFault", "PrimaryAction names none")
            rows = document.setdefault(key, {})
            number = 1
            while str(number) in rows:
                number += 1
            given.append(str(number))
            if key == "actions":
                keep(document, {key: {_alike(rows, row) or given[-1]: row}})
            rows[given[-1]] = row

        await self._change(edit, caller)
        return given[-1]

    async def _change(self, edit, caller):
        try:
            await self._store.change(edit, by_whom(caller, "/vapix/services"))
        except NotSaved as error:
            raise _unsaved(error)
        except SettingsError as error:
            raise _explained(error)


def _templates():
    from holdfast.settings.schema_rules import TEMPLATES

    yield "<aa:ActionTemplates>"
    for token in sorted(TEMPLATES):
        yield "<aa:ActionTemplate><aa:TemplateToken>%s</aa:TemplateToken><aa:Parameters>" % token
        for name in TEMPLATES[token]:
            yield _parameter("Type", "xsd:int" if name == "duration" else "xsd:string", name)
        yield "</aa:Parameters></aa:ActionTemplate>"
    yield "</aa:ActionTemplates>"


def _configurations(actions):
    yield "<aa:ActionConfigurations>"
    for identifier in sorted(actions, key=int):
        action = actions[identifier]
        yield (
            "<aa:ActionConfiguration><aa:ConfigurationID>%s</aa:ConfigurationID>"
            "<aa:Name>%s</aa:Name><aa:TemplateToken>%s</aa:TemplateToken><aa:Parameters>"
        ) % (identifier, _content(action.get("name", "")), action["template"])
        for name in sorted(action["parameters"]):
            yield _parameter("Value", action["parameters"][name], name)
        yield "</aa:Parameters></aa:ActionConfiguration>"
    yield "</aa:ActionConfigurations>"


def _rules(rules):
    yield "<aa:ActionRules>"
    for identifier in sorted(rules, key=int):
        rule = rules[identifier]
        yield (
            "<aa:ActionRule><aa:RuleID>%s</aa:RuleID><aa:Name>%s</aa:Name>"
            "<aa:Enabled>%s</aa:Enabled>"
        ) % (
            identifier,
            _content(rule.get("name", "Rule " + identifier)),
            "true" if rule.get("enabled", True) else "false",
        )
        if "start" in rule:
            yield from _shown("aa:StartEvent", rule["start"])
        if rule.get("conditions"):
            yield "<aa:Conditions>"
            for row in rule["conditions"]:
                yield from _shown("aa:Condition", row)
            yield "</aa:Conditions>"
        yield "<aa:PrimaryAction>%s</aa:PrimaryAction></aa:ActionRule>" % rule["action"]
    yield "</aa:ActionRules>"


def _explained(error):
    """The fault for what settings.schema_rules found wrong."""
    name = None
    if error.condition:
        name = "InvalidConditionFilterFault"
    elif error.key.count(".") > 1:  # else: too many actions or rules
        name = "InvalidActionConfigurationFault"
        for ending, fault in _FAULTS:
            if error.key.endswith(ending):
                name = fault
    return _fault(name, str(error))


def _fault(name, reason):
    """A fault of the sender; name: of the vendor's WSDL, None where it has none for it."""
    return Fault("ter:InvalidArgVal", reason, name and "<aa:%s></aa:%s>" % (name, name))


def _unsaved(error):
    """Nothing was changed; the reason is about flash and deadlines, and tells no secret."""
    return Fault("ter:Action", str(error), receiver=True)


def _required(element, name):
    child = element.child(name)
    if child is None:
        raise Fault("ter:InvalidArgs", "%s is missing" % name)
    return child


def _text(element, name):
    """The text of a child without the blanks around it; a fault when there is no such child."""
    return _required(element, name).text.strip(" \t\r\n")


def _check_parameters(template, parameters):
    from holdfast.settings.schema_rules import TEMPLATES

    names = TEMPLATES.get(template)
    if names is None:
        raise _fault("ActionTemplateNotFoundFault", "TemplateToken is none of this device")
    for name in names:
        if name not in parameters:
            reason = 'all parameters must be given, "" where unused: ' + ", ".join(names)
            raise _fault("ParametersMissmatchFault", reason)
    for name in parameters:
        if name not in names:
            reason = "%s is none of the parameters: %s" % (name, ", ".join(names))
            raise _fault("ParametersMissmatchFault", reason)


def _alike(actions, action):
    """The number of an action with the same receiver as this one, None for none."""
    url = action["parameters"].get("upload_url", "")
    for identifier in sorted(actions, key=int):
        old = actions[identifier]["parameters"].get("upload_url", "")
        if old and hidden(old, True) == hidden(url, True):
            return identifier
    return None


def _filter(element):
    """The settings of a StartEvent or a Condition."""
    topic = _required(element, "TopicExpression")
    dialect = topic.attributes.get("Dialect", _CONCRETE)
    if dialect.strip(" \t\r\n") not in (_CONCRETE, _CONCRETE_SET):
        raise _fault("TopicExpressionDialectUnknownFault", "the topic's dialect is unknown")
    row = {"topic": _line(topic.text)}
    content = element.child("MessageContent")
    if content is not None:
        if content.attributes.get("Dialect", _ITEM_FILTER).strip(" \t\r\n") != _ITEM_FILTER:
            raise _fault("InvalidFilterFault", "the content's dialect is unknown")
        if content.text.strip(" \t\r\n"):
            row["content"] = _line(content.text)
    return row


def _line(text):
    """A filter in one line: settings hold no line breaks, and none means anything here."""
    return b" ".join(text.encode().split()).decode()


def _parameter(kind, value, name):
    """Attributes in this order: a client looks for it."""
    return '<aa:Parameter %s="%s" Name="%s"></aa:Parameter>' % (kind, escape(value), name)


def _content(text):
    """Text between tags, quotes as real devices leave them."""
    return escape(text).replace("&quot;", '"')


def _shown(name, row):
    """A StartEvent or a Condition as XML."""
    topic = row.get("topic", "")
    dialect = _CONCRETE_SET if "|" in topic or "//" in topic else _CONCRETE
    yield '<%s><wsnt:TopicExpression Dialect="%s">' % (name, dialect)
    yield _content(topic)
    yield "</wsnt:TopicExpression>"
    if row.get("content"):
        yield '<wsnt:MessageContent Dialect="%s">' % _ITEM_FILTER
        yield _content(row["content"])
        yield "</wsnt:MessageContent>"
    yield "</%s>" % name


def _is_zero(text):
    """True for an xs:duration of nothing, and for none."""
    text = text.strip(" \t\r\n")
    return not text or (text[0] == "P" and not text.strip("PYMDTHS0."))


def _remove(document, key, identifier):
    del document[key][identifier]
    if not document[key]:
        del document[key]
