"""Factors of full rank for few items: a covariance of all their labels."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from models.factors.entity_design import EntityDesign
from models.factors.gaussian_factors import USER_PENALTY, GaussianFactors
from models.factors.labelled_pairs import LabelledPairs
from models.factors.posteriors import penalised_least_squares

Floats = NDArray[np.floating]

_NUM_ITERATIONS = 6
_STRENGTH = 4.0  # Users, for each item, that the covariance of the factors counts as.
_NOISE_SHARE = 0.9  # Of the most that can be noise of single items.
_JITTER = 1e-6  # In variances of labels: an item that a user has twice.
_USERS_AT_ONCE = 1024  # Their posteriors are in memory together.


@dataclasses.dataclass(frozen=True, eq=False)
class _Block:
    """Some users with about as many pairs, padded to S pairs.

    Attributes:
        users: int [B].
        items: int [B, S], from 0.
        labels: float64 [B, S], less what is expected of an average user.
        mask: float64 [B, S], 0 for padding.
    """

    users: NDArray[np.integer]
    items: NDArray[np.integer]
    labels: Floats
    mask: Floats


def fit_full_rank(
    factors: GaussianFactors,
    pairs: LabelledPairs,
    users: EntityDesign,
    *,
    item_noise: bool = False,
) -> GaussianFactors:
    """Fits the covariance of the labels of all items, which need not be of low rank.

    Expectation maximisation of a Gaussian of N items: of its mean, which is linear in
    user features, and of its covariance, whose prior is an inverse Wishart distribution
    about that of the factors, so that with few users it stays there. A user vector is
    then one number an item, what the user thinks of it beyond its mean, and its
    covariance is what is left when as much as can be is noise of single items.

    Args:
        factors: The fit to the same pairs.
        pairs: The training pairs. Pairs of the unknown item are left out.
        users: Features of users.
        item_noise: Whether each item has a noise of its own.

    Returns:
        Factors with D = N, the items themselves. Those of the unknown item are those
        of the average one.
    """
    known = pairs.with_known_items()
    blocks = _blocks(known, known.label - factors.item_label[known.item])
    bias, mean, covariance = _maximise(factors, blocks, users)
    noise = _noise(covariance, item_noise)
    of_users = covariance - np.diag(noise)
    vectors, doubt = _complete(blocks, mean, of_users, covariance)
    num_items, num_seen = known.num_items, factors.is_user_seen.sum()
    average = np.full([1, num_items], 1.0 / num_items)
    return dataclasses.replace(
        factors,
        item_bias=factors.item_bias + np.append(bias.mean(), bias),
        item_factors=np.concatenate([average, np.eye(num_items)]),
        noise_variance=np.append(noise.mean(), noise),
        user_mean=vectors - bias,
        user_covariance=of_users,
        user_doubt=doubt / num_seen,
    )


def _maximise(
    factors: GaussianFactors, blocks: list[_Block], users: EntityDesign
) -> tuple[Floats, Floats, Floats]:
    """Maximises the posterior of the Gaussian.

    Returns:
        The mean [N] of what users think beyond `factors.item_label`, that of each user
        [users, N], which goes with features, and the covariance about it [N, N].
    """
    of_items = factors.item_factors[1:]
    start = of_items @ factors.user_covariance @ of_items.T
    start += np.diag(factors.noise_variance[1:])
    seen = np.flatnonzero(factors.is_user_seen)
    columns = users.matrix - users.matrix[seen].mean(axis=0)
    strength = _STRENGTH * len(start)
    covariance, bias = start, np.zeros(len(start))
    mean: Floats = np.zeros([len(columns), len(start)])
    for _ in range(_NUM_ITERATIONS):
        complete, doubt = _complete(blocks, mean, covariance, covariance)
        bias = complete[seen].mean(axis=0)
        weights = penalised_least_squares(
            columns[seen], complete[seen] - bias, USER_PENALTY
        )
        mean = bias + columns @ weights
        deviation = complete[seen] - mean[seen]
        scatter = deviation.T @ deviation + doubt + strength * start
        covariance = scatter / (len(seen) + strength)
    return bias, mean, covariance


def _blocks(pairs: LabelledPairs, residual: Floats) -> list[_Block]:
    """Parts users into blocks, those with as many pairs together."""
    counts = np.bincount(pairs.user, minlength=pairs.num_users + 1)
    order = np.argsort(pairs.user, kind="stable")
    items, values = pairs.item[order] - 1, residual[order]
    starts = np.cumsum(counts) - counts
    by_count = np.argsort(counts, kind="stable")
    by_count = by_count[counts[by_count] > 0]
    blocks = []
    for first in range(0, len(by_count), _USERS_AT_ONCE):
        users = by_count[first : first + _USERS_AT_ONCE]
        place = np.arange(counts[users].max())
        mask = place < counts[users][:, np.newaxis]
        at = np.where(mask, starts[users][:, np.newaxis] + place, 0)
        blocks.append(_Block(users, items[at], values[at], mask.astype(np.float64)))
    return blocks


def _complete(
    blocks: list[_Block], mean: Floats, wanted: Floats, observed: Floats
) -> tuple[Floats, Floats]:
    """Expects what users think of all items, given the labels that they gave.

    Args:
        blocks: All users.
        mean: float64 [users, N], before a label is seen.
        wanted: float64 [N, N], covariance of what is asked for.
        observed: float64 [N, N], of labels: `wanted`, or with noise on its diagonal.

    Returns:
        The expected values [users, N], and the sum of their covariances [N, N].
    """
    complete = mean.copy()
    doubt = np.zeros_like(wanted)
    jitter = _JITTER * np.trace(observed) / len(observed)
    for block in blocks:
        mask, items = block.mask, block.items
        both = mask[:, :, np.newaxis] * mask[:, np.newaxis, :]
        among = observed[items[:, :, np.newaxis], items[:, np.newaxis, :]] * both
        among += np.eye(mask.shape[1]) * (jitter + 1.0 - mask)[:, np.newaxis, :]
        across = wanted[items] * mask[:, :, np.newaxis]  # [B, S, N]
        gain = np.linalg.solve(among, across)
        of_block = mean[block.users]
        surprise = block.labels - np.take_along_axis(of_block, items, axis=1)
        complete[block.users] += np.einsum("bsn,bs->bn", gain, surprise * mask)
        flat = gain.reshape(-1, len(wanted)), across.reshape(-1, len(wanted))
        doubt += len(items) * wanted - flat[0].T @ flat[1]
    return complete, doubt


def _noise(covariance: Floats, by_item: bool) -> Floats:
    """Returns how much of each item's variance can be noise of its own, float64 [N].

    A share of what no other item tells of it, or as much for each; the largest that
    leaves a covariance, less some.
    """
    most = np.ones(len(covariance))
    if by_item:
        most = 1.0 / np.diag(np.linalg.inv(covariance))
    root = np.sqrt(most)
    least = np.linalg.eigvalsh(covariance / np.outer(root, root))[0]
    return _NOISE_SHARE * least * most
