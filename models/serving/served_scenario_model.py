"""The served form of a trained CMML of the scenario-specific setting."""

import pathlib
from collections.abc import Mapping

import numpy as np

from models.cmml import CMML
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.pairs.factor_tables import FactorPairs, weights_of
from models.serving.options import ServingOptions
from models.serving.reduced_index import ReducedIndex
from models.serving.request_checks import Checked, Inputs
from models.serving.saving import IDS, InputSpec
from models.serving.served_model import ServedModel
from models.serving.served_recommendations import (
    BY_KNOWN_USER,
    BY_POPULARITY,
    BY_SCENARIO,
    BY_SUPPORT,
)
from models.serving.served_tasks import ServedTask
from models.serving.support_memory import Values
from models.serving.vocabulary import PADDING, IdLookup
from transforms import schema

_NUM_ASKED = 128  # Made-up tasks that tell how an index has to be.


class ServedScenarioModel(ServedModel):
    """A trained CMML with its vocabularies; a task is a scenario with clicks.

    A request brings the clicks of a scenario, which need not be known beforehand. A
    user who is unknown gets the average vector, and is recommended what is liked in
    general, as far as the clicks of the scenario say no more; an item that is unknown
    stands behind those that are known.

    A support pair has `support_user_id` too, and a label of 1 for a click and 0 for
    none; a query pair has `query_user_id`. `recommend` is told `query_user_id`, string
    [B], and `candidate_item_id`, string [B, N], the pool of the scenario, or the whole
    catalogue if N is 0, where items gain that were clicked or are close; candidates
    the model does not know are left out, and so is what the same user clicked in the
    support set. Only the order of scores means something.

    Where users are tasks, no input names a user: all clicks are of the one who asks.

    Args:
        model: The trained model.
        vectors: Of the users and items it was trained with; where users are tasks, of
            the unknown user alone, as whom everybody is taken.
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
        knows_users = vectors.users.shape[1] > schema.UNKNOWN + 1
        roles = ("user", "item") if knows_users else ("item",)
        self._user_vectors = tf.Variable(
            vectors.users[0], trainable=False, name="user_vectors"
        )
        self._item_vectors = tf.Variable(
            vectors.items[0], trainable=False, name="item_vectors"
        )
        self._unit_weights = tf.constant(vectors.unit_weights)
        super().__init__(
            model,
            item_counts,
            options,
            ids={role: IdLookup(vocabularies / f"{role}_id.txt") for role in roles},
            label_range=(0.0, 1.0),
            only_whole=True,
            num_rows=max(len(vectors.users[0]), len(vectors.items[0])),
        )
        self._known_index: ReducedIndex | None = None
        self._is_index_known = False

    def _index(self) -> ReducedIndex | None:
        """Returns what is searched; makes it for the first signature that needs it.

        There is none where all items are to be looked at.
        """
        if self._is_searched() and not self._is_index_known:
            with tf.init_scope():
                self._known_index = ReducedIndex.of_queries(
                    self._item_table(),
                    self.catalogue.candidates.numpy(),
                    self._made_up_queries().numpy(),
                    num_best=self.catalogue.top_k,
                    num_searched=self.options.search_size,
                )
            self._is_index_known = True
        return self._known_index if self._is_searched() else None

    def _made_up_queries(self) -> tf.Tensor:
        """Returns what users ask after one click, drawn as the item is."""
        chance = np.random.default_rng(0)
        items = chance.choice(self.catalogue.candidates, [_NUM_ASKED, 1])
        users = chance.integers(0, self._user_vectors.shape[0], [_NUM_ASKED, 1])
        rows = {"user": tf.constant(users, tf.int32), "item": tf.constant(items)}
        clicks = tf.ones([_NUM_ASKED, 1])
        state = self._model().encode(self._pairs({}, rows), clicks, clicks > 0.0)
        vectors = self._open_vectors(rows["user"][:, 0])
        query: tf.Tensor = self._model().pairs.open_query(state.user, vectors)
        return query

    def _open_vectors(self, users: tf.Tensor) -> tf.Tensor:
        """Returns vectors of users int32 [B], weighing what they do without a pool."""
        return tf.gather(self._user_vectors, users) * self._unit_weights[1]

    def _pairs(self, profile: Values, rows: Mapping[str, tf.Tensor]) -> FactorPairs:
        del profile
        is_open = rows.get("open", tf.zeros([tf.shape(rows["item"])[0], 1]))
        users = rows.get("user", tf.zeros_like(rows["item"]))  # All unknown.
        return FactorPairs(
            tf.gather(self._user_vectors, users),
            tf.gather(self._item_table(), rows["item"]),
            weights_of(self._unit_weights, is_open),
            rows["item"],
            is_open,
        )

    @property
    def _is_closed_form_when_open(self) -> bool:
        """Whether the prior is the score where no pool is given."""
        closed: bool = self._model().pairs.is_closed_form_when_open
        return closed

    def _item_table(self) -> tf.Tensor:
        """Returns the vectors of items, read as a whole, which copies nothing.

        A variable that rows were ever looked up of by itself is copied by each read.
        """
        return tf.convert_to_tensor(self._item_vectors)

    def candidate_inputs(self) -> dict[str, InputSpec]:
        """Returns for whom to recommend, and from which pool."""
        user: dict[str, InputSpec] = {"query_user_id": ([None], tf.string)}
        return (user if "user" in self.ids else {}) | {"candidate_item_id": IDS}

    def _looked_up(self, inputs: Inputs) -> Checked:
        """Leaves repeated candidates out, and what the same user has clicked."""
        rows = super()._looked_up(inputs)
        if "candidate_item_row" not in rows:
            return rows
        pool = tf.maximum(rows["candidate_item_row"], schema.UNKNOWN)
        rows["candidate_item_row"] = self.catalogue.without_repeats(pool)
        if "support_label" in inputs:
            is_own = inputs["support_label"] > 0.5
            if "user" in self.ids:  # By id, since all unknown users have one row.
                user = tf.expand_dims(inputs["query_user_id"], 1)
                is_own &= inputs["support_user_id"] == user
            own = tf.where(is_own, rows["support_item_row"], PADDING)
            excluded = [own, rows["exclude_item_row"]]
            rows["exclude_item_row"] = tf.concat(excluded, axis=1)
        return rows

    def _candidates(
        self, task: ServedTask, inputs: Inputs, is_popular: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Returns the pool, or where it is of width 0 all items or those found."""
        pool = inputs["candidate_item_row"]
        batch_size, num_in_pool = tf.unstack(tf.shape(pool))
        users = _asking_users(task, inputs)
        if index := self._index():
            others = tf.cond(
                num_in_pool > 0,
                lambda: tf.zeros([batch_size, 0], tf.int32),
                lambda: self._found(index, task, users, is_popular),
            )
        else:
            num_others = tf.where(num_in_pool > 0, 0, len(self.catalogue.candidates))
            others = self.catalogue.all_rows(batch_size)[:, :num_others]
        items = tf.concat([pool, others], axis=1)
        return {
            "user": tf.broadcast_to(tf.expand_dims(users, 1), tf.shape(items)),
            "item": items,
            "open": tf.fill(tf.shape(items), tf.cast(num_in_pool == 0, tf.float32)),
        }

    def _found(
        self,
        index: ReducedIndex,
        task: ServedTask,
        users: tf.Tensor,
        is_popular: tf.Tensor,
    ) -> tf.Tensor:
        """Returns what an index finds, and what was clicked, of which it knows nothing.

        Args:
            index: The index.
            task: The tasks.
            users: int32 [B], who asks.
            is_popular: bool [B, 1], which tasks look at the most popular items.
        """
        user = task.state.user
        vectors = self._open_vectors(users)
        found = index.search(self._model().pairs.open_query(user, vectors))
        popular = self.catalogue.most_popular(index.num_searched)
        found = tf.where(is_popular, popular, found)
        clicked = self.catalogue.only_candidates(tf.cast(user.clicked, tf.int32))
        return self.catalogue.without_repeats(tf.concat([clicked, found], axis=1))

    def _shortens(self, rows: tf.Tensor) -> bool:
        return self._is_closed_form_when_open or super()._shortens(rows)

    def _num_kept(self, rows: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns that; of a closed form, without a pool, those recommended."""
        kept = tf.shape(rows["item"])[1]
        if self.shortlist_size:
            kept = super()._num_kept(rows)
        if not self._is_closed_form_when_open:
            return kept
        num_recommended = tf.minimum(self.catalogue.top_k, tf.shape(rows["item"])[1])
        return tf.where(_are_open(rows), num_recommended, kept)

    def _prior(self, task: ServedTask, rows: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Asks for a pool pair by pair, and without one by products with the table.

        What the pairs of a large catalogue look up is as large as its table.
        """
        batch_size, num_items = tf.unstack(tf.shape(rows["item"]))
        num_pooled = tf.where(_are_open(rows), 0, num_items)  # All of them, or none.
        of_pooled = tf.zeros([batch_size, num_pooled])
        if self.shortlist_size:  # Else a pool is kept as it is.
            # LiteRT makes no product over nothing, nor a slice of no columns.
            some = tf.maximum(num_pooled, 1)
            pooled = {role: values[:, :some] for role, values in rows.items()}
            of_pooled = super()._prior(task, pooled)
            of_pooled = tf.gather(of_pooled, tf.range(num_pooled), axis=1)
        of_others = self._open_prior(task, rows, num_items - num_pooled)
        return tf.concat([of_pooled, of_others], axis=1)

    def _open_prior(
        self, task: ServedTask, rows: Mapping[str, tf.Tensor], num_open: tf.Tensor
    ) -> tf.Tensor:
        """Returns the prior of the first rows where they are of no pool.

        Args:
            task: The tasks.
            rows: The rows by role.
            num_open: How many are asked for, all or none.
        """
        pairs, user = self._model().pairs, task.state.user
        vectors = self._open_vectors(rows["user"][:, 0])
        if self._index():
            some = rows["item"][:, : tf.maximum(num_open, 1)]
            expected = pairs.expect_rows(user, vectors, self._item_table(), some)
            return tf.gather(expected, tf.range(num_open), axis=1)
        table = self._item_table()[: tf.where(num_open > 0, self.catalogue.num_rows, 0)]
        expected = pairs.expect_items(user, vectors, table)
        return tf.gather(expected, self.catalogue.candidates[:num_open], axis=1)

    def _fallback(self, task: ServedTask, inputs: Inputs) -> tf.Tensor:
        is_known = _asking_users(task, inputs) > schema.UNKNOWN
        has_pool = tf.shape(inputs["candidate_item_row"])[1] > 0
        unknown = tf.where(has_pool, BY_SCENARIO, BY_POPULARITY)
        without = tf.where(is_known, BY_KNOWN_USER, unknown)
        return tf.where(task.support_size > 0, BY_SUPPORT, without)


def _asking_users(task: ServedTask, inputs: Inputs) -> tf.Tensor:
    """Returns the rows of those recommended to, int32 [B]; 0 where nobody is known."""
    unknown = tf.zeros_like(task.support_size)
    return tf.maximum(inputs.get("query_user_row", unknown), schema.UNKNOWN)


def _are_open(rows: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Returns whether candidates are of no pool, a bool: all of a request, or none."""
    return tf.reduce_any(rows["open"] > 0.0)
