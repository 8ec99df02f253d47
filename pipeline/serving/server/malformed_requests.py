"""Requests of gRPC that are no message of their type."""

from collections.abc import Awaitable, Callable

import grpc
from google.protobuf.message import DecodeError, Message


class RefuseMalformedRequests(grpc.aio.ServerInterceptor):
    """Answers bytes that cannot be parsed with INVALID_ARGUMENT.

    Left to itself gRPC calls it an error of the server and writes a traceback.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, grpc.RpcMethodHandler] = {}

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """Returns the handler of a method, changed to parse its requests itself."""
        method = handler_call_details.method
        if method in self._handlers:
            return self._handlers[method]
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler  # Unknown to us, or a stream of health updates.
        self._handlers[method] = _parsing(handler)
        return self._handlers[method]


def _parsing(handler: grpc.RpcMethodHandler) -> grpc.RpcMethodHandler:
    async def parse_and_answer(
        body: bytes, context: "grpc.aio.ServicerContext"
    ) -> Message:
        try:
            request = handler.request_deserializer(body)
        except DecodeError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{error}.")
        return await handler.unary_unary(request, context)

    return grpc.unary_unary_rpc_method_handler(
        parse_and_answer, response_serializer=handler.response_serializer
    )
