"""The served form of a trained scenario model: strings in, scores and ids out."""

import pathlib
from collections.abc import Mapping

import numpy as np

from models.legacy_keras import tf
from models.scenarios.cmml import ScenarioCMML
from models.scenarios.vector_tables import VectorPairs
from models.scenarios.vectors import Vectors
from models.signatures import InputSpec, save_with_signatures, trace
from models.vocabulary import IdLookup
from transforms import schema

_BLOCK = 2048  # Candidates scored at once by `recommend`.


class ServedScenarioModel(tf.Module):
    """A trained scenario model with its vocabularies, as TensorFlow Serving takes it.

    A request brings the clicks of a scenario, which need not be known beforehand. Users
    and items that are unknown get the average vector: an unknown user is recommended
    what is liked in general, as far as the clicks of the scenario say no more.

    Args:
        model: The trained model.
        vectors: Of the users and items it was trained with.
        item_counts: int [N + 1], known clicks of each item.
        dataset_dir: The prepared data set, for its vocabularies.
        top_k: Items that `recommend` returns.
        min_item_count: Items with fewer known clicks are recommended only if a request
            names them as candidates.

    Raises:
        DataError: If no item may be recommended.
    """

    def __init__(
        self,
        model: ScenarioCMML,
        vectors: Vectors,
        item_counts: np.ndarray,
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
        self.user_ids = IdLookup(vocabularies / f"{schema.USER_ID}.txt")
        self.item_ids = IdLookup(vocabularies / f"{schema.ITEM_ID}.txt")
        self.user_vectors = tf.Variable(
            vectors.users[0], trainable=False, name="user_vectors"
        )
        self.item_vectors = tf.Variable(
            vectors.items[0], trainable=False, name="item_vectors"
        )
        candidates = np.flatnonzero(item_counts >= max(min_item_count, 0))
        candidates = candidates[candidates != schema.UNKNOWN].astype(np.int32)
        if not len(candidates):
            raise schema.DataError(
                "no item may be recommended: none has min_item_count = "
                f"{min_item_count} known clicks."
            )
        self.candidates = tf.constant(candidates)
        self.top_k = min(top_k, len(candidates))

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Traces the signatures.

        Returns:
            `serving_default` and `rank` score given pairs, `recommend` returns the best
            of the candidates for one user.
        """
        strings: InputSpec = [None, None], tf.string
        support: dict[str, InputSpec] = {
            "support_user_id": strings,
            "support_item_id": strings,
            "support_label": ([None, None], tf.float32),
        }
        query: dict[str, InputSpec] = {
            "query_user_id": strings,
            "query_item_id": strings,
        }
        rank = trace(self.rank, {**support, **query})
        wanted: dict[str, InputSpec] = {
            "query_user_id": ([None], tf.string),
            "candidate_item_id": strings,
            "exclude_item_id": strings,
        }
        recommend = trace(self.recommend, {**support, **wanted})
        return {"serving_default": rank, "rank": rank, "recommend": recommend}

    def save(self, directory: str | pathlib.Path) -> None:
        """Writes a SavedModel with all signatures."""
        save_with_signatures(self, self.signatures(), directory)

    def rank(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores the query pairs of each scenario.

        Args:
            **inputs: `support_user_id`, `support_item_id` string [B, S] and
                `support_label` float32 [B, S], 1 for a click and 0 for none, padded
                with ""; `query_user_id`, `query_item_id` string [B, Q].

        Returns:
            `score`, float32 [B, Q]; only the order means something.
        """
        context, _ = self._adapt(inputs)
        users = self.user_ids.rows(inputs["query_user_id"])
        items = self.item_ids.rows(inputs["query_item_id"])
        pairs = self._pairs(users, items)
        return {"score": self._model().modulated_score(context, pairs)}

    def recommend(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Finds the candidates with the highest scores for one user.

        Args:
            **inputs: The support as of `rank`; `query_user_id` string [B];
                `candidate_item_id` string [B, C], the pool of the scenario, padded with
                "", or the whole catalogue if C is 0; `exclude_item_id` string [B, E],
                padded with "". What the same user clicked in the support is excluded
                too, and candidates that the model does not know.

        Returns:
            `item_id`, string [B, k], and `score`, float32 [B, k], best first; where
            fewer than k items are left, "" and 0.
        """
        context, items = self._adapt(inputs)
        query_user = self.user_ids.rows(inputs["query_user_id"])[:, tf.newaxis]
        rows = self._candidate_rows(inputs["candidate_item_id"])
        scores = self._score_blocks(context, query_user, rows)  # [B, M]
        # By id, since all unknown users have one row.
        is_same = inputs["support_user_id"] == inputs["query_user_id"][:, tf.newaxis]
        is_own = is_same & (inputs["support_label"] > 0.5)
        excluded = tf.concat(
            [
                tf.where(is_own, items, schema.UNKNOWN),
                self.item_ids.rows(inputs["exclude_item_id"]),
                tf.zeros_like(query_user),  # Unknown candidates, and padding.
            ],
            axis=1,
        )
        scores = tf.where(self._is_among(rows, excluded), -np.inf, scores)
        missing = tf.maximum(self.top_k - tf.shape(scores)[1], 0)
        scores = tf.pad(scores, [[0, 0], [0, missing]], constant_values=-np.inf)
        rows = tf.pad(rows, [[0, 0], [0, missing]])
        best = tf.math.top_k(scores, self.top_k)
        is_left = tf.math.is_finite(best.values)
        ids = self.item_ids.values(tf.gather(rows, best.indices, batch_dims=1))
        return {
            "item_id": tf.where(is_left, ids, ""),
            "score": tf.where(is_left, best.values, 0.0),
        }

    def _adapt(self, inputs: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns contexts, and the item rows of the support [B, S]."""
        ids = inputs["support_item_id"]
        users = self.user_ids.rows(inputs["support_user_id"])
        items = self.item_ids.rows(ids)
        context = self._model().encode(
            self._pairs(users, items), inputs["support_label"], ids != ""
        )
        return context, items

    def _pairs(self, users: tf.Tensor, items: tf.Tensor) -> VectorPairs:
        return VectorPairs(
            tf.gather(self.user_vectors, users), tf.gather(self.item_vectors, items)
        )

    def _candidate_rows(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns int32 [B, M]: the candidates of the request, or the catalogue."""
        batch_size, num_given = tf.unstack(tf.shape(ids))
        catalogue = tf.broadcast_to(self.candidates, [batch_size, len(self.candidates)])
        return tf.cond(
            num_given > 0, lambda: self.item_ids.rows(ids), lambda: catalogue
        )

    def _score_blocks(
        self, context: tf.Tensor, user: tf.Tensor, rows: tf.Tensor
    ) -> tf.Tensor:
        """Scores rows int32 [B, M] for a user [B, 1], block by block."""
        batch_size, num_rows = tf.unstack(tf.shape(rows))
        block = tf.minimum(_BLOCK, num_rows)
        num_blocks = tf.math.floordiv(num_rows + block - 1, block)
        padded = tf.pad(rows, [[0, 0], [0, num_blocks * block - num_rows]])
        blocks = tf.reshape(padded, [batch_size, num_blocks, block])

        def score_block(items: tf.Tensor) -> tf.Tensor:
            users = tf.broadcast_to(user, tf.shape(items))
            return self._model().modulated_score(context, self._pairs(users, items))

        scores = tf.map_fn(
            score_block,
            tf.transpose(blocks, [1, 0, 2]),
            fn_output_signature=tf.TensorSpec([None, None], tf.float32),
            parallel_iterations=1,
        )  # [num_blocks, B, block]
        flat = tf.reshape(tf.transpose(scores, [1, 0, 2]), [batch_size, -1])
        return flat[:, :num_rows]

    def _is_among(self, rows: tf.Tensor, marked: tf.Tensor) -> tf.Tensor:
        """Says which rows int32 [B, M] are among those marked, int32 [B, E]."""
        tasks = tf.range(tf.shape(marked)[0])[:, tf.newaxis]
        places = tf.stack([tf.broadcast_to(tasks, tf.shape(marked)), marked], axis=-1)
        shape = [tf.shape(marked)[0], self.item_vectors.shape[0]]
        is_marked = tf.scatter_nd(places, tf.ones_like(marked), shape)
        return tf.gather(is_marked, rows, batch_dims=1) > 0
