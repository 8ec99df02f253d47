"""The sizes of the requests that are measured."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What is measured with what: every combination that matters.

    Attributes:
        support: Support pairs of a task.
        candidates: Items to score.
        concurrency: Requests under way.
        seconds: How long each combination is measured.
    """

    support: Sequence[int]
    candidates: Sequence[int]
    concurrency: Sequence[int]
    seconds: float
