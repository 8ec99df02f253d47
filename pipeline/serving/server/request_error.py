"""Why a request is refused: a status code and a message, as gRPC and REST send it."""

import logging
import re

import grpc
import tensorflow as tf

logger = logging.getLogger(__name__)

# Status of HTTP for each code, as TensorFlow Serving answers; any other is 500.
_HTTP_STATUS = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}
_MAX_MESSAGE = 1000  # Characters; what gRPC sends as a header must be short.
_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}
_OUR_FAULT = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.DATA_LOSS,
}
_NODE = re.compile(r"\s*\[\[\{\{.*|\{\{function_node [^}]*\}\}\s*", re.DOTALL)
_ASSERTION = re.compile(r"assertion failed: \[(.*)\]", re.DOTALL)
_CONDITION = re.compile(r"\] \[Condition .*", re.DOTALL)


class RequestError(Exception):
    """A request that cannot be answered.

    Attributes:
        code: Status of gRPC.
        message: For the one who asks.
        http_status: Status of HTTP; by default the one that goes with the code.
    """

    def __init__(
        self, code: grpc.StatusCode, message: str, *, http_status: int | None = None
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.http_status = http_status or _HTTP_STATUS.get(code, 500)


def shorten(message: str) -> str:
    """Cuts a message that repeats too much of what was sent."""
    if len(message) <= _MAX_MESSAGE:
        return message
    return f"{message[:_MAX_MESSAGE]}..."


def invalid(message: str) -> RequestError:
    """Makes the error of a request that is wrong in itself."""
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, message)


def from_graph(error: tf.errors.OpError) -> RequestError:
    """Turns an error of the graph into what its sender can read.

    The names of nodes are dropped; of an assertion its own message is left.
    """
    code = _BY_NUMBER.get(error.error_code, grpc.StatusCode.UNKNOWN)
    if code is grpc.StatusCode.CANCELLED:  # The version was closed meanwhile.
        code = grpc.StatusCode.UNAVAILABLE
    if code in _OUR_FAULT:
        logger.error("The graph failed.", exc_info=error)
    message = _NODE.sub("", error.message).strip()
    if assertion := _ASSERTION.match(message):
        message = _CONDITION.sub("", assertion[1]).replace("] [", " ")
    return RequestError(code, message)
