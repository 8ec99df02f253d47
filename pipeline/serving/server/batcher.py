"""Micro-batching: requests that fit together are run as one, those that fail alone."""

import asyncio
import collections
import concurrent.futures
import dataclasses
import functools
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeAlias

import grpc
import numpy as np

from pipeline.serving.server.metrics import ServerMetrics
from pipeline.serving.server.options import ServerOptions
from pipeline.serving.server.request_error import RequestError
from pipeline.serving.server.servable import Servable
from pipeline.serving.server.tensors import Array

Outputs: TypeAlias = dict[str, Array]
_Run: TypeAlias = Callable[[Mapping[str, Array]], Outputs]


@dataclasses.dataclass(eq=False)
class _Waiting:
    """A request that has not been run yet."""

    servable: Servable
    signature: str
    inputs: Mapping[str, Array]
    num_tasks: int
    since: float
    answer: asyncio.Future[Outputs]


class Batcher:
    """Runs requests in a few threads, together where they fit.

    Requests of one signature of one version fit together if their inputs differ in
    dimension 0 alone, which counts the tasks. All methods belong to one event loop.

    Args:
        options: Limits of queue, batch and workers.
        metrics: Records every batch.
    """

    def __init__(self, options: ServerOptions, metrics: ServerMetrics) -> None:
        self._options = options
        self._metrics = metrics
        self._idle_workers = options.num_workers
        self._pool = concurrent.futures.ThreadPoolExecutor(
            options.num_workers, thread_name_prefix="graph"
        )
        # Of each kind the requests in order; kinds by how long they have waited.
        self._groups: dict[Hashable, collections.deque[_Waiting]] = {}
        self._num_waiting = 0
        self._timer: asyncio.TimerHandle | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def run(
        self, servable: Servable, signature: str, inputs: Mapping[str, Array]
    ) -> Outputs:
        """Runs a signature.

        Raises:
            RequestError: If too many requests wait or the graph refuses this one.
        """
        if self._num_waiting >= self._options.queue_size:
            raise RequestError(
                grpc.StatusCode.UNAVAILABLE,
                f"the server is busy: {self._num_waiting} requests wait already.",
            )
        num_tasks, key = _kind(servable, signature, inputs)
        waiting = _Waiting(
            servable,
            signature,
            inputs,
            num_tasks,
            time.monotonic(),
            asyncio.get_running_loop().create_future(),
        )
        with servable.in_use():
            self._groups.setdefault(key, collections.deque()).append(waiting)
            self._count(1)
            self._dispatch()
            try:
                return await waiting.answer
            finally:
                self._forget(key, waiting)
                # An error has this frame. If the frame had the future, which has the
                # error, all inputs would stay until garbage is collected.
                del waiting

    async def close(self) -> None:
        """Waits for what is running and ends the threads."""
        if self._running:
            await asyncio.wait(self._running)
        self._pool.shutdown(wait=False)

    def _forget(self, key: Hashable, waiting: _Waiting) -> None:
        """Takes a request out of the queue whose sender has given up."""
        group = self._groups.get(key)
        if group and waiting in group:
            group.remove(waiting)
            self._count(-1)
            if not group:
                del self._groups[key]

    def _dispatch(self) -> None:
        """Gives batches to the workers that are idle."""
        while self._idle_workers and (batch := self._take_batch()):
            self._idle_workers -= 1
            task = asyncio.get_running_loop().create_task(self._run_batch(batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _take_batch(self) -> list[_Waiting]:
        """Takes the next batch out of the queue; an empty one if all may wait."""
        now, timeout = time.monotonic(), self._options.batch_timeout_s
        for key, group in self._groups.items():
            num_tasks = sum(waiting.num_tasks for waiting in group)
            is_full = num_tasks >= self._options.max_batch_size
            if is_full or now - group[0].since >= timeout:
                return self._take_from(key, group)
        if self._groups and self._timer is None:
            oldest = min(group[0].since for group in self._groups.values())
            self._timer = asyncio.get_running_loop().call_later(
                max(0.0, oldest + timeout - now), self._on_timer
            )
        return []

    def _on_timer(self) -> None:
        self._timer = None
        self._dispatch()

    def _take_from(
        self, key: Hashable, group: collections.deque[_Waiting]
    ) -> list[_Waiting]:
        batch = [group.popleft()]
        room = self._options.max_batch_size - batch[0].num_tasks
        while group and group[0].num_tasks <= room:
            batch.append(group.popleft())
            room -= batch[-1].num_tasks
        del self._groups[key]
        if group:
            self._groups[key] = group  # Last in turn: the other kinds come first.
        self._count(-len(batch))
        return batch

    async def _run_batch(self, batch: Sequence[_Waiting]) -> None:
        servable, name = batch[0].servable, batch[0].signature
        answers: list[Outputs | RequestError] | list[Exception]
        run = functools.partial(
            _run_together, servable.signatures[name].run, [w.inputs for w in batch]
        )
        self._metrics.on_batch(name, sum(waiting.num_tasks for waiting in batch))
        loop = asyncio.get_running_loop()
        try:
            with servable.in_use():
                answers = await loop.run_in_executor(self._pool, run)
        except Exception as error:  # A bug of ours: theirs to hear of, not the loop's.
            answers = [error] * len(batch)
        finally:
            self._idle_workers += 1
        for waiting, answer in zip(batch, answers, strict=True):
            if waiting.answer.done():
                continue  # Its sender has given up.
            if isinstance(answer, Exception):
                waiting.answer.set_exception(answer)
            else:
                waiting.answer.set_result(answer)
        answers.clear()  # The frame of the thread has it, and an error has that frame.
        self._dispatch()

    def _count(self, change: int) -> None:
        self._num_waiting += change
        self._metrics.queue_length.set(self._num_waiting)


def _kind(
    servable: Servable, signature: str, inputs: Mapping[str, Array]
) -> tuple[int, Hashable]:
    """Returns the number of tasks, and what requests that fit together share."""
    num_tasks = {array.shape[0] if array.ndim else -1 for array in inputs.values()}
    if len(num_tasks) != 1 or -1 in num_tasks:
        return 1, object()  # Runs alone: no two share a new object.
    shapes = tuple(array.shape[1:] for array in inputs.values())
    return num_tasks.pop(), (servable, signature, shapes)


def _run_together(
    run: _Run, requests: Sequence[Mapping[str, Array]]
) -> list[Outputs | RequestError]:
    """Runs requests as one batch, or each alone if the batch cannot be run or cut."""
    if len(requests) == 1:
        return [_run_alone(run, requests[0])]
    counts = [len(next(iter(inputs.values()))) for inputs in requests]
    try:
        outputs = run(
            {
                name: np.concatenate([inputs[name] for inputs in requests])
                for name in requests[0]
            }
        )
    except RequestError as error:
        if error.code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return [error] * len(requests)  # Nobody waits for them any longer.
        # One of them may be at fault, which must not harm the others.
        return [_run_alone(run, inputs) for inputs in requests]
    if any(not a.ndim or len(a) != sum(counts) for a in outputs.values()):
        return [_run_alone(run, inputs) for inputs in requests]
    ends = np.cumsum(counts)
    return [
        {name: array[end - count : end] for name, array in outputs.items()}
        for count, end in zip(counts, ends, strict=True)
    ]


def _run_alone(run: _Run, inputs: Mapping[str, Array]) -> Outputs | RequestError:
    try:
        return run(inputs)
    except RequestError as error:
        return error
