"""Every combination of some values, and more values where the best is at an edge."""

import dataclasses
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

_MOST_MORE = 4  # Values tried beyond the edges of an axis, at most.
_MOST_TIMES = 4  # Whole numbers are widths, whose cost grows with their cube.


@dataclasses.dataclass(frozen=True)
class Search:
    """What was tried.

    Attributes:
        best: The best values; None if no candidate has a worth.
        worth: Theirs.
        at_edge: Axes whose best value is still the first or the last of those tried,
            but for whole numbers that are as large as any may be.
        num_tried: Candidates that were judged.
        num_best: Those of them with the worth of the best.
    """

    best: Mapping[str, Any] | None
    worth: float
    at_edge: tuple[str, ...]
    num_tried: int
    num_best: int


def search_grid(
    grid: Mapping[str, Sequence[Any]],
    judge: Callable[[Mapping[str, Any]], float],
    *,
    bounded: Collection[str] = (),
) -> Search:
    """Judges every combination, then goes on beyond edges until the best is inside.

    Args:
        grid: Values to try by axis. Only numbers, two or more of an axis, have edges;
            0, the least that a size or weight can be, is none. Whole numbers are
            tried up to four times the largest.
        judge: Returns the worth of a candidate, more being better; NaN if it has none.
        bounded: Axes beyond whose values none is tried.

    Returns:
        The best candidate, the first of equals.
    """
    values = {axis: list(of_axis) for axis, of_axis in grid.items()}
    best, most = None, float("-inf")
    worths: list[float] = []

    def take(candidate: Mapping[str, Any]) -> None:
        nonlocal best, most
        worths.append(worth := judge(candidate))
        if worth > most:
            best, most = candidate, worth

    for combination in itertools.product(*values.values()):
        take(dict(zip(values, combination, strict=True)))
    while best is not None:
        further = _further(grid, values, best, bounded)
        steps = [
            (axis, value)
            for axis, value in further.items()
            if len(values[axis]) < len(grid[axis]) + _MOST_MORE
        ]
        if not steps:
            break
        axis, value = steps[0]
        values[axis].append(value)
        take({**best, axis: value})
    at_edge = () if best is None else tuple(further)
    return Search(best, most, at_edge, len(worths), worths.count(most))


def _further(
    grid: Mapping[str, Sequence[Any]],
    values: Mapping[str, Sequence[Any]],
    best: Mapping[str, Any],
    bounded: Collection[str],
) -> dict[str, Any]:
    """Returns the next value of each axis whose best is at an edge, if it may be."""
    further = {axis: beyond(tried, best[axis]) for axis, tried in values.items()}
    return {
        axis: value
        for axis, value in further.items()
        if value is not None
        and axis not in bounded
        and not (isinstance(value, int) and value > _MOST_TIMES * max(grid[axis]))
    }


def beyond(values: Sequence[Any], best: Any) -> Any | None:
    """Returns the next value outwards, in the ratio of the two at the edge.

    Args:
        values: The values of an axis, in any order.
        best: One of them.

    Returns:
        None if the best is inside, or the axis has no edge there.
    """
    if len(values) < 2 or any(
        isinstance(value, bool) or not isinstance(value, int | float)
        for value in values
    ):
        return None
    ordered = sorted(values)
    if best == ordered[-1]:
        edge, inner = ordered[-1], ordered[-2]
    elif best == ordered[0]:
        edge, inner = ordered[0], ordered[1]
    else:
        return None
    if edge <= 0 or inner <= 0:
        return 2 * edge if edge > 0 else None
    value = edge * edge / inner
    if all(isinstance(each, int) for each in values):
        value = round(value)
        return value if value >= 1 and value != edge else None
    return float(value)


def choice_text(search: Search) -> str:
    """Says in a few words what was chosen, at an edge or among equals if so."""
    chosen = values_text(search.best or {})
    if search.num_best == search.num_tried > 1:
        return f"{chosen} (all {search.num_tried} that were tried are equally good)"
    if not search.at_edge:
        return chosen
    edges = " and ".join(search.at_edge)
    return f"{chosen} (still at the edge of what was tried: {edges})"


def values_text(values: Mapping[str, Any]) -> str:
    """Returns values by axis in a few words."""
    return ", ".join(f"{axis} {_text(value)}" for axis, value in values.items())


def _text(value: Any) -> Any:
    return f"{value:.3g}" if isinstance(value, float) else value
