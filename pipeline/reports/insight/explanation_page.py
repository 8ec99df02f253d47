"""An explanation as one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.insight.explanation import Explanation
from pipeline.insight.modulation_values import Values, difference, has_routes
from pipeline.reports.insight.attribution_figure import (
    MAX_PAIRS,
    attribution_figure,
    strongest_pairs,
)
from pipeline.reports.insight.explanation_text import compared, reasons, verdict
from pipeline.reports.insight.routes import modulation_figure, route_figure
from pipeline.reports.page.elements import captioned, commands, sortable, verdict_list
from pipeline.reports.page.frame import Section, page
from pipeline.reports.page.result_table import Column, ResultTable
from pipeline.reports.page.svg import styled, to_svg

_ATTRIBUTION = (
    "Each score less that without the support pair, all other pairs being shown: red "
    "raises it, blue lowers it. Look for rows of one colour, pairs that move all that "
    "is recommended. Effects do not add up to the score: two pairs that say the same "
    "stand in for each other. {cut}"
)
_CUT = f"Only the {MAX_PAIRS} pairs that change most are drawn."
_ROUTES = (
    "What one module hands on to the next, layer by layer. Look for few dark lines, "
    "and for lines that differ between the graphs: these are what a context changes. "
    "Bad would be lines of one shade everywhere, when all modules do the same."
)
_MODULATION = (
    "What the context makes of the backbone: a row a layer, a column a unit (of routes "
    "a row a module that gives, a column a module that takes). {white}Look for "
    "units that differ between rows of figures; the last row, if two are compared, is "
    "the first less the second. Bad would be a difference of 0: then "
    "the context changes nothing."
)
_WHITE = "White is no change: a scale of 1, a shift of 0. "


def explanation_page(
    found: Explanation, groups: Mapping[str, Values], command: str
) -> str:
    """Returns the page: what was found, then what it is told from.

    Args:
        found: The scores of the first task.
        groups: What contexts change of the backbone, by name of the task or group: of
            one, or of two that are compared.
        command: What made the page.
    """
    names = list(groups)
    sentences = list(verdict(found))
    if len(names) > 1:
        sentences.append(compared(groups[names[0]], groups[names[1]], names))
    return page(
        f"Why this is recommended to {found.task}",
        f"{len(found.pairs)} support pairs, {len(found.items)} items.",
        [
            verdict_list(sentences),
            Section(
                "Recommendations",
                sortable(_item_table(found)),
                "The pairs that raise each score most, and lower it most.",
                name="items",
            ),
            *_pair_sections(found),
            Section("Modulation", _pictures(groups), name="modulation"),
            Section("How to get the same", commands([command])),
        ],
    )


def _pair_sections(found: Explanation) -> list[Section]:
    if not found.pairs:
        return []
    with styled("attribution"):
        svg = to_svg(attribution_figure(found))
    caption = _ATTRIBUTION.format(cut=_CUT if len(found.pairs) > MAX_PAIRS else "")
    return [
        Section(
            "Attribution", captioned(svg, "attribution", caption), name="attribution"
        ),
        Section(
            "Support pairs",
            sortable(_pair_table(found)),
            "What each pair does to the scores above, over all of them.",
            name="pairs",
        ),
    ]


def _item_table(found: Explanation) -> ResultTable:
    rows = []
    for item, score, effects in zip(
        found.items, found.scores, found.attribution, strict=True
    ):
        told = [(pair, float(effects[pair])) for pair in reasons(effects)]
        rows.append(
            {
                "item": item,
                "score": float(score),
                "raised": _told(found.pairs, [t for t in told if t[1] > 0.0]),
                "lowered": _told(found.pairs, [t for t in told if t[1] < 0.0]),
            }
        )
    columns = [
        Column("item", "item"),
        Column("score", "score", "{:.3f}".format),
        Column("raised", "raised by"),
        Column("lowered", "lowered by"),
    ]
    return ResultTable("items", "items", "", columns, rows)


def _told(pairs: Sequence[str], effects: Sequence[tuple[int, float]]) -> str:
    return "; ".join(f"{pairs[pair]} ({effect:+.3f})" for pair, effect in effects)


def _pair_table(found: Explanation) -> ResultTable:
    columns = [
        Column("place", "shown as", "{:d}".format),
        Column("pair", "support pair"),
        Column("size", "mean change", "{:.4f}".format),
        Column("mean", "mean, with its sign", "{:+.4f}".format),
        Column("most", "largest change", "{:+.4f}".format),
        Column("item", "of the score of"),
    ]
    rows = []
    for pair in strongest_pairs(found):
        effects = found.attribution[:, pair]
        largest = int(np.abs(effects).argmax())
        rows.append(
            {
                "place": int(pair) + 1,
                "pair": found.pairs[pair],
                "size": float(np.abs(effects).mean()),
                "mean": float(effects.mean()),
                "most": float(effects[largest]),
                "item": found.items[largest],
            }
        )
    return ResultTable("pairs", "pairs", "", columns, rows)


def _pictures(groups: Mapping[str, Values]) -> str:
    """Draws each group, and the difference of two."""
    figures = []
    if has_routes(next(iter(groups.values()))):
        with styled("routes"):
            svg = to_svg(route_figure(groups))
        figures.append(captioned(svg, "routes", _ROUTES))
    shown = dict(groups)
    if len(groups) > 1:
        first, second = groups.values()
        shown["difference"] = difference(first, second)
    with styled("heat"):
        svg = to_svg(modulation_figure(shown, compared=len(groups) > 1))
    values = next(iter(groups.values()))
    has_scales = any(name.startswith("scale_") for name in values)
    caption = _MODULATION.format(white=_WHITE if has_scales else "")
    figures.append(captioned(svg, "heat", caption))
    return "\n".join(figures)
