"""How well contexts tell labels apart, as numbers beside those of chance."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.insight.contexts import NO_LABEL, Labels

_NUM_PERMUTATIONS = 20
_MAX_SILHOUETTE = 5000  # It takes the distances of all pairs.


@dataclasses.dataclass(frozen=True)
class Clustering:
    """How alike the labels of near contexts are.

    Attributes:
        num_contexts: N, contexts that have a label.
        num_labels: Different labels among them.
        silhouette: Mean over contexts, in [-1, 1], 0 if labels lie anyhow; NaN with
            fewer than 2 labels, or as many as contexts.
        purity: Share of contexts whose nearest neighbour has the same label.
        chance: The same share with labels dealt out at random, mean of 20 times.
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
    contexts: NDArray[np.float32], labels: Labels, seed: int = 0
) -> Clustering:
    """Measures how well contexts tell labels apart.

    Distance is that of the cosine, the mean context taken off first: what all tasks
    have in common would drown the rest.

    Args:
        contexts: float32 [N, D].
        labels: N texts; contexts with `NO_LABEL` are left out.
        seed: Of the permutations.

    Raises:
        ValueError: If fewer than 2 contexts have a label.
    """
    from sklearn.metrics import silhouette_score

    has_label = np.array([label != NO_LABEL for label in labels], bool)
    if has_label.sum() < 2:
        raise ValueError(
            f"clustering needs 2 contexts with a label, got {has_label.sum()}."
        )
    names, codes = np.unique(np.array(labels, str)[has_label], return_inverse=True)
    points = directions(contexts[has_label])
    nearest = nearest_neighbours(points)
    rng = np.random.default_rng(seed)
    by_chance = []
    for _ in range(_NUM_PERMUTATIONS):
        dealt = rng.permutation(codes)
        by_chance.append(np.mean(dealt == dealt[nearest]))
    silhouette = float("nan")
    if 1 < len(names) < len(codes):
        sample = min(_MAX_SILHOUETTE, len(codes))
        chosen = rng.permutation(len(codes))[:sample]
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


def directions(contexts: ArrayLike) -> NDArray[np.float32]:
    """Returns contexts less their mean, each of length 1, or 0 if it is the mean."""
    centred = np.asarray(contexts, np.float32)
    centred = centred - centred.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(lengths > 0.0, lengths, 1.0)


def nearest_neighbours(points: NDArray[np.float32]) -> NDArray[np.intp]:
    """Returns the place of the nearest other point of each, int [N]."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=1).fit(points)
    return search.kneighbors(return_distance=False)[:, 0]
