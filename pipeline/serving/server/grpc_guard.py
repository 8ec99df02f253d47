"""What every call of gRPC passes: token, time to arrive, parsing, and errors."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import NoReturn, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message

from pipeline.serving.server import problem_log
from pipeline.serving.server.access import Token
from pipeline.serving.server.request_error import (
    RequestError,
    invalid,
    shorten,
    unauthenticated,
)

_Context: TypeAlias = "grpc.aio.ServicerContext"
_Metadata: TypeAlias = Iterable[tuple[str, str | bytes]] | None
_Refusal: TypeAlias = tuple[grpc.StatusCode, str, tuple[tuple[str, str], ...]]
_Answer: TypeAlias = Callable[[AsyncIterator[bytes], _Context], Awaitable[Message]]

# Whoever watches over the process has no token; the answer tells nothing else.
_OPEN_TO_ALL = "/grpc.health.v1.Health/Check"


class GuardCalls(grpc.aio.ServerInterceptor):
    """Gives every call its id, its limits and its errors.

    A message that cannot be parsed is INVALID_ARGUMENT; left to itself gRPC calls it an
    error of the server and writes a traceback. Unary calls are taken as streams of one
    message, as which they come, so that the wait for a slow client can end.

    Args:
        token: What callers must have.
        deadline_s: Most seconds for the message of a call to come.
    """

    def __init__(self, token: Token, deadline_s: float) -> None:
        self._token = token
        self._deadline_s = deadline_s
        self._handlers: dict[str, grpc.RpcMethodHandler] = {}

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """Returns the handler of a method, guarded."""
        method = handler_call_details.method
        authorization = _value(
            handler_call_details.invocation_metadata, "authorization"
        )
        if method != _OPEN_TO_ALL and not self._token.admits(authorization):
            return grpc.stream_unary_rpc_method_handler(_refuse)
        if method in self._handlers:
            return self._handlers[method]
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler  # Unknown to us, or a stream of health updates.
        self._handlers[method] = grpc.stream_unary_rpc_method_handler(
            self._guarded(method, handler),
            response_serializer=handler.response_serializer,
        )
        return self._handlers[method]

    def _guarded(self, method: str, handler: grpc.RpcMethodHandler) -> _Answer:
        async def answer(messages: AsyncIterator[bytes], context: _Context) -> Message:
            try:
                return await self._answered(messages, handler, context)
            except RequestError as error:
                refusal = _reported(error, method, context)
            # gRPC keeps what this raises, with this frame, until garbage is collected.
            # Nothing here has the request by now.
            raise await context.abort(*refusal)

        return answer

    async def _answered(
        self,
        messages: AsyncIterator[bytes],
        handler: grpc.RpcMethodHandler,
        context: _Context,
    ) -> Message:
        body = await self._message(messages)
        answer: Message = await handler.unary_unary(_parsed(body, handler), context)
        return answer

    async def _message(self, messages: AsyncIterator[bytes]) -> bytes:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await anext(aiter(messages))
        except StopAsyncIteration:
            raise invalid("a call must have a message, it has none.") from None
        except TimeoutError:
            raise RequestError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"the message must come within {self._deadline_s:g} s, it has not.",
            ) from None


def _parsed(body: bytes, handler: grpc.RpcMethodHandler) -> Message:
    try:
        return handler.request_deserializer(body)
    except DecodeError as error:
        raise invalid(f"{error}.") from None


async def _refuse(messages: AsyncIterator[bytes], context: _Context) -> NoReturn:
    """Answers a call without the token, before its message is read."""
    raise await context.abort(*_reported(unauthenticated(), "", context))


def _reported(error: RequestError, method: str, context: _Context) -> _Refusal:
    """Writes of a call that is not answered; returns what its sender is told."""
    given = _value(context.invocation_metadata(), problem_log.REQUEST_ID.lower())
    request = problem_log.request_id(given)
    problem_log.report(error, entrypoint="GRPC", method=method, request=request)
    named = ((problem_log.REQUEST_ID.lower(), request),)
    return error.code, shorten(error.message), named


def _value(metadata: _Metadata, name: str) -> str:
    """Returns the value of a header; "" unless there is just one, of text."""
    values = [value for key, value in metadata or () if key == name]
    return values[0] if len(values) == 1 and isinstance(values[0], str) else ""
