"""Where new tasks lie among known ones: how far, and next to which."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.onboarding.tasks import Floats

# Support sets of new and known tasks are cut to one of these sizes to be compared.
SIZES = (1, 2, 4, 8, 16, 32)

OUTLIER_PERCENTILE = 99.0  # Farther than that is an outlier.

MIN_KNOWN = 20  # Tasks with as many pairs, or a size is not compared at.

_NUM_NEAREST = 5
_NO_SPREAD = 1e-6  # Of values that are the same for all, but for rounding.


@dataclasses.dataclass(frozen=True, eq=False)
class SizeGroup:
    """What the model makes of tasks with support sets of one size.

    Attributes:
        size: The pairs.
        known: float [K, M], of tasks of meta-train.
        known_ids: Their ids, or names.
        new: float [N, M], of new tasks.
        new_ids: Their ids.
    """

    size: int
    known: NDArray[np.floating]
    known_ids: Sequence[str]
    new: NDArray[np.floating]
    new_ids: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a new task lies.

    Attributes:
        task_id: The task.
        size: Support pairs that it was seen with.
        distance: To the nearest known tasks, divided by the median of the distances
            that known tasks have to each other.
        percentile: Share of the known tasks that are nearer to theirs, in percent.
        nearest: The nearest known tasks.
    """

    task_id: str
    size: int
    distance: float
    percentile: float
    nearest: Sequence[str]

    @property
    def is_outlier(self) -> bool:
        """Whether it is farther than nearly all known tasks."""
        return self.percentile >= OUTLIER_PERCENTILE


@dataclasses.dataclass(frozen=True, eq=False)
class Placement:
    """Where all new tasks lie.

    Attributes:
        places: One for each new task that could be compared.
        known: float64 [K], distances of known tasks, in the same unit, those of all
            sizes of support sets.
    """

    places: Sequence[Place]
    known: Floats

    @property
    def outlier_fraction(self) -> float:
        """Share of the new tasks that are outliers."""
        return float(np.mean([place.is_outlier for place in self.places]))


def size_for(num_pairs: int) -> int:
    """Returns the size that a support set is cut to; 0 if there is no pair."""
    return max((size for size in SIZES if size <= num_pairs), default=0)


def place_tasks(groups: Sequence[SizeGroup]) -> Placement | None:
    """Compares new tasks with known ones.

    The distance of a task is the mean of those to the five nearest known tasks, itself
    not counted, each value divided by its deviation among these. The known tasks say
    how far is usual. Distances are divided by their median, so that those of several
    sizes go into one figure.

    Args:
        groups: One for each size.

    Returns:
        None if no group has enough known tasks.
    """
    places: list[Place] = []
    known = [np.empty(0)]
    for group in groups:
        if len(group.known) < MIN_KNOWN:
            continue
        usual, _ = _nearest(*_scaled(group.known, group.known), is_same=True)
        distances, order = _nearest(*_scaled(group.new, group.known), is_same=False)
        unit = float(np.median(usual)) or 1.0
        known.append(usual / unit)
        places += [
            Place(
                task_id,
                group.size,
                float(distances[number] / unit),
                float(100.0 * np.mean(usual < distances[number])),
                [group.known_ids[n] for n in order[number]],
            )
            for number, task_id in enumerate(group.new_ids)
        ]
    return Placement(places, np.concatenate(known)) if places else None


def why_no_place(
    new: Sequence[int], known: Sequence[int], tasks: str, *, is_trained: bool
) -> str:
    """Says why new tasks cannot be placed among known ones.

    Args:
        new: Pairs of each new task that the model has not seen.
        known: Pairs of each known task that can be compared with.
        tasks: What tasks are called.
        is_trained: Whether the model goes by what its contexts change.
    """
    if not is_trained:
        return "no epoch was better than the start, so that contexts change nothing"
    if not new:
        return f"the model was trained on all of these {tasks}"
    if not any(new):
        return "there is no pair to compare by"
    if len(known) < MIN_KNOWN:
        return f"known {tasks}: {len(known)}, at least {MIN_KNOWN} are needed"
    size = min(size_for(number) for number in new if number)
    num_alike = sum(number >= size for number in known)
    return (
        f"known {tasks} with as many pairs ({size}): {num_alike}, at least {MIN_KNOWN} "
        "are needed"
    )


def _scaled(
    tasks: NDArray[np.floating], known: NDArray[np.floating]
) -> tuple[Floats, Floats]:
    """Divides both by the deviation of what varies among the known tasks."""
    both = (array.astype(np.float64) for array in (tasks, known))
    centre, scale = known.mean(axis=0), known.std(axis=0)
    varies = scale > _NO_SPREAD * np.maximum(np.abs(centre), scale.max())
    first, second = ((array - centre)[:, varies] / scale[varies] for array in both)
    return first, second


def _nearest(
    tasks: Floats, known: Floats, *, is_same: bool
) -> tuple[Floats, NDArray[np.intp]]:
    """Returns mean distances to the nearest known tasks [N], and which [N, 5].

    Args:
        tasks: float64 [N, M].
        known: float64 [K, M].
        is_same: Whether the tasks are the known ones, none of which is its own
            neighbour.
    """
    squares = (tasks**2).sum(axis=1)[:, np.newaxis] + (known**2).sum(axis=1)
    gaps = np.sqrt(np.maximum(squares - 2.0 * tasks @ known.T, 0.0))  # [N, K]
    if is_same:
        np.fill_diagonal(gaps, np.inf)
    order = np.argsort(gaps, axis=1, kind="stable")[:, :_NUM_NEAREST]
    return np.take_along_axis(gaps, order, axis=1).mean(axis=1), order
