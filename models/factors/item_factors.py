"""Item factors of collaborative filtering, to which a new user is folded in."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from models.episodes.entity_table import EntityTable, mean_of_known, standardise
from models.factors.entity_design import entity_design
from models.factors.factor_fit import PriorParts, level_bias
from models.factors.fold_fits import NUM_FOLDS, fit_in_folds
from models.factors.folded_user import FoldedUser
from models.factors.inverse import inverse_above_identity
from models.factors.labelled_pairs import LabelledPairs
from models.factors.support_facts import (
    ItemUnits,
    num_facts,
    size_with_one_more,
    support_facts,
)
from models.factors.user_prior import SET_STRENGTH
from models.legacy_keras import tf

_MAX_LEVERAGE = 0.95  # Of a pair on its own prediction.
_TRUST_PASSES = 4
_FARTHEST = 4.0  # Deviations of all labels that the first pass begins with.


class ItemFactors(tf.Module):
    """Fits items to vectors beforehand, and folds users in, in closed form.

    The label of a pair is a mean and bias of the item plus the product of K item
    factors with K user factors. Item factors are fitted once, beforehand; the user
    factors of a task are the posterior mean given its support set, a linear system of
    K unknowns, so that adaptation is still one forward pass. Before any label is seen,
    the mean of user factors depends on the features of the user and on which items are
    in the support set.

    In training, the factors of an item are those of a fit without the user they meet,
    since a fit that has seen the label to be predicted promises too much. The fits are
    turned to agree with the whole one, so that one factor means the same in all of
    them; the turn is all they take from the whole.

    Args:
        users: The user table.
        items: The item table.
        parts: What is fitted.
        levels: L label levels whose shares are counted; none for none.

    Attributes:
        table: float32 [N + 1, width], items by the fit to all pairs.
        fold_tables: float32 [NUM_FOLDS, N + 1, width], by the fits without a fold; None
            until they are fitted, since only training looks at them.
        num_factors: K, factors of a user.
        num_facts: T, numbers that tell of a support set.
        num_levels: L.
        level_bias: float32 [L], log of how much more often each level is than it would
            be if labels were normal.
        width: What is looked up of a pair, the width of `ItemUnits` together.
        level_width: What is looked up of a user before any pair is seen.

    Raises:
        ValueError: If the rank is negative.
    """

    def __init__(
        self,
        users: EntityTable,
        items: EntityTable,
        parts: PriorParts,
        *,
        levels: Sequence[float] = (),
    ) -> None:
        super().__init__(name="item_factors")
        if parts.rank < 0:
            raise ValueError(f"rank must be at least 0, got {parts.rank}.")
        self.parts = parts
        self.levels = np.asarray(levels, np.float32)
        self._users = users if parts.user_features else users.without_features()
        self._items = items if parts.item_features else items.without_features()
        self._encoded = {n: tf.constant(v) for n, v in self._users.encoded.items()}
        self.num_factors = parts.num_factors(items.num_rows - 1)
        self.num_levels = len(levels)
        self.num_facts = num_facts(self.num_levels)
        self._widths = ItemUnits.widths(self.num_factors, self.num_levels)
        self.width = sum(self._widths)
        self.level_width = 3 * self.num_factors
        # The noise, which is divided by, is 1.
        unfitted = np.eye(1, self.width, self.num_factors + 1, dtype=np.float32)
        self.table = _fixed(tf.tile(unfitted, [items.num_rows, 1]), "table")
        self.fold_tables: tf.Variable | None = None
        num_fits = NUM_FOLDS + 1
        self.level = _frozen([num_fits, self.level_width], "level")
        self.log_shares = _frozen([len(levels)], "log_shares")
        self.level_bias = _frozen([len(levels)], "level_bias")
        self.fold_of_user = tf.Variable(
            tf.fill([users.num_rows], NUM_FOLDS), trainable=False, name="fold_of_user"
        )
        self.feature_tables = {
            feature.name: _frozen(
                [num_fits, 1 + feature.vocabulary_size, self.level_width],
                f"of_{feature.name}",
            )
            for feature in self._users.features
        }

    def fit(
        self,
        pairs: LabelledPairs,
        *,
        seed: int,
        on_fit: Callable[[], object] = lambda: None,
    ) -> None:
        """Fits item factors to all pairs, and to all but those of each fold of users.

        Args:
            pairs: All pairs that are learnt from.
            seed: Seed of the folds and of the initial factors.
            on_fit: Called after each fit, of which there are `NUM_FOLDS` + 1.
        """
        designs = entity_design(self._users), entity_design(self._items)
        fits, folds = fit_in_folds(
            pairs, designs, self.parts, self.levels, seed=seed, on_fit=on_fit
        )
        *folds_of_items, whole = (fit.table().astype(np.float32) for fit in fits)
        self.table.assign(whole)
        self.fold_tables = _fixed(np.stack(folds_of_items), "fold_tables")
        self.level.assign(np.stack([fit.level.reshape(-1) for fit in fits]))
        tables = designs[0].tables(np.stack([fit.features for fit in fits]))
        for name, table in self.feature_tables.items():
            table.assign(tables[name])
        overall = fits[-1].overall_log_shares
        self.log_shares.assign(overall)
        self.level_bias.assign(level_bias(overall, self.levels))
        self.fold_of_user.assign(folds)

    def of_items(self, items: tf.Tensor) -> tf.Tensor:
        """Looks items up in the fit to all pairs; as `look_up` of any users."""
        return tf.gather(self.table, items)

    def look_up(
        self, users: tf.Tensor, items: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Looks up what collaborative filtering knows of each pair.

        Args:
            users: int32 [...], rows of the user table.
            items: int32 [...], rows of the item table.
            training: Whether to use the fit that has not seen the user.

        Returns:
            float32 [..., width], as `split` takes it apart.
        """
        of_all = self.of_items(items)
        if not training or self.fold_tables is None:
            return of_all
        folds = tf.gather(self.fold_of_user, users)
        places = tf.stack([tf.minimum(folds, NUM_FOLDS - 1), items], axis=-1)
        of_fold = tf.gather_nd(self.fold_tables, places)
        return tf.where(tf.expand_dims(folds == NUM_FOLDS, -1), of_all, of_fold)

    def split(self, units: tf.Tensor) -> ItemUnits:
        """Takes apart what was looked up, float32 [..., width]."""
        return ItemUnits.split(units, self._widths)

    def level_of_users(self, users: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Looks up what is expected of users whose features are in the user table.

        Args:
            users: int32 [B], rows of the user table.
            training: Whether to use the fit that has not seen the user.

        Returns:
            float32 [B, level_width], as `solve` takes it.
        """
        fold = tf.fill(tf.shape(users), NUM_FOLDS)
        if training:
            fold = tf.gather(self.fold_of_user, users)
        encoded = {name: tf.gather(v, users) for name, v in self._encoded.items()}
        return self._level(encoded, fold)

    def level_of_features(
        self, encoded: Mapping[str, tf.Tensor], num_users: tf.Tensor
    ) -> tf.Tensor:
        """Returns what is expected of users that need not be in the user table.

        Args:
            encoded: By feature name, int32 [B, V] or float32 [B].
            num_users: B.

        Returns:
            float32 [B, level_width], as `solve` takes it.
        """
        return self._level(encoded, tf.fill([num_users], NUM_FOLDS))

    def _level(self, encoded: Mapping[str, tf.Tensor], fold: tf.Tensor) -> tf.Tensor:
        level = tf.gather(self.level, fold)
        for feature in self._users.features:
            values = encoded[feature.name]
            # As a tensor: where weights become constants, it can be looked up still.
            table = tf.convert_to_tensor(self.feature_tables[feature.name])
            if feature.kind == "numeric":
                slope = tf.gather(table[:, 0], fold)
                level += tf.expand_dims(standardise(feature, values), 1) * slope
                continue
            at = tf.broadcast_to(tf.expand_dims(fold, 1), tf.shape(values))
            found = tf.gather_nd(table, tf.stack([at, values], axis=-1))
            level += mean_of_known(found, values)
        return level

    def solve(
        self,
        units: tf.Tensor,
        level: tf.Tensor,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
    ) -> FoldedUser:
        """Solves for the user factors of each task.

        Args:
            units: float32 [B, S, width], of the support pairs.
            level: float32 [B, level_width], of the users.
            labels: float32 [B, S], in the unit of the data set.
            support_mask: bool [B, S], False for padding.

        Returns:
            The user; without support it is what the features of the user say.
        """
        of_items = self.split(units)
        mask = tf.cast(support_mask, tf.float32)
        size = tf.reduce_sum(mask, axis=1, keepdims=True)
        # All in units of the noise, which becomes 1.
        weight = mask * tf.math.rsqrt(of_items.noise)
        factors = of_items.factors * tf.expand_dims(weight, -1)
        mean = self._prior_mean(of_items.of_set, level, mask, size)
        residual = (labels - self._label(mean, of_items)) * weight
        gram = tf.matmul(factors, factors, transpose_a=True)  # [B, K, K]
        gram += np.eye(self.num_factors, dtype=np.float32)
        covariance = inverse_above_identity(gram)
        projected = tf.linalg.matvec(factors, residual, transpose_a=True)
        vector = mean + tf.linalg.matvec(covariance, projected)
        flat = tf.reshape(covariance, [-1, self.num_factors**2])
        nothing = tf.zeros([tf.shape(labels)[0], 0])
        user = FoldedUser(vector, flat, nothing, nothing)
        expected, variance = self.left_out(user, units, labels)
        surprise = (labels - expected) * tf.math.rsqrt(variance)
        facts = support_facts(surprise, labels, mask, self.levels, self.log_shares)
        return user._replace(facts=facts)

    def _prior_mean(
        self, of_set: tf.Tensor, level: tf.Tensor, mask: tf.Tensor, size: tf.Tensor
    ) -> tf.Tensor:
        """Returns the mean of user factors before labels are seen, [B, K]."""
        constant, by_share, by_log = tf.split(level, 3, axis=-1)
        of_set = tf.linalg.matvec(of_set, mask, transpose_a=True)
        by_size = size * by_share + of_set
        return (
            constant
            + by_size / (size + SET_STRENGTH)
            + tf.math.log(1.0 + size) * by_log
        )

    def left_out(
        self, user: FoldedUser, units: tf.Tensor, labels: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Expects the label of each support pair from all the other pairs.

        Args:
            user: As solved from these pairs.
            units: float32 [B, S, width], of the support pairs.
            labels: float32 [B, S].

        Returns:
            The expected labels and their variances, noise included, float32 [B, S].
        """
        of_items = self.split(units)
        leverage = self._variance(user, of_items) / of_items.noise
        left = 1.0 - tf.minimum(leverage, _MAX_LEVERAGE)
        residual = labels - self._label(user.vector, of_items)
        return labels - residual / left, of_items.noise / left

    def trusted(
        self,
        units: tf.Tensor,
        level: tf.Tensor,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        max_surprise: float,
    ) -> tf.Tensor:
        """Cuts labels that lie too far from what all other pairs of their set say.

        What the others say is solved from labels that are cut already, a few times, so
        that no single label draws it far: Huber's estimate, by residuals that are left
        out.

        Args:
            units: float32 [B, S, width], of the support pairs.
            level: float32 [B, level_width], of the users.
            labels: float32 [B, S], standardised.
            support_mask: bool [B, S], False for padding.
            max_surprise: Most standard deviations, noise and doubt about the user
                included.

        Returns:
            float32 [B, S].
        """
        trusted = tf.clip_by_value(labels, -_FARTHEST, _FARTHEST)
        for _ in range(_TRUST_PASSES):
            user = self.solve(units, level, trusted, support_mask)
            expected, variance = self.left_out(user, units, trusted)
            reach = max_surprise * tf.sqrt(variance)
            trusted = tf.clip_by_value(labels, expected - reach, expected + reach)
        return tf.where(support_mask, trusted, labels)

    def move(self, user: FoldedUser, shift: tf.Tensor) -> FoldedUser:
        """Moves the mean of user factors before labels are seen.

        What labels say of a user is not moved: the more of them, the less moves.

        Args:
            user: As solved.
            shift: float32 [B, K], of the mean.
        """
        covariance = self._covariance(user)
        moved = user.vector + tf.linalg.matvec(covariance, shift)
        return user._replace(vector=moved)

    def expect(self, user: FoldedUser, units: tf.Tensor) -> tf.Tensor:
        """Expects the label of each query pair.

        That the pair has a label tells of the user as items of the support set do: its
        item moves the mean of user factors as if it were one of them.

        Args:
            user: As solved.
            units: float32 [B, Q, width].

        Returns:
            float32 [B, Q], in the unit of the labels.
        """
        of_items = self.split(units)
        moved = tf.expand_dims(self._moved_by_item(user), 1) * of_items.of_set
        return self._label(user.vector, of_items) + self._product(
            user, of_items.factors, moved
        )

    def product_vectors(self, units: tf.Tensor) -> tf.Tensor:
        """Returns vectors whose product with `product_query` is about `expect`.

        It is the same without support pairs; with some, what an item tells of its users
        is taken to be as certain in each direction.

        Args:
            units: float32 [..., width].

        Returns:
            float32 [..., K + 2].
        """
        of_items = self.split(units)
        of_itself = tf.reduce_sum(of_items.factors * of_items.of_set, axis=-1)
        columns = tf.stack([of_items.label, of_itself], axis=-1)
        return tf.concat([of_items.factors, columns], axis=-1)

    def product_query(self, user: FoldedUser) -> tf.Tensor:
        """Returns the vectors of users, float32 [B, K + 2]."""
        diagonal = user.covariance * np.eye(self.num_factors, dtype=np.float32).ravel()
        doubt = tf.reduce_mean(diagonal, axis=-1, keepdims=True) * self.num_factors
        moved = self._moved_by_item(user) * doubt
        return tf.concat([user.vector, tf.ones_like(moved), moved], axis=-1)

    def variance(self, user: FoldedUser, units: tf.Tensor) -> tf.Tensor:
        """Returns the variance of what is expected, without noise, float32 [B, Q]."""
        return self._variance(user, self.split(units))

    def _label(self, vector: tf.Tensor, of_items: ItemUnits) -> tf.Tensor:
        # Items may be the same for all users, [1, S, K], which `einsum` would refuse.
        return of_items.label + tf.linalg.matvec(of_items.factors, vector)

    def _variance(self, user: FoldedUser, of_items: ItemUnits) -> tf.Tensor:
        return self._product(user, of_items.factors, of_items.factors)

    def _product(
        self, user: FoldedUser, left: tf.Tensor, right: tf.Tensor
    ) -> tf.Tensor:
        """Returns the products of vectors [B, S, K] by the posterior covariance."""
        return tf.reduce_sum(tf.matmul(left, self._covariance(user)) * right, axis=-1)

    def _moved_by_item(self, user: FoldedUser) -> tf.Tensor:
        """Returns what one further item of the set counts, float32 [B, 1]."""
        size = size_with_one_more(user.facts, self.num_levels)
        return 1.0 / (size + SET_STRENGTH)

    def _covariance(self, user: FoldedUser) -> tf.Tensor:
        shape = [-1, self.num_factors, self.num_factors]
        return tf.reshape(user.covariance, shape)


def _frozen(shape: Sequence[int], name: str) -> tf.Variable:
    return _fixed(tf.zeros(shape), name)


def _fixed(values: tf.Tensor | np.ndarray, name: str) -> tf.Variable:
    return tf.Variable(values, trainable=False, name=name)
