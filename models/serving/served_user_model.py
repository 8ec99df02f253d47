"""The served form of a trained CMML of the user-specific setting."""

import pathlib
from collections.abc import Mapping

import numpy as np

from models.cmml import CMML
from models.episodes.entity_table import EntityTable
from models.joined_parts import join
from models.legacy_keras import tf
from models.pairs.rated_pairs import RatedPairs, UserItemPairs
from models.serving.item_index import ItemIndex
from models.serving.options import ServingOptions
from models.serving.request_checks import Checked, Inputs
from models.serving.saving import InputSpec
from models.serving.served_model import ServedModel
from models.serving.served_recommendations import (
    BY_POPULARITY,
    BY_SUPPORT,
    BY_USER_FEATURES,
)
from models.serving.served_tasks import ServedTask
from models.serving.support_memory import Values
from models.serving.vocabulary import IdLookup, encode_feature, is_known_number
from transforms import schema
from transforms.schema import DatasetInfo, Feature

_BLOCK = 1 << 16  # Items whose factors are looked up at once.


class ServedUserModel(ServedModel):
    """A trained CMML with its vocabularies; a task is a user with ratings.

    Item vectors are computed once, here; a user is made of the raw features of the
    request, looked up in the graph, so that no user needs to be known beforehand.

    Beside the support set and the query, a request has `user_<feature>` of each user
    feature: string [B], or string [B, V] with several values, or float32 [B].

    Args:
        model: The trained model.
        info: The data set it was trained on.
        items: The item table of the data set.
        dataset_dir: The prepared data set, for its vocabularies.
        options: Sizes and limits.

    Raises:
        DataError: As of `ServedModel`.
    """

    def __init__(
        self,
        model: CMML,
        info: DatasetInfo,
        items: EntityTable,
        dataset_dir: str | pathlib.Path,
        options: ServingOptions,
    ) -> None:
        vocabularies = pathlib.Path(dataset_dir) / schema.VOCABULARY_DIR
        pairs: RatedPairs = model.pairs
        # Out of sight of tf.Module, as the model is.
        self._users = lambda: pairs.users
        self._factors = lambda: pairs.factors
        vectors = pairs.items.embed_rows(tf.range(items.num_rows))
        self._item_vectors = tf.Variable(vectors, trainable=False, name="item_vectors")
        super().__init__(
            model,
            items.counts,
            options,
            ids={"item": IdLookup(vocabularies / f"{schema.ITEM_ID}.txt")},
            label_range=(info.label_min, info.label_max),
            num_rows=items.num_rows,
            profile_widths={
                "user": pairs.users.width,
                "level": pairs.factors.level_width,
                "is_known": 1,
            },
        )
        self._add_features(info, vocabularies)
        self._known_index: ItemIndex | None = None

    def _index(self) -> ItemIndex:
        """Returns what is searched; makes it for the first signature that needs it."""
        if self._known_index is None:
            with tf.init_scope():
                rows = self.catalogue.candidates
                vectors = np.empty([len(rows), self._factors().num_factors + 2], "f4")
                for start in range(0, len(rows), _BLOCK):
                    units = self._factors().of_items(rows[start : start + _BLOCK])
                    of_block = self._factors().product_vectors(units)
                    vectors[start : start + _BLOCK] = of_block
                self._known_index = ItemIndex(
                    vectors, rows.numpy(), num_searched=self.options.search_size
                )
        return self._known_index

    def _add_features(self, info: DatasetInfo, vocabularies: pathlib.Path) -> None:
        """Adds what makes a user of the features of a request."""
        self.user_features = {feature.name: feature for feature in info.user_features}
        self.user_values = {
            feature.name: IdLookup(vocabularies / f"{feature.name}.txt")
            for feature in info.user_features
            if feature.vocabulary_size
        }

    def profile_inputs(self) -> dict[str, InputSpec]:
        """Returns the features of a user."""
        return {
            f"user_{name}": _request_spec(feature)
            for name, feature in self.user_features.items()
        }

    def _looked_up(self, inputs: Inputs) -> Checked:
        """Encodes features; what is in a support set is not recommended again."""
        rows = super()._looked_up(inputs)
        for name, feature in self.user_features.items():
            if f"user_{name}" in rows and feature.kind != "numeric":
                raw, lookup = rows[f"user_{name}"], self.user_values.get(name)
                rows[f"user_{name}"] = encode_feature(feature, raw, lookup)
        if "exclude_item_row" in rows and "support_item_row" in rows:
            excluded = [rows["support_item_row"], rows["exclude_item_row"]]
            rows["exclude_item_row"] = tf.concat(excluded, axis=1)
        return rows

    def _read_profile(self, inputs: Inputs, batch_size: tf.Tensor) -> Values:
        """Makes users of features: int32 [B, V] rows of values, or float32 [B]."""
        encoded = {}
        is_known = tf.zeros([batch_size], tf.bool)
        for name, feature in self.user_features.items():
            values = inputs[f"user_{name}"]
            if feature.kind == "numeric":
                is_known |= is_known_number(values)
                values = encode_feature(feature, values, None)
            else:
                is_known |= tf.reduce_any(values > schema.UNKNOWN, axis=1)
            encoded[name] = values
        parts = self._users().embed_features(encoded)
        return {
            "user": join([tf.zeros([batch_size, 0]), *parts]),
            "level": self._factors().level_of_features(encoded, batch_size),
            "is_known": tf.expand_dims(tf.cast(is_known, tf.float32), 1),
        }

    def _pairs(self, profile: Values, rows: Mapping[str, tf.Tensor]) -> UserItemPairs:
        return UserItemPairs(
            tf.expand_dims(profile["user"], 1),
            profile["level"],
            tf.gather(self._item_vectors, rows["item"]),
            self._factors().of_items(rows["item"]),
        )

    def _candidates(
        self, task: ServedTask, inputs: Inputs, is_popular: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        if not self._is_searched():
            return super()._candidates(task, inputs, is_popular)
        index = self._index()
        found = index.search(self._factors().product_query(task.state.user))
        popular = self.catalogue.most_popular(index.num_searched)
        return {"item": tf.where(is_popular, popular, found)}

    def _prior(self, task: ServedTask, rows: Mapping[str, tf.Tensor]) -> tf.Tensor:
        if not self._is_searched():
            rows = {"item": rows["item"][:1]}  # Every task has the same candidates.
        return super()._prior(task, rows)

    def _fallback(self, task: ServedTask, inputs: Inputs) -> tf.Tensor:
        del inputs
        is_known = task.profile["is_known"][:, 0] > 0.0
        without = tf.where(is_known, BY_USER_FEATURES, BY_POPULARITY)
        return tf.where(task.support_size > 0, BY_SUPPORT, without)


def _request_spec(feature: Feature) -> InputSpec:
    if feature.kind == "numeric":
        return [None], tf.float32
    return ([None, None] if feature.kind == "multi" else [None]), tf.string
