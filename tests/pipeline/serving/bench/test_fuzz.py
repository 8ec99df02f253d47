"""Malformed requests against servers of this process that refuse or break."""

import pytest

from pipeline.serving.bench.fuzz import WRONG_HTTP, WRONG_HTTP2, fuzz
from pipeline.serving.bench.malformed import WRONG_BODIES, WRONG_INPUTS, WRONG_MESSAGES
from pipeline.serving.bench.workload import Workload
from pipeline.serving.client import Client
from pipeline.serving.rest_client import RestClient

GRPC_KINDS = len(WRONG_INPUTS) + len(WRONG_MESSAGES)
REST_KINDS = len(WRONG_INPUTS) + len(WRONG_BODIES) + 4


@pytest.fixture
def clients(version_dir, start_rest_server, grpc_address, signatures, monkeypatch):
    with (
        start_rest_server("cmml", version_dir.parent) as server,
        RestClient(server.addresses["rest"], "cmml") as rest,
        Client(grpc_address, "cmml") as grpc,
    ):
        monkeypatch.setattr(grpc, "signatures", lambda: signatures)
        yield {"grpc": grpc, "rest": rest}


@pytest.fixture
def workload(version_dir, caller):
    return Workload(version_dir, caller, 0)


def test_every_kind_is_sent_over_its_transports_and_the_server_unharmed(
    clients, workload
):
    count = max(GRPC_KINDS, REST_KINDS)
    result = fuzz(count, 0, workload, clients)
    assert result.requests == 2 * count
    assert result.is_unharmed
    kinds = {
        transport: {a.kind for a in result.answers if a.transport == transport}
        for transport in clients
    }
    assert len(kinds["grpc"]) == GRPC_KINDS
    assert len(kinds["rest"]) == REST_KINDS
    codes = {(a.transport, a.kind): a.code for a in result.answers}
    assert codes["grpc", "an input missing"] == "INVALID_ARGUMENT"
    assert codes["grpc", "an id of 10 kB"] == "INVALID_ARGUMENT"
    assert codes["rest", "cut off"] == "HTTP 400"
    assert codes["rest", "label NaN"] == "HTTP 200"


def test_as_many_are_sent_as_asked_for(clients, workload):
    assert fuzz(3, 0, workload, clients).requests == 6


def test_good_requests_are_sent_in_between(clients, workload, monkeypatch):
    monkeypatch.setattr("pipeline.serving.bench.fuzz._CHECK_EVERY", 2)
    memory = iter(range(100))
    result = fuzz(5, 0, workload, clients, memory_mb=lambda: float(next(memory)))
    # After the 2nd, the 4th and the last, of two transports, over both.
    assert (result.good_requests, result.wrong_answers) == (3 * 2 * 2, 0)
    assert result.memory_mb == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("transport", "wrong"), [("grpc", WRONG_HTTP2), ("rest", WRONG_HTTP)]
)
def test_bytes_that_are_no_http_are_sent_to_both_ports(
    clients, workload, grpc_address, transport, wrong
):
    rest = clients["rest"]
    addresses = {"grpc": grpc_address, "rest": rest._url.netloc}
    result = fuzz(
        len(wrong),
        0,
        workload,
        {"rest": rest},
        addresses={transport: addresses[transport]},
    )
    raw = [a for a in result.answers if a.transport == f"{transport}, raw"]
    assert {a.kind for a in raw} == set(wrong)
    answered = {a.kind for a in raw if a.code.endswith("200 OK")}
    assert answered <= {"noise after a request"}  # The request before it is none.
    assert result.is_unharmed


def test_a_server_that_answers_otherwise_afterwards_is_harmed(
    clients, workload, monkeypatch
):
    answers = iter([{"score": [[1.0]]}, {"score": [[2.0]]}])
    rest = clients["rest"]
    monkeypatch.setattr(rest, "predict", lambda signature, inputs: next(answers))
    assert not fuzz(1, 0, workload, {"rest": rest}).is_unharmed


def test_a_server_that_no_longer_answers_is_harmed(
    clients, workload, monkeypatch, serving_error
):
    answers = iter([True, False])

    def predict(signature, inputs):
        if next(answers):
            return {"score": [[1.0]]}
        raise serving_error("UNAVAILABLE", "gone")

    rest = clients["rest"]
    monkeypatch.setattr(rest, "predict", predict)
    assert not fuzz(1, 0, workload, {"rest": rest}).is_unharmed
