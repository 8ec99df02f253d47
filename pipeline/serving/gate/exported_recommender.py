"""An exported version as a method: it adapts and scores by its `rank` signature.

So that an exported model is judged by the code that judges every method, from the raw
ids and features that a client would send. A version that was trained on all pairs is
judged by what it was before, on pairs that this has not seen.
"""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from models.legacy_keras import tf
from models.recommender import Episode, State
from pipeline.experiment.version_dir import judged_dir, read_manifest

# From the support and the query of a batch to the inputs of `rank`.
ToRequest: TypeAlias = Callable[[Episode, Episode], dict[str, tf.Tensor]]

_QUERY = "query_"


class ExportedRecommender:
    """A version of an exported model, as evaluation takes a method.

    Args:
        directory: The version.
        to_request: Turns rows of the data set into raw ids and features.
    """

    def __init__(self, directory: pathlib.Path, to_request: ToRequest) -> None:
        # Kept: the signatures do not keep the tables they use alive.
        self._loaded = tf.saved_model.load(str(judged_dir(directory)))
        self._rank = self._loaded.signatures["rank"]
        self._to_request = to_request
        limits: Mapping[str, Any] = read_manifest(directory).get("limits", {})
        self._max_query: int | None = limits.get("max_query")

    def adapt(self, support: Episode) -> State:
        """Returns the support set: what the version makes of it is made by `rank`."""
        return dict(support)

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Scores the query pairs of each task.

        Args:
            state: What `adapt` returned.
            query: `query_user` and `query_item`, int32 [B, Q]; or of one task int32
                [U, 1] and [1, P], which stand for each user with each item.

        Returns:
            float32 [B, Q], or [U, P], as the version answers; a query longer than it
            takes is sent in parts.
        """
        users, items = tf.shape(query["query_user"]), tf.shape(query["query_item"])
        shape = tf.broadcast_dynamic_shape(users, items)
        rows = tf.stack([tf.shape(state["support_item"])[0], -1])
        pairs = {
            name: tf.reshape(tf.broadcast_to(query[name], shape), rows)
            for name in ("query_user", "query_item")
        }
        return tf.reshape(self._score_pairs(state, {**query, **pairs}), shape)

    def _score_pairs(self, state: State, query: Episode) -> tf.Tensor:
        request = self._to_request(state, query)
        if self._max_query is None:
            return self._rank(**request)["score"]
        support = {k: v for k, v in request.items() if not k.startswith(_QUERY)}
        queries = {k: v for k, v in request.items() if k.startswith(_QUERY)}
        batch_size, length = tf.unstack(tf.shape(query["query_item"]))
        block = tf.maximum(tf.minimum(self._max_query, length), 1)
        num_blocks = tf.math.floordiv(length + block - 1, block)
        padding = [[0, 0], [0, num_blocks * block - length]]

        def in_blocks(values: tf.Tensor) -> tf.Tensor:  # [num_blocks, B, block]
            parts = [batch_size, num_blocks, block]
            return tf.transpose(tf.reshape(tf.pad(values, padding), parts), [1, 0, 2])

        scores = tf.map_fn(
            lambda part: self._rank(**support, **part)["score"],
            {name: in_blocks(values) for name, values in queries.items()},
            fn_output_signature=tf.TensorSpec([None, None], tf.float32),
            parallel_iterations=1,
        )
        flat = tf.reshape(tf.transpose(scores, [1, 0, 2]), [batch_size, -1])
        return flat[:, :length]
