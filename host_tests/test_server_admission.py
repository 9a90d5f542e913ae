"""Who gets one of the few connections, and who gives way: a living master never does."""

from holdfast.core.accounts import Account
from holdfast.core.session import Session
from holdfast.server.admission import GRACE_MS, Connections

NOW = 100000


class Caller:
    def __init__(self):
        self.account = None


class Peer:
    """A connection as its keeper sees it. age: since it came; idle: since its last request."""

    def __init__(self, name, age=60000, idle=1000, account=False, **more):
        self.name = name
        self.caller = Caller()
        if account:
            self.caller.account = Account(name, 2, b"", b"")
        self.since = NOW - age
        self.grace = self.since + 250
        self.last_at = NOW - idle
        self.asked = self.last_at != self.since
        self.deadline = NOW + 60000
        self.stream = None
        self.secure = self.endless = self.ended = self.lingering = self.partial = False
        self.heard = True
        self.rest = b""
        self.peer = self.session = self.fed_at = None
        for key, value in more.items():
            assert hasattr(self, key), key
            setattr(self, key, value)

    def end(self):
        self.ended = True


def master(name="m", **more):
    """A connection through which a living session was last fed."""
    peer = Peer(name, account=True, **more)
    session = peer.session = Session(name)
    session.begin("id", NOW - 5000)
    session.feed(10000, NOW - 1000)
    peer.fed_at = session.last_at
    return peer


def house(*peers, limit=5):
    connections = Connections(limit)
    connections.all = list(peers)
    return connections


def gone(connections):
    return [peer.name for peer in connections.all if peer.ended]


# -- how many there are ---------------------------------------------------------------------------


def test_what_the_module_itself_has_opened_takes_places_too():
    connections = house(Peer("a"), Peer("b"), limit=4)
    assert (connections.outgoing, connections.taken()) == (0, False)
    connections.outgoing = 1
    assert connections.taken() is False
    connections.outgoing = 2
    assert connections.taken() is True
    connections.outgoing = 3
    assert connections.taken() is True
    assert Connections(1).all == [] and Connections(1).taken() is False


def test_the_last_place_is_crowded_only_while_none_is_free_nor_about_to_be():
    first, last = Peer("first"), Peer("last")
    connections = house(first, last, limit=2)
    assert connections.crowded_by(last) is True
    assert connections.crowded_by(first) is False
    first.ended = True
    assert connections.crowded_by(last) is False
    first.ended = False
    connections = house(first, last, limit=3)
    assert connections.crowded_by(last) is False


def test_streams_leave_a_place_for_whoever_comes_and_one_for_requests():
    for limit, most in ((5, 3), (4, 2), (3, 1), (2, 1), (1, 1)):
        streams = []
        while not house(Peer("x"), *streams, limit=limit).streams_full():
            streams.append(Peer("s", endless=True))
        assert len(streams) == most, limit


# -- who gives way --------------------------------------------------------------------------------


def test_a_living_master_never_gives_way_however_idle_it_is():
    connections = house(master(idle=9000, age=10**6), Peer("stranger", idle=1))
    assert connections.make_room(NOW) is True
    assert gone(connections) == ["stranger"]
    connections = house(master("a", idle=9000), master("b", idle=9000))
    assert connections.make_room(NOW) is False and gone(connections) == []


def test_a_master_is_one_while_its_session_lives_and_where_it_was_last_fed():
    connections = house(master())
    peer = connections.all[0]
    assert connections.feeds(peer) is True
    peer.session.id = None  # it is over
    assert connections.feeds(peer) is False
    connections = house(master())
    peer = connections.all[0]
    peer.session.feed(10000, NOW)  # through another connection
    assert connections.feeds(peer) is False
    assert connections.make_room(NOW) is True and gone(connections) == ["m"]
    assert connections.feeds(Peer("stranger")) is False


