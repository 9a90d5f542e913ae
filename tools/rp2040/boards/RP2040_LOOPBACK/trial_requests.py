"""What the client inside the image asks for: every endpoint, and every kind of change.

A row: name, method, path, body, login. `~` in path and body is the number of the round, so that
each round changes something; `$` is the id of the monitor made last; `@` as a body is all of the
settings. login: "" for the administrator's Digest, "token" for the token of monitors, "none". The
content type follows from the first letter of the body.
"""

_TOKENS = (
    '{"name":"ci%s","role":"operator",'
    '"sha256":"1a7674eb4ee78df7e1ac439a93c3fa8e3c945784d4dec9fd8e3011738b2f1d62"},'
    '{"name":"site","role":"ping",'
    '"sha256":"c0d01eafa85a5b0532836918fe2b52c686baa1a7dac944cfb9be1b3dfec7b9c5"}'
)
SETTINGS = (
    '{"accounts":[%s],'
    '"ports":{"0":{"name":"Door contact","normal":"closed"},'
    '"4":{"name":"Strike","usage":"Door","fallback":{"master":"controller","steps":['
    '{"after":0,"state":"closed"},{"after":30000,"state":"open","pulse":1000}],'
    '"on_return":"restore","locked":false}},'
    '"5":{"fallback":{"steps":[{"after":0,"state":"hold"}],"locked":false}}},'
    '"actions":{"1":{"template":"com.axis.action.unlimited.io.toggle",'
    '"parameters":{"port":"6","state":"high"}}},'
    '"rules":{"1":{"name":"No master","action":"1","conditions":[{'
    '"topic":"tns1:Device/tnsaxis:Monitor/Heartbeat",'
    '"content":"boolean(//SimpleItem[@Name=\\"lost\\" and @Value=\\"1\\"])"}]}},'
    '"uplinks":{"inbound":{"path":"/api/unifi/heartbeat","within":600}},'
    '"monitors":{"tokens":[' + _TOKENS % "" + "]}}"
)
UPLINK = "http://10.0.0.1:9/x"  # where nobody answers
ACCOUNTS = (
    ("root", "administrator"),
    ("controller", "operator"),
    ("vms", "operator"),
    ("m3", "operator"),
    ("m4", "operator"),
    ("eye", "viewer"),
)
TOKEN = "tok"

_SOAP = (
    '<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:aa="http://www.axis.com/vapix/ws/action1"'
    ' xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"><soap:Body>%s</soap:Body></soap:Envelope>'
)
_API = '{"apiVersion":"1.0","method":"%s","params":%s}'
_PORTS = "/axis-cgi/io/portmanagement.cgi"
_SETTINGS = "/holdfast/settings"
_NEW_ACTION = (
    "<aa:AddActionConfiguration><aa:NewActionConfiguration><aa:Name>Action ~</aa:Name>"
    "<aa:TemplateToken>com.axis.action.fixed.io.toggle</aa:TemplateToken><aa:Parameters>"
    '<aa:Parameter Name="port" Value="6"/><aa:Parameter Name="state" Value="high"/>'
    '<aa:Parameter Name="duration" Value="2"/></aa:Parameters></aa:NewActionConfiguration>'
    "</aa:AddActionConfiguration>"
)
_NEW_RULE = (
    "<aa:AddActionRule><aa:NewActionRule><aa:Name>Rule ~</aa:Name><aa:Enabled>true</aa:Enabled>"
    "<aa:Conditions><aa:Condition><wsnt:TopicExpression Dialect="
    '"http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete">'
    "tns1:Device/tnsaxis:Monitor/Heartbeat</wsnt:TopicExpression><wsnt:MessageContent Dialect="
    '"http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter">'
    'boolean(//SimpleItem[@Name="lost" and @Value="0"])</wsnt:MessageContent></aa:Condition>'
    "</aa:Conditions><aa:PrimaryAction>1</aa:PrimaryAction></aa:NewActionRule></aa:AddActionRule>"
)


