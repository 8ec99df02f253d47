"""The context space of a run: whether tasks that are alike have like contexts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pipeline.insight.contexts import KINDS, TaskContexts, thinned
from pipeline.reports.insight.clusterings import clustering_table, clusterings
from pipeline.reports.insight.map import context_maps
from pipeline.reports.page.result_table import ResultTable

_MIN_CONTEXTS = 10  # Fewer make no map.
_MAX_MAPPED = 600  # More take seconds and show no more; `cmml insight` maps more.


@dataclasses.dataclass(frozen=True)
class ContextSpace:
    """Contexts as they are shown.

    Attributes:
        maps: SVG by kind of label.
        clusters: How well they cluster by each kind of label.
    """

    maps: Mapping[str, str]
    clusters: ResultTable


def context_space(contexts: TaskContexts) -> ContextSpace | None:
    """Draws maps of contexts and measures how well they cluster; None of too few."""
    if len(contexts.task_ids) < _MIN_CONTEXTS:
        return None
    clusters = clustering_table(clusterings(contexts))
    mapped = thinned(contexts, _MAX_MAPPED)
    return ContextSpace(context_maps(mapped, KINDS), clusters)