def test_strangers_give_way_before_accounts_and_the_longest_idle_of_them_first():
    """Whoever is about to be closed anyway goes before all."""
    order = [
        Peer("closing", lingering=True, idle=5),
        Peer("idle stranger", idle=3000),
        Peer("stranger", idle=2000),
        Peer("idle account", account=True, idle=9000),
        Peer("account", account=True, idle=100),
    ]
    for shuffled in (order, order[::-1], order[2:] + order[:2]):
        names = [peer.name for peer in order]
        left = list(shuffled)
        while left:
            for peer in left:
                peer.ended = False
            connections = house(*left)
            assert connections.make_room(NOW) is True
            assert gone(connections) == names[:1]
            left = [peer for peer in left if not peer.ended]
            names.pop(0)


def test_a_newcomer_has_a_quarter_of_a_second_to_speak():
    for age, gives_way in ((249, False), (250, True)):
        connections = house(Peer("x", age=age))
        assert connections.make_room(NOW) is gives_way


def test_of_equals_the_oldest_gives_way():
    connections = house(Peer("a", idle=5000), Peer("b", idle=5000))
    connections.make_room(NOW)
    assert gone(connections) == ["a"]


def test_streams_newcomers_handshakes_and_changes_under_way_never_give_way():
    """Whoever waits for a change to be saved has no deadline meanwhile."""
    for more in ({"endless": True}, {"age": 0}, {"heard": False}, {"deadline": None}):
        connections = house(Peer("x", **more))
        assert connections.make_room(NOW) is False, more
        assert gone(connections) == []


def test_whoever_is_about_to_end_leaves_a_place_and_nobody_else_has_to():
    ending = Peer("ending", ended=True)
    connections = house(Peer("stranger"), ending)
    assert connections.make_room(NOW) is True
    # The one that was told to go has gone; the stranger was looked at first and may be told, too.
    connections = house(ending, Peer("stranger"))
    assert connections.make_room(NOW) is True
    assert gone(connections) == ["ending"]


def test_a_place_for_tls_is_made_by_one_that_has_tls():
    connections = house(Peer("plain", idle=9000), Peer("tls", idle=1, secure=True))
    assert connections.make_room(NOW, True) is True
    assert gone(connections) == ["tls"]
    assert house(Peer("plain"), Peer("p", ended=True)).make_room(NOW, True) is False


# -- deadlines, and a heap that is full -----------------------------------------------------------


def test_a_deadline_has_passed_at_its_very_ms():
    connections = house()
    peer = Peer("stranger", deadline=NOW)
    assert connections.overdue(peer, NOW - 1) is False
    assert connections.overdue(peer, NOW) is True
    peer.deadline = None
    assert connections.overdue(peer, NOW) is False


def test_an_idle_master_whose_session_lives_has_no_deadline_but_for_a_request_it_began():
    connections = house()
    assert connections.overdue(master(deadline=NOW - 75000), NOW) is False
    assert connections.overdue(master(deadline=NOW, partial=True), NOW) is True
    assert connections.overdue(master(deadline=NOW, lingering=True), NOW) is True
    dead = master(deadline=NOW)
    dead.session.id = None
    assert connections.overdue(dead, NOW) is True


def test_a_full_heap_costs_the_newest_of_those_that_count_less_than_who_asks():
    asks = Peer("asks")
    account = Peer("account", account=True)
    connections = house(Peer("old"), Peer("new"), account, master("m"), asks)
    assert connections.newest(asks) is None
    assert connections.newest(None).name == "asks"
    assert connections.newest(account).name == "asks"
    asks.ended = True
    assert connections.newest(account).name == "new"
    connections.all[1].ended = True
    assert connections.newest(account).name == "old"
    assert house(master(), asks).newest(asks) is None
    assert house(account, master("m")).newest(None) is account


def test_no_change_under_way_is_cut_short_by_a_full_heap():
    connections = house(Peer("old"), Peer("saving", deadline=None))
    assert connections.newest(None).name == "old"
    assert house(Peer("saving", deadline=None)).newest(None) is None


def test_memory_that_can_be_had_at_once_is_with_whoever_holds_part_of_a_request():
    holding, newer = Peer("holding", rest=b"GET"), Peer("newer")
    connections = house(holding, newer)
    assert connections.newest(None) is newer
    assert connections.newest(None, True) is holding
    assert connections.newest(newer, True) is holding
    assert house(newer).newest(None, True) is None


