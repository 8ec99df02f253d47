"""The served form of a trained CMML of the scenario-specific setting."""

import pathlib
from collections.abc import Mapping

import numpy as np

from models.cmml import CMML
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.pairs.factor_tables import FactorPairs
from models.serving.options import ServingOptions
from models.serving.request_checks import Inputs
from models.serving.saving import IDS, InputSpec
from models.serving.served_model import (
    BY_POPULARITY,
    BY_SCENARIO,
    BY_USER_FEATURES,
    ServedModel,
)
from models.serving.served_tasks import ServedTask
from models.serving.support_memory import Values
from models.serving.vocabulary import IdLookup
from transforms import schema


class ServedScenarioModel(ServedModel):
    """A trained CMML with its vocabularies; a task is a scenario with clicks.

    A request brings the clicks of a scenario, which need not be known beforehand. A
    user who is unknown gets the average vector, and is recommended what is liked in
    general, as far as the clicks of the scenario say no more; an item that is unknown
    stands behind those that are known.

    A support pair has `support_user_id` too, and a label of 1 for a click and 0 for
    none; a query pair has `query_user_id`. `recommend` is told `query_user_id`, string
    [B], and `candidate_item_id`, string [B, N], the pool of the scenario, or the whole
    catalogue if N is 0, where items that are close to the clicks gain by it; candidates
    the model does not know are left out, and so is what the same user clicked in the
    support set. Only the order of scores means something.

    Args:
        model: The trained model.
        vectors: Of the users and items it was trained with.
        item_counts: int [N + 1], known clicks of each item.
        dataset_dir: The prepared data set, for its vocabularies.
        options: Sizes and limits.

    Raises:
        DataError: As of `ServedModel`.
    """

    def __init__(
        self,
        model: CMML,
        vectors: Vectors,
        item_counts: np.ndarray,
        dataset_dir: str | pathlib.Path,
        options: ServingOptions,
    ) -> None:
        vocabularies = pathlib.Path(dataset_dir) / schema.VOCABULARY_DIR
        self._user_vectors = tf.Variable(
            vectors.users[0], trainable=False, name="user_vectors"
        )
        self._item_vectors = tf.Variable(
            vectors.items[0], trainable=False, name="item_vectors"
        )
        super().__init__(
            model,
            item_counts,
            options,
            ids={
                "user": IdLookup(vocabularies / f"{schema.USER_ID}.txt"),
                "item": IdLookup(vocabularies / f"{schema.ITEM_ID}.txt"),
            },
            label_range=(0.0, 1.0),
            num_rows=max(len(vectors.users[0]), len(vectors.items[0])),
        )

    def _pairs(self, profile: Values, rows: Mapping[str, tf.Tensor]) -> FactorPairs:
        del profile
        return FactorPairs(
            tf.gather(self._user_vectors, rows["user"]),
            tf.gather(self._item_vectors, rows["item"]),
            rows.get("open", tf.zeros([tf.shape(rows["item"])[0], 1])),
        )

    def _candidate_inputs(self) -> dict[str, InputSpec]:
        return {"query_user_id": ([None], tf.string), "candidate_item_id": IDS}

    def _candidates(
        self, task: ServedTask, inputs: Inputs, is_popular: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        del task, is_popular
        ids = inputs["candidate_item_id"]
        batch_size, num_candidates = tf.unstack(tf.shape(ids))
        items = tf.cond(
            num_candidates > 0,
            lambda: self.catalogue.without_repeats(self._rows("item", ids)),
            lambda: self.catalogue.all_rows(batch_size),
        )
        users = self._rows("user", inputs["query_user_id"])[:, tf.newaxis]
        return {
            "user": tf.broadcast_to(users, tf.shape(items)),
            "item": items,
            "open": tf.fill(tf.shape(items), tf.cast(num_candidates == 0, tf.float32)),
        }

    def _own_rows(self, inputs: Inputs) -> tf.Tensor:
        # By id, since all unknown users have one row.
        is_same = inputs["support_user_id"] == inputs["query_user_id"][:, tf.newaxis]
        is_own = is_same & (inputs["support_label"] > 0.5)
        items = self._rows("item", inputs["support_item_id"])
        return tf.where(is_own, items, schema.UNKNOWN)

    def _fallback_reason(self, task: ServedTask, inputs: Inputs) -> tf.Tensor:
        is_known = self._rows("user", inputs["query_user_id"]) != schema.UNKNOWN
        has_pool = tf.shape(inputs["candidate_item_id"])[1] > 0
        unknown = tf.where(has_pool, BY_SCENARIO, BY_POPULARITY)
        without = tf.where(is_known, BY_USER_FEATURES, unknown)
        return tf.where(task.support_size > 0, "", without)
