"""Action rules over SOAP: what is asked for stands in the settings, and comes back as it was."""

from claims import raises
from holdfast.settings.model import NotSaved
from holdfast.settings.schema import check
from holdfast.settings.schema_rules import MAX_ACTIONS, MAX_RULES, TEMPLATES
from holdfast.vapix.action import ActionService
from holdfast.vapix.fault import Fault
from holdfast.wire.xml import parse
from makers import WIRING, Caller, account, finished

CONCRETE = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
CONCRETE_SET = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
ITEM_FILTER = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
HEARTBEAT = "tns1:Device/tnsaxis:Monitor/Heartbeat"
LOST = 'boolean(//SimpleItem[@Name="lost" and @Value="1"])'
FIXED = "com.axis.action.fixed.io.toggle"
UNLIMITED = "com.axis.action.unlimited.io.toggle"
HTTP = "com.axis.action.fixed.notification.http"

HANDLERS = {
    "AddActionConfiguration": "add_action_configuration",
    "AddActionRule": "add_action_rule",
    "GetActionConfigurations": "get_action_configurations",
    "GetActionRules": "get_action_rules",
    "GetActionTemplates": "get_action_templates",
    "RemoveActionRule": "remove_action_rule",
    "RemoveActionConfiguration": "remove_action_configuration",
    "GetRecipientTemplates": "get_recipient_templates",
    "GetRecipientConfigurations": "get_recipient_configurations",
}


class Settings:
    """A store without flash: a change is checked as the real one checks it."""

    def __init__(self):
        self.now = {"accounts": [account("a")]}
        self.full = False

    async def document(self):
        if self.full:
            raise NotSaved("flash cannot be read")
        return self.copy(self.now)

    def copy(self, value):
        if isinstance(value, dict):
            return {key: self.copy(value[key]) for key in value}
        return value

    async def change(self, edit, by=None, guard=None):
        changed = await self.document()
        edit(changed)
        check(changed, WIRING)
        self.now = changed


def call(store, operation, inner="", role=3, secure=False):
    text = '<aa:%s xmlns:aa="http://www.axis.com/vapix/ws/action1">%s</aa:%s>'
    element = parse((text % (operation, inner, operation)).encode())
    caller = Caller("a", role)
    caller.secure = secure
    answer = getattr(ActionService(store), HANDLERS[operation])(caller, element, 5)
    content = finished(answer)
    return content if isinstance(content, str) else "".join(content())


def refused(name, *asked):
    fault = raises(Fault, call, *asked)
    assert name in (fault.detail or ""), (name, fault.detail, fault.reason)
    return fault


def configuration(template=UNLIMITED, name="Siren", **parameters):
    if not parameters:
        parameters = {"port": "2", "state": "high"}
    rows = ['<aa:Parameter Name="%s" Value="%s"/>' % row for row in parameters.items()]
    return (
        "<aa:NewActionConfiguration><aa:Name>%s</aa:Name><aa:TemplateToken>%s</aa:TemplateToken>"
        "<aa:Parameters>%s</aa:Parameters></aa:NewActionConfiguration>"
    ) % (name, template, "".join(rows))


def event(name, topic=HEARTBEAT, content=LOST, dialect=CONCRETE, content_dialect=ITEM_FILTER):
    text = '<wsnt:TopicExpression Dialect="%s">%s</wsnt:TopicExpression>' % (dialect, topic)
    if content is not None:
        text += '<wsnt:MessageContent Dialect="%s">%s</wsnt:MessageContent>' % (
            content_dialect,
            content,
        )
    return "<aa:%s>%s</aa:%s>" % (name, text, name)


def rule(inner=None, action="1", enabled="true", name="Lost", more=""):
    if inner is None:
        inner = "<aa:Conditions>%s</aa:Conditions>" % event("Condition")
    return (
        '<aa:NewActionRule xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"><aa:Name>%s</aa:Name>'
        "<aa:Enabled>%s</aa:Enabled>%s%s<aa:PrimaryAction>%s</aa:PrimaryAction></aa:NewActionRule>"
    ) % (name, enabled, inner, more, action)


def with_action():
    store = Settings()
    call(store, "AddActionConfiguration", configuration())
    return store


