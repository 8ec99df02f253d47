"""What a server must survive, and answer the others all the while."""

import asyncio
import contextlib
import gzip
import json
import logging
import socket
import threading

import grpc
import numpy as np
import pytest

from pipeline.serving.server import grpc_services, problem_log, rest_guard

X = {"x": np.float32([3.0])}
PREDICT = "/v1/models/toy:predict"
PREDICT_GRPC = "/tensorflow.serving.PredictionService/Predict"
HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
SHORT = {"deadline_s": 0.3, "idle_timeout_s": 0.3}


def connect(address):
    host, port = address.rsplit("://")[-1].rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=20)


def ends(connection):
    """Reads until the server closes the connection."""
    read = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(2**16):
            read += part
    return read


def answers(toy):
    """Whether both ports answer a good request, and rightly."""
    body = {"signature_name": "describe", "inputs": [3.0]}
    status, answer = toy.post(body)
    over_grpc = toy.predict(X, "describe").outputs["whole"].int64_val[:]
    return (status, answer["outputs"]["whole"], over_grpc) == (200, [3], [3])


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /v1/models/toy:predict HTTP/1.1\r\nHost: local",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    ],
)
def test_a_connection_that_never_ends_its_headers_is_closed(served, begun):
    toy = served(**SHORT)
    with connect(toy.server.rest_url) as connection:
        connection.sendall(begun)
        assert ends(connection) == b""
    assert answers(toy)


def drip(connection, eventually):
    """Sends a byte after the other until the server takes no more."""

    def is_refused():
        try:
            connection.sendall(b"x")
        except ConnectionError:
            return True
        return False

    eventually(is_refused)


def test_a_header_a_byte_does_not_keep_a_connection_open(served, eventually):
    toy = served(**SHORT)
    with connect(toy.server.rest_url) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        drip(connection, eventually)
    assert answers(toy)


def test_a_body_that_does_not_come_is_given_up(served):
    toy = served(**SHORT)
    with connect(toy.server.rest_url) as connection:
        head = (
            f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n"
        )
        connection.sendall(head.encode() + b'{"inputs')
        assert ends(connection).startswith(b"HTTP/1.1 408 ")
    assert answers(toy)


def test_an_answer_that_is_not_read_is_given_up(served, monkeypatch, eventually):
    class Endless:
        async def prepare(self, request):
            await asyncio.get_running_loop().create_future()

    sent = []
    send = rest_guard.RestGuard._send

    async def send_endlessly(guard, request, response):
        await send(guard, request, Endless() if request.path == PREDICT else response)
        sent.append(request.transport)

    monkeypatch.setattr(rest_guard.RestGuard, "_send", send_endlessly)
    toy = served(**SHORT)
    with pytest.raises(ConnectionError):
        toy.post({"signature_name": "describe", "inputs": [3.0]})
    assert toy.http("GET", "/healthz")[0] == 200
    eventually(lambda: len(sent) == 2)


def test_connections_beyond_the_limit_are_refused_and_those_there_stay(
    served, eventually
):
    toy = served(max_connections=2)
    first, second = connect(toy.server.rest_url), connect(toy.server.rest_url)
    assert toy.http("GET", "/healthz")[0] == 503
    first.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert first.recv(2**16).startswith(b"HTTP/1.1 200 ")
    for connection in (first, second):
        connection.close()
    eventually(lambda: toy.http("GET", "/healthz")[0] == 200)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS to a plain port.
        b"GET\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"POST /v1/models/toy:predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/models/toy:predict HTTP/1.1\r\nContent-Length: 1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
        HTTP2 + EMPTY_SETTINGS,
    ],
)
def test_what_is_no_http_is_refused_and_ends_its_connection(toy, request_bytes):
    with connect(toy.server.rest_url) as connection:
        connection.sendall(request_bytes)
        connection.shutdown(socket.SHUT_WR)
        assert not ends(connection).startswith(b"HTTP/1.1 200 ")
    assert answers(toy)


SECRET = "what-the-client-sent"
HEAD = f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\nX-Sent: {SECRET}\r\n".encode()


@pytest.mark.parametrize(
    "request_bytes",
    [
        f"GET /{SECRET} HTTP/9.9\r\n\r\n".encode(),
        HEAD + f"Authorization: Bearer {SECRET}\x01\r\n\r\n".encode(),
        HEAD + f"Content-Length: {SECRET}\r\n\r\n".encode(),
        HEAD + f"Transfer-Encoding: chunked\r\n\r\n{SECRET}\r\n".encode(),
        HEAD + f"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n{SECRET}".encode(),
        HEAD + f"Content-Encoding: br\r\nContent-Length: 20\r\n\r\n{SECRET}".encode(),
    ],
    ids=["version", "header", "length", "chunk", "gzip", "br"],
)
def test_what_cannot_be_read_is_refused_as_json_and_logged_without_what_was_sent(
    toy, caplog, request_bytes
):
    with connect(toy.server.rest_url) as connection:
        connection.sendall(request_bytes)
        head, body = ends(connection).split(b"\r\n\r\n", 1)
    assert head.split(b" ")[1] == b"400"
    assert list(json.loads(body)) == ["error"]
    (record,) = caplog.records
    assert f"X-Request-Id: {record.fields['request_id']}" in head.decode()
    assert record.name == "pipeline.serving.server.problem_log"
    assert (record.levelname, record.fields["code"]) == ("WARNING", "INVALID_ARGUMENT")
    written = logging.Formatter().format(record) + str(record.fields)
    assert SECRET not in written


