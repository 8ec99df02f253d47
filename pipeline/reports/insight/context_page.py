"""The context space as one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping

from pipeline.insight.clustering import Clustering
from pipeline.reports.insight.clusterings import clustering_table, verdict
from pipeline.reports.page.elements import captioned, commands, sortable, verdict_list
from pipeline.reports.page.frame import Section, page

_NOTE = (
    "Contexts in a plane, by t-SNE of their 30 principal components. Near points are "
    "alike; distances between groups, and their sizes, mean nothing."
)
_CAPTION = (
    "By {kind}. Look for neighbours of one colour. Bad would be colours that lie "
    "anyhow where {kind} should matter, or tight clumps that no map explains."
)


def context_page(
    name: str,
    told: str,
    maps: Mapping[str, str],
    measured: Mapping[str, Clustering],
    projector: pathlib.Path,
) -> str:
    """Returns the page: how contexts cluster, then the maps.

    Args:
        name: Of the experiment.
        told: What contexts these are, in a sentence.
        maps: SVG by kind of label, the most telling first.
        measured: How well contexts cluster, by kind of label.
        projector: Folder of the files of the Projector.
    """
    figures = [
        captioned(svg, f"map-{kind}", _CAPTION.format(kind=kind.replace("_", " ")))
        for kind, svg in maps.items()
    ]
    return page(
        f"Context space of {name}",
        told,
        [
            verdict_list(verdict(measured)),
            Section(
                "How contexts cluster",
                sortable(clustering_table(measured)),
                "Purity is the share of contexts whose nearest neighbour has the same "
                "label, chance the same with labels dealt out at random. Neighbours "
                "are of other tasks, but for the tag, which is the name of the task. "
                "Silhouette is near 1 for groups that lie apart, 0 for labels that lie "
                "anyhow.",
                name="clustering",
            ),
            Section("Maps", "\n".join(figures), _NOTE, name="maps"),
            Section(
                "In TensorBoard",
                commands([f"tensorboard --logdir {projector.parent}"]),
                "The tab Projector shows the same contexts in three dimensions, with "
                "all labels to colour and search by.",
                name="projector",
            ),
        ],
    )
