"""Malformed requests over both transports: is the server unharmed by them?"""

import collections
import contextlib
import dataclasses
import itertools
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import grpc
import numpy as np

from pipeline.serving.bench.malformed import (
    WRONG_BODIES,
    WRONG_INPUTS,
    WRONG_MESSAGES,
    Generator,
    message,
)
from pipeline.serving.bench.options import GRPC
from pipeline.serving.bench.workload import Workload
from pipeline.serving.client import Client
from pipeline.serving.rest_client import Columns, RestClient, ServingError

_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_TIMEOUT_S = 20.0
_SUPPORT = 5
_CANDIDATES = 10
_TOLERANCE = 1e-5
_CHECK_EVERY = 250  # Malformed requests.

_WAIT_S = 0.05  # For an answer; what is half open is left so, and closed.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
_HEAD = b"POST /v1/models/cmml:predict HTTP/1.1\r\nHost: localhost\r\n"

Make = Callable[[Generator], bytes]


@dataclasses.dataclass(frozen=True)
class Answers:
    """How often a kind of malformed request was answered with a code."""

    transport: str
    kind: str
    code: str
    count: int


@dataclasses.dataclass(frozen=True)
class Fuzz:
    """What malformed requests came to.

    Attributes:
        requests: How many were sent.
        answers: By transport, kind and code.
        good_requests: Good requests sent in between.
        wrong_answers: Those of them that were answered otherwise than at first.
        memory_mb: Resident memory of the server, in MB, at each of them; empty if the
            server is another's.
    """

    requests: int
    answers: list[Answers]
    good_requests: int
    wrong_answers: int
    memory_mb: list[float] = dataclasses.field(default_factory=list)

    @property
    def is_unharmed(self) -> bool:
        """Whether good requests were always answered as at first."""
        return not self.wrong_answers


def fuzz(
    count: int,
    seed: int,
    workload: Workload,
    clients: Mapping[str, Any],
    *,
    addresses: Mapping[str, str] | None = None,
    memory_mb: Callable[[], float] | None = None,
) -> Fuzz:
    """Sends malformed requests, and a good one before, in between and after.

    Args:
        count: How many over each transport; kinds take turns.
        seed: Of what is changed in each.
        workload: Makes the good request.
        clients: Of the server by transport: "grpc" a `Client`, "rest" a `RestClient`,
            or one of them alone.
        addresses: Of the server by transport, to which as many are sent again that are
            no HTTP; none for none.
        memory_mb: Measures the server.
    """
    rng = np.random.default_rng(seed)
    good = workload.inputs("rank", rng, _SUPPORT, _CANDIDATES)
    before = _scores(clients, good)
    streams = {
        transport: (_grpc_codes if transport == GRPC else _rest_codes)(
            client, good, rng
        )
        for transport, client in clients.items()
    }
    for transport, address in (addresses or {}).items():
        wrong = WRONG_HTTP2 if transport == GRPC else WRONG_HTTP
        streams[f"{transport}, raw"] = raw_codes(address, wrong, rng)
    codes: collections.Counter[tuple[str, str, str]] = collections.Counter()
    checks: list[bool] = []
    memory: list[float] = []
    for transport, endless in streams.items():
        for number, (kind, code) in enumerate(itertools.islice(endless, count), 1):
            codes[transport, kind, code] += 1
            if number % _CHECK_EVERY == 0 or number == count:
                checks.append(_agree(before, _scores(clients, good)))
                memory += [memory_mb()] if memory_mb else []
    return Fuzz(
        requests=codes.total(),
        answers=[Answers(*key, count) for key, count in sorted(codes.items())],
        good_requests=len(checks) * len(clients),
        wrong_answers=checks.count(False),
        memory_mb=memory,
    )


