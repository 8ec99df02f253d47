"""An explanation as one HTML file that needs nothing else, not even a network."""

from collections.abc import Mapping

import numpy as np

from pipeline.insight.explanation import Explanation
from pipeline.insight.modulation_values import Values
from pipeline.reports.insight.explanation_text import (
    MAX_PAIRS,
    attribution_figure,
    compared,
    reasons,
    strongest_pairs,
    verdict,
)
from pipeline.reports.insight.routes import modulation_figures
from pipeline.reports.page.render import render
from pipeline.reports.page.result_table import Column, ResultTable
from transforms.plural import counted


def explanation_page(
    explanation: Explanation, groups: Mapping[str, Values], command: str
) -> str:
    """Returns the page: the verdict, then what it rests on.

    Args:
        explanation: The scores of the first task.
        groups: What contexts change of the backbone, by name of the task or group: of
            one, or of two that are compared.
        command: What made the page.
    """
    names = list(groups)
    sentences = list(verdict(explanation))
    if len(names) > 1:
        sentences.append(compared(groups[names[0]], groups[names[1]], names))
    num_pairs = len(explanation.pairs)
    return render(
        "explanation.html",
        task=explanation.task,
        description=f"{counted(num_pairs, 'support pair')}, "
        f"{counted(len(explanation.items), 'item')}.",
        verdict=sentences,
        items=_item_table(explanation),
        attribution=attribution_figure(explanation) if num_pairs else None,
        max_pairs=MAX_PAIRS,
        pairs=_pair_table(explanation),
        figures=modulation_figures(groups),
        command=command,
    )


def _item_table(explanation: Explanation) -> ResultTable:
    def named(effects: np.ndarray, sign: float) -> str:
        return "; ".join(
            f"{explanation.pairs[pair]} ({effects[pair]:+.3f})"
            for pair in reasons(effects)
            if sign * effects[pair] > 0.0
        )

    rows = [
        {
            "item": item,
            "score": float(score),
            "raised": named(effects, 1.0),
            "lowered": named(effects, -1.0),
        }
        for item, score, effects in zip(
            explanation.items, explanation.scores, explanation.attribution, strict=True
        )
    ]
    columns = [
        Column("item", "item"),
        Column("score", "score", "{:.3f}".format),
        Column("raised", "raised by"),
        Column("lowered", "lowered by"),
    ]
    return ResultTable("items", "items", "", columns, rows)


def _pair_table(explanation: Explanation) -> ResultTable:
    columns = [
        Column("place", "place", "{:d}".format),
        Column("pair", "support pair"),
        Column("size", "mean change", "{:.4f}".format),
        Column("mean", "mean, with its sign", "{:+.4f}".format),
        Column("most", "largest change", "{:+.4f}".format),
        Column("item", "of the score of"),
    ]
    rows = []
    for pair in strongest_pairs(explanation):
        effects = explanation.attribution[:, pair]
        largest = int(np.abs(effects).argmax())
        rows.append(
            {
                "place": int(pair) + 1,
                "pair": explanation.pairs[pair],
                "size": float(np.abs(effects).mean()),
                "mean": float(effects.mean()),
                "most": float(effects[largest]),
                "item": explanation.items[largest],
            }
        )
    return ResultTable("pairs", "pairs", "", columns, rows)
