"""What each support pair did to each recommendation, as a heat map."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pipeline.insight.explanation import Explanation
from pipeline.reports.page.svg import plain, styled, to_svg

MAX_PAIRS = 25

_MAX_LETTERS = 34


def attribution_figure(explanation: Explanation) -> str:
    """Draws support pairs down and items across; returns SVG.

    Args:
        explanation: With at least one support pair; of more than 25 those are drawn
            that change the scores most, in their order.
    """
    with styled("attribution"):
        return to_svg(_figure(explanation))


def _figure(explanation: Explanation) -> Figure:
    pairs = np.sort(strongest_pairs(explanation)[:MAX_PAIRS])
    grid = explanation.attribution[:, pairs].T
    most = float(np.abs(grid).max()) or 1.0
    figure = Figure(figsize=(3.2 + 0.42 * grid.shape[1], 2.2 + 0.21 * grid.shape[0]))
    axes = figure.add_subplot()
    axes.grid(False)
    axes.spines[:].set_visible(False)
    drawn = axes.imshow(grid, aspect="auto", cmap="RdBu_r", vmin=-most, vmax=most)
    names = [_short(explanation.pairs[pair]) for pair in pairs]
    axes.set_yticks(range(len(pairs)), names)
    axes.set_xticks(
        range(len(explanation.items)),
        [_short(item) for item in explanation.items],
        rotation=45,
        ha="right",
        rotation_mode="anchor",
    )
    axes.tick_params(length=0, labelsize=8)
    bar = figure.colorbar(drawn, ax=axes, label="change of the score", shrink=0.8)
    bar.outline.set_visible(False)
    return figure


def strongest_pairs(explanation: Explanation) -> np.ndarray:
    """Returns places of support pairs, int [S], those first that change most."""
    return np.argsort(-np.abs(explanation.attribution).mean(axis=0), kind="stable")


def _short(text: str) -> str:
    cut = text if len(text) <= _MAX_LETTERS else f"{text[:_MAX_LETTERS]}…"
    return plain(cut)
