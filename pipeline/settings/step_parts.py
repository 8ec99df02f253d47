"""What one step alone needs of a setting."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy.typing import NDArray

from models.evaluation.scored_pairs import ScoredPairs

if TYPE_CHECKING:
    from models.cmml import CMML
    from models.evaluation.intervals import Interval
    from models.recommender import Episode
    from pipeline.settings.data_facts import DataFacts, PairGroup
    from pipeline.settings.finding import Finding

GroupPairs = Mapping[str, ScoredPairs]

# What tasks are distinguished by: a text, or a number that orders them.
Labels: TypeAlias = Sequence[str | float]

# The label of a task that has none of a kind.
NO_LABEL = ""

# The name of a scenario, or of a user with clicks, several support sets of whom are
# drawn. All contexts of that task have it, and those of no other one.
SCENARIO, USER = "scenario", "user"
OF_TASKS = (SCENARIO, USER)

# What users like; the label is called so whatever feature of items it is made from.
TASTE = "taste"


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledSupports:
    """A batch of support sets.

    Attributes:
        task_ids: As they came in; several support sets of a task are there with its id
            each.
        support: The `support_*` arrays, [B, S], padding last.
        labels: By kind, B labels, texts or numbers.
    """

    task_ids: Sequence[str]
    support: Mapping[str, NDArray]
    labels: Mapping[str, Labels]


@dataclasses.dataclass(frozen=True)
class StepParts:
    """Functions of single steps; a step says so if its own is None.

    A configuration and data are of the setting, as in `Setting`.

    Attributes:
        group_words: What groups are, in a few words, by name; those that methods are
            compared in, with all support pairs.
        whole: Makes of a data set the same with all pairs for training, those of
            meta-validation, meta-test and every hold-out included; what must be fitted
            beforehand is kept in the folder given. None where a model cannot be
            refitted.
        pretrain: Fits factors to a prepared data set, unless that has been done, and
            returns their directory; None where `build` fits all there is.
        further_intervals: Groups of `eval/metrics.json` beyond the means of the groups
            that one method was scored on.
        further_groups: Parts of these groups that methods are compared on too.
        metric_notes: What is to be known of metrics on a data set, in sentences.
        check: Looks at a data set for what would fail at the end of a run, raises
            DataError for it, and returns what would mean nothing, in sentences.
        metric_unit: What a margin of the metric that decides is a multiple of: the
            standard deviation of the labels, or 1 of a metric that is a share.
        episodes: Yields ids and frozen episodes of a split, in batches; the query of a
            task comes without padding in between.
        supports: Yields labelled support sets of a split, by a trained model and, if
            the split has been scored, the error of each task.
        context_orders: Orders of a support set that its context is the mean over.
        request: Makes the request of a task by its id or name, with what `evaluate`
            shows; None if there is no such task.
        description: What a task of a data set is, in a sentence.
        facts: What a data set holds, for the report.
        pair_groups: Groups by what is known of users, items and tasks, by the data
            set and the ids of the tasks that pairs are of.
        audit: Looks for leaks in a prepared data set.
    """

    group_words: Callable[[Any], Mapping[str, str]] = lambda data: {}
    whole: Callable[[Any, Any, pathlib.Path], Any] | None = None
    pretrain: Callable[[Any, pathlib.Path], pathlib.Path] | None = None
    further_intervals: Callable[
        [Any, Any, GroupPairs], dict[str, dict[str, Interval]]
    ] = lambda config, data, scored: {}
    further_groups: Callable[[Any, Any, GroupPairs], dict[str, ScoredPairs]] = (
        lambda config, data, scored: {}
    )
    metric_notes: Callable[[Any], Sequence[str]] = lambda data: ()
    check: Callable[[Any, Any], Sequence[str]] = lambda config, data: ()
    metric_unit: Callable[[Any], float] = lambda data: 1.0
    episodes: Callable[[Any, Any, str], Iterator[tuple[list[str], Episode]]] | None = (
        None
    )
    supports: (
        Callable[
            [Any, Any, CMML, str, Mapping[str, float] | None],
            Iterator[LabelledSupports],
        ]
        | None
    ) = None
    context_orders: int = 1
    request: Callable[[Any, Any, str], Mapping[str, Any] | None] | None = None
    description: Callable[[Any], str] = lambda data: ""
    facts: Callable[[Any], DataFacts] | None = None
    pair_groups: Callable[[Any, Sequence[str]], Sequence[PairGroup]] = (
        lambda data, task_ids: []
    )
    audit: Callable[[Any, pathlib.Path], Sequence[Finding]] | None = None
