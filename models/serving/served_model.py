"""The signatures that a served model has in either setting."""

import abc
import copy
import pathlib
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from models.cmml import CMML
from models.legacy_keras import tf
from models.serving.catalogue import Catalogue, score_in_blocks
from models.serving.options import ServingOptions
from models.serving.request_checks import Inputs, check_number
from models.serving.saving import (
    IDS,
    LABELS,
    InputSpec,
    Signature,
    save_with_signatures,
    trace,
)
from models.serving.served_explanations import ServedExplanations
from models.serving.served_tasks import ANSWERS, ServedTask

# Why a recommendation does not come from a support set.
BY_USER_FEATURES = "user_features"
BY_SCENARIO = "scenario"
BY_POPULARITY = "popularity"


class ServedModel(ServedExplanations):
    """A trained model with its vocabularies, as TensorFlow Serving takes it.

    Args:
        model: The trained model.
        item_counts: int [N + 1], interactions of each item by row.
        options: Sizes and limits.
        **of_tasks: As `ServedTasks` takes them.

    Raises:
        DataError: If no item may be recommended, if there is to be a shortlist and no
            prior, no distribution to order by, or if the tables are too large.
    """

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

    def _candidate_inputs(self) -> dict[str, InputSpec]:
        """What a request says of the candidates of `recommend`."""
        return {}

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
    def _fallback_reason(self, task: ServedTask, inputs: Inputs) -> tf.Tensor:
        """Returns what stands in for an empty support set, string [B], or ""."""

    @abc.abstractmethod
    def _own_rows(self, inputs: Inputs) -> tf.Tensor:
        """Returns item rows [B, S] of the support that are not recommended again."""

    def signatures(self) -> dict[str, Signature]:
        """Traces the signatures.

        Returns:
            By name: `serving_default`, which is `rank`, `encode`, `score`, `update`,
            `recommend`, `recommend_from_context` and `explain`.
        """
        traced = {name: self.signature(name) for name in self._inputs_by_name()}
        return {"serving_default": traced["rank"], **traced}

    def signature(self, name: str) -> Signature:
        """Traces one of them, by its own name."""
        return trace(getattr(self, name), self._inputs_by_name()[name])

    def _inputs_by_name(self) -> dict[str, dict[str, InputSpec]]:
        """Returns the inputs of each signature."""
        ids = {f"support_{role}_id": IDS for role in self._roles}
        pairs = ids | {"support_label": LABELS}
        query = {f"query_{role}_id": IDS for role in self._roles}
        support = pairs | self._profile_inputs()
        candidates = self._candidate_inputs() | {"exclude_item_id": IDS}
        # Of any width, so that the graph can say which version a context is of.
        context: dict[str, InputSpec] = {"context": ([None, None], tf.float32)}
        return {
            "rank": support | query,
            "encode": support,
            "score": context | query,
            "update": context | pairs,
            "recommend": support | candidates,
            "recommend_from_context": context | candidates,
            "explain": support | query,
        }

    def save(self, directory: str | pathlib.Path) -> None:
        """Writes a SavedModel with all signatures."""
        save_with_signatures(self, self.signatures(), directory)

    def save_rank(self, directory: str | pathlib.Path) -> None:
        """Writes a SavedModel with `rank` alone, for who judges what it answers."""
        save_with_signatures(self, {"rank": self.signature("rank")}, directory)

    def recommend(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Finds the items that are best by score, or by what the options say.

        Args:
            **inputs: As of `rank`, and `exclude_item_id`, string [B, E] padded with
                "", in place of the query. What the support set holds is excluded too.

        Returns:
            `item_id`, string [B, K], best first, with what `rank` says of each, float32
            [B, K]; where fewer than K items are left, "" and 0. `fallback_reason`,
            string [B]: "", or what a task without support was served by. By
            popularity, a score is the share of all known interactions that are with
            the item.
        """
        inputs = self._checked(inputs)
        return self._recommend(self._encode(inputs), inputs, self._own_rows(inputs))

    def recommend_from_context(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Does as `recommend`, given `context` in place of the support set.

        The context does not tell the items of the support set, which therefore have to
        be among those excluded.
        """
        inputs = self._checked(inputs)
        nothing = tf.zeros([tf.shape(inputs["context"])[0], 0], tf.int32)
        return self._recommend(self._unpack(inputs), inputs, nothing)

    def _recommend(
        self, task: ServedTask, inputs: Inputs, own_rows: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        reason = self._fallback_reason(task, inputs)
        is_popular = (reason == BY_POPULARITY) | (reason == BY_SCENARIO)
        is_popular = tf.expand_dims(is_popular, 1)
        rows = self._candidates(task, inputs, is_popular)
        excluded = [own_rows, self._rows("item", inputs["exclude_item_id"])]
        unknown = tf.zeros([tf.shape(own_rows)[0], 1], tf.int32)  # And padding.
        is_out = self.catalogue.is_among(
            rows["item"], tf.concat([*excluded, unknown], axis=1)
        )
        if self._shortens(rows["item"]):
            rows, is_out = self._shortlist(task, rows, is_out, is_popular)
        rows = check_number(rows, "item", self.options.max_scored)
        popularity = tf.gather(self.catalogue.popularity, rows["item"])
        statistics = self._statistics_in_blocks(task, rows)
        worth = tf.where(is_popular, popularity, self._worth(statistics))
        statistics["score"] = tf.where(is_popular, popularity, statistics["score"])
        chosen = self.catalogue.best(tf.where(is_out, -np.inf, worth))
        item_ids = self.ids["item"].values(chosen.of(rows["item"]))
        return {
            "item_id": tf.where(chosen.is_left, item_ids, ""),
            **{
                name: tf.where(chosen.is_left, chosen.of(statistics[name]), 0.0)
                for name in ANSWERS
                if name in statistics
            },
            "fallback_reason": reason,
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
        size = tf.minimum(self.shortlist_size, tf.shape(first)[1])
        best = tf.math.top_k(first, size, sorted=False).indices
        best = tf.sort(best)  # So that ties go as they do without a shortlist.
        shortlist = {
            role: tf.gather(values, best, batch_dims=1) for role, values in rows.items()
        }
        return shortlist, tf.gather(is_out, best, batch_dims=1)

    def _prior(self, task: ServedTask, rows: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns what the backbone adds to for candidates, float32 [B, M]."""
        return self._model().prior(task.state, self._pairs(task.profile, rows))
