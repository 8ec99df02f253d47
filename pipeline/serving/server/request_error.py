"""Why a request is refused: a status code and a message, as gRPC and REST send it."""

import re

import grpc
import tensorflow as tf

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
_CODE_OF_STATUS = {
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    405: grpc.StatusCode.UNIMPLEMENTED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
}
_MAX_MESSAGE = 1000  # Characters; what gRPC sends as a header must be short.
_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}
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


def unauthenticated() -> RequestError:
    """Makes the error of a request without the token."""
    return RequestError(
        grpc.StatusCode.UNAUTHENTICATED,
        "a request must have the header 'Authorization: Bearer TOKEN' with the token "
        "of this server.",
    )


def from_http_status(status: int, message: str) -> RequestError:
    """Makes the error that an HTTP status stands for."""
    code = _CODE_OF_STATUS.get(status, grpc.StatusCode.INVALID_ARGUMENT)
    if status not in _CODE_OF_STATUS and status >= 500:
        code = grpc.StatusCode.UNKNOWN
    return RequestError(code, message, http_status=status)


def code_of(error: tf.errors.OpError) -> grpc.StatusCode:
    """Returns the status that an error of TensorFlow goes by in gRPC."""
    return _BY_NUMBER.get(error.error_code, grpc.StatusCode.UNKNOWN)


def from_graph(error: tf.errors.OpError) -> RequestError:
    """Turns an error of the graph into what its sender can read.

    The names of nodes are dropped; of an assertion its own message is left.
    """
    code = code_of(error)
    if code is grpc.StatusCode.CANCELLED:  # The version was closed meanwhile.
        code = grpc.StatusCode.UNAVAILABLE
    message = _NODE.sub("", error.message).strip()
    if assertion := _ASSERTION.match(message):
        message = _CONDITION.sub("", assertion[1]).replace("] [", " ")
    return RequestError(code, message)
