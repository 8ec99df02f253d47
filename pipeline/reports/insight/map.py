"""The map of contexts: tasks as points, near where contexts are alike."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipeline.insight.clustering import directions
from pipeline.insight.contexts import TaskContexts
from pipeline.reports.insight.clusterings import tells_apart
from pipeline.reports.page.svg import BLUE, GREY, ORANGE, plain, styled, to_svg
from pipeline.settings.step_parts import NO_LABEL, Labels

MAX_POINTS = 3000  # t-SNE of more takes minutes.

_NUM_COMPONENTS = 30
_PERPLEXITY = 30.0
# Where the first phase ends once it gains little, half the usual iterations come to the
# same divergence.
_NUM_ITERATIONS, _MIN_GRADIENT = 500, 1e-3
_FEW = 200  # Of so few the exact layout takes less time.

# Those of Okabe and Ito that show on white and on black; other labels are grey.
_COLOURS = (
    *(BLUE, ORANGE, "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c564b", "#b5a500"),
)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
_REST = "other"
# The middle of a scale whose ends are lost on black and on white.
_SCALE = ListedColormap(colormaps["plasma"](np.linspace(0.25, 0.78, 256)))
_MAX_LETTERS = 28


def map_positions(contexts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lays contexts out in a plane, by t-SNE of their 30 principal components.

    Near points are alike; distances between groups, and their sizes, mean nothing.

    Args:
        contexts: float32 [N, D].

    Returns:
        float32 [N, 2]; with fewer than 4 contexts just two of their values.
    """
    # Threads that wait for each other take twice as long where other programs run.
    with threadpool_limits(1):
        points = principal_components(contexts, _NUM_COMPONENTS)
        if len(points) < 4:
            return points[:, :2]
        from sklearn.manifold import TSNE

        layout = TSNE(
            perplexity=min(_PERPLEXITY, (len(points) - 1) / 3.0),
            init="pca",
            method="exact" if len(points) <= _FEW else "barnes_hut",
            max_iter=_NUM_ITERATIONS,
            min_grad_norm=_MIN_GRADIENT,
            random_state=0,
        )
        return np.asarray(layout.fit_transform(points), np.float32)


def principal_components(
    contexts: NDArray[np.float32], most: int
) -> NDArray[np.float32]:
    """Returns the principal components of the directions of contexts.

    Args:
        contexts: float32 [N, D].
        most: Components, at most.

    Returns:
        float32 [N, at least 2]; zeros where there are fewer.
    """
    centred = directions(contexts)
    centred = centred - centred.mean(axis=0)
    left, scales, _ = np.linalg.svd(centred, full_matrices=False)
    components = (left * scales)[:, :most].astype(np.float32)
    return np.pad(components, [(0, 0), (0, max(0, 2 - components.shape[1]))])


def context_maps(contexts: TaskContexts, kinds: Iterable[str]) -> dict[str, str]:
    """Draws a map for each kind of label that tells contexts apart, SVG by kind.

    Args:
        contexts: The contexts.
        kinds: Kinds of labels in their order; one that is not there is left out.
    """
    positions = map_positions(contexts.contexts)
    maps = {}
    for kind in kinds:
        if tells_apart(contexts, kind):
            with styled(f"map-{kind}"):
                maps[kind] = to_svg(context_map_figure(contexts, kind, positions))
    return maps


def context_map_figure(
    contexts: TaskContexts, colour_by: str, positions: NDArray[np.float32]
) -> Figure:
    """Draws the map, to be used within `pipeline.reports.page.svg.styled`.

    Args:
        contexts: The contexts.
        colour_by: The kind of label: texts have a colour each, the most frequent
            eight of them; numbers a scale of colours.
        positions: float32 [N, 2], as `map_positions` returns them.
    """
    figure = Figure(figsize=(7.6, 5.2))
    axes = figure.add_subplot()
    axes.set(xticks=[], yticks=[])
    axes.spines[["left", "bottom"]].set_visible(False)
    labels = contexts.labels[colour_by]
    if any(isinstance(label, str) for label in labels):
        _draw_texts(axes, positions, labels)
    else:
        _draw_numbers(figure, axes, positions, labels, colour_by)
    return figure


def _draw_texts(axes: Axes, positions: NDArray[np.float32], labels: Labels) -> None:
    names = np.array([str(label) for label in labels], object)
    counts = Counter(name for name in names if name != NO_LABEL)
    names_by_count = sorted(counts.items(), key=lambda c: (-c[1], c[0]))
    coloured = sorted(name for name, _ in names_by_count[: len(_COLOURS)])
    size = _size(len(names))
    rest = ~np.isin(names, coloured)
    if rest.any():
        _scatter(axes, positions[rest], size * 0.7, GREY, "o", 0.5, _REST)
    for name, colour, marker in zip(coloured, _COLOURS, _MARKERS, strict=False):
        few = size * (
            2.0 if counts[name] < 100 and len(counts) > len(coloured) else 1.0
        )
        label = name if len(name) <= _MAX_LETTERS else f"{name[:_MAX_LETTERS]}…"
        chosen = positions[names == name]
        _scatter(axes, chosen, few, colour, marker, 0.8, plain(label))
    axes.legend(
        loc="center left", bbox_to_anchor=(1.0, 0.5), markerscale=1.6, borderpad=0.2
    )


def _scatter(
    axes: Axes,
    points: NDArray[np.float32],
    size: float,
    colour: str,
    marker: str,
    alpha: float,
    label: str,
) -> None:
    axes.scatter(
        points[:, 0],
        points[:, 1],
        s=size,
        c=colour,
        marker=marker,
        alpha=alpha,
        linewidths=0,
        label=label,
        rasterized=True,
    )


def _draw_numbers(
    figure: Figure,
    axes: Axes,
    positions: NDArray[np.float32],
    labels: Labels,
    kind: str,
) -> None:
    values = np.array(labels, float)
    known = np.isfinite(values)
    low, high = np.percentile(values[known], [2, 98]) if known.any() else (0.0, 1.0)
    drawn = axes.scatter(
        positions[known, 0],
        positions[known, 1],
        s=_size(len(values)),
        c=values[known],
        vmin=low,
        vmax=high,
        cmap=_SCALE,
        linewidths=0,
        rasterized=True,
    )
    bar = figure.colorbar(drawn, ax=axes, label=kind.replace("_", " "), shrink=0.8)
    bar.outline.set_visible(False)


def _size(num_points: int) -> float:
    """Returns the area of a point, in square points."""
    return float(np.clip(20000.0 / max(num_points, 1), 7.0, 40.0))
