"""param.cgi: lists by group and pattern; updates that outlive a restart, all or nothing."""

from claims import raises
from devices import Board, Running, administrator
from holdfast.core.text import MAX_NAME
from holdfast.vapix.param import Parameters
from holdfast.wire.http import HttpError
from makers import Asked, Caller, finished, whole

ABOUT = (Board(), "1.2.3", "Nov 24 2026")


def ask(
    running,
    query="",
    body="",
    caller=None,
    now=0,
    headers=None,
    address="10.0.0.9",
    hostname="",
):
    request = Asked(body, query, headers, "POST" if body else "GET")
    subject = Parameters(running.module, running.store, ABOUT, lambda: address, lambda: hostname)
    answer = finished(subject.handle(caller or administrator(), request, now), running.store)
    assert (answer.status, answer.content_type) == (200, "text/plain")
    return whole(answer).decode()


def listed(groups=None, running=None, caller=None):
    query = "action=list" + ("" if groups is None else "&group=" + groups)
    lines = ask(running or Running(), query, caller=caller).split("\n")
    assert lines.pop() == ""
    return dict([tuple(line.split("=", 1)) for line in lines])


def names(groups):
    return sorted(listed(groups))


def test_every_parameter_that_clients_require_is_there():
    found = listed("root.Properties")
    for name, value in (
        ("API.HTTP.Version", "3"),
        ("API.Heartbeat.Heartbeat", "yes"),
        ("API.Heartbeat.Version", "1.0"),
        ("API.Metadata.Metadata", "no"),
        ("API.Metadata.Version", "1.0"),
        ("Firmware.BuildDate", "Nov 24 2026"),
        ("Firmware.BuildNumber", "0"),
        ("Firmware.Version", "1.2.3"),
        ("System.SerialNumber", "0200000000AB"),
        ("System.Soc", "none"),
    ):
        assert found["root.Properties." + name] == value
    found = listed("Brand")
    for name in ("Brand", "ProdFullName", "ProdNbr", "ProdShortName", "ProdType", "WebURL"):
        assert "root.Brand." + name in found
    assert not [name for name in listed() if "PTZ" in name or "EmbeddedDevelopment" in name]


def test_groups_are_found_in_either_case():
    for group, wanted in (
        ("brand", "Brand"),
        ("ROOT.BRAND", "Brand"),
        ("Root", "root"),
        ("root.ioport.i2.output.*", "IOPort.I2.Output.*"),
        ("*.upnp", "*.UPnP"),
        ("properties.api.heartbeat", "Properties.API.Heartbeat"),
        ("INPUT,output", "Input,Output"),
    ):
        assert listed(group) == listed(wanted) != {}, group


def test_what_the_network_is():
    assert listed("Network.eth0") == {
        "root.Network.eth0.IPAddress": "10.0.0.9",
        "root.Network.eth0.MACAddress": "02:00:00:00:00:AB",
    }
    assert listed("Network.VolatileHostName") == {"root.Network.VolatileHostName.HostName": ""}
    text = ask(Running(), "action=list&group=network.*hostname", hostname="io-east")
    assert [line.partition("=")[2] for line in text.split()] == ["io-east", "io-east"]
    text = ask(Running(), "action=list&group=Network.eth0.IPAddress", address=None)
    assert text == "root.Network.eth0.IPAddress=\n"


def test_ports_are_told_as_they_are_now():
    running = Running(ports={"2": {"name": "Strike", "usage": "Door", "normal": "closed"}})
    found = listed("IOPort.I2", running)
    assert found == {
        "root.IOPort.I2.Configurable": "no",
        "root.IOPort.I2.Direction": "output",
        "root.IOPort.I2.Usage": "Door",
        "root.IOPort.I2.Output.Active": "open",
        "root.IOPort.I2.Output.Button": "none",
        "root.IOPort.I2.Output.DelayTime": "0",
        "root.IOPort.I2.Output.Mode": "bistable",
        "root.IOPort.I2.Output.Name": "Strike",
        "root.IOPort.I2.Output.PulseTime": "0",
    }
    found = listed("IOPort.I0.Input", running)
    assert found == {"root.IOPort.I0.Input.Name": "Input 0", "root.IOPort.I0.Input.Trig": "closed"}
    found = listed("Input,Output")
    assert found == {"root.Input.NbrOfInputs": "2", "root.Output.NbrOfOutputs": "2"}


def test_groups_are_whole_names():
    assert len(listed("root.Brand")) == len(listed("Brand")) == 7
    assert names("Brand.ProdNbr") == ["root.Brand.ProdNbr"]
    for unknown in (
        "Bran",
        "Brand.Prod",
        "Brand.ProdNbr.",
        "Brand.ProdNbr.X",
        "StreamProfile",
        ".",
    ):
        text = ask(Running(), "action=list&group=" + unknown)
        assert text == "# Error: Error -1 getting param in group '%s'\n" % unknown


def test_patterns():
    assert len(listed("*")) == len(listed("root.*")) == len(listed("root")) == len(listed())
    assert len(names("IOPort.*.Usage")) == 4
    assert len(names("IOPort.I*.*.Name")) == 4
    assert names("*.Nbr*") == ["root.Input.NbrOfInputs", "root.Output.NbrOfOutputs"]
    assert names("Brand.Prod?br") == ["root.Brand.ProdNbr"]


def test_several_groups_come_in_the_order_they_were_asked_for():
    text = ask(Running(), "action=list&group=Output,Tea,%20root.Input")
    assert text == (
        "root.Output.NbrOfOutputs=2\n"
        "# Error: Error -1 getting param in group 'Tea'\n"
        "root.Input.NbrOfInputs=2\n"
    )


