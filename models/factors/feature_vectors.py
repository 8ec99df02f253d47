"""What the features of items say of their vectors."""

import numpy as np
from numpy.typing import NDArray

from models.factors.factorisation import Floats

_RIDGE = 30.0  # Of a column of the design, in items.
_ITEMS_AT_ONCE = 1 << 14  # Whose vectors are predicted.


def blend_with_features(
    items: Floats, counts: NDArray, design: NDArray, clicks: float
) -> NDArray[np.bool_]:
    """Moves vectors towards what features predict, in place.

    A ridge regression of the vectors of clicked items on their features predicts those
    of all. An item with n clicks keeps n / (n + k) of its own vector, one without a
    click nothing, one without a known feature all.

    Args:
        items: float32 [N, D].
        counts: float [N], n, of which pools may be a part.
        design: float [N, P], as `EntityDesign.matrix`.
        clicks: k, at least 0.

    Returns:
        bool [N], the items with a known feature; none where no item is clicked.
    """
    is_clicked = counts >= 1
    has_feature = (design != 0).any(axis=1) & is_clicked.any()
    own = np.where(counts > 0, counts / np.maximum(counts + clicks, 1e-9), 0.0)
    (places,) = np.nonzero(has_feature & (own < 1.0))
    if places.size:
        weights = _ridge(design[is_clicked], items[is_clicked])
    for start in range(0, len(places), _ITEMS_AT_ONCE):
        some = places[start : start + _ITEMS_AT_ONCE]
        share = own[some, np.newaxis].astype(np.float32)
        predicted = (_with_constant(design[some]) @ weights).astype(np.float32)
        items[some] = share * items[some] + (1.0 - share) * predicted
    return has_feature


def _ridge(design: NDArray, vectors: Floats) -> NDArray[np.floating]:
    """Returns the weights of a constant, which has no ridge, and of the columns."""
    columns = _with_constant(design)
    gram = columns.T @ columns
    gram[np.diag_indices_from(gram)] += _RIDGE
    gram[0, 0] = max(len(design), 1)
    return np.linalg.solve(gram, columns.T @ vectors.astype(np.float64))


def _with_constant(design: NDArray) -> NDArray[np.float64]:
    return np.concatenate([np.ones([len(design), 1]), design], axis=1)
