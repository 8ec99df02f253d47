import grpc
import pytest

from pipeline.serving.server.request_error import RequestError
from pipeline.serving.server.servable import _run_patiently


class Slow:
    """A signature that is too slow so many times."""

    def __init__(self, times):
        self.times_left = times

    def run(self, inputs):
        if self.times_left:
            self.times_left -= 1
            raise RequestError(grpc.StatusCode.DEADLINE_EXCEEDED, "too slow.")
        return inputs


def test_a_warm_up_on_a_busy_machine_may_be_late_twice():
    _run_patiently(Slow(2), {})
    with pytest.raises(RequestError, match="too slow"):
        _run_patiently(Slow(3), {})
