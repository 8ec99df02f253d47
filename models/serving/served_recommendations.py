"""Recommendations of a served model: the best items of a catalogue for each task."""

import abc
import copy
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from models.cmml import CMML
from models.legacy_keras import tf
from models.serving.catalogue import Catalogue, score_in_blocks
from models.serving.options import MOST_SCORED, ServingOptions
from models.serving.request_checks import Inputs, check_number
from models.serving.served_explanations import ServedExplanations
from models.serving.served_tasks import ANSWERS, Answer, ServedTask
from models.serving.vocabulary import PADDING
from transforms.schema import UNKNOWN

# Why a recommendation does not come from a support set, by the number that says so.
BY_SUPPORT, BY_USER_FEATURES, BY_SCENARIO, BY_POPULARITY, BY_KNOWN_USER = range(5)
REASONS = ("", "user_features", "scenario", "popularity", "known_user")


class ServedRecommendations(ServedExplanations):
    """Tasks as they are served, with the items that are best for them.

    Args:
        model: The trained model.
        item_counts: int [N + 1], interactions of each item by row.
        options: Sizes and limits.
        **of_tasks: As `ServedTasks` takes them.

    Raises:
        DataError: If no item may be recommended, if there is to be a shortlist and no
            prior, no distribution to order by, or if the tables are too large.
    """

    _bounds_memory = True

    def __init__(
        self,
        model: CMML,
        item_counts: np.ndarray,
        options: ServingOptions,
        **of_tasks: Any,
    ) -> None:
        has_prior = model.pairs.has_prior
        options.check(has_prior=has_prior, has_distribution=model.levels is not None)
        super().__init__(model, options, **of_tasks)
        self.catalogue = Catalogue(
            item_counts,
            min_item_count=options.min_item_count,
            top_k=options.top_k,
        )
        self.shortlist_size = options.shortlist_of(
            len(self.catalogue.candidates) if has_prior else 0
        )

    def exact(self) -> Self:
        """Returns the same model without a shortlist."""
        exact = copy.copy(self)
        exact.shortlist_size = 0
        return exact

    def at_once(self) -> Self:
        """Returns the same model that scores all candidates at once, however many."""
        unbounded = copy.copy(self)
        unbounded._bounds_memory = False
        return unbounded

    def _is_searched(self) -> bool:
        """Whether a shortlist is found without a look at all of each item."""
        num_items = len(self.catalogue.candidates)
        return self.shortlist_size > 0 and num_items > MOST_SCORED

    def _candidates(
        self, task: ServedTask, inputs: Inputs, is_popular: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Returns the rows [B, M] of the pairs that `recommend` chooses from.

        Args:
            task: The tasks.
            inputs: Of the request.
            is_popular: bool [B, 1], whether a task is served by popularity.
        """
        batch_size = tf.shape(is_popular)[0]
        return {"item": self.catalogue.all_rows(batch_size)}

    @abc.abstractmethod
    def _fallback(self, task: ServedTask, inputs: Inputs) -> tf.Tensor:
        """Returns what stands in for an empty support set, int32 [B]; see `REASONS`."""

    def recommend_rows(self, inputs: Inputs) -> Answer:
        """Finds the best items, given rows.

        Args:
            inputs: As of `rank_rows`, and `exclude_item_row`, int32 [B, E] padded with
                -1, in place of the query; nothing else is excluded, not even the items
                of the support set.

        Returns:
            `item_row`, int32 [B, K], 0 where fewer than K items are left; what `rank`
            says of each, float32 [B, K]; `fallback`, int32 [B], a place in `REASONS`.
        """
        return self._recommend(self._encode(inputs), inputs)

    def recommend_from_context_rows(self, inputs: Inputs) -> Answer:
        """Does so given `context` in place of the support set."""
        return self._recommend(self._unpack(inputs), inputs)

    def _recommend(self, task: ServedTask, inputs: Inputs) -> Answer:
        fallback = self._fallback(task, inputs)
        is_popular = (fallback == BY_SCENARIO) | (fallback == BY_POPULARITY)
        is_popular = tf.expand_dims(is_popular, 1)
        rows = self._candidates(task, inputs, is_popular)
        excluded = tf.pad(  # Unknown ones, and padding, are out.
            inputs["exclude_item_row"], [[0, 0], [0, 1]], constant_values=PADDING
        )
        is_out = self.catalogue.is_among(rows["item"], tf.maximum(excluded, UNKNOWN))
        if self._shortens(rows["item"]):
            rows, is_out = self._shortlist(task, rows, is_out, is_popular)
        if self._bounds_memory:
            rows = check_number(rows, "item", self.options.max_scored)
        popularity = tf.gather(self.catalogue.popularity, rows["item"])
        statistics = self._statistics_in_blocks(task, rows)
        worth = tf.where(is_popular, popularity, self._worth(statistics))
        statistics["score"] = tf.where(is_popular, popularity, statistics["score"])
        chosen = self.catalogue.best(tf.where(is_out, -np.inf, worth))
        return {
            "item_row": tf.where(chosen.is_left, chosen.of(rows["item"]), UNKNOWN),
            **{
                name: tf.where(chosen.is_left, chosen.of(statistics[name]), 0.0)
                for name in ANSWERS
                if name in statistics
            },
            "fallback": fallback,
        }

    def _worth(self, statistics: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns what rows are ordered by, [B, M]."""
        order = self.options.order_by
        if order in ("score", "gain"):
            return statistics[order]
        lean = {"cautious": -1.0, "optimistic": 1.0}[order]
        return statistics["score"] + lean * statistics["uncertainty"]

    def _statistics_in_blocks(
        self, task: ServedTask, rows: Mapping[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Returns the statistics of [B, M] rows that share their user, if any."""

        def of_block(items: tf.Tensor) -> dict[str, tf.Tensor]:
            block = {
                role: items
                if role == "item"
                else tf.broadcast_to(values[:, :1], tf.shape(items))
                for role, values in rows.items()
            }
            return self._statistics(task, block)

        if not self._bounds_memory:
            return of_block(rows["item"])
        has_distribution = self._model().levels is not None
        names = [*ANSWERS, "gain"] if has_distribution else ["score"]
        statistics: dict[str, tf.Tensor] = score_in_blocks(
            of_block, rows["item"], names
        )
        return statistics

    def _shortens(self, rows: tf.Tensor) -> bool:
        return 0 < self.shortlist_size < (rows.shape[1] or np.inf)

    def _shortlist(
        self,
        task: ServedTask,
        rows: Mapping[str, tf.Tensor],
        is_out: tf.Tensor,
        is_popular: tf.Tensor,
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Keeps the rows of the highest prior, or popularity; says which are out."""
        first = self._prior(task, rows)
        popularity = tf.gather(self.catalogue.popularity, rows["item"])
        first = tf.where(is_popular, popularity, first)
        first = tf.where(is_out, first.dtype.min, first)
        size = self._num_kept(rows)
        best = tf.math.top_k(first, size, sorted=False).indices
        best = tf.sort(best)  # So that ties go as they do without a shortlist.
        shortlist = {
            role: tf.gather(values, best, batch_dims=1) for role, values in rows.items()
        }
        return shortlist, tf.gather(is_out, best, batch_dims=1)

    def _num_kept(self, rows: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns how many of [B, M] candidates a shortlist keeps."""
        return tf.minimum(self.shortlist_size, tf.shape(rows["item"])[1])

    def _prior(self, task: ServedTask, rows: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns what the backbone adds to for candidates, float32 [B, M]."""
        return self._model().prior(task.state, self._pairs(task.profile, rows))
