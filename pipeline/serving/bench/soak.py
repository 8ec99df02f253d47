"""A long steady load: does the latency hold, and is the memory flat?"""

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from pipeline.serving.bench.load import Call, SteadyLoad, Summary, summarise

# Growth of less, in MB a minute, counts as flat; an arena that settles makes as much.
FLAT_MB_PER_MINUTE = 1.0
_SHORTEST_MINUTES = 2.0  # Of a soak that can tell growth from settling.
_MINUTE_S = 60.0
_LONGEST_PAUSE_S = 5.0
_SETTLING_FRACTION = 0.5


@dataclasses.dataclass(frozen=True)
class Minute:
    """One minute of a soak.

    Attributes:
        number: From 0.
        calls: Those that were due in it.
        memory_mb: The largest memory of the server; NaN if unknown.
    """

    number: int
    calls: Summary
    memory_mb: float


@dataclasses.dataclass(frozen=True)
class Soak:
    """What a soak came to.

    Attributes:
        per_second: Requests sent by second.
        requests: How many there were.
        errors: Those not answered OK.
        minutes: Each minute.
        slope_mb_per_minute: Growth of memory in the second half of the soak; NaN
            if the memory is unknown.
        is_flat: Whether it grew by less than `FLAT_MB_PER_MINUTE`; None if the memory
            is unknown or the soak too short to tell.
    """

    per_second: float
    requests: int
    errors: int
    minutes: list[Minute]
    slope_mb_per_minute: float
    is_flat: bool | None


def soak(
    load: SteadyLoad, minutes: float, memory_mb: Callable[[], float] | None
) -> Soak:
    """Keeps a load up, and watches the memory of the server.

    Args:
        load: What is sent.
        minutes: For how long.
        memory_mb: Returns the memory of the server; None if it is out of reach.
    """
    seconds = _MINUTE_S * minutes
    samples: list[tuple[float, float]] = []
    is_over = threading.Event()
    began = time.monotonic()

    def watch() -> None:
        while memory_mb and not is_over.wait(min(_LONGEST_PAUSE_S, seconds / 20)):
            samples.append((time.monotonic() - began, memory_mb()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        calls = load.run(seconds)
    finally:
        is_over.set()
        watcher.join()
    slope = memory_slope(samples)
    can_tell = minutes >= _SHORTEST_MINUTES and not np.isnan(slope)
    return Soak(
        per_second=load.per_second,
        requests=len(calls),
        errors=summarise(calls).errors,
        minutes=by_minute(calls, samples),
        slope_mb_per_minute=slope,
        is_flat=slope < FLAT_MB_PER_MINUTE if can_tell else None,
    )


def memory_slope(samples: Sequence[tuple[float, float]]) -> float:
    """Fits a line to memory over time.

    Args:
        samples: (seconds, MB), in order.

    Returns:
        MB a minute in the second half of the samples, since pools fill in the first;
        NaN of fewer than two samples.
    """
    settled = samples[int(_SETTLING_FRACTION * len(samples)) :]
    if len(settled) < 2:
        return float("nan")
    seconds, memory = np.array(settled).T
    return float(np.polyfit(seconds / _MINUTE_S, memory, 1)[0])


def by_minute(
    calls: Sequence[Call], samples: Sequence[tuple[float, float]]
) -> list[Minute]:
    """Splits calls and samples (seconds, MB) by the minute that they began in."""
    numbers = sorted({int(call.started_s // _MINUTE_S) for call in calls})
    return [
        Minute(
            number,
            summarise([c for c in calls if c.started_s // _MINUTE_S == number]),
            max(
                (mb for at, mb in samples if at // _MINUTE_S == number),
                default=float("nan"),
            ),
        )
        for number in numbers
    ]