def test_a_viewer_sees_all_but_what_is_sensitive():
    seen = set(listed(caller=Caller("v", 1)))
    assert {name.split(".")[-1] for name in set(listed()) - seen} == {
        "Architecture",
        "Soc",
        "SocSerialNumber",
    }


def test_an_empty_request_lists_everything():
    assert ask(Running()) == ask(Running(), "action=list")


def test_a_posted_list_is_understood_whatever_its_type():
    headers = {"content-type": "text/plain"}
    text = ask(Running(), body="action=list&group=root.Input", headers=headers)
    assert text == "root.Input.NbrOfInputs=2\n"


def test_an_update_is_in_force_at_once_and_after_a_restart():
    running = Running()
    text = ask(
        running,
        body="action=update&root.IOPort.I0.Input.Name=T%C3%BCr&IOPort.I0.Input.Trig=open"
        "&IOPort.I3.Output.Name=Siren&IOPort.I3.Usage=Alarm&Network.UPnP.FriendlyName=East",
    )
    assert text == "OK"
    assert running.flash.writes == 1
    again = Running(files=running.flash.files)
    for each in (running.module, again.module):
        assert (each.name, each.ports[0].name, each.ports[0].normal) == ("East", "Tür", 1)
        assert (each.ports[3].name, each.ports[3].usage) == ("Siren", "Alarm")
    assert listed("*.UPnP,*.Bonjour", running) == {
        "root.Network.UPnP.FriendlyName": "East",
        "root.Network.Bonjour.FriendlyName": "East",
    }


def test_the_active_state_of_an_output_is_the_opposite_of_its_normal_state():
    running = Running()
    assert ask(running, "action=update&IOPort.I2.Output.Active=open") == "OK"
    assert running.module.ports[2].normal == 1
    assert running.module.levels[2] == 1  # inactive it was, inactive it stays
    assert listed("IOPort.I2.Output.Active", running) == {"root.IOPort.I2.Output.Active": "open"}


def test_what_cannot_be_set_is_named_and_nothing_is_changed():
    for name, value in (
        ("Brand.Brand", "X"),
        ("IOPort.I0.Direction", "output"),
        ("IOPort.I0.Output.Name", "X"),
        ("IOPort.I0.Input", "X"),
        ("IOPort.I2.Input.Trig", "open"),
        ("IOPort.I2.Output.Active", "hold"),
        ("IOPort.I2.Output.Active", ""),
        ("IOPort.I2.Output.Mode", "bistable"),
        ("IOPort.I4.Usage", "X"),
        ("IOPort.I02.Usage", "X"),
        ("IOPort.I.Usage", "X"),
        ("IOPort.2.Usage", "X"),
        ("IOPort.I2.Usage", "x" * (MAX_NAME + 1)),
        ("Tea", ""),
        ("", ""),
    ):
        running = Running()
        good = "IOPort.I3.Usage=Alarm"
        text = ask(running, "action=update&%s&root.%s=%s" % (good, name, value))
        assert text == "# Error: Error setting '%s' to '%s'!\n" % (name, value)
        assert running.flash.writes == 0
        assert running.module.ports[3].usage == ""


def test_control_characters_do_not_come_back():
    text = ask(Running(), "action=update&IOPort.I2.Usage=a%0Ab")
    assert text == "# Error: Error setting 'IOPort.I2.Usage' to '?'!\n"
    assert ask(Running(), "action=list&group=a%0Ab").count("\n") == 1


def test_only_an_administrator_may_update():
    for role in (1, 2):
        running = Running()
        refused = raises(
            HttpError,
            ask,
            running,
            "action=update&IOPort.I2.Usage=X",
            caller=Caller("a", role),
        )
        assert refused.status == 403
        assert running.module.ports[2].usage == ""


def test_an_update_that_cannot_be_saved_now_is_503():
    running = Running()
    running.quiet = False
    refused = raises(HttpError, ask, running, "action=update&IOPort.I2.Usage=X")
    assert refused.status == 503
    assert running.module.ports[2].usage == ""


def test_a_parameter_is_told_once_in_however_many_groups_it_is():
    whole = ask(Running(), "action=list")
    assert ask(Running(), "action=list&group=" + ",".join(["*"] * 8)) == whole
    text = ask(Running(), "action=list&group=Input.NbrOfInputs,Input,*.NbrOf*")
    assert text == "root.Input.NbrOfInputs=2\nroot.Output.NbrOfOutputs=2\n"


def test_one_list_has_only_so_many_groups_and_wildcards():
    group = "root.Properties.API.Heartbeat.Heartbeat"
    sixteen = ",".join([group] * 16)
    assert ask(Running(), body="action=list&group=" + sixteen) == group + "=yes\n"
    for groups in (
        sixteen + ",Brand",
        ",".join(["*"] * 9),
        "*" * 9,
        "IOPort.????????.*",
        "*." + "x" * 1023,
    ):
        text = ask(Running(), body="action=list&group=" + groups)
        assert text == "# Error: too many groups\n", groups


def test_bad_requests_are_answered():
    for query in ("action", "action=add", "action=update", "action=update&usergroup=viewer"):
        assert ask(Running(), query)[:8] == "# Error:", query
    assert ask(Running(), "action=list&group=" + "A," * 32)[:8] == "# Error:"
    for query in ("action=list&group=" + "." * 900, "action=list&group=" + "*" * 900):
        assert ask(Running(), query)
    assert raises(HttpError, ask, Running(), "action=%").status == 400
