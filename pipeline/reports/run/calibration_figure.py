"""Predicted labels against what came, and the order that pools are ranked in."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from models.evaluation.ranking_metrics import share_within
from models.evaluation.scored_pairs import ScoredPairs
from pipeline.reports.page.svg import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    draw_intervals,
    plain,
    styled,
    to_svg,
)
from pipeline.reports.run.calibration import Calibration

_NUM_BINS = 40
_NUM_CUTOFFS = 60


def calibration_figure(calibration: Calibration, rows: ScoredPairs) -> str:
    """Draws labels of pairs by predicted label, and what is left over; returns SVG."""
    assert rows.label is not None  # Only of rated pairs.
    errors = rows.score.astype(float) - rows.label.astype(float)
    with styled("calibration"):
        figure = Figure(figsize=(9.5, 3.0), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        scores = [each.score for each in calibration.bins]
        labels = [each.label for each in calibration.bins]
        low = min(*scores, *(label.low for label in labels))
        high = max(*scores, *(label.high for label in labels))
        left.plot([low, high], [low, high], color=GREY, linestyle="--", label="perfect")
        draw_intervals(
            left,
            scores,
            labels,
            marker="o",
            markersize=4.0,
            capsize=2.5,
            color=ORANGE,
            label="cmml",
        )
        left.set_xlabel("predicted label, tenths of the pairs")
        left.set_ylabel("mean label")
        left.legend(fontsize=8.0)
        middle.hist(errors, bins=_NUM_BINS, color=BLUE)
        middle.axvline(0.0, color=INK, linewidth=1.0)
        middle.set_xlabel("prediction less label")
        middle.set_ylabel("pairs")
        middle.yaxis.set_major_formatter("{x:,.0f}")
        if calibration.by_label:
            ticks = [f"{label:g}" for label in calibration.by_label]
            right.bar(ticks, list(calibration.by_label.values()), color=BLUE)
            right.axhline(0.0, color=INK, linewidth=1.0)
            right.set_xlabel("label")
            right.set_ylabel("mean of prediction less label")
            right.grid(visible=False, axis="x")
        else:
            right.set_axis_off()
        return to_svg(figure)


def rank_figure(rows: Mapping[str, ScoredPairs]) -> str:
    """Draws the share of held-out clicks that are within the first candidates.

    Args:
        rows: Ranks by method, CMML first.
    """
    with styled("ranks"):
        figure = Figure(figsize=(6.5, 3.2), layout="constrained")
        axes = figure.add_subplot()
        for (name, ranked), color in zip(rows.items(), (ORANGE, BLUE), strict=False):
            rank, num_tied, most = ranked.rank, ranked.num_tied, ranked.num_candidates
            assert rank is not None  # Clicks are ranked.
            assert num_tied is not None
            assert most is not None
            cutoffs = np.unique(np.geomspace(1, most.max(), _NUM_CUTOFFS).astype(int))
            shares = [float(share_within(rank, num_tied, k).mean()) for k in cutoffs]
            axes.plot(cutoffs, shares, color=color, label=plain(name))
            if color == ORANGE:
                by_chance = [float(np.minimum(k / most, 1.0).mean()) for k in cutoffs]
                axes.plot(
                    cutoffs, by_chance, color=GREY, linestyle="--", label="chance"
                )
        axes.set_xscale("log")
        axes.set_xlabel("first candidates looked at")
        axes.set_ylabel("share of held-out clicks")
        axes.set_ylim(0.0, 1.0)
        axes.legend(fontsize=8.0)
        return to_svg(figure)
