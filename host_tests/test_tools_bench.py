"""The benchmark's servers start, and answer the heartbeats that it counts."""

import bench
import interpreters
import pytest


@pytest.mark.parametrize("name", list(bench.SERVERS))
def test_a_server_answers_heartbeats(name, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "BUILD", tmp_path)
    bench.build(name)
    micropython = [interpreters.micropython()]
    with bench.Server(name, micropython) as server, bench.Client(server.port) as client:
        client.meet()
        client.beat()
        client.beat()