def _agree(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return all(
        score is not None and np.allclose(score, before[name], atol=_TOLERANCE)
        for name, score in after.items()
    )


def _grpc_codes(
    client: Client, good: Columns, rng: Generator
) -> Iterator[tuple[str, str]]:
    """Yields kind and code of one malformed message after the other, without end."""
    call = client.channel.unary_unary(
        _PREDICT, request_serializer=bytes, response_deserializer=bytes
    )

    def sent(data: bytes) -> str:
        try:
            call(data, timeout=_TIMEOUT_S)
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    name = client.model_name
    whole = client.request("rank", good).SerializeToString()
    while True:
        for kind, change in WRONG_INPUTS.items():
            wrong = message(name, change(good, rng)).SerializeToString()
            yield kind, sent(wrong)
        for kind, change_bytes in WRONG_MESSAGES.items():
            yield kind, sent(change_bytes(whole, rng))


def _rest_codes(
    client: RestClient, good: Columns, rng: Generator
) -> Iterator[tuple[str, str]]:
    """Yields kind and code of one malformed body after the other, without end."""

    def sent(method: str, path: str, body: bytes | None) -> str:
        try:
            status, _ = client.exchange(method, path, body, _TIMEOUT_S)
        except ServingError as error:
            return error.code
        return f"HTTP {status}"

    predict = f"{client.path}:predict"
    whole = client.request("rank", good)
    paths: dict[str, Callable[[], str]] = {
        "predict by GET": lambda: sent("GET", predict, None),
        "an unknown model": lambda: sent("POST", "/v1/models/nope:predict", whole),
        "an unknown verb": lambda: sent("POST", f"{client.path}:guess", whole),
        "an unknown path": lambda: sent("POST", "/../../etc", whole),
    }
    while True:
        for kind, change in WRONG_INPUTS.items():
            body = {"signature_name": "rank", "inputs": change(good, rng)}
            yield kind, sent("POST", predict, json.dumps(body).encode())
        for kind, change_bytes in WRONG_BODIES.items():
            yield kind, sent("POST", predict, change_bytes(whole, rng))
        for kind, send in paths.items():
            yield kind, send()


def _scores(clients: Mapping[str, Any], good: Columns) -> dict[str, Any]:
    """Returns the scores of the good request by transport; None if not answered."""
    scores = {}
    for name, client in clients.items():
        try:
            scores[name] = client.predict("rank", good)["score"]
        except ServingError:
            scores[name] = None
    return scores


def _noise(rng: Generator, most: int = 2048) -> bytes:
    return rng.bytes(int(rng.integers(1, most)))


def _frame(rng: Generator) -> bytes:
    """A frame of HTTP/2 of any type, flags and stream, as long as it says."""
    body = _noise(rng, 200)
    head = len(body).to_bytes(3, "big") + rng.bytes(2)
    return head + bytes([int(rng.integers(128))]) + rng.bytes(3) + body


# Sent to the port of REST.
WRONG_HTTP: dict[str, Make] = {
    "random bytes": _noise,
    "headers without an end": lambda rng: _HEAD + b"X: " + rng.bytes(8).hex().encode(),
    "large headers": lambda rng: _HEAD + b"X: " + b"x" * 70_000 + b"\r\n\r\n",
    "many headers": lambda rng: _HEAD + b"X: y\r\n" * 1000 + b"\r\n",
    "a body that does not come": lambda rng: _HEAD + b"Content-Length: 999\r\n\r\n{",
    "a negative length": lambda rng: _HEAD + b"Content-Length: -1\r\n\r\n",
    "two lengths": lambda rng: (
        _HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"
    ),
    "bad chunks": lambda rng: _HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab",
    "noise after a request": lambda rng: b"GET /healthz HTTP/1.1\r\n\r\n" + _noise(rng),
    "HTTP/2": lambda rng: _PREFACE + _SETTINGS,
}

# Sent to the port of gRPC.
WRONG_HTTP2: dict[str, Make] = {
    "random bytes": _noise,
    "HTTP/1.1": lambda rng: _HEAD + b"\r\n",
    "half open": lambda rng: _PREFACE,
    "a preface and noise": lambda rng: _PREFACE + _noise(rng),
    "frames of any kind": lambda rng: (
        _PREFACE + _SETTINGS + b"".join(_frame(rng) for _ in range(8))
    ),
    "headers that are no HPACK": lambda rng: (
        _PREFACE + _SETTINGS + b"\0\0\x20\1\4\0\0\0\1" + rng.bytes(32)
    ),
    "a frame that is too long": lambda rng: (
        _PREFACE + _SETTINGS + b"\xff\xff\xff\0\0\0\0\0\1" + _noise(rng)
    ),
    "pings": lambda rng: (
        _PREFACE + _SETTINGS + (b"\0\0\x08\6\0\0\0\0\0" + b"p" * 8) * 99
    ),
    "settings": lambda rng: _PREFACE + _SETTINGS * 99,
}


def raw_codes(
    address: str, wrong: Mapping[str, Make], rng: Generator
) -> Iterator[tuple[str, str]]:
    """Yields kind and answer of one after the other, without end.

    Args:
        address: "host:port", perhaps with a scheme.
        wrong: What is sent, by kind.
        rng: Of what is sent.

    Yields:
        The kind, and the first line of an answer in HTTP, "answered" if it is another,
        "closed" if the server ended the connection, "waits" if it did neither at once.
    """
    host, port = address.rsplit("//")[-1].rstrip("/").rsplit(":", 1)
    while True:
        for kind, make in wrong.items():
            yield kind, _sent(host.strip("[]"), int(port), make(rng))


def _sent(host: str, port: int, data: bytes) -> str:
    with socket.create_connection((host, port), timeout=_TIMEOUT_S) as connection:
        try:
            with contextlib.suppress(BrokenPipeError):
                connection.sendall(data)
            connection.settimeout(_WAIT_S)
            answer = connection.recv(2**12)
        except TimeoutError:
            return "waits"
        except ConnectionError:
            return "closed"
    if answer.startswith(b"HTTP/1"):
        return answer.split(b"\r\n", 1)[0].decode(errors="replace")
    return "answered" if answer else "closed"
