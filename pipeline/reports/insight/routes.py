"""Pictures of what a context changes: routes between modules, scales and shifts."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from pipeline.insight.modulation_values import ROUTES, Values, difference, has_routes
from pipeline.reports.page.svg import BLUE, GROUND, INK, plain, styled, to_svg

_NODE = 14.0
_DPI = 80  # Of what TensorBoard shows.


def modulation_pictures(
    groups: Mapping[str, Values],
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Draws what contexts change of the backbone, as TensorBoard shows it.

    Yields:
        Name, and picture uint8 [1, height, width, 4]: of routes a graph, and of all
        values heat maps.
    """
    with styled("training"):
        if has_routes(next(iter(groups.values()))):
            yield "routes", _picture(route_figure(groups))
        yield "modulation", _picture(modulation_figure(groups))


def _picture(figure: Figure) -> NDArray[np.uint8]:
    figure.set(dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[np.newaxis]


def route_figure(groups: Mapping[str, Values]) -> Figure:
    """Draws the routes of tasks or groups side by side, as the paper's Figure 4.

    Modules are circles, a layer a row, input at the top. The darker and wider a line,
    the larger the weight of the route.

    Args:
        groups: Route weights by what they are of.

    Raises:
        ValueError: If the values are no route weights.
    """
    for title, values in groups.items():
        if not has_routes(values):
            raise ValueError(
                f"groups must hold route weights, got {sorted(values)} for {title!r}."
            )
    figure = Figure(figsize=(3.1 * len(groups) + 0.4, 3.7))
    all_axes = figure.subplots(1, len(groups), squeeze=False)[0]
    for axes, (title, values) in zip(all_axes, groups.items(), strict=True):
        _draw_routes(axes, _matrices(values))
        axes.set_title(plain(title), fontsize=9)
    figure.text(
        0.5,
        0.0,
        "the darker a line, the more of one module goes into the next; weights "
        f"{_summed(groups)} a module sum to 1",
        ha="center",
        fontsize=8,
    )
    return figure


def _summed(groups: Mapping[str, Values]) -> str:
    """Tells which weights sum to 1, as `model.route_axis` has it."""
    first, *_ = _matrices(next(iter(groups.values())))
    return "out of" if np.allclose(first.sum(axis=1), 1.0, atol=1e-3) else "into"


def _draw_routes(axes: Axes, matrices: Sequence[NDArray]) -> None:
    """Draws one graph, from the weights [R, R] of each layer, [R, 1] of the last."""
    axes.set_axis_off()
    num_layers = len(matrices)
    num_modules = matrices[0].shape[0]
    _draw_lines(axes, matrices)
    for layer in range(num_layers):
        _draw_modules(axes, layer, num_modules)
    axes.text((num_modules - 1) / 2, -num_layers - 0.08, "score", ha="center", va="top")
    axes.set_xlim(-0.9, num_modules - 0.6)
    axes.set_ylim(-num_layers - 0.35, 0.35)


def _draw_lines(axes: Axes, matrices: Sequence[NDArray]) -> None:
    """Draws each route from a module to one of the next layer."""
    num_modules = matrices[0].shape[0]
    for layer, weights in enumerate(matrices):
        most = float(weights.max()) or 1.0
        for (source, target), weight in np.ndenumerate(weights):
            share = float(weight) / most
            axes.plot(
                [source, target if weights.shape[1] > 1 else (num_modules - 1) / 2],
                [-layer, -layer - 1],
                color=BLUE,
                alpha=0.06 + 0.94 * share**1.5,
                linewidth=0.6 + 3.0 * share,
                solid_capstyle="round",
                zorder=1 + share,
            )


def _draw_modules(axes: Axes, layer: int, num_modules: int) -> None:
    """Draws the numbered modules of a layer, and its name."""
    axes.plot(
        range(num_modules),
        [-layer] * num_modules,
        linestyle="none",
        marker="o",
        markersize=_NODE,
        markerfacecolor=GROUND,
        markeredgecolor=INK,
        zorder=4,
    )
    for module in range(num_modules):
        axes.text(
            module,
            -layer - 0.01,
            str(module + 1),
            ha="center",
            va="center",
            fontsize=8,
            zorder=5,
        )
    axes.text(-0.75, -layer, f"layer {layer + 1}", va="center", ha="right")


def modulation_figure(groups: Mapping[str, Values], compared: bool = False) -> Figure:
    """Draws all values as heat maps, a column for each kind and a row for each group.

    FiLM and sigmoid modulation have scales and shifts, a row a layer and a column a
    unit; weight modulation one row; route weights a block for each layer, source
    module down and target module across. White is 1 of
    scales and 0 of all other values.

    Args:
        groups: Values by what they are of.
        compared: Whether the last group is the difference of others, and has a scale
            of colours of its own around 0.
    """
    kinds = _kinds(next(iter(groups.values())))
    num_rows, num_columns = len(groups), len(kinds)
    tall = max(grid.shape[0] for grid in kinds.values())
    figure = Figure(
        figsize=(
            1.2 + 3.4 * num_columns,
            (0.75 + 0.14 * max(tall, 4)) * num_rows + 0.4,
        ),
        layout="constrained",
    )
    all_axes = figure.subplots(num_rows, num_columns, squeeze=False)
    grids = [_kinds(values) for values in groups.values()]
    num_own = num_rows - compared
    for column, kind in enumerate(kinds):
        together = np.stack([grid[kind] for grid in grids[:num_own]])
        for row, title in enumerate(groups):
            axes, grid = all_axes[row, column], grids[row][kind]
            if row >= num_own:
                drawn = _heat(axes, grid, _around(0.0, grid), "RdBu_r")
            elif kind == "routes":
                drawn = _heat(axes, grid, (0.0, float(np.nanmax(together))), "Blues")
            else:
                centre = 1.0 if kind == "scale" else 0.0
                drawn = _heat(axes, grid, _around(centre, together), "RdBu_r")
            axes.set_title(f"{plain(title)}: {kind}", fontsize=8, loc="left")
            bar = figure.colorbar(drawn, ax=axes, fraction=0.04, pad=0.02)
            bar.outline.set_visible(False)
            bar.ax.tick_params(labelsize=7)
    return figure


def _around(centre: float, values: NDArray) -> tuple[float, float]:
    """Returns limits as far below a centre as above it, that hold all values."""
    spread = float(np.nanmax(np.abs(values - centre))) or 1.0
    return centre - spread, centre + spread


def _heat(
    axes: Axes, grid: NDArray, limits: tuple[float, float], colours: str
) -> AxesImage:
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set_yticks(range(len(grid)), [str(row + 1) for row in range(len(grid))])
    axes.xaxis.set_major_formatter(lambda column, _: f"{column + 1:g}")
    axes.tick_params(labelsize=7, length=2)
    return axes.imshow(
        grid,
        aspect="auto",
        cmap=colours,
        vmin=limits[0],
        vmax=limits[1],
        interpolation="nearest",
    )


def _kinds(values: Values) -> dict[str, NDArray]:
    """Returns a grid for each kind of value, rows are layers; NaN where it is none."""
    if has_routes(values):
        return {"routes": _side_by_side(_matrices(values))}
    rows: dict[str, list[NDArray]] = {}
    for name, value in values.items():
        kind = name.rpartition("_")[0] or name
        rows.setdefault(kind, []).append(np.ravel(value))
    return {kind: _stacked(layers) for kind, layers in rows.items()}


def _matrices(values: Values) -> list[NDArray]:
    """Returns the route weights of each layer, [R, R], of the last [R, 1]."""
    matrices = [np.asarray(values[name]) for name in values if name.startswith(ROUTES)]
    return [m if m.ndim == 2 else m[:, np.newaxis] for m in matrices]


def _side_by_side(matrices: Sequence[NDArray]) -> NDArray:
    """Puts the weights of the layers beside each other, a gap between."""
    gap = np.full([len(matrices[0]), 1], np.nan)
    parts = [part for matrix in matrices for part in (matrix, gap)]
    return np.concatenate(parts[:-1], axis=1)


def _stacked(rows: Sequence[NDArray]) -> NDArray:
    """Stacks layers that may differ in width."""
    return np.array([*itertools.zip_longest(*rows, fillvalue=np.nan)], float).T


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
