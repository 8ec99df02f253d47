"""How well contexts cluster by each kind of label: table, words, and the page."""

import pathlib
from collections.abc import Mapping
from typing import Any

from models.whole_files import finite
from pipeline.insight.clustering import Clustering, clustering
from pipeline.insight.contexts import TaskContexts
from pipeline.reports.page.render import render
from pipeline.reports.page.result_table import Column, ResultTable
from pipeline.settings.step_parts import NO_LABEL, OF_TASKS


def clusterings(contexts: TaskContexts) -> dict[str, Clustering]:
    """Measures how well contexts cluster by each kind of label that is of texts.

    By task contexts are compared with all others, by any other kind with those
    of other tasks alone.
    """
    return {
        kind: clustering(
            contexts.contexts,
            labels,
            seed=0,
            tasks=None if kind in OF_TASKS else contexts.task_ids,
        )
        for kind, labels in contexts.labels.items()
        if all(isinstance(label, str) for label in labels)
        and tells_apart(contexts, kind)
    }


def tells_apart(contexts: TaskContexts, kind: str) -> bool:
    """Whether there are different labels of a kind."""
    return len({*contexts.labels.get(kind, ())} - {NO_LABEL}) > 1


def clustering_table(by_kind: Mapping[str, Clustering]) -> ResultTable:
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
    rows = [{"kind": kind, **as_json(each)} for kind, each in by_kind.items()]
    return ResultTable("clustering", "clustering", "", columns, rows)


def as_json(one: Clustering) -> dict[str, Any]:
    """Returns the figures, with None for those that are not defined."""
    figures: dict[str, Any] = finite({**vars(one), "ratio": one.ratio})
    return figures


def verdict(by_kind: Mapping[str, Clustering]) -> list[str]:
    """Says in a sentence how well contexts cluster by each kind of label."""
    if not by_kind:
        return [
            "There are no two tasks with different labels, so nothing to cluster by."
        ]
    return [
        f"By {kind.replace('_', ' ')}: the nearest neighbour"
        f"{'' if kind in OF_TASKS else ' of another task'} has the same of "
        f"{each.num_labels} labels for {each.purity:.1%} of the contexts, where chance "
        f"has {each.chance:.1%}."
        for kind, each in sorted(by_kind.items(), key=lambda one: -one[1].ratio)
    ]


def context_page(
    name: str,
    description: str,
    maps: Mapping[str, str],
    clusterings: Mapping[str, Clustering],
    projector: pathlib.Path,
) -> str:
    """Returns the page: how contexts cluster, then the maps.

    Args:
        name: Of the experiment.
        description: What contexts these are, in a sentence.
        maps: SVG by kind of label, the most telling first.
        clusterings: How well contexts cluster, by kind of label.
        projector: Folder of the files of the Projector.
    """
    return render(
        "context_space.html",
        name=name,
        description=description,
        verdict=verdict(clusterings),
        table=clustering_table(clusterings),
        maps=maps,
        logs=projector.parent,
    )
