"""A linear model of each item by all others, cut to vectors of users and items."""

import dataclasses

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg
import threadpoolctl
from numpy.typing import NDArray

from models.factors.factorisation import Floats

# Up to so many sides a value kept, a matrix decomposed as a whole takes less time than
# one value after the other.
_SIDES = 7
_NO_CLICKS = 1e-6  # Of the largest singular value: what rounding makes of 0.


@dataclasses.dataclass(frozen=True, eq=False)
class ItemModel:
    """A linear model of items, as vectors.

    Attributes:
        users: float32 [users, K], the sum of the weighed vectors of what each has
            clicked; [0, K] if they are not kept.
        items: float32 [items, K].
        click_weights: float32 [items], what a click of each item weighs.
        strengths: float32 [K], by how much each unit outweighs its ridge; the largest
            comes first.
    """

    users: Floats
    items: Floats
    click_weights: Floats
    strengths: Floats

    def clicks(self) -> Floats:
        """Returns the weighed vectors of items, whose sum is the vector of a user."""
        return self.items * self.click_weights[:, np.newaxis]


@dataclasses.dataclass(frozen=True, eq=False)
class DecomposedClicks:
    """The largest singular values of clicks Z = X / d, of which a model can be made.

    Attributes:
        users: float32 [users, K], left singular vectors; [0, K] if they are not kept.
        values: float32 [K], the largest first; 0 where there are fewer.
        items: float32 [items, K], right singular vectors.
        scales: float32 [items], d.
    """

    users: Floats
    values: Floats
    items: Floats
    scales: Floats

    def model(self, l2: float) -> ItemModel:
        """Returns the linear model of items, whose scores are dot products.

        With X [U, I] the clicks, a ridge regression of X on itself scores the pairs by
        X B, where the weights of item i are penalised by a d_i^2, and d_i^2 is how
        often i is clicked, to the power p, beside the mean click. With the singular
        values s of Z that is B = (1 / d) V s^2 / (s^2 + a) V' d, of which the largest
        values are kept: vectors that a served model can look up, in place of a matrix
        of items by items. An item j has q_j = d_j V_j s / (s^2 + a)^0.5, so that
        B_ij = d_i^-2 q_i . q_j, and a user the sum of d_i^-2 q_i over the items i that
        they have clicked.

        Args:
            l2: a, the ridge of an item that is clicked as often as the mean click.

        Returns:
            The model; zeros where there are fewer singular values, as without a click.

        Source:
            Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019), and
            "Autoencoders that don't overfit towards the Identity" (NeurIPS 2020) for
            p = 1. Deviation: items may be regressed on themselves too, which moves no
            item that a user has not clicked by much, and lets the matrix be cut.
        """
        shrunk = self.values / np.sqrt(self.values**2 + l2)
        return ItemModel(
            self.users * (self.values * shrunk),
            self.items * shrunk * self.scales[:, np.newaxis],
            self.scales**-2,
            self.values**2 / np.float32(l2),
        )


def decompose_clicks(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    shape: tuple[int, int],
    *,
    width: int,
    power: float = 0.0,
    further: NDArray | None = None,
    keep_users: bool = True,
) -> DecomposedClicks:
    """Finds the largest singular values of clicks; the same clicks, the same vectors.

    Args:
        user: int [N], rows from 0.
        item: int [N], columns from 0.
        shape: Users and items.
        width: K, values kept.
        power: p, by which the ridge of an item grows with its clicks. 0 is the same
            ridge for every item, 1 is what clicks that are left out at random come to.
        further: float [items, P], what is told of items beside the clicks: each column
            is a further user, whose vector is dropped.
        keep_users: Whether vectors of users are kept, which are as many as users are.

    Source:
        `further`: Jeunen, Van Balen and Goethals, "Closed-Form Models for
        Collaborative Filtering with Side-Information" (RecSys 2020).
    """
    scales = _scales(item, shape[1], power)
    users = np.zeros([shape[0] if keep_users else 0, width], np.float32)
    values = np.zeros(width, np.float32)
    items = np.zeros([shape[1], width], np.float32)
    clicks = scipy.sparse.csr_matrix((1.0 / scales[item], (user, item)), shape)
    if further is not None:
        told = scipy.sparse.csr_matrix((further / scales[:, np.newaxis]).T)
        clicks = scipy.sparse.vstack([clicks, told.astype(clicks.dtype)], "csr")
    num_values = min(width, min(clicks.shape) - 1)
    if user.size and num_values > 0:
        with threadpoolctl.threadpool_limits(1, "blas"):
            left, found, right = _largest_values(clicks, num_values, keep_users)
        # Either sign is right. That of the largest entry is +, whatever the machine.
        largest = np.abs(right).argmax(axis=0)
        signs = np.sign(right[largest, np.arange(num_values)])
        if left is not None:
            users[:, :num_values] = left[: shape[0]] * signs
        items[:, :num_values] = right * signs
        values[:num_values] = found
    return DecomposedClicks(users, values, items, scales)


def _largest_values(
    clicks: scipy.sparse.csr_matrix, num_values: int, keep_left: bool
) -> tuple[Floats | None, Floats, Floats]:
    """Returns left singular vectors [U, K], values [K], falling, and right ones."""
    if min(clicks.shape) > _SIDES * num_values:
        start = np.ones(min(clicks.shape), np.float32)
        left, values, right = scipy.sparse.linalg.svds(
            *(clicks, num_values),
            v0=start,
            return_singular_vectors=True if keep_left else "vh",
        )
        left = left[:, ::-1] if keep_left else None
        return left, values[::-1], right[::-1].T
    is_wide = clicks.shape[0] <= clicks.shape[1]
    rows = clicks if is_wide else clicks.T.tocsr()
    exact = rows.astype(np.float64)
    products, side = (exact @ exact.T).toarray(), rows.shape[0]
    squares, own = scipy.linalg.eigh(
        products,
        subset_by_index=(side - num_values, side - 1),
        overwrite_a=True,
        check_finite=False,
    )
    values = np.sqrt(np.maximum(squares[::-1], 0.0))
    own = own[:, ::-1].astype(np.float32)
    values[values < _NO_CLICKS * values[0]] = 0.0
    if not is_wide and not keep_left:
        return None, values, own
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=values > 0.0)
    other = (rows.T @ own) * inverse.astype(np.float32)
    return (own, values, other) if is_wide else (other, values, own)


def _scales(item: NDArray[np.integer], num_items: int, power: float) -> Floats:
    """Returns d, float32 [items]; 1 of items without a click."""
    counts = np.bincount(item, minlength=num_items)
    mean = np.square(counts).sum() / counts.sum() if counts.any() else 1.0
    relative = np.where(counts > 0, counts / mean, 1.0)
    return (relative ** (power / 2.0)).astype(np.float32)
