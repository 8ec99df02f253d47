"""EASE that takes the clicks of the support set for clicks of the user too."""

from __future__ import annotations

from typing import ClassVar

from models.baselines.clicks.baseline import Grid, score_clicked
from models.baselines.clicks.ease import EASE
from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.recommender import Episode


class EASEClick(EASE):
    """Adds to what EASE says of a user what it says of the clicks of the support set.

    Item j gains the weights B_ij of each clicked item i, times `click_weight`.

    Args:
        known: All known clicks.
        vectors: Of users and items, which are of no use here.
        l2: The ridge, above 0.
        click_weight: Weight of a click of the support set beside one of the user.

    Raises:
        DataError: As of `EASE`.
    """

    GRID: ClassVar[Grid] = {**EASE.GRID, "click_weight": (0.03, 0.1, 0.3, 1.0)}

    def __init__(
        self,
        known: KnownClicks,
        vectors: Vectors,
        *,
        l2: float = 200.0,
        click_weight: float = 0.1,
    ) -> None:
        super().__init__(known, vectors, l2=l2)
        self._click_weight = click_weight
        self._num_rows = known.num_items + 1

    def adapt(self, support: Episode) -> tf.Tensor:
        """Returns what the clicks add to every item, float32 [B, num_items + 1]."""
        gains = score_clicked(support, self.weights_of, self._num_rows)
        return self._click_weight * gains

    def score(self, state: tf.Tensor, query: Episode) -> tf.Tensor:
        """Scores query pairs, float32 [B, Q] or [U, P]."""
        gains = tf.gather(state, query["query_item"], batch_dims=1)
        return super().score((), query) + gains


class EASEOfNewUsers(EASEClick):
    """The same of users without known clicks, who are known by those shown alone.

    There is nothing beside these that they could be weighed against.

    Arguments as of `EASEClick`.
    """

    GRID: ClassVar[Grid] = EASE.GRID
