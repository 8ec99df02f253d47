"""The served form of a trained CMML: strings in, scores and ids out, one graph."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from models.cmml import CMML, Pairs, TaskState
from models.entity_table import EntityTable
from models.legacy_keras import tf
from models.vocabulary import IdLookup, encode_feature
from transforms import schema
from transforms.schema import DatasetInfo, Feature

# Shape and type of an input.
InputSpec: TypeAlias = tuple[Sequence[int | None], tf.DType]

_BLOCK = 2048  # Candidates scored at once by `recommend`.


class ServedModel(tf.Module):
    """A trained CMML with its vocabularies, as TensorFlow Serving takes it.

    Item vectors are computed once, here; a user is made of the raw features of the
    request, looked up in the graph, so that no user needs to be known beforehand.

    Args:
        model: The trained model.
        info: The data set it was trained on.
        items: The item table of the data set.
        dataset_dir: The prepared data set, for its vocabularies.
        top_k: Items that `recommend` returns.
        min_item_count: Items with fewer meta-train interactions are not recommended.

    Raises:
        DataError: If no item may be recommended.
    """

    def __init__(
        self,
        model: CMML,
        info: DatasetInfo,
        items: EntityTable,
        dataset_dir: str | pathlib.Path,
        *,
        top_k: int,
        min_item_count: int,
    ) -> None:
        super().__init__(name="cmml")
        vocabularies = pathlib.Path(dataset_dir) / schema.VOCABULARY_DIR
        # Out of sight of tf.Module: a Keras model would be saved with all its functions
        # and weights, most of which no signature uses.
        self._model = lambda: model
        self.item_ids = IdLookup(vocabularies / f"{schema.ITEM_ID}.txt")
        self.user_features = {feature.name: feature for feature in info.user_features}
        self.user_values = {
            feature.name: IdLookup(vocabularies / f"{feature.name}.txt")
            for feature in info.user_features
            if feature.vocabulary_size
        }
        rows = tf.range(items.num_rows)
        self.item_vectors = tf.Variable(
            model.items.embed_rows(rows), trainable=False, name="item_vectors"
        )
        self.item_units = tf.Variable(
            model.factors.units(rows, rows), trainable=False, name="item_units"
        )
        candidates = np.flatnonzero(items.counts >= min_item_count)
        candidates = candidates[candidates != schema.UNKNOWN].astype(np.int32)
        if not len(candidates):
            raise schema.DataError(
                "no item may be recommended: none has min_item_count = "
                f"{min_item_count} meta-train interactions."
            )
        self.candidates = tf.constant(candidates)
        self.top_k = min(top_k, len(candidates))

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Traces the signatures.

        Returns:
            `serving_default` and `rank` score given query items, `recommend` returns
            the best of the catalogue.
        """
        strings: InputSpec = [None, None], tf.string
        support: dict[str, InputSpec] = {
            "support_item_id": strings,
            "support_label": ([None, None], tf.float32),
            **{
                f"user_{name}": _request_spec(feature)
                for name, feature in self.user_features.items()
            },
        }
        rank = trace(self.rank, {**support, "query_item_id": strings})
        recommend = trace(self.recommend, {**support, "exclude_item_id": strings})
        return {"serving_default": rank, "rank": rank, "recommend": recommend}

    def save(self, directory: str | pathlib.Path) -> None:
        """Writes a SavedModel with all signatures."""
        save_with_signatures(self, self.signatures(), directory)

    def rank(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores the query items of each task.

        Args:
            **inputs: `support_item_id` string [B, S] and `support_label` float32
                [B, S], padded with ""; `query_item_id` string [B, Q]; and
                `user_<feature>` of each user feature: string [B], or string [B, V]
                with several values, or float32 [B].

        Returns:
            `score`, float32 [B, Q]. An unknown id is scored as the unknown item.
        """
        user, state, _ = self._adapt(inputs)
        rows = self.item_ids.rows(inputs["query_item_id"])
        pairs = self._pairs(user, rows)
        return {"score": self._model().modulated_score(state, pairs)}

    def recommend(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Finds the items of the catalogue with the highest scores.

        Args:
            **inputs: As of `rank`, with `exclude_item_id`, string [B, E] padded with
                "", in place of the query. Items of the support set are excluded too.

        Returns:
            `item_id`, string [B, k], and `score`, float32 [B, k], best first; where
            fewer than k items are left, "" and 0.
        """
        user, state, support_rows = self._adapt(inputs)
        scores = self._score_candidates(user, state)  # [B, N]
        excluded = tf.concat(
            [support_rows, self.item_ids.rows(inputs["exclude_item_id"])], axis=1
        )
        scores = tf.where(self._is_excluded(excluded), -np.inf, scores)
        best = tf.math.top_k(scores, self.top_k)
        is_left = tf.math.is_finite(best.values)
        ids = self.item_ids.values(tf.gather(self.candidates, best.indices))
        return {
            "item_id": tf.where(is_left, ids, ""),
            "score": tf.where(is_left, best.values, 0.0),
        }

    def _adapt(
        self, inputs: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, TaskState, tf.Tensor]:
        """Returns user vectors [B, U], states and support rows [B, S]."""
        ids = inputs["support_item_id"]
        rows = self.item_ids.rows(ids)
        user = self._embed_user(inputs, tf.shape(ids)[0])
        state = self._model().encode(
            self._pairs(user, rows), inputs["support_label"], ids != ""
        )
        return user, state, rows

    def _pairs(self, user: tf.Tensor, rows: tf.Tensor) -> Pairs:
        """Pairs the users float32 [B, U] with items of the catalogue, int32 [B, S]."""
        return Pairs(
            user[:, tf.newaxis, :],
            tf.gather(self.item_vectors, rows),
            tf.gather(self.item_units, rows),
        )

    def _embed_user(
        self, inputs: Mapping[str, tf.Tensor], batch_size: tf.Tensor
    ) -> tf.Tensor:
        encoded = {
            name: encode_feature(
                feature, inputs[f"user_{name}"], self.user_values.get(name)
            )
            for name, feature in self.user_features.items()
        }
        parts = self._model().users.embed_features(encoded)
        return tf.concat([tf.zeros([batch_size, 0]), *parts], axis=-1)

    def _score_candidates(self, user: tf.Tensor, state: TaskState) -> tf.Tensor:
        """Scores all candidates, float32 [B, N], block by block to bound memory."""
        num_candidates = self.candidates.shape[0]
        block = min(_BLOCK, num_candidates)
        num_blocks = -(-num_candidates // block)
        padding = num_blocks * block - num_candidates
        padded = tf.pad(self.candidates, [[0, padding]])

        def score_block(rows: tf.Tensor) -> tf.Tensor:
            rows = tf.broadcast_to(rows, [tf.shape(user)[0], block])
            return self._model().modulated_score(state, self._pairs(user, rows))

        scores = tf.map_fn(
            score_block,
            tf.reshape(padded, [num_blocks, block]),
            fn_output_signature=tf.float32,
            parallel_iterations=1,
        )  # [num_blocks, B, block]
        flat = tf.reshape(tf.transpose(scores, [1, 0, 2]), [-1, num_blocks * block])
        return flat[:, :num_candidates]

    def _is_excluded(self, rows: tf.Tensor) -> tf.Tensor:
        """Marks the candidates among the rows int32 [B, E], as bool [B, N]."""
        tasks = tf.range(tf.shape(rows)[0])[:, tf.newaxis]
        marked = tf.scatter_nd(
            tf.stack([tf.broadcast_to(tasks, tf.shape(rows)), rows], axis=-1),
            tf.ones_like(rows),
            [tf.shape(rows)[0], self.item_vectors.shape[0]],
        )
        return tf.gather(marked, self.candidates, axis=1) > 0


def save_with_signatures(
    module: tf.Module,
    signatures: Mapping[str, tf.types.experimental.ConcreteFunction],
    directory: str | pathlib.Path,
) -> None:
    """Writes a SavedModel that holds the weights its signatures use, and no others.

    Args:
        module: Owns the tables; gets the weights as an attribute.
        signatures: By name.
        directory: Where it goes.
    """
    used = [v for function in signatures.values() for v in function.variables]
    module.weights = list({id(variable): variable for variable in used}.values())
    # The gradient of the encoder is of no use in a server.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(directory), signatures=signatures, options=options)


def _request_spec(feature: Feature) -> InputSpec:
    if feature.kind == "numeric":
        return [None], tf.float32
    return ([None, None] if feature.kind == "multi" else [None]), tf.string


def trace(
    function: object, inputs: Mapping[str, InputSpec]
) -> tf.types.experimental.ConcreteFunction:
    """Traces a signature.

    Args:
        function: Takes the inputs by keyword.
        inputs: Shape and type of each.
    """
    specs = {
        name: tf.TensorSpec(shape, dtype, name=name)
        for name, (shape, dtype) in inputs.items()
    }
    return tf.function(function).get_concrete_function(**specs)