def reads():
    """Requests that change nothing in flash but monitors."""
    soap = "/vapix/services"
    return (
        ("status", "GET", "/holdfast/status", "", ""),
        ("outputs", "GET", "/holdfast/outputs", "", ""),
        ("masters", "GET", "/holdfast/masters", "", ""),
        ("uplinks", "GET", "/holdfast/uplinks", "", ""),
        ("log", "GET", "/holdfast/log", "", ""),
        ("settings", "GET", _SETTINGS, "", ""),
        ("page", "GET", "/", "", ""),
        ("page.css", "GET", "/holdfast/page.css", "", "none"),
        ("page.js", "GET", "/holdfast/page.js", "", "none"),
        ("release", "POST", "/holdfast/release", '{"master":"controller"}', ""),
        ("drill", "POST", "/holdfast/drill", '{"master":"controller"}', ""),
        ("bypass", "POST", "/holdfast/bypass", '{"port":"7","for":60000}', ""),
        ("getPorts", "POST", _PORTS, _API % ("getPorts", "{}"), ""),
        (
            "setPorts state",
            "POST",
            _PORTS,
            _API % ("setPorts", '{"ports":[{"port":"5","state":"closed"}]}'),
            "",
        ),
        (
            "setStateSequence",
            "POST",
            _PORTS,
            _API
            % (
                "setStateSequence",
                '{"port":"7","sequence":[{"state":"closed","time":100},{"state":"open","time":0}]}',
            ),
            "",
        ),
        ("port.cgi", "GET", "/axis-cgi/io/port.cgi?checkactive=1,2,5,6", "", ""),
        ("port.cgi action", "GET", "/axis-cgi/io/port.cgi?action=8:/50%5C", "", ""),
        ("io virtualinput.cgi", "GET", "/axis-cgi/io/virtualinput.cgi?action=6:/", "", ""),
        (
            "virtual activate",
            "GET",
            "/axis-cgi/virtualinput/activate.cgi?schemaversion=1&port=3",
            "",
            "",
        ),
        (
            "virtual deactivate",
            "GET",
            "/axis-cgi/virtualinput/deactivate.cgi?schemaversion=1&port=3",
            "",
            "",
        ),
        ("virtual schemas", "GET", "/axis-cgi/virtualinput/getschemaversions.cgi", "", ""),
        ("apidiscovery", "POST", "/axis-cgi/apidiscovery.cgi", _API % ("getApiList", "{}"), ""),
        (
            "basicdeviceinfo",
            "POST",
            "/axis-cgi/basicdeviceinfo.cgi",
            _API % ("getAllProperties", "{}"),
            "",
        ),
        ("systemready", "POST", "/axis-cgi/systemready.cgi", _API % ("systemready", "{}"), ""),
        ("time.cgi", "POST", "/axis-cgi/time.cgi", _API % ("getDateTimeInfo", "{}"), ""),
        ("param list", "GET", "/axis-cgi/param.cgi?action=list", "", ""),
        ("usergroup", "GET", "/axis-cgi/usergroup.cgi", "", ""),
        ("pwdgrp get", "GET", "/axis-cgi/pwdgrp.cgi?action=get", "", ""),
        ("wssession", "GET", "/axis-cgi/wssession.cgi", "", ""),
        ("stream", "GET", "/vapix/ws-data-stream?sources=events", "", ""),
        ("axgpio GetPortList", "POST", "/vapix/axgpio", '{"axgpio:GetPortList":{}}', ""),
        ("axgpio GetPort", "POST", "/vapix/axgpio", '{"axgpio:GetPort":{"PortId":["4"]}}', ""),
        ("SOAP GetEventInstances", "POST", soap, _SOAP % "<GetEventInstances/>", ""),
        ("SOAP GetPortList", "POST", soap, _SOAP % "<GetPortList/>", ""),
        ("SOAP GetServiceCapabilities", "POST", soap, _SOAP % "<GetServiceCapabilities/>", ""),
        ("SOAP GetActionTemplates", "POST", soap, _SOAP % "<aa:GetActionTemplates/>", ""),
        (
            "SOAP GetActionConfigurations",
            "POST",
            soap,
            _SOAP % "<aa:GetActionConfigurations/>",
            "",
        ),
        ("SOAP GetActionRules", "POST", soap, _SOAP % "<aa:GetActionRules/>", ""),
        ("SOAP GetRecipientTemplates", "POST", soap, _SOAP % "<aa:GetRecipientTemplates/>", ""),
        (
            "monitor create",
            "POST",
            "/v1/heartbeat",
            '{"service_id":"office","name":"Nightly ~","interval":86400,"grace":3600}',
            "token",
        ),
        ("monitor one", "GET", "/v1/heartbeat/$", "", "token"),
        ("monitor check-in", "POST", "/v1/heartbeat/$", '{"result":"tick"}', "token"),
        ("monitor change", "PUT", "/v1/heartbeat/$", '{"interval":43200}', "token"),
        ("monitor events", "GET", "/v1/heartbeat/$/events", "", "token"),
        ("monitor statistic", "GET", "/v1/heartbeat/$/statistic?interval=1h", "", "token"),
        ("monitor list", "GET", "/v1/service/office/heartbeats?page=1&limit=50", "", "token"),
        ("ping by id", "GET", "/ping/$", "", "none"),
        ("ping by slug", "GET", "/ping/site-7/nightly-~?create=1", "", "none"),
        ("ping by slug, fail", "POST", "/ping/site-7/nightly-~/fail", "no space", "none"),
        ("ping by slug, run", "GET", "/ping/site-7/nightly-~/start", "", "none"),
        ("monitor remove", "DELETE", "/v1/heartbeat/$", "", "token"),
        (
            "monitor create again",
            "POST",
            "/v1/heartbeat",
            '{"service_id":"office","name":"Weekly ~","interval":86400,"wait_for_first":true}',
            "token",
        ),
        ("monitor remove many", "DELETE", "/v1/heartbeat?id=$", "", "token"),
        ("inbound", "POST", "/api/unifi/heartbeat", "{}", ""),
    )


