"""A linear model of each item by all others, cut to vectors of users and items."""

from __future__ import annotations

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
import threadpoolctl
from numpy.typing import NDArray

from models.factors.factorisation import Floats


def item_model_vectors(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    shape: tuple[int, int],
    weight: Floats,
    *,
    width: int,
    l2: float,
) -> tuple[Floats, Floats]:
    """Fits the model, whose scores are dot products of the vectors.

    With X [U, I] the clicks, a ridge regression of X on itself scores the pairs by
    X B, B = (X'X + aI)^-1 X'X. With the singular values s of X that is
    B = V s^2 / (s^2 + a) V', of which the largest values are kept: vectors that a
    served model can look up, in place of a matrix of items by items. An item j has
    q_j = V_j s / (s^2 + a)^0.5, so that B_ij = q_i . q_j, and a user the sum of the
    vectors of the items they have clicked.

    Args:
        user: int [N], rows from 0.
        item: int [N], columns from 0.
        shape: Users and items.
        weight: float32 [N], of each click.
        width: K, values kept.
        l2: a, the ridge.

    Returns:
        float32 [users, K] and [items, K]; zeros where there are fewer singular values,
        as without any click.

    Source:
        Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019).
        Deviation: items may be regressed on themselves too, which moves no item that
        a user has not clicked by much, and lets the matrix be cut.
    """
    users = np.zeros([shape[0], width], np.float32)
    items = np.zeros([shape[1], width], np.float32)
    num_values = min(width, min(shape) - 1)
    if not user.size or num_values < 1:
        return users, items
    clicks = scipy.sparse.csr_matrix((weight, (user, item)), shape=shape)
    start = np.ones(min(shape), np.float32)  # The same clicks, the same vectors.
    with threadpoolctl.threadpool_limits(1, "blas"):
        left, values, right = scipy.sparse.linalg.svds(clicks, k=num_values, v0=start)
    # Either sign is right. That of the largest entry is +, whatever the machine.
    largest = np.abs(right).argmax(axis=1)
    signs = np.sign(right[np.arange(num_values), largest])
    shrunk = signs * values / np.sqrt(values**2 + l2)
    users[:, :num_values] = left * (values * shrunk)
    items[:, :num_values] = right.T * shrunk
    return users, items