def test_a_configuration_is_kept_and_shown():
    store = Settings()
    answer = call(store, "AddActionConfiguration", configuration(name="A &amp; B"))
    assert answer == "<aa:ConfigurationID>1</aa:ConfigurationID>"
    parameters = {"port": "2", "state": "high"}
    assert store.now["actions"] == {
        "1": {"name": "A & B", "template": UNLIMITED, "parameters": parameters}
    }
    assert call(store, "GetActionConfigurations", role=2) == (
        "<aa:ActionConfigurations><aa:ActionConfiguration><aa:ConfigurationID>1"
        "</aa:ConfigurationID><aa:Name>A &amp; B</aa:Name><aa:TemplateToken>" + UNLIMITED + ""
        '</aa:TemplateToken><aa:Parameters><aa:Parameter Value="2" Name="port"></aa:Parameter>'
        '<aa:Parameter Value="high" Name="state"></aa:Parameter></aa:Parameters>'
        "</aa:ActionConfiguration></aa:ActionConfigurations>"
    )


def test_a_name_may_be_missing():
    store = Settings()
    inner = configuration().replace("<aa:Name>Siren</aa:Name>", "")
    call(store, "AddActionConfiguration", inner)
    assert "<aa:Name></aa:Name>" in call(store, "GetActionConfigurations")


def test_a_rule_is_kept_and_shown():
    store = with_action()
    inner = event("StartEvent", "tns1:Device/tnsaxis:IO//.", None, CONCRETE_SET)
    inner += "<aa:Conditions>%s</aa:Conditions>" % event("Condition", "\n " + HEARTBEAT + " ")
    assert call(store, "AddActionRule", rule(inner)) == "<aa:RuleID>1</aa:RuleID>"
    assert store.now["rules"]["1"] == {
        "name": "Lost",
        "action": "1",
        "start": {"topic": "tns1:Device/tnsaxis:IO//."},
        "conditions": [{"topic": HEARTBEAT, "content": LOST}],
    }
    shown = call(store, "GetActionRules", role=2)
    assert shown == (
        "<aa:ActionRules><aa:ActionRule><aa:RuleID>1</aa:RuleID><aa:Name>Lost</aa:Name>"
        '<aa:Enabled>true</aa:Enabled><aa:StartEvent><wsnt:TopicExpression Dialect="%s">'
        "tns1:Device/tnsaxis:IO//.</wsnt:TopicExpression></aa:StartEvent><aa:Conditions>"
        '<aa:Condition><wsnt:TopicExpression Dialect="%s">%s</wsnt:TopicExpression>'
        '<wsnt:MessageContent Dialect="%s">%s</wsnt:MessageContent></aa:Condition>'
        "</aa:Conditions><aa:PrimaryAction>1</aa:PrimaryAction></aa:ActionRule></aa:ActionRules>"
    ) % (CONCRETE_SET, CONCRETE, HEARTBEAT, ITEM_FILTER, LOST)


def test_what_is_shown_can_be_added_again():
    store = with_action()
    call(store, "AddActionRule", rule(enabled="False"))
    shown = call(store, "GetActionRules").replace("ActionRule>", "NewActionRule>")
    inner = shown[len("<aa:ActionRules>") : -len("</aa:ActionRules>")]
    inner = inner.replace(">", ' xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2">', 1)
    assert call(store, "AddActionRule", inner) == "<aa:RuleID>2</aa:RuleID>"
    assert store.now["rules"]["1"] == store.now["rules"]["2"]
    assert store.now["rules"]["2"]["enabled"] is False


def test_nothing_there_is_empty_lists():
    for operation, inner in (
        ("GetActionConfigurations", "aa:ActionConfigurations"),
        ("GetActionRules", "aa:ActionRules"),
        ("GetRecipientTemplates", "aa:RecipientTemplates"),
        ("GetRecipientConfigurations", "aa:RecipientConfigurations"),
    ):
        assert call(Settings(), operation) == "<%s></%s>" % (inner, inner)


def test_every_template_is_told_with_its_parameters():
    told = call(Settings(), "GetActionTemplates")
    for token in TEMPLATES:
        assert "<aa:TemplateToken>%s</aa:TemplateToken><aa:Parameters>" % token in told
    assert told.count("<aa:Parameter ") == sum([len(names) for names in TEMPLATES.values()])
    assert '<aa:Parameter Type="xsd:int" Name="duration"></aa:Parameter>' in told