def changes():
    """Requests that change the settings, each round other ones."""
    soap = "/vapix/services"
    return (
        ("PUT", "PUT", _SETTINGS, "@", ""),
        ("PATCH name", "PATCH", _SETTINGS, '{"name":"Door ~"}', ""),
        ("PATCH port name", "PATCH", _SETTINGS, '{"ports":{"4":{"name":"Strike ~"}}}', ""),
        (
            "PATCH fallback.steps",
            "PATCH",
            _SETTINGS,
            '{"ports":{"4":{"fallback":{"steps":[{"after":0,"state":"closed"},'
            '{"after":3000~,"state":"open","pulse":1000}]}}}}',
            "",
        ),
        (
            "PATCH fallback.master",
            "PATCH",
            _SETTINGS,
            '{"ports":{"6":{"fallback":{"master":"m3","steps":[{"after":~,"state":"closed"}]}}}}',
            "",
        ),
        (
            "PATCH rule",
            "PATCH",
            _SETTINGS,
            '{"rules":{"1":{"name":"Rule ~","action":"1","conditions":[{'
            '"topic":"tns1:Device/tnsaxis:Monitor/Heartbeat",'
            '"content":"boolean(//SimpleItem[@Name=\\"lost\\" and @Value=\\"1\\"])"}]}}}',
            "",
        ),
        (
            "PATCH tokens",
            "PATCH",
            _SETTINGS,
            '{"monitors":{"tokens":[' + _TOKENS % "~" + "]}}",
            "",
        ),
        (
            "PATCH uplinks",
            "PATCH",
            _SETTINGS,
            '{"uplinks":{"links":[{"name":"watch-~","kind":"healthchecks",'
            '"url":"' + UPLINK + '","interval":60}]}}',
            "",
        ),
        ("PATCH on trial", "PATCH", _SETTINGS + "?trial=1", '{"name":"Trial ~"}', ""),
        ("confirm", "POST", "/holdfast/confirm", '{"keep":true}', ""),
        ("PATCH on trial again", "PATCH", _SETTINGS + "?trial=1", '{"name":"Back ~"}', ""),
        ("take back", "POST", "/holdfast/confirm", '{"keep":false}', ""),
        (
            "setPorts name",
            "POST",
            _PORTS,
            _API % ("setPorts", '{"ports":[{"port":"6","name":"Lamp ~"}]}'),
            "",
        ),
        (
            "axgpio SetPort name",
            "POST",
            "/vapix/axgpio",
            '{"axgpio:SetPort":{"Port":[{"PortId":"7",'
            '"OutputProperties":{"NiceName":"Siren ~"}}]}}',
            "",
        ),
        (
            "param update",
            "GET",
            "/axis-cgi/param.cgi?action=update&IOPort.I1.Input.Name=Contact%20~",
            "",
            "",
        ),
        (
            "account add",
            "GET",
            "/axis-cgi/pwdgrp.cgi?action=add&user=anna~&pwd=secret78&grp=root&sgrp=viewer",
            "",
            "",
        ),
        (
            "account update",
            "GET",
            "/axis-cgi/pwdgrp.cgi?action=update&user=anna~&pwd=secret79",
            "",
            "",
        ),
        ("account remove", "GET", "/axis-cgi/pwdgrp.cgi?action=remove&user=anna~", "", ""),
        ("SOAP AddActionConfiguration", "POST", soap, _SOAP % _NEW_ACTION, ""),
        ("SOAP AddActionRule", "POST", soap, _SOAP % _NEW_RULE, ""),
        (
            "SOAP RemoveActionRule",
            "POST",
            soap,
            _SOAP % "<aa:RemoveActionRule><aa:RuleID>2</aa:RuleID></aa:RemoveActionRule>",
            "",
        ),
        (
            "SOAP RemoveActionConfiguration",
            "POST",
            soap,
            _SOAP % "<aa:RemoveActionConfiguration><aa:ConfigurationID>2</aa:ConfigurationID>"
            "</aa:RemoveActionConfiguration>",
            "",
        ),
    )


# What the realistic hour asks for, in this order.
DAY = (
    ("page", "page.css", "page.js", "status", "status", "log", "settings", "getPorts")
    + ("setPorts state", "setPorts state", "SOAP GetEventInstances", "param list")
    + ("monitor create",) * 8
    + ("monitor check-in", "monitor list", "monitor statistic", "monitor events", "ping by id")
    + ("setPorts name", "PATCH name", "account add", "account remove")
    + ("SOAP GetEventInstances", "status", "log", "SOAP GetActionRules", "wssession")
    + ("SOAP AddActionConfiguration", "SOAP RemoveActionConfiguration", "status", "param list")
)
