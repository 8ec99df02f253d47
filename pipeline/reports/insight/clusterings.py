"""How well contexts cluster by each kind of label, as a table and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pipeline.insight.clustering import Clustering, clustering
from pipeline.insight.contexts import TaskContexts
from pipeline.reports.page.result_table import Column, ResultTable
from pipeline.settings.labelled_supports import NO_LABEL, TAG


def clusterings(found: TaskContexts, seed: int = 0) -> dict[str, Clustering]:
    """Measures how well contexts cluster by each kind of label that is of texts.

    By the tag contexts are compared with all others, by any other kind with those of
    other tasks alone.

    Args:
        found: The contexts.
        seed: Of the permutations.
    """
    return {
        kind: clustering(
            found.contexts,
            labels,
            seed,
            tasks=None if kind == TAG else found.task_ids,
        )
        for kind, labels in found.labels.items()
        if all(isinstance(label, str) for label in labels) and tells_apart(found, kind)
    }


def tells_apart(found: TaskContexts, kind: str) -> bool:
    """Whether there are different labels of a kind."""
    labels = found.labels.get(kind, ())
    known = {label for label in labels if label != NO_LABEL}
    return len(known) > 1


def clustering_table(found: Mapping[str, Clustering]) -> ResultTable:
    """Returns how well contexts tell labels apart, by kind of label."""
    columns = [
        Column("kind", "label"),
        Column("num_labels", "different labels", "{:,}".format),
        Column("num_contexts", "contexts", "{:,}".format),
        Column("purity", "purity", "{:.3f}".format),
        Column("chance", "by chance", "{:.3f}".format),
        Column("ratio", "times chance", "{:.1f}".format),
        Column("silhouette", "silhouette", "{:+.3f}".format),
    ]
    rows = [{"kind": kind, **as_json(each)} for kind, each in found.items()]
    return ResultTable("clustering", "clustering", "", columns, rows)


def as_json(found: Clustering) -> dict[str, Any]:
    """Returns the figures, with None for those that are not defined."""
    values = {**vars(found), "ratio": found.ratio}
    return {
        name: None if math.isnan(value) else value for name, value in values.items()
    }


def verdict(found: Mapping[str, Clustering]) -> list[str]:
    """Says in a sentence how well contexts cluster by each kind of label."""
    if not found:
        return [
            "There are no two tasks with different labels, so nothing to cluster by."
        ]
    return [
        f"By {kind.replace('_', ' ')}: the nearest neighbour"
        f"{'' if kind == TAG else ' of another task'} has the same of "
        f"{each.num_labels} labels for {each.purity:.1%} of the contexts, where chance "
        f"has {each.chance:.1%}."
        for kind, each in sorted(found.items(), key=lambda one: -one[1].ratio)
    ]
