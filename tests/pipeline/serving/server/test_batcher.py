"""Batching on its own: what is run together, and what becomes of failures."""

import asyncio
import contextlib
import gc

import grpc
import numpy as np
import pytest

from pipeline.serving.server.batcher import Batcher
from pipeline.serving.server.metrics import ServerMetrics
from pipeline.serving.server.options import ServerOptions
from pipeline.serving.server.request_error import RequestError, invalid

DEADLINE_EXCEEDED = grpc.StatusCode.DEADLINE_EXCEEDED


class Recorder:
    """A version whose one signature doubles, refuses negative values, and records."""

    def __init__(self):
        self.signatures = {"double": self}
        self.batches = []

    @contextlib.contextmanager
    def in_use(self):
        yield

    def run(self, inputs):
        x = inputs["x"]
        self.batches.append(x.tolist())
        if (x < 0).any():
            raise invalid("x must not be negative.")
        if 42 in x:
            raise RequestError(DEADLINE_EXCEEDED, "too slow.")
        if 99 in x:
            raise ZeroDivisionError("a bug")
        return {"double": 2 * x}


def ask_all(values, **options):
    """Asks all at once; returns the answers, failures among them, and the batches."""

    async def run():
        recorder = Recorder()
        batcher = Batcher(ServerOptions(num_workers=1, **options), ServerMetrics())
        calls = [
            batcher.run(recorder, "double", {"x": np.array(value)}) for value in values
        ]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        await batcher.close()
        return answers, recorder.batches

    answers, batches = asyncio.run(run())
    plain = [
        answer["double"].tolist() if isinstance(answer, dict) else answer
        for answer in answers
    ]
    return plain, batches


def test_what_came_while_a_worker_was_busy_is_run_together():
    answers, batches = ask_all([[1], [2, 3], [4]])
    assert answers == [[2], [4, 6], [8]]
    assert batches == [[1], [2, 3, 4]]  # The first did not wait for any other.


def test_requests_of_other_shapes_are_run_apart():
    answers, batches = ask_all([[[1]], [[2, 3]], [[4]], [[5, 6]]])
    assert answers == [[[2]], [[4, 6]], [[8]], [[10, 12]]]
    assert batches == [[[1]], [[2, 3], [5, 6]], [[4]]]


def test_a_batch_has_no_more_tasks_than_allowed():
    _, batches = ask_all([[0], [1, 2], [3], [4, 5], [6]], max_batch_size=3)
    assert batches == [[0], [1, 2, 3], [4, 5, 6]]
    answers, batches = ask_all([[0], [1, 2, 3, 4], [5]], max_batch_size=3)
    assert answers == [[0], [2, 4, 6, 8], [10]]  # A large one is run, but alone.
    assert batches == [[0], [1, 2, 3, 4], [5]]


def test_a_bad_request_does_not_harm_those_it_is_run_with():
    answers, batches = ask_all([[0], [1], [-1], [2]])
    assert [answers[i] for i in (0, 1, 3)] == [[0], [2], [4]]
    assert isinstance(answers[2], RequestError)
    assert batches == [[0], [1, -1, 2], [1], [-1], [2]]


def test_a_batch_that_took_too_long_is_not_run_again():
    answers, batches = ask_all([[0], [1], [42]])
    assert answers[0] == [0]
    assert [answer.code for answer in answers[1:]] == [DEADLINE_EXCEEDED] * 2
    assert batches == [[0], [1, 42]]


def test_a_scalar_is_run_alone():
    answers, batches = ask_all([5, 6, [7]])
    assert answers == [10, 12, [14]]
    assert batches == [5, 6, [7]]


def test_with_a_timeout_requests_wait_for_others():
    answers, batches = ask_all([[1], [2], [3]], batch_timeout_s=0.02)
    assert (answers, batches) == ([[2], [4], [6]], [[1, 2, 3]])
    _, batches = ask_all([[1], [2], [3]], batch_timeout_s=60.0, max_batch_size=3)
    assert batches == [[1, 2, 3]]  # Full, it waits no longer.


def test_a_full_queue_refuses():
    answers, _ = ask_all([[1], [2], [3], [4]], queue_size=2)
    assert answers[:3] == [[2], [4], [6]]
    assert answers[3].code is grpc.StatusCode.UNAVAILABLE


def test_a_bug_is_told_to_all_who_meet_it_and_stops_nothing():
    answers, _ = ask_all([[1], [99], [99], [[2]]])
    assert [type(answer) for answer in answers[1:3]] == [ZeroDivisionError] * 2
    assert (answers[0], answers[3]) == ([2], [[4]])


def test_who_gives_up_makes_room_in_the_queue():
    async def run():
        recorder = Recorder()
        options = ServerOptions(num_workers=1, queue_size=1, batch_timeout_s=60.0)
        batcher = Batcher(options, ServerMetrics())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await batcher.run(recorder, "double", {"x": np.array([1])})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await batcher.run(recorder, "double", {"x": np.array([2])})
        await batcher.close()
        return recorder.batches

    assert asyncio.run(run()) == []


def test_a_refused_request_is_gone_at_once_and_not_when_garbage_is_collected():
    async def ask():
        batcher = Batcher(ServerOptions(num_workers=1), ServerMetrics())
        for _ in range(10):
            with contextlib.suppress(RequestError):
                await batcher.run(Recorder(), "double", {"x": np.array([[-1.0]])})
        await batcher.close()

    def num_errors():
        return sum(isinstance(one, RequestError) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = num_errors()
        asyncio.run(ask())
        assert num_errors() - before <= 1  # The thread keeps its last answer.
    finally:
        gc.enable()
