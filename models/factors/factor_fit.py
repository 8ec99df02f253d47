"""One fit of all that collaborative filtering knows beforehand of ratings."""

import dataclasses
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models.factors.entity_design import EntityDesign
from models.factors.full_rank import fit_full_rank
from models.factors.gaussian_factors import fit_gaussian_factors
from models.factors.labelled_pairs import LabelledPairs
from models.factors.user_prior import fit_user_prior

_NUM_SWEEPS = 20
_FEW_SWEEPS = 9  # Enough of so many pairs, in the mean of an item too, since they
_RELAXATION = 0.8  # go further: 12 that do not are about as near to the end.
_MANY_PAIRS = 4_000_000
_PAIRS_OF_ITEM = 100
_SHARE_STRENGTH = 20.0  # Pairs of the overall shares of levels added to each item.


@dataclasses.dataclass(frozen=True)
class PriorParts:
    """What the prior is fitted from, beside labels.

    Attributes:
        rank: Latent factors beside the bias of the user.
        full_rank_items: At most so many items have factors of full rank instead.
        user_features: Whether the mean of a user vector depends on user features.
        item_features: Whether the mean of item factors depends on item features.
        item_set: Whether the mean of a user vector depends on which items are in the
            support set, whatever their labels, and on their number.
        item_noise: Whether each item has a noise of its own.
    """

    rank: int = 24
    full_rank_items: int = 128
    user_features: bool = True
    item_features: bool = True
    item_set: bool = True
    item_noise: bool = True

    def is_full_rank(self, num_items: int) -> bool:
        """Whether the factors of so many items are of full rank."""
        return num_items <= self.full_rank_items

    def num_factors(self, num_items: int) -> int:
        """Returns the factors of a user, the bias among them."""
        return num_items if self.is_full_rank(num_items) else self.rank + 1


@dataclasses.dataclass(frozen=True, eq=False)
class FactorFit:
    """One fit; user vectors are standard normal about their prior mean.

    Attributes:
        factors: float64 [N + 1, K].
        of_set: float64 [N + 1, K].
        others: float64 [N + 1, 2], label and noise.
        log_shares: float64 [N + 1, L].
        log_count: float64 [N + 1, 1].
        overall_log_shares: float64 [L].
        level: float64 [3, K].
        features: float64 [P, 3 * K].
    """

    factors: NDArray
    of_set: NDArray
    others: NDArray
    log_shares: NDArray
    log_count: NDArray
    overall_log_shares: NDArray
    level: NDArray
    features: NDArray

    def turned(self, matrix: NDArray) -> Self:
        """Turns factors by an orthogonal matrix [K, K]."""
        blocks = np.kron(np.eye(3), matrix)
        return dataclasses.replace(
            self,
            factors=self.factors @ matrix,
            of_set=self.of_set @ matrix,
            level=self.level @ matrix,
            features=self.features @ blocks,
        )

    def table(self) -> NDArray:
        """Returns what is looked up of items, float64 [N + 1, width]."""
        columns = [self.factors, self.others, self.of_set, self.log_shares]
        return np.concatenate([*columns, self.log_count], axis=1)


class Sweeps(NamedTuple):
    """Sweeps over users and items: how many, and how far they go."""

    number: int
    relaxation: float