def test_ids_are_the_lowest_that_are_free():
    store = with_action()
    for expected in ("2", "3"):
        assert ">%s<" % expected in call(store, "AddActionConfiguration", configuration())
    call(store, "RemoveActionConfiguration", "<aa:ConfigurationID>2</aa:ConfigurationID>")
    assert ">2<" in call(store, "AddActionConfiguration", configuration())
    for expected in ("1", "2"):
        assert ">%s<" % expected in call(store, "AddActionRule", rule())
    call(store, "RemoveActionRule", "<aa:RuleID>1</aa:RuleID>")
    assert ">1<" in call(store, "AddActionRule", rule(action="3"))


def test_what_is_removed_is_gone():
    store = with_action()
    call(store, "AddActionRule", rule())
    used = "<aa:ConfigurationID>1</aa:ConfigurationID>"
    refused("ActionConfigurationIsInUseFault", store, "RemoveActionConfiguration", used)
    assert call(store, "RemoveActionRule", "<aa:RuleID> 1 </aa:RuleID>") == ""
    assert call(store, "RemoveActionConfiguration", used) == ""
    assert store.now == Settings().now
    refused("ActionConfigurationNotFoundFault", store, "RemoveActionConfiguration", used)
    refused("ActionRuleNotFoundFault", store, "RemoveActionRule", "<aa:RuleID>1</aa:RuleID>")


def test_secrets_are_shown_to_administrators_over_tls_alone():
    store = Settings()
    parameters = dict.fromkeys(TEMPLATES[HTTP], "")
    parameters.update(upload_url="http://192.0.2.1/?k=hush", login="us", password="secret")
    call(store, "AddActionConfiguration", configuration(HTTP, **parameters))
    shown = call(store, "GetActionConfigurations", role=3, secure=True)
    for name in ("upload_url", "login", "password"):
        assert 'Value="%s" Name="%s"' % (parameters[name], name) in shown
    for role, secure in ((3, False), (2, False), (2, True)):
        shown = call(store, "GetActionConfigurations", role=role, secure=secure)
        assert "secret" not in shown and "hush" not in shown
        assert 'Value="*" Name="login"' in shown and 'Value="*" Name="password"' in shown
        assert 'Value="http://192.0.2.1/?*" Name="upload_url"' in shown
        assert 'Value="" Name="message"' in shown


def test_a_configuration_as_it_was_shown_has_the_secrets_of_the_one_for_the_same_receiver():
    store = Settings()
    parameters = dict.fromkeys(TEMPLATES[HTTP], "")
    parameters.update(upload_url="http://192.0.2.1/?k=hush", login="us", password="secret")
    call(store, "AddActionConfiguration", configuration(HTTP, **parameters))
    again = dict(parameters, upload_url="http://192.0.2.1/?*", login="*", password="*")
    again["message"] = "Gate"
    call(store, "AddActionConfiguration", configuration(HTTP, **again))
    assert store.now["actions"]["2"]["parameters"] == dict(parameters, message="Gate")
    # Nobody else is told them.
    before = store.now
    for url in ("http://192.0.2.2/?*", "http://192.0.2.2/", "http://192.0.2.1/"):
        row = configuration(HTTP, **dict(again, upload_url=url))
        fault = refused("InvalidActionConfigurationFault", store, "AddActionConfiguration", row)
        assert "* keeps what is there" in fault.reason
    assert store.now == before


BAD_CONFIGURATIONS = (
    ("ActionTemplateNotFoundFault", configuration("com.axis.action.fixed.ledcontrol")),
    ("ParametersMissmatchFault", configuration(port="2")),
    ("ParametersMissmatchFault", configuration(port="2", state="high", duration="5")),
    ("ParametersMissmatchFault", configuration(FIXED, port="2", state="high")),
    ("ParametersMissmatchFault", configuration().replace('Name="port"', 'Name="state"')),
    ("ParametersMissmatchFault", configuration().replace('Name="port"', "")),
    ("InvalidActionConfigurationFault", configuration(port="0", state="high")),
    ("InvalidActionConfigurationFault", configuration(port="9", state="high")),
    ("InvalidActionConfigurationFault", configuration(port="2", state="closed")),
    ("InvalidActionConfigurationFault", configuration(FIXED, port="2", state="low", duration="x")),
)


