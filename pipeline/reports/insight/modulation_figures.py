"""The figures of what contexts change: routes, scales and shifts of groups of tasks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pipeline.insight.modulation_values import Values, difference, has_routes
from pipeline.reports.insight.routes import modulation_figure, route_figure
from pipeline.reports.page.svg import styled, to_svg


@dataclasses.dataclass(frozen=True)
class ModulationFigures:
    """What contexts of groups of tasks change of the backbone.

    Attributes:
        routes: SVG of the graphs of modules; None if there are no routes.
        values: SVG of all values as heat maps.
        has_scales: Whether there are scales among them.
        is_compared: Whether the last row is the first group less the second.
    """

    routes: str | None
    values: str
    has_scales: bool
    is_compared: bool


def modulation_figures(groups: Mapping[str, Values]) -> ModulationFigures:
    """Draws each group, and the first less the second.

    Args:
        groups: Values by name of the group, at least one.
    """
    first, *others = groups.values()
    rows = dict(groups)
    if others:
        rows["first less second"] = difference(first, others[0])
    with styled("modulation"):
        values = to_svg(modulation_figure(rows, compared=bool(others)))
    with styled("routes"):
        routes = to_svg(route_figure(groups)) if has_routes(first) else None
    return ModulationFigures(
        routes=routes,
        values=values,
        has_scales=any(name.startswith("scale_") for name in first),
        is_compared=bool(others),
    )