# -- addresses ------------------------------------------------------------------------------------


def test_the_third_stranger_of_an_address_has_no_grace_and_goes_before_strangers_of_others():
    several = [Peer("a%d" % i, age=10, idle=10, peer=("10.0.0.2", i)) for i in range(4)]
    other = Peer("b", idle=9000, peer=("10.0.0.3", 1))
    connections = house(other, *several)
    for expected in ("a2", "a3", "b"):
        assert connections.make_room(NOW) is True
        assert gone(connections) == [expected]
        connections.all = [peer for peer in connections.all if not peer.ended]
    # The first two of an address may still speak.
    assert connections.make_room(NOW) is False


def test_the_address_of_a_living_master_gives_way_like_accounts_also_when_its_connection_ended():
    left = master(peer=("10.0.0.1", 1))
    again = Peer("again", idle=9000, peer=("10.0.0.1", 2))
    connections = house(left, again, Peer("stranger", idle=1, peer=("10.0.0.2", 1)))
    for _ in range(2):
        assert connections.known(again) is True
        assert connections.known(connections.all[-1]) is False
        if left in connections.all:
            connections.leave(left)
    assert connections.make_room(NOW) is True
    assert gone(connections) == ["stranger"]
    left.session.id = None
    assert connections.known(again) is False


def test_so_many_addresses_are_remembered_each_session_once():
    connections = house()
    for i in range(40):
        peer = master("m%d" % i, peer=("10.0.0.%d" % i, 1))
        connections.all.append(peer)
        connections.leave(peer)
    assert [row[0] for row in connections._left] == ["10.0.0.%d" % i for i in range(24, 40)]
    peer.peer = ("10.0.1.1", 1)
    connections.all.append(peer)
    connections.leave(peer)
    assert [row[0] for row in connections._left][-2:] == ["10.0.0.38", "10.0.1.1"]
    assert len(connections._left) == 16


# -- the last place -------------------------------------------------------------------------------


def young(name, host, **more):
    return Peer(name, age=10, idle=10, peer=(host, 1), **more)


def test_while_a_living_master_is_to_come_again_no_second_stranger_stays_in_the_last_place():
    first, last, left = young("first", "10.0.0.2"), young("last", "10.0.0.3"), master(peer=None)
    connections = house(master("m", peer=("10.0.0.1", 1)), first, last, left, limit=3)
    connections.leave(left)
    assert connections.make_room(NOW) is False
    assert connections.make_room(NOW, False, last) is True
    assert gone(connections) == ["last"]
    # Who has had its moment goes before the newcomer does.
    last.ended = False
    first.grace = NOW
    assert connections.make_room(NOW, False, last) is True
    assert gone(connections) == ["first"]
    # Without such a master both may speak.
    first.grace, first.ended = NOW + 1, False
    left.session.id = None
    assert connections.make_room(NOW, False, last) is False
    assert gone(connections) == []


def test_a_master_that_has_come_again_and_keeps_its_connection_is_not_waited_for():
    first, last = young("first", "10.0.0.2"), young("last", "10.0.0.3")
    left, again = master(peer=("10.0.0.1", 1)), master(peer=("10.0.0.1", 2))
    session = again.session = left.session
    connections = house(left, again, first, last, limit=3)
    connections.leave(left)
    assert connections.make_room(NOW, False, last) is True
    assert gone(connections) == ["last"]
    last.ended = False
    session.feed(10000, NOW)
    again.fed_at = session.last_at
    assert connections.make_room(NOW, False, last) is False
    assert gone(connections) == []
    # Its address stays known: it may need another connection.
    assert connections.known(Peer("more", peer=("10.0.0.1", 3)))


def test_a_stranger_in_the_last_place_is_served_when_all_others_never_give_way():
    last, left = young("last", "10.0.0.3"), master(peer=None)
    stream = Peer("s", endless=True, account=True)
    connections = house(left, master(peer=("10.0.0.1", 1)), stream, last, limit=3)
    connections.leave(left)
    assert connections.make_room(NOW, False, last) is False
    assert gone(connections) == []


