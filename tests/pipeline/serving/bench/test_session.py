"""A whole bench against a server of this process."""

import pytest

from pipeline.serving.bench import session
from pipeline.serving.bench.grid import Cell
from pipeline.serving.bench.options import BenchOptions, Sizes
from pipeline.serving.bench.session import Session
from pipeline.serving.client import Client
from pipeline.serving.rest_client import RestClient
from transforms.schema import DataError


@pytest.fixture
def options(version_dir, tmp_path):
    def make(**changes):
        values = {
            "version_dir": version_dir,
            "sizes": Sizes((2,), (3,), (1, 2), seconds=0.05),
            "transports": ("rest",),
            "targets": {},
            "output": tmp_path,
            "soak_minutes": 0.0,
            "reload": False,
            "fuzz": 0,
            "seed": 0,
        }
        return BenchOptions(**(values | changes))

    return make


def test_the_grid_is_measured_where_nothing_else_is_asked_for(
    options, start_rest_server
):
    bench = Session(options(), start_rest_server).run()
    assert [row.cell for row in bench.grid] == [
        Cell("rank", 2, 3, 1),
        Cell("rank", 2, 3, 2),
    ]
    assert {row.transport for row in bench.grid} == {"rest"}
    assert all(row.calls.requests > 0 for row in bench.grid)
    assert bench.missing == ["encode", "recommend", "score"]
    assert bench.about["model"] == "cmml"
    assert (bench.soak, bench.reload, bench.fuzz) == (None, None, None)


def test_what_is_asked_for_is_measured_without_the_grid(options, start_rest_server):
    asked = options(soak_minutes=0.1 / 60, reload=True, fuzz=2)
    bench = Session(asked, start_rest_server).run()
    assert bench.grid == []
    assert bench.soak.errors == bench.reload.errors == 0
    assert bench.soak.minutes[0].memory_mb == 100.0
    assert bench.fuzz.requests == 2 * 2  # Malformed requests, and raw bytes.
    assert bench.fuzz.memory_mb == [100.0] * 2
    assert bench.is_sound


def test_the_version_that_is_named_is_served(options, start_rest_server):
    asked = []

    def start(*arguments):
        asked.append(arguments)
        return start_rest_server(*arguments)

    Session(options(), start).run()
    assert [version for _, _, version in asked] == [7]


def test_a_server_that_is_given_is_asked_and_none_started(
    options, start_rest_server, version_dir
):
    def refuse(*arguments):
        raise AssertionError("a server was started")

    with start_rest_server("cmml", version_dir.parent) as server:
        asked = options(targets=server.addresses, soak_minutes=0.05 / 60)
        bench = Session(asked, refuse).run()
    assert server.http.answered > 0
    assert bench.soak.is_flat is None
    assert bench.about["server"] == server.addresses["rest"]


@pytest.mark.parametrize("transport", ["grpc", "rest"])
@pytest.mark.parametrize("asked", [{}, {"fuzz": 1}, {"soak_minutes": 0.01}])
def test_a_target_that_does_not_answer_is_named(options, monkeypatch, transport, asked):
    def open_caller(transport, version_dir, model_name, address):
        kind = Client if transport == "grpc" else RestClient
        return kind(address, model_name, timeout_s=0.1)

    monkeypatch.setattr(session, "open_caller", open_caller)
    target = {transport: "127.0.0.1:1"}
    bench = options(transports=(transport,), targets=target, **asked)
    with pytest.raises(DataError, match=r"^127\.0\.0\.1:1 answers UNAVAILABLE: "):
        Session(bench).run()