def test_configurations_that_cannot_be_are_refused_by_name():
    store = Settings()
    for name, inner in BAD_CONFIGURATIONS:
        refused(name, store, "AddActionConfiguration", inner)
    assert store.now == Settings().now


def conditions(*rows):
    return "<aa:Conditions>%s</aa:Conditions>" % "".join(rows)


BAD_RULES = (
    ("InsufficientActivationRuleFault", rule("")),
    ("InsufficientActivationRuleFault", rule(event("StartEvent"))),  # what lasts needs a condition
    ("InvalidConditionFilterFault", rule(conditions(event("Condition", HEARTBEAT + "|//.")))),
    ("InvalidConditionFilterFault", rule(conditions(event("Condition", "tns1:Device//.")))),
    ("InvalidConditionFilterFault", rule(conditions(event("Condition", "tns1:Nothing")))),
    ("InvalidTopicExpressionFault", rule(conditions(event("Condition", "a//b")))),
    ("InvalidMessageContentExpressionFault", rule(conditions(event("Condition", content="x(")))),
    ("TopicExpressionDialectUnknownFault", rule(conditions(event("Condition", dialect="x")))),
    (
        "TopicExpressionDialectUnknownFault",
        rule(event("StartEvent", dialect="")),
    ),
    ("InvalidFilterFault", rule(conditions(event("Condition", content_dialect="x")))),
    ("ActionConfigurationNotFoundFault", rule(action="2")),
    ("ActionConfigurationNotFoundFault", rule(action="")),
    ("InvalidActionConfigurationFault", rule(more="<aa:FailoverAction>1</aa:FailoverAction>")),
    (
        "InvalidActivationTimeoutFault",
        rule(more="<aa:ActivationTimeout>PT5S</aa:ActivationTimeout>"),
    ),
    ("InvalidActivationTimeoutFault", rule(more="<aa:ActivationTimeout>5</aa:ActivationTimeout>")),
)


def test_rules_that_cannot_be_are_refused_by_name():
    store = with_action()
    for name, inner in BAD_RULES:
        refused(name, store, "AddActionRule", inner)
    assert "rules" not in store.now


def test_a_timeout_of_nothing_is_what_a_client_sends():
    for text in ("PT0S", "P0D", " PT0H0M0.0S ", ""):
        timeout = "<aa:ActivationTimeout>%s</aa:ActivationTimeout>" % text
        call(with_action(), "AddActionRule", rule(more=timeout + "<aa:FailoverAction/>"))


def test_what_is_missing_is_named():
    store = with_action()
    for operation, inner, missing in (
        ("AddActionConfiguration", "", "NewActionConfiguration"),
        ("AddActionConfiguration", "<aa:NewActionConfiguration/>", "TemplateToken"),
        ("AddActionRule", "", "NewActionRule"),
        ("AddActionRule", rule().replace("aa:Name>", "aa:Title>"), "Name"),
        ("AddActionRule", rule().replace("PrimaryAction", "PrimaryActio"), "PrimaryAction"),
        ("AddActionRule", rule().replace("TopicExpression", "Topic"), "TopicExpression"),
        ("RemoveActionRule", "", "RuleID"),
        ("RemoveActionConfiguration", "", "ConfigurationID"),
    ):
        fault = raises(Fault, call, store, operation, inner)
        assert missing in fault.reason, (operation, fault.reason)
    assert "Enabled" in raises(Fault, call, store, "AddActionRule", rule(enabled="x")).reason


def test_there_may_be_so_many():
    store = Settings()
    for _ in range(MAX_ACTIONS):
        call(store, "AddActionConfiguration", configuration())
    assert refused("", store, "AddActionConfiguration", configuration()).detail is None
    for _ in range(MAX_RULES):
        call(store, "AddActionRule", rule())
    assert refused("", store, "AddActionRule", rule()).detail is None
    many = conditions(*[event("Condition")] * 9)
    store = with_action()
    assert "conditions" in refused("", store, "AddActionRule", rule(many)).reason


def test_flash_that_fails_is_the_receiver_s_fault():
    store = with_action()
    store.full = True
    for operation, inner in (
        ("AddActionConfiguration", configuration()),
        ("RemoveActionRule", "<aa:RuleID>1</aa:RuleID>"),
        ("GetActionRules", ""),
    ):
        assert raises(Fault, call, store, operation, inner).status == 500
