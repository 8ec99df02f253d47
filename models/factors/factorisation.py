"""Matrices of clicks to vectors of users and items, by the package implicit."""

import dataclasses
import warnings
from typing import Any, Literal

import numpy as np
import scipy.sparse
import threadpoolctl
from numpy.typing import NDArray

from transforms.schema import DataError

Floats = NDArray[np.float32]


class FactorisationDivergedError(DataError):
    """A factorisation whose vectors are not finite numbers."""


@dataclasses.dataclass(frozen=True)
class FactorisationOptions:
    """How one matrix of clicks is factorised.

    Attributes:
        method: "als" (weighted matrix factorisation) or "bpr".
        factors: Width of a vector; of "bpr" one more, for the bias of items.
        regularization: Penalty of large vectors.
        alpha: Weight of a click, where a pair without one weighs 1; of "als" only.
        iterations: Sweeps.
        learning_rate: Of "bpr" only.
        seed: Seed of the initial vectors.
        pool_weight: Of "als" only: a scenario is a further user who has clicked its
            pool, and each of these clicks weighs so much of one by a user; 0 for none.
        item_weight: Weight of the linear model of items beside the factors where a pool
            is given; where it is 1, its scores spread as much as theirs. 0 for none.
        open_weight: The same where no pool is given; there the blend spreads as the
            factors alone would.
        item_factors: Width that the linear model is cut to.
        item_l2: Its ridge.
        item_power: By which power of its clicks the ridge of an item grows.
        item_clicks: Clicks of a task at which the ridge is doubled; it grows with the
            square of how many they are fewer. 0 for the same ridge however few.
        count_weight: Weight, beside the dot product and where a pool is given, of the
            logarithm of 1 + how often the item was clicked in the scenario.
        mean_weight: Weight of the mean of the factors of n clicks, times n / (n + 16),
            beside that of their units in the linear model, in how close an item is to
            them.
        feature_weight: Weight of the features of items in the linear model: a value is
            a further user who has clicked as much as this times the mean user; 0 for
            none.
        feature_clicks: Clicks of an item at which its vector and what its features
            predict weigh alike; 0 where the latter is for items without a click.
    """

    method: Literal["als", "bpr"] = "als"
    factors: int = 64
    regularization: float = 30.0
    alpha: float = 10.0
    iterations: int = 15
    learning_rate: float = 0.05
    seed: int = 0
    pool_weight: float = 0.0
    item_weight: float = 0.0
    open_weight: float = 0.0
    item_factors: int = 512
    item_l2: float = 400.0
    item_power: float = 0.0
    item_clicks: float = 0.0
    count_weight: float = 0.0
    mean_weight: float = 0.0
    feature_weight: float = 0.0
    feature_clicks: float = 0.0

    @property
    def width(self) -> int:
        """D, width of the vectors."""
        return self.factors + (self.method == "bpr")

    @property
    def blends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """What factors and the linear model weigh, with a pool and without."""
        share = self.open_weight / (1.0 + self.open_weight)
        return (1.0, self.item_weight), (1.0 - share, share)


def factorise(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    shape: tuple[int, int],
    options: FactorisationOptions,
    weight: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Factorises one matrix of clicks; the same clicks give the same vectors.

    Args:
        user: int [N], rows from 0.
        item: int [N], columns from 0.
        shape: Users and items.
        options: The method and its settings.
        weight: float32 [N], of each click; 1 by default.

    Returns:
        float32 [users, D] and [items, D].

    Source:
        Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback
        Datasets" (ICDM 2008); Rendle et al., "BPR" (UAI 2009); both as the package
        implicit has them.
    """
    if not user.size:  # Implicit cannot fit nothing.
        num_users, num_items = shape
        return (
            np.zeros([num_users, options.width], np.float32),
            np.zeros([num_items, options.width], np.float32),
        )
    from implicit.recommender_base import ModelFitError

    if weight is None:
        weight = np.ones(user.size, np.float32)
    clicks = scipy.sparse.csr_matrix((weight, (user, item)), shape=shape)
    model = _model(options)
    with threadpoolctl.threadpool_limits(1, "blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(clicks, show_progress=False)
        except ModelFitError as error:
            raise FactorisationDivergedError(
                f"{options.method} must give finite vectors, but with regularization "
                f"{options.regularization:g} it does not: {error}."
            ) from None
    return np.asarray(model.user_factors), np.asarray(model.item_factors)


def _model(options: FactorisationOptions) -> Any:
    if options.method == "bpr":
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        return BayesianPersonalizedRanking(
            factors=options.factors,
            learning_rate=options.learning_rate,
            regularization=options.regularization,
            iterations=options.iterations,
            num_threads=1,  # More of them write over each other.
            random_state=options.seed,
        )
    from implicit.cpu.als import AlternatingLeastSquares

    with warnings.catch_warnings():  # Of threads, which are limited where it matters.
        warnings.simplefilter("ignore")
        return AlternatingLeastSquares(
            factors=options.factors,
            regularization=options.regularization,
            alpha=options.alpha,
            iterations=options.iterations,
            random_state=options.seed,
        )
