"""A linear model of each item by all others, cut to vectors of users and items."""

from __future__ import annotations

import dataclasses

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
import threadpoolctl
from numpy.typing import NDArray

from models.factors.factorisation import Floats


@dataclasses.dataclass(frozen=True, eq=False)
class ItemModel:
    """A linear model of items, as vectors.

    Attributes:
        users: float32 [users, K], the sum of the weighed vectors of what each has
            clicked.
        items: float32 [items, K].
        click_weights: float32 [items], what a click of each item weighs.
        strengths: float32 [K], by how much each unit outweighs its ridge; the largest
            comes first.
    """

    users: Floats
    items: Floats
    click_weights: Floats
    strengths: Floats


def fit_item_model(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    shape: tuple[int, int],
    weight: Floats,
    *,
    width: int,
    l2: float,
    power: float = 0.0,
) -> ItemModel:
    """Fits the model, whose scores are dot products of the vectors.

    With X [U, I] the clicks, a ridge regression of X on itself scores the pairs by
    X B, where the weights of item i are penalised by a d_i^2, and d_i^2 is how often i
    is clicked, to the power p, beside the mean click. With Z = X / d and its singular
    values s that is B = (1 / d) V s^2 / (s^2 + a) V' d, of which the largest values are
    kept: vectors that a served model can look up, in place of a matrix of items by
    items. An item j has q_j = d_j V_j s / (s^2 + a)^0.5, so that
    B_ij = d_i^-2 q_i . q_j, and a user the sum of d_i^-2 q_i over the items i that they
    have clicked.

    Args:
        user: int [N], rows from 0.
        item: int [N], columns from 0.
        shape: Users and items.
        weight: float32 [N], of each click.
        width: K, values kept.
        l2: a, the ridge of an item that is clicked as often as the mean click.
        power: p. 0 is the same ridge for every item, 1 is what clicks that are left out
            at random come to.

    Returns:
        The model; zeros where there are fewer singular values, as without any click.

    Source:
        Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019), and
        "Autoencoders that don't overfit towards the Identity" (NeurIPS 2020) for p = 1.
        Deviation: items may be regressed on themselves too, which moves no item that
        a user has not clicked by much, and lets the matrix be cut.
    """
    users = np.zeros([shape[0], width], np.float32)
    items = np.zeros([shape[1], width], np.float32)
    strengths = np.zeros(width, np.float32)
    scales = _scales(item, shape[1], weight, power)
    model = ItemModel(users, items, scales**-2, strengths)
    num_values = min(width, min(shape) - 1)
    if not user.size or num_values < 1:
        return model
    scaled = weight / scales[item]
    clicks = scipy.sparse.csr_matrix((scaled, (user, item)), shape=shape)
    start = np.ones(min(shape), np.float32)  # The same clicks, the same vectors.
    with threadpoolctl.threadpool_limits(1, "blas"):
        left, values, right = scipy.sparse.linalg.svds(clicks, k=num_values, v0=start)
    left, values, right = left[:, ::-1], values[::-1], right[::-1]
    # Either sign is right. That of the largest entry is +, whatever the machine.
    largest = np.abs(right).argmax(axis=1)
    signs = np.sign(right[np.arange(num_values), largest])
    shrunk = signs * values / np.sqrt(values**2 + l2)
    users[:, :num_values] = left * (values * shrunk)
    items[:, :num_values] = right.T * shrunk * scales[:, np.newaxis]
    strengths[:num_values] = values**2 / l2
    return model


def _scales(
    item: NDArray[np.integer], num_items: int, weight: Floats, power: float
) -> Floats:
    """Returns d, float32 [items]; 1 of items without a click."""
    counts = np.bincount(item, weights=weight, minlength=num_items)
    mean = np.square(counts).sum() / counts.sum() if counts.any() else 1.0
    relative = np.where(counts > 0.0, counts / mean, 1.0)
    return (relative ** (power / 2.0)).astype(np.float32)
