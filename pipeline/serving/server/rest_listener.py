"""The port of REST: so many connections, each for so long."""

import asyncio
import http
import ssl
import time
from typing import Any

import aiohttp.web

from pipeline.serving.server import problem_log
from pipeline.serving.server.request_error import from_http_status
from pipeline.serving.server.rest_guard import refuse

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Content-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n\r\n"
)
_HANDSHAKE_S = 10.0
_LINGER_S = 1.0  # How long the rest of a refused request is read, for its sender.


class RestListener:
    """Accepts connections, and answers 503 to those that are too many.

    Args:
        runner: Of the application, set up.
        max_connections: Most that may be open.
        idle_timeout_s: One on which no request has come for so long is closed.
    """

    def __init__(
        self,
        runner: aiohttp.web.AppRunner,
        *,
        max_connections: int,
        idle_timeout_s: float,
    ) -> None:
        self._runner = runner
        self._max_connections = max_connections
        self._idle_timeout_s = idle_timeout_s
        self._server: asyncio.Server | None = None
        # Connections accepted, and until when each may take to come about.
        self._coming: dict[_Connection, float] = {}

    async def listen(
        self, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> int:
        """Opens the port.

        Args:
            host: Address.
            port: 0 for a free one.
            tls: None for plain text.

        Returns:
            The port.

        Raises:
            OSError: If it is taken or not allowed.
        """
        self._server = await asyncio.get_running_loop().create_server(
            self._accept,
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=_HANDSHAKE_S if tls else None,
        )
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Accepts no more; the connections there are stay."""
        if self._server is not None:
            self._server.close()

    def _accept(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        assert server is not None
        now = time.monotonic()
        for handler in [h for h, until in self._coming.items() if until < now]:
            del self._coming[handler]
        # Several can be accepted before the first of them is among the connections.
        if len(server.connections) + len(self._coming) >= self._max_connections:
            return _Refuse()
        handler = _Connection(server, self._coming, self._idle_timeout_s)
        self._coming[handler] = now + _HANDSHAKE_S
        return handler


class _Connection(aiohttp.web.RequestHandler):
    """Answers the requests of one connection.

    Args:
        manager: Of all connections.
        coming: Those that are not connected yet; this one leaves it when it is.
        idle_timeout_s: How long it may be silent.
    """

    __slots__ = ("_coming",)

    def __init__(
        self,
        manager: aiohttp.web.Server,
        coming: "dict[_Connection, float]",
        idle_timeout_s: float,
    ) -> None:
        super().__init__(
            manager,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # As AppRunner passes it on.
            keepalive_timeout=idle_timeout_s,
            lingering_time=_LINGER_S,
        )
        self._coming = coming

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._coming.pop(self, None)
        super().connection_made(transport)

    def handle_error(
        self,
        request: aiohttp.web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> aiohttp.web.StreamResponse:
        """Answers what cannot be read as HTTP, and a bug, as any other refusal.

        aiohttp itself would log the exception, whose words repeat what was sent.

        Raises:
            ConnectionError: If an answer has been begun, as aiohttp wants it.
        """
        error = from_http_status(status, _reason(status, message))
        error.__cause__ = exc
        request_id = problem_log.request_id(None)
        response = refuse(error, method=request.method, request_id=request_id)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has been begun.")
        response.force_close()
        return response

    def log_exception(self, *_: Any, exc_info: BaseException, **__: Any) -> None:
        """Writes of what went wrong after the answer, but for a body that is broken."""
        if isinstance(exc_info, aiohttp.web.RequestPayloadError):
            return  # The request has been answered; its connection is closed.
        problem_log.report_failure(exc_info)


def _reason(status: int, message: str | None) -> str:
    """Says why, without the lines that point to a place in what was sent."""
    lines = (message or http.HTTPStatus(status).phrase).splitlines()
    return f"the request cannot be answered: {lines[0].rstrip(':.')}."


class _Refuse(asyncio.Protocol):
    """Answers once, and ends the connection when the client has read it, or soon."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(_BUSY)
        # To close at once, with what the client sends unread, would lose the answer.
        asyncio.get_running_loop().call_later(_LINGER_S, transport.close)
