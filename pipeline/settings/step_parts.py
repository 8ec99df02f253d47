"""What one step alone needs of a setting."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from models.evaluation.scored_pairs import ScoredPairs

if TYPE_CHECKING:
    from models.evaluation.intervals import Interval
    from models.recommender import Episode
    from pipeline.settings.finding import Finding

GroupPairs = Mapping[str, ScoredPairs]


def _no_intervals(
    config: Any, data: Any, scored: GroupPairs
) -> dict[str, dict[str, Interval]]:
    return {}


def _no_groups(config: Any, data: Any, scored: GroupPairs) -> dict[str, ScoredPairs]:
    return {}


@dataclasses.dataclass(frozen=True)
class StepParts:
    """Functions of single steps; a step says so if its own is None.

    A configuration and data are of the setting, as in `Setting`.

    Attributes:
        group_words: What a group is, in a few words, by its name.
        pretrain: Fits factors to a prepared data set, unless that has been done, and
            returns their directory; None where `build` fits all there is.
        further_intervals: Groups of `eval/metrics.json` beyond the means of the groups
            that one method was scored on.
        further_groups: Parts of these groups that methods are compared on too.
        task_names: What tasks are called, by id; empty where they have only ids.
        episodes: Yields ids and frozen episodes of a split, in batches; the query of a
            task comes without padding in between.
        audit: Looks for leaks in a prepared data set.
    """

    group_words: Mapping[str, str] = dataclasses.field(default_factory=dict)
    pretrain: Callable[[Any, pathlib.Path], pathlib.Path] | None = None
    further_intervals: Callable[
        [Any, Any, GroupPairs], dict[str, dict[str, Interval]]
    ] = _no_intervals
    further_groups: Callable[[Any, Any, GroupPairs], dict[str, ScoredPairs]] = (
        _no_groups
    )
    task_names: Callable[[pathlib.Path], Mapping[str, str]] = lambda directory: {}
    episodes: Callable[[Any, Any, str], Iterator[tuple[list[str], Episode]]] | None = (
        None
    )
    audit: Callable[[Any, pathlib.Path], Sequence[Finding]] | None = None