def test_a_master_that_comes_again_does_not_wait_until_a_stranger_has_spoken():
    again = young("again", "10.0.0.1")
    for stranger, gives_way in ((young("x", "10.0.0.2"), True), (young("y", "10.0.0.1"), False)):
        left = master(peer=("10.0.0.1", 1))
        connections = house(left, master("m"), stranger, again, limit=3)
        connections.leave(left)
        assert connections.make_room(NOW) is False
        assert connections.make_room(NOW, False, again) is gives_way
        assert gone(connections) == [stranger.name] * gives_way
        left.session.id = None
        assert not connections.known(again)


def test_who_has_left_is_no_connection_any_more_and_dead_sessions_are_forgotten():
    assert GRACE_MS == 250
    dead, living = [master(name, peer=("10.0.0.%s" % name, 1)) for name in "12"]
    connections = house(dead, living, Peer("other"))
    connections.leave(dead)
    assert [peer.name for peer in connections.all] == ["2", "other"]
    dead.session.id = None
    connections.leave(living)
    assert [row[0] for row in connections._left] == ["10.0.0.2"]
    assert connections.known(Peer("x")) is False
    assert connections.known(Peer("x", peer=("10.0.0.9", 1))) is False


def test_whoever_has_had_its_last_word_gives_way_first():
    """Then the strangers of an address that has three, the longest idle first."""
    several = [Peer("a%d" % i, idle=5000 - i, peer=("10.0.0.2", i)) for i in range(3)]
    other = Peer("b", idle=9000, peer=("10.0.0.3", 1))
    connections = house(*several, other, Peer("last", idle=1, lingering=True))
    for expected in ("last", "a0", "b", "a1", "a2"):
        assert connections.make_room(NOW) is True
        assert gone(connections) == [expected]
        connections.all = [peer for peer in connections.all if not peer.ended]


def test_a_third_stranger_that_has_not_spoken_yet_takes_the_place_of_one_that_was_answered():
    """So do programs that open another connection for each request."""
    idle = [Peer("a%d" % i, idle=5000 - i, peer=("10.0.0.2", i)) for i in range(2)]
    silent = [Peer("n%d" % i, age=10, idle=10, peer=("10.0.0.2", 9 + i)) for i in range(3)]
    connections = house(*idle, *silent)
    for expected in ("a0", "a1", "n2"):
        assert connections.make_room(NOW) is True
        assert gone(connections) == [expected]
        connections.all = [peer for peer in connections.all if not peer.ended]
    assert connections.make_room(NOW) is False


def test_clients_of_one_address_are_no_strangers():
    logged_in = [Peer("c%d" % i, account=True, age=10, peer=("10.0.0.2", i)) for i in range(4)]
    assert house(*logged_in).make_room(NOW) is False  # all of them may speak first
    stranger = Peer("s", age=10, peer=("10.0.0.2", 9))
    assert house(*logged_in, stranger).make_room(NOW) is False  # the first stranger of it


def test_without_memory_streams_give_way_to_masters_alone():
    stream = Peer("stream", endless=True, stream=1, deadline=None)
    assert house(stream).newest(master()) is stream
    assert house(stream).newest(None) is None
    assert house(stream).newest(Peer("client", account=True)) is None
    assert house(stream, master("n")).newest(master()) is stream


def test_nobody_gives_way_to_itself():
    asker = Peer("a", rest=b"GET")
    assert house(asker).newest(asker, True) is None
    other = Peer("b", rest=b"GET")
    assert house(other, asker).newest(asker, True) is other


def test_who_is_logged_in_is_no_third_stranger_of_its_address():
    strangers = [Peer("s%d" % i, idle=1, peer=("10.0.0.2", i)) for i in range(2)]
    client = Peer("client", idle=9000, account=True, peer=("10.0.0.2", 9))
    connections = house(*strangers, client)
    assert connections.make_room(NOW) is True
    assert gone(connections) == ["s0"]
