"""What CMML sees of a pair, and what the backbone adds to."""

import abc
from typing import Any, NamedTuple, TypeAlias

from models.factors.folded_user import FoldedUser, nothing_known
from models.legacy_keras import tf
from models.recommender import Episode

# What is looked up of the pairs of a support or query set: a structure of tensors of
# the setting, batch first.
Pairs: TypeAlias = Any


class Expected(NamedTuple):
    """What is expected of pairs before the backbone adds to it, without a unit.

    Attributes:
        mean: float32 [B, S].
        variance: float32 [B, S], of the label about the mean, noise included.
        log_shares: float32 [B, S, L], log of how much more often than others the item
            has each label level; L is 0 where nothing is known of that.
        level_bias: float32 [L], log of how much more often each level is than in a
            normal distribution.
        backbone_scale: What a backbone's one number is multiplied by, a scalar or
            float32 [B, S], or [B, 1] if alike for all pairs of a task.
    """

    mean: tf.Tensor
    variance: tf.Tensor
    log_shares: tf.Tensor
    level_bias: tf.Tensor
    backbone_scale: float | tf.Tensor = 1.0


class EmbeddedPairs(NamedTuple):
    """Pairs of a support or query set, as the parts of CMML take them.

    Attributes:
        parts: Parts of the pair embedding, float32 [B, S, D_i], or [B, 1, D_i] if alike
            for all pairs of a task.
        expected: What the backbone adds to.
    """

    parts: list[tf.Tensor]
    expected: Expected


class PairEmbedding(tf.keras.layers.Layer, abc.ABC):
    """Looks pairs up and embeds them; each setting has one.

    The two are steps of their own, since a served model looks pairs up in tables that
    it has made beforehand.

    Attributes:
        width: D, of all parts of a pair embedding together.
        num_factors: K, factors of a user that are solved from the support set; where
            there are any and they do not add up, each new pair changes how all pairs of
            the support set are embedded.
        summed_widths: Widths of the parts of what is solved, if that of two support
            sets can be put together from that of each, and support pairs are embedded
            without it; zeros if not.
        has_prior: Whether there is a prior of what was made beforehand, which tells
            one pair from another.
        moves_prior: Whether the context moves the mean of user factors.
        detaches_support: Whether embeddings learn nothing from support sets.
    """

    width: int
    has_prior: bool
    num_factors: int = 0
    summed_widths: tuple[int, int, int, int] = (0, 0, 0, 0)
    moves_prior: bool = False
    detaches_support: bool = False

    @abc.abstractmethod
    def support_pairs(self, support: Episode, training: bool = False) -> Pairs:
        """Looks up the pairs of support sets."""

    @abc.abstractmethod
    def query_pairs(self, query: Episode, training: bool = False) -> Pairs:
        """Looks up the pairs of query sets."""

    def known_support(self, support: Episode) -> tf.Tensor:
        """Returns which support pairs there are to adapt to, bool [B, S].

        Args:
            support: At least `support_item` and `support_mask`.
        """
        return support["support_mask"]

    def trusted(
        self, pairs: Pairs, signals: tf.Tensor, support_mask: tf.Tensor
    ) -> tf.Tensor:
        """Returns what is believed of the labels of support pairs, float32 [B, S].

        Args:
            pairs: Support pairs.
            signals: float32 [B, S], labels without their unit; see `Objective`.
            support_mask: bool [B, S], False for padding.
        """
        del pairs, support_mask
        return signals

    def solve_trusted(
        self,
        pairs: Pairs,
        signals: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> tuple[FoldedUser, tf.Tensor]:
        """Solves from what is believed of the labels of support pairs, as all do.

        Args:
            pairs: Support pairs.
            signals: float32 [B, S], labels without their unit; see `Objective`.
            support_mask: bool [B, S], False for padding.
            training: Whether units are dropped.

        Returns:
            What is known of the user of each task, and what is believed, [B, S].
        """
        signals = self.trusted(pairs, signals, support_mask)
        return self.solve(pairs, signals, support_mask, training), signals

    def solve(
        self,
        pairs: Pairs,
        signals: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> FoldedUser:
        """Solves for what is known of the user of each task; widths are 0 if nothing.

        Args:
            pairs: Support pairs.
            signals: float32 [B, S], as `trusted` returns them.
            support_mask: bool [B, S], False for padding.
            training: Whether units are dropped.
        """
        del pairs, support_mask, training
        return nothing_known(tf.shape(signals)[0])

    def move(self, user: FoldedUser, shift: tf.Tensor) -> FoldedUser:
        """Moves the mean of user factors before labels are seen, by [B, K]."""
        del shift
        return user

    @abc.abstractmethod
    def expect(self, user: FoldedUser, pairs: Pairs) -> Expected:
        """Returns what is expected of pairs.

        Args:
            user: As `solve` returns it.
            pairs: Support or query pairs.
        """

    def surprise(self, user: FoldedUser, pairs: Pairs, signals: tf.Tensor) -> tf.Tensor:
        """Returns what labels tell beyond what is expected without them.

        Args:
            user: As `solve` returns it.
            pairs: Support pairs.
            signals: float32 [B, S], as `trusted` returns them.

        Returns:
            float32 [B, S].
        """
        del user, pairs
        return signals

    @abc.abstractmethod
    def embed(
        self, user: FoldedUser, pairs: Pairs, training: bool = False
    ) -> EmbeddedPairs:
        """Embeds pairs; arguments as of `expect`, and whether units are dropped."""


def dropout_of_sets(rate: float, seed: int) -> tf.keras.layers.Dropout:
    """Makes a dropout that drops the same units of all pairs of a set.

    Its generator is saved, so that a resumed training goes on as if it had not stopped.

    Args:
        rate: Share of units dropped in training.
        seed: Of the generator.
    """
    return tf.keras.layers.Dropout(
        rate, noise_shape=(None, 1, None), seed=seed, rng_type="stateful"
    )
