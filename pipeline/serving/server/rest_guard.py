"""What every request of REST passes: id, host, token, errors, and time to be sent."""

import asyncio
import logging

import aiohttp.web
import grpc
import yarl

from pipeline.serving.server import json_outputs, problem_log
from pipeline.serving.server.access import Token
from pipeline.serving.server.options import LOOPBACK, ServerOptions
from pipeline.serving.server.request_error import (
    RequestError,
    from_http_status,
    shorten,
    unauthenticated,
)

logger = logging.getLogger(__name__)

# Whoever watches over the process has no token; the answers tell nothing else.
_OPEN_TO_ALL = ("/healthz", "/readyz")


class RestGuard:
    """The middleware around all routes.

    Attributes:
        is_draining: Whether the server ends: an answer is the last of its connection.
    """

    def __init__(self, options: ServerOptions) -> None:
        self.is_draining = False
        self._token: Token = options.token
        self._is_loopback = options.is_loopback
        self._send_s = options.deadline_s

    def middleware(self) -> aiohttp.typedefs.Middleware:
        """Returns it in the form that aiohttp takes."""

        @aiohttp.web.middleware
        async def guard(
            request: aiohttp.web.Request, handler: aiohttp.typedefs.Handler
        ) -> aiohttp.web.StreamResponse:
            request_id = problem_log.request_id(
                request.headers.get(problem_log.REQUEST_ID)
            )
            try:
                response = await self._answer(request, handler)
            except RequestError as error:
                method = f"{request.method} {_route(request)}".rstrip()
                response = refuse(error, method=method, request_id=request_id)
            response.headers[problem_log.REQUEST_ID] = request_id
            if self.is_draining:
                response.force_close()
            await self._send(request, response)
            return response

        return guard

    async def _answer(
        self, request: aiohttp.web.Request, handler: aiohttp.typedefs.Handler
    ) -> aiohttp.web.StreamResponse:
        """Has a request answered, or says why not.

        Raises:
            RequestError: Whatever the reason.
        """
        if self._is_loopback:
            _refuse_foreign_host(request)
        if request.path not in _OPEN_TO_ALL:
            given = request.headers.getall("Authorization", [])
            if not self._token.admits(given[0] if len(given) == 1 else ""):
                raise unauthenticated()
        try:
            return await handler(request)
        except aiohttp.web.HTTPError as error:
            raise from_http_status(error.status, error.text or error.reason) from None

    async def _send(
        self, request: aiohttp.web.Request, response: aiohttp.web.StreamResponse
    ) -> None:
        """Sends an answer; ends the connection of a client that does not read it."""
        transport = request.transport
        if transport is None:
            return  # The client has gone.
        # Until all is with the system, and not in buffers of this process.
        transport.set_write_buffer_limits(high=0)
        try:
            async with asyncio.timeout(self._send_s):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            transport.abort()


def refuse(
    error: RequestError, *, method: str, request_id: str
) -> aiohttp.web.Response:
    """Writes of a request that is not answered; returns what its sender is told.

    Args:
        error: Why it is not.
        method: Its method and its route.
        request_id: Its id.
    """
    problem_log.report(error, entrypoint="REST", method=method, request=request_id)
    headers = {problem_log.REQUEST_ID: request_id}
    if error.code is grpc.StatusCode.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return aiohttp.web.Response(
        text=json_outputs.error(shorten(error.message)),
        status=error.http_status,
        content_type="application/json",
        headers=headers,
    )


def _refuse_foreign_host(request: aiohttp.web.Request) -> None:
    """Refuses requests to another name than that of this machine.

    A page from elsewhere can have its own name resolved to this machine, and would then
    be allowed to read the answers.
    """
    host = request.headers.get("Host", LOOPBACK[0])
    try:
        name = yarl.URL(f"http://{host}").host
    except ValueError:
        name = None
    if name not in LOOPBACK:
        raise RequestError(
            grpc.StatusCode.PERMISSION_DENIED,
            f"Host must be one of {LOOPBACK}, got {host!r}.",
        )


def _route(request: aiohttp.web.Request) -> str:
    """Returns the pattern that a request matches, and not what it fills in."""
    resource = request.match_info.route.resource
    return "" if resource is None else resource.canonical
