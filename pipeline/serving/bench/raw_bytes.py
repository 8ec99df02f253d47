"""Bytes that are no request of their protocol, sent as they are."""

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping

from pipeline.serving.bench.malformed import Generator

_WAIT_S = 0.05  # For an answer; what is half open is left so, and closed.
_TIMEOUT_S = 20.0
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
_HEAD = b"POST /v1/models/cmml:predict HTTP/1.1\r\nHost: localhost\r\n"

Make = Callable[[Generator], bytes]


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
