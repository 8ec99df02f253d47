"""Predicted labels against what came, and the order that pools are ranked in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from models.evaluation.ranking_metrics import share_within
from models.evaluation.scored_pairs import ScoredPairs
from pipeline.reports.page.svg import BLUE, GREY, INK, ORANGE, plain, styled, to_svg
from pipeline.reports.run.calibration import Calibration

_NUM_BINS = 40
_NUM_CUTOFFS = 60


def calibration_figure(calibration: Calibration, rows: ScoredPairs) -> str:
    """Draws labels by predicted label, what is left over, and that by label.

    Args:
        calibration: How scores and labels go together.
        rows: The pairs.

    Returns:
        SVG.
    """
    assert rows.label is not None  # Only of rated pairs.
    residuals = rows.label.astype(float) - rows.score.astype(float)
    with styled("calibration"):
        figure = Figure(figsize=(9.5, 3.0), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        scores = [each.score for each in calibration.bins]
        means = np.array([each.label.mean for each in calibration.bins])
        low = np.array([each.label.low for each in calibration.bins])
        high = np.array([each.label.high for each in calibration.bins])
        ends = [min(*scores, *low), max(*scores, *high)]
        left.plot(ends, ends, color=GREY, linestyle="--", label="perfect")
        left.errorbar(
            scores,
            means,
            yerr=np.stack([means - low, high - means]).clip(0.0),
            marker="o",
            markersize=4.0,
            capsize=2.5,
            color=ORANGE,
            label="cmml",
        )
        left.set_xlabel("predicted label, tenths of the pairs")
        left.set_ylabel("mean label")
        left.legend(fontsize=8.0)
        middle.hist(residuals, bins=_NUM_BINS, color=BLUE)
        middle.axvline(0.0, color=INK, linewidth=1.0)
        middle.set_xlabel("label less prediction")
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

    Returns:
        SVG.
    """
    with styled("ranks"):
        figure = Figure(figsize=(6.5, 3.2), layout="constrained")
        axes = figure.add_subplot()
        for (name, ranked), color in zip(rows.items(), (ORANGE, BLUE), strict=False):
            most = ranked.num_candidates
            assert most is not None  # Clicks are ranked.
            assert ranked.rank is not None
            cutoffs = np.unique(np.geomspace(1, most.max(), _NUM_CUTOFFS).astype(int))
            assert ranked.num_tied is not None
            ranks = ranked.rank, ranked.num_tied
            shares = [float(share_within(*ranks, k).mean()) for k in cutoffs]
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