def test_a_bug_is_answered_as_json_and_logged_with_its_place_alone(
    toy, caplog, monkeypatch
):
    async def fail(*_):
        raise KeyError(SECRET)

    monkeypatch.setattr(rest_guard.RestGuard, "_answer", fail)
    status, body = toy.http("GET", "/healthz")
    assert (status, list(json.loads(body))) == (500, ["error"])
    (record,) = caplog.records
    assert (record.levelname, record.fields["error"]) == ("ERROR", "KeyError")
    assert "test_hostile_requests.py" in record.fields["where"][-1]
    assert SECRET not in logging.Formatter().format(record) + str(record.fields)


def test_a_bug_in_a_call_of_grpc_is_logged_with_its_place_alone(
    toy, capsys, monkeypatch
):
    async def fail(*_):
        raise KeyError(SECRET)

    for name in ("pipeline.serving.server", "grpc"):  # As they are left afterwards.
        logger = logging.getLogger(name)
        monkeypatch.setattr(logger, "handlers", logger.handlers)
        monkeypatch.setattr(logger, "propagate", logger.propagate)
        monkeypatch.setattr(logger, "level", logger.level)
    problem_log.write_json_lines()
    monkeypatch.setattr(grpc_services.GuardCalls, "_answered", fail)
    with pytest.raises(grpc.RpcError) as refused:
        toy.predict(X, "describe")
    assert refused.value.code() is grpc.StatusCode.UNKNOWN
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert (line["level"], line["error"]) == ("error", "KeyError")
    assert "test_hostile_requests.py" in line["where"][-1]
    assert SECRET not in json.dumps(line)


def test_what_no_request_catches_is_logged_with_its_place_alone(
    toy, caplog, eventually
):
    def fail():
        raise KeyError(SECRET)

    toy.server._loop.call_soon_threadsafe(fail)
    eventually(lambda: caplog.records)
    (record,) = caplog.records
    assert (record.levelname, record.fields["error"]) == ("ERROR", "KeyError")
    assert SECRET not in logging.Formatter().format(record) + str(record.fields)


def test_a_small_body_cannot_become_a_large_one(toy):
    body = gzip.compress(b" " * (64 * 2**20))
    assert len(body) < 2**17
    status, _ = toy.http("POST", PREDICT, body, {"Content-Encoding": "gzip"})
    assert status == 413
    request = toy.request({"x": np.zeros(2**24, np.float32)}, "describe")
    with pytest.raises(grpc.RpcError) as refused:
        toy.prediction.Predict(request, 20, compression=grpc.Compression.Gzip)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert answers(toy)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        bytes(range(256)) * 16,
        HTTP2,  # And then nothing: half open.
        HTTP2 + b"\xff" * 64,
        HTTP2 + EMPTY_SETTINGS + b"\xff\xff\xff\0\0\0\0\0\1" + b"x" * 100,
        HTTP2 + EMPTY_SETTINGS + b"\0\0\4\1\4\0\0\0\1\xff\xff\xff\xff",
        HTTP2 + EMPTY_SETTINGS + b"\0\0\4\x08\0\0\0\0\0\0\0\0\0",
        HTTP2 + EMPTY_SETTINGS + b"\0\0\0\x09\0\0\0\0\1" * 50,
    ],
)
def test_malformed_http2_harms_no_other(toy, data):
    with connect(toy.server.grpc_address) as connection:
        connection.sendall(data)
        assert answers(toy)  # While it is still open.


def test_half_open_connections_of_grpc_are_closed(served):
    toy = served(**SHORT)
    with connect(toy.server.grpc_address) as connection:
        connection.sendall(HTTP2)
        ends(connection)  # Returns, as the server closes it.
    assert answers(toy)


def test_a_call_whose_message_does_not_come_is_given_up(served):
    toy = served(deadline_s=0.3)
    ended = threading.Event()

    def never():
        ended.wait(20.0)
        yield b""

    call = toy.channel.stream_unary(PREDICT_GRPC).future(never())
    code = call.code()
    ended.set()
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "must come within 0.3 s" in call.details()
    assert answers(toy)


def test_a_call_without_a_message_is_refused(toy):
    call = toy.channel.stream_unary(PREDICT_GRPC)
    with pytest.raises(grpc.RpcError) as refused:
        call(iter(()))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_large_metadata_is_refused(toy):
    with pytest.raises(grpc.RpcError) as refused:
        toy.prediction.Predict(
            toy.request(X, "describe"), 20, metadata=(("large", "x" * 100_000),)
        )
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert answers(toy)
