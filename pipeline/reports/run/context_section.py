"""The context space of a run: whether tasks that are alike have like contexts."""

from __future__ import annotations

from pipeline.insight.contexts import KINDS, TaskContexts
from pipeline.reports.insight.clusterings import (
    clustering_table,
    clusterings,
    tells_apart,
)
from pipeline.reports.insight.map import context_map_figure, map_positions
from pipeline.reports.page.elements import captioned, sortable
from pipeline.reports.page.frame import Section
from pipeline.reports.page.svg import styled, to_svg

_MIN_CONTEXTS = 10  # Fewer make no map.

_CAPTION = (
    "Contexts of {count:,} support sets of meta-test in a plane (t-SNE of their 30 "
    "principal components), by {kind}. Near points are alike; distances between "
    "groups, and their sizes, mean nothing. Look for neighbours of one colour. Bad "
    "would be colours that lie anyhow where the figures below say they should not, or "
    "tight clumps that no colour explains."
)


def context_section(found: TaskContexts) -> Section:
    """Returns maps of the context space, and how well they cluster as figures.

    Args:
        found: Contexts of meta-test.
    """
    if len(found.task_ids) < _MIN_CONTEXTS:
        body = (
            f"<p>Meta-test has {len(found.task_ids)} contexts, and a map takes "
            f"{_MIN_CONTEXTS}.</p>"
        )
        return Section("Context space", body, name="context")
    positions = map_positions(found.contexts)
    figures: list[str] = []
    for kind in KINDS:
        if tells_apart(found, kind):
            with styled(f"map-{kind}"):
                svg = to_svg(context_map_figure(found, kind, positions))
            words = kind.replace("_", " ")
            caption = _CAPTION.format(count=len(found.task_ids), kind=words)
            figures.append(captioned(svg, f"map-{kind}", caption))
    return Section(
        "Context space",
        "\n".join([*figures, sortable(clustering_table(clusterings(found)))]),
        "What the context encoder makes of support sets. Purity is the share of "
        "contexts whose nearest neighbour has the same label, that of another task "
        "unless the label is the task's own; chance is the same with labels dealt out "
        "at random. Look for purity well above chance in what matters "
        "to taste. Bad would be a purity at chance everywhere, when contexts say "
        "nothing of their tasks.",
        name="context",
    )
