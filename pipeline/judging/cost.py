"""What a method costs: time and memory, each measured in a process of its own."""

import dataclasses
import gc
import os
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Any

from models.lazy_adam import LazyAdam
from models.legacy_keras import tf
from models.recommender import Episode, Recommender, split_episode
from pipeline.experiment import quiet
from pipeline.experiment.progress import say
from tuning.own_process import ProcessKilledError, run_in_own_process

_MIN_REPEATS = 5
_MIN_SECONDS = 2.0


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a method costs for each task of a batch.

    Attributes:
        adapt_ms: Milliseconds to adapt to the support set and score the query set.
        train_ms: Milliseconds of a step of training; NaN if there is none.
        peak_mb: Most memory that training takes beyond the process before it, or
            adaptation where there is no training; NaN where it cannot be known.
        load: Processes that were running or waiting then, the mean of a minute; above
            1 the times are too long.
    """

    adapt_ms: float
    train_ms: float
    peak_mb: float
    load: float = float("nan")


def in_own_process(measure: Callable[..., Cost], *arguments: Any) -> Cost:
    """Measures in a fresh process, which holds nothing but what it needs.

    Returns:
        The cost; NaN if the process is killed, as by a machine without memory.
    """
    try:
        cost: Cost = run_in_own_process(
            quiet.call, measure.__module__, measure.__qualname__, *arguments
        )
    except ProcessKilledError as error:
        say(f"compare: where it was measured {error}; its cost is unknown")
        return Cost(float("nan"), float("nan"), float("nan"))
    return cost


def measure_cost(method: Recommender, batch: Episode) -> Cost:
    """Times a method on one batch; medians of at least five calls.

    Args:
        method: A fitted method, or a model with fresh weights.
        batch: Episodes, labels included.
    """
    num_tasks = int(tf.shape(batch["support_mask"])[0])
    gc.collect()
    load = os.getloadavg()[0]
    before = _reset_peak()

    @tf.function(autograph=False)
    def adapt_and_score(episode: Episode) -> tf.Tensor:
        support, query = split_episode(episode)
        return method.score(method.adapt(support), query)

    train_ms = float("nan")
    if isinstance(method, tf.keras.Model):
        train_ms = 1000.0 * _median_time(_training(method, batch)) / num_tasks
        peak = _peak() - before
    adapt_s = _median_time(lambda: adapt_and_score(batch).numpy())
    if not isinstance(method, tf.keras.Model):
        peak = _peak() - before
    return Cost(
        adapt_ms=1000.0 * adapt_s / num_tasks,
        train_ms=train_ms,
        peak_mb=peak / 2**20,
        load=round(load, 2),
    )


def _training(model: tf.keras.Model, batch: Episode) -> Callable[[], object]:
    """Returns a function that takes one step of training."""
    model.compile(LazyAdam(1e-4))
    step = model.make_train_function()
    batches = iter(tf.data.Dataset.from_tensors(dict(batch)).repeat())
    # What the function returns is computed when it is read.
    return lambda: {k: float(v) for k, v in step(batches).items()}


def _median_time(call: Callable[[], object]) -> float:
    """Returns the seconds of a call after two that trace and warm up."""
    call()
    call()
    times: list[float] = []
    while len(times) < _MIN_REPEATS or sum(times) < _MIN_SECONDS:
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _reset_peak() -> float:
    """Forgets the peak of memory until now, and returns what is in use, in bytes."""
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        resident = pathlib.Path("/proc/self/statm").read_text(encoding="ascii").split()
    except OSError:  # Another system.
        return float("nan")
    return float(resident[1]) * os.sysconf("SC_PAGE_SIZE")


def _peak() -> float:
    """Returns the peak of memory since `_reset_peak`, in bytes."""
    try:
        status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return float("nan")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return float(line.split()[1]) * 1024.0
