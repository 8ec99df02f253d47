"""One JSON line for each request that is refused or fails, without what was sent."""

import json
import logging
import re
import secrets
import time
import traceback

import grpc

from pipeline.serving.server.request_error import RequestError

REQUEST_ID = "X-Request-Id"

logger = logging.getLogger(__name__)

_TAKEN_OVER = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SERVER_LOGGER = "pipeline.serving.server"
_GRPC_LOGGER = "grpc"  # What it logs of a bug has the traceback.
_LINES_A_SECOND = 100
_FRAMES = 8
_OUR_FAULT = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.DATA_LOSS,
}


def request_id(given: str | None) -> str:
    """Returns the id that a client gave, if it is one, or else makes one."""
    if given is not None and _TAKEN_OVER.fullmatch(given):
        return given
    return secrets.token_hex(8)


def report(error: RequestError, *, entrypoint: str, method: str, request: str) -> None:
    """Writes of a request that was not answered.

    Neither its message is written, which may repeat what was sent, nor anything of
    the request that is not known to the server.

    Args:
        error: Why it was not.
        entrypoint: "GRPC" or "REST".
        method: The method of gRPC, or the method and the route of REST.
        request: Its id.
    """
    is_ours = error.code in _OUR_FAULT
    logger.log(
        logging.ERROR if is_ours else logging.WARNING,
        "request failed" if is_ours else "request refused",
        extra={
            "fields": {
                "request_id": request,
                "entrypoint": entrypoint,
                "method": method,
                "code": error.code.name,
                **(_cause(error.__cause__) if is_ours else {}),
            }
        },
    )


def report_failure(error: BaseException | None) -> None:
    """Writes of a failure outside any request: its type and its place in the code."""
    logger.error("server failed", extra={"fields": _cause(error)})


def write_json_lines() -> None:
    """Has all that the server logs from warnings on written to stderr as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    handler.addFilter(AtMost(_LINES_A_SECOND))
    for name in (_SERVER_LOGGER, _GRPC_LOGGER):
        source = logging.getLogger(name)
        source.handlers = [handler]
        source.propagate = False
        source.setLevel(logging.WARNING)


class JsonLines(logging.Formatter):
    """Writes a record as one line; of an exception its type and where it came from."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        line: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line |= _cause(record.exc_info[1])
        if suppressed := getattr(record, "suppressed", 0):
            line["suppressed"] = suppressed
        return json.dumps(line)


class AtMost(logging.Filter):
    """Lets so many records a second pass; the next one tells how many did not."""

    def __init__(self, records: int) -> None:
        super().__init__()
        self._records = records
        self._second = 0
        self._passed = 0
        self._suppressed = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Tells whether a record passes."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._passed = second, 0
        if self._passed >= self._records:
            self._suppressed += 1
            return False
        self._passed += 1
        record.suppressed = self._suppressed
        self._suppressed = 0
        return True


def _cause(error: BaseException | None) -> dict[str, object]:
    """Says what went wrong and where, without the words of the exception."""
    if error is None:
        return {}
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return {
        "error": type(error).__name__,
        "where": [f"{part.filename}:{part.lineno} {part.name}" for part in frames],
    }
