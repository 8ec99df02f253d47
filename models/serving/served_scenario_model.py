"""The served form of a trained scenario model."""

import pathlib
from collections.abc import Mapping

import numpy as np

from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.pairs.vector_tables import VectorPairs
from models.scenario_cmml import ScenarioCMML
from models.serving.catalogue import Catalogue
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
    """A trained scenario model with its vocabularies; a task is a scenario with clicks.

    A request brings the clicks of a scenario, which need not be known beforehand. Users
    and items that are unknown get the average vector: an unknown user is recommended
    what is liked in general, as far as the clicks of the scenario say no more.

    A support pair has `support_user_id` too, and a label of 1 for a click and 0 for
    none; a query pair has `query_user_id`. `recommend` is told `query_user_id`, string
    [B], and `candidate_item_id`, string [B, N], the pool of the scenario, or the whole
    catalogue if N is 0; candidates the model does not know are left out, and so is what
    the same user clicked in the support set. Only the order of scores means something.

    Args:
        model: The trained model.
        vectors: Of the users and items it was trained with.
        item_counts: int [N + 1], known clicks of each item.
        dataset_dir: The prepared data set, for its vocabularies.
        options: Sizes and limits.

    Raises:
        DataError: If no item may be recommended.
    """

    def __init__(
        self,
        model: ScenarioCMML,
        vectors: Vectors,
        item_counts: np.ndarray,
        dataset_dir: str | pathlib.Path,
        options: ServingOptions,
    ) -> None:
        vocabularies = pathlib.Path(dataset_dir) / schema.VOCABULARY_DIR
        user_ids = IdLookup(vocabularies / f"{schema.USER_ID}.txt")
        item_ids = IdLookup(vocabularies / f"{schema.ITEM_ID}.txt")
        self._user_vectors = tf.Variable(
            vectors.users[0], trainable=False, name="user_vectors"
        )
        self._item_vectors = tf.Variable(
            vectors.items[0], trainable=False, name="item_vectors"
        )
        super().__init__(
            model,
            Catalogue(
                item_ids,
                item_counts,
                min_item_count=options.min_item_count,
                top_k=options.top_k,
            ),
            options,
            label_range=(0.0, 1.0),
            roles=("user", "item"),
            profile_widths={},
            num_rows=max(len(vectors.users[0]), len(vectors.items[0])),
        )
        self.ids = {"user": user_ids, "item": item_ids}

    def _profile_inputs(self) -> dict[str, InputSpec]:
        return {}

    def _read_profile(self, inputs: Inputs, batch_size: tf.Tensor) -> Values:
        del inputs, batch_size
        return {}

    def _rows(self, role: str, ids: tf.Tensor) -> tf.Tensor:
        return self.ids[role].rows(ids)

    def _pairs(self, profile: Values, rows: Mapping[str, tf.Tensor]) -> VectorPairs:
        del profile
        return VectorPairs(
            tf.gather(self._user_vectors, rows["user"]),
            tf.gather(self._item_vectors, rows["item"]),
        )

    def _wanted_inputs(self) -> dict[str, InputSpec]:
        return {"query_user_id": ([None], tf.string), "candidate_item_id": IDS}

    def _candidates(self, inputs: Inputs) -> dict[str, tf.Tensor]:
        ids = inputs["candidate_item_id"]
        batch_size, num_given = tf.unstack(tf.shape(ids))
        items = tf.cond(
            num_given > 0,
            lambda: self.catalogue.without_repeats(self._rows("item", ids)),
            lambda: self.catalogue.all_rows(batch_size),
        )
        users = self._rows("user", inputs["query_user_id"])[:, tf.newaxis]
        return {"user": tf.broadcast_to(users, tf.shape(items)), "item": items}

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
