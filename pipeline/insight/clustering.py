"""How well contexts tell labels apart, as numbers beside those of chance."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.settings.step_parts import NO_LABEL, Labels

_NUM_PERMUTATIONS = 20
_MAX_SILHOUETTE = 5000  # It takes the distances of all pairs.


@dataclasses.dataclass(frozen=True)
class Clustering:
    """How alike the labels of near contexts are.

    Attributes:
        num_contexts: N, contexts that have a label.
        num_labels: Different labels among them.
        silhouette: Mean over contexts, one of each task, in [-1, 1], 0 if labels lie
            anyhow; NaN with fewer than 2 labels, or as many as contexts.
        purity: Share of contexts whose nearest neighbour of another task has the same
            label.
        chance: The same share with labels permuted among tasks with as many contexts,
            mean of 20 times.
    """

    num_contexts: int
    num_labels: int
    silhouette: float
    purity: float
    chance: float

    @property
    def ratio(self) -> float:
        """Purity as a multiple of chance; NaN if chance is 0."""
        return self.purity / self.chance if self.chance else float("nan")


def clustering(
    contexts: NDArray[np.float32],
    labels: Labels,
    seed: int = 0,
    *,
    tasks: Sequence[str] | None = None,
) -> Clustering:
    """Measures how well contexts tell labels apart.

    Distance is that of the cosine, the mean context taken off first: what all tasks
    have in common would drown the rest. Contexts of one task are near each other
    whatever the label of the task, so they are never compared.

    Args:
        contexts: float32 [N, D].
        labels: N texts; contexts with `NO_LABEL` are left out.
        seed: Of the permutations.
        tasks: N ids of tasks, where all contexts of a task have the same label; by
            default each context stands for itself.

    Raises:
        ValueError: If contexts of fewer than 2 tasks have a label.
    """
    from sklearn.metrics import silhouette_score

    has_label = np.array([label != NO_LABEL for label in labels], bool)
    ids = np.array(range(len(labels)) if tasks is None else tasks)[has_label]
    _, first, task = np.unique(ids, return_index=True, return_inverse=True)
    if len(first) < 2:
        noun = "contexts" if tasks is None else "tasks"
        raise ValueError(f"clustering needs 2 {noun} with a label, got {len(first)}.")
    names, codes = np.unique(np.array(labels, str)[has_label], return_inverse=True)
    points = directions(contexts[has_label])
    nearest = nearest_neighbours(points, task)
    num_of_task = np.bincount(task)
    rng = np.random.default_rng(seed)
    by_chance = []
    for _ in range(_NUM_PERMUTATIONS):
        permuted = _permuted(codes[first], num_of_task, rng)[task]
        by_chance.append(np.mean(permuted == permuted[nearest]))
    silhouette = float("nan")
    if 1 < len(names) < len(first):
        sample = min(_MAX_SILHOUETTE, len(first))
        chosen = rng.permutation(first)[:sample]
        if 1 < len(np.unique(codes[chosen])) < sample:
            silhouette = float(
                silhouette_score(points[chosen], codes[chosen], metric="euclidean")
            )
    return Clustering(
        num_contexts=len(codes),
        num_labels=len(names),
        silhouette=silhouette,
        purity=float(np.mean(codes == codes[nearest])),
        chance=float(np.mean(by_chance)),
    )


def _permuted(
    codes: NDArray[np.intp], num_of_task: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Permutes labels among tasks with as many contexts.

    A label of tasks with many contexts is that of many neighbours, wherever they lie.
    """
    permuted = codes.copy()
    for num_contexts in np.unique(num_of_task):
        alike = num_of_task == num_contexts
        permuted[alike] = rng.permutation(codes[alike])
    return permuted


def directions(contexts: ArrayLike) -> NDArray[np.float32]:
    """Returns contexts less their mean, each of length 1, or 0 if it is the mean."""
    centred = np.asarray(contexts, np.float32)
    centred = centred - centred.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(lengths > 0.0, lengths, 1.0)


def nearest_neighbours(
    points: NDArray[np.float32], task: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Returns the place of the nearest point of another task of each, int [N].

    Args:
        points: float32 [N, D].
        task: int [N], the task of each, from 0; at least two tasks.
    """
    from sklearn.neighbors import NearestNeighbors

    # So many that one of them is of another task.
    search = NearestNeighbors(n_neighbors=int(np.bincount(task).max())).fit(points)
    near = search.kneighbors(return_distance=False)
    place = (task[near] != task[:, np.newaxis]).argmax(axis=1)
    return near[np.arange(len(near)), place]
