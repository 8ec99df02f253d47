"""The context space as one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping

from pipeline.insight.clustering import Clustering
from pipeline.reports.insight.clusterings import clustering_table, verdict
from pipeline.reports.page.render import render


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