def fit_factors(
    pairs: LabelledPairs,
    designs: tuple[EntityDesign, EntityDesign],
    parts: PriorParts,
    levels: NDArray[np.floating],
    seed: int,
    sweeps: Sweeps,
) -> FactorFit:
    """Fits item factors and the prior of user vectors, which becomes standard normal.

    Args:
        pairs: The pairs that are learnt from, or those of some users.
        designs: Features of users and of items.
        parts: What is fitted.
        levels: float [L], label levels whose shares are counted.
        seed: Seed of the initial factors.
        sweeps: Those over users and items.

    Raises:
        ValueError: If no pair has a known item.
    """
    users, items = designs
    fitted = fit_gaussian_factors(
        pairs,
        rank=parts.rank,
        num_iterations=sweeps.number,
        relaxation=sweeps.relaxation,
        seed=seed,
        item_noise=parts.item_noise,
        users=users,
        items=items,
    )
    if parts.is_full_rank(pairs.num_items):
        fitted = fit_full_rank(fitted, pairs, users, item_noise=parts.item_noise)
    prior = fit_user_prior(fitted, pairs, users, by_set=parts.item_set, seed=seed)
    scale = np.linalg.cholesky(prior.covariance)
    prior = prior.turned(np.linalg.inv(scale).T)
    counts = np.bincount(pairs.item, minlength=pairs.num_items + 1)
    shares, overall = _shares(pairs, counts, levels)
    constant, by_share = prior.features
    return FactorFit(
        factors=fitted.item_factors @ scale,
        of_set=prior.items,
        others=np.stack([fitted.item_label, fitted.noise_variance], axis=1),
        log_shares=np.log(shares) - np.log(overall),
        log_count=np.log1p(counts)[:, np.newaxis],
        overall_log_shares=np.log(overall),
        level=prior.level,
        features=np.concatenate([constant, by_share, np.zeros_like(constant)], axis=1),
    )


def sweeps_for(pairs: LabelledPairs) -> Sweeps:
    """Returns how many sweeps over users and items a fit needs, and of what kind.

    A sweep that sees many pairs of each item comes nearer to the end; where items have
    few, more sweeps are needed, however many pairs there are.
    """
    num_pairs = len(pairs.item)
    num_items = int(np.count_nonzero(np.bincount(pairs.item)))
    is_much = num_pairs >= max(_MANY_PAIRS, _PAIRS_OF_ITEM * num_items)
    return Sweeps(_FEW_SWEEPS, _RELAXATION) if is_much else Sweeps(_NUM_SWEEPS, 0.0)


def _shares(
    pairs: LabelledPairs, counts: NDArray, levels: NDArray[np.floating]
) -> tuple[NDArray, NDArray]:
    """Returns the shares of levels by item [N + 1, L], and of all pairs [L]."""
    if not len(levels):
        return np.ones([len(counts), 0]), np.ones([0])
    middles = (levels[1:] + levels[:-1]) / 2.0
    nearest = np.searchsorted(middles, pairs.label)
    flat = pairs.item.astype(np.int64) * len(levels) + nearest
    table = np.bincount(flat, minlength=len(counts) * len(levels))
    table = table.reshape(len(counts), len(levels)).astype(np.float64)
    overall = (table.sum(axis=0) + 1.0) / (table.sum() + len(levels))
    shares = table + _SHARE_STRENGTH * overall
    return shares / (counts[:, np.newaxis] + _SHARE_STRENGTH), overall


def turn(
    factors: NDArray[np.floating], reference: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Returns what turns the factors of one fit to agree with those of another.

    A fit is as good turned by any rotation or reflection, since user factors turn with
    it; so factors of two fits can be compared only after this.

    Args:
        factors: float [N, K].
        reference: float [N, K].

    Returns:
        float [K, K], the orthogonal matrix that brings `factors` times it nearest to
        `reference`.

    Source:
        Schoenemann, "A generalized solution of the orthogonal Procrustes problem"
        (1966).
    """
    left, _, right = np.linalg.svd(factors.T @ reference)
    turned: NDArray[np.floating] = left @ right
    return turned


def level_bias(log_shares: NDArray, levels: NDArray[np.floating]) -> NDArray:
    """Returns log shares less those of a normal distribution of the same moments."""
    shares = np.exp(log_shares)
    mean = shares @ levels
    variance = shares @ (levels - mean) ** 2
    bias: NDArray = log_shares + (levels - mean) ** 2 / (2.0 * (variance or 1.0))
    return bias - bias.mean() if bias.size else bias
