"""What CMML sees of a pair, and what the backbone adds to."""

import abc
from typing import Any, NamedTuple, TypeAlias

from models.legacy_keras import tf
from models.recommender import Episode

# What is looked up of the pairs of a support or query set: a structure of tensors of
# the setting, batch first.
Pairs: TypeAlias = Any


class EmbeddedPairs(NamedTuple):
    """Pairs of a support or query set, as the parts of CMML take them.

    Attributes:
        parts: Parts of the pair embedding, float32 [B, S, D_i], or [B, 1, D_i] if alike
            for all pairs of a task.
        prior: float32 [B, S], what the backbone adds to.
    """

    parts: list[tf.Tensor]
    prior: tf.Tensor


class PairEmbedding(tf.keras.layers.Layer, abc.ABC):
    """Looks pairs up and embeds them; each setting has one.

    The two are steps of their own, since a served model looks pairs up in tables that
    it has made beforehand.

    Attributes:
        width: D, of all parts of a pair embedding together.
        num_factors: K, factors of a user that are solved from the support set; where
            there are any, each new pair changes how all of them are embedded.
        has_prior: Whether the prior tells one pair from another.
        backbone_scale: What the backbone's numbers are multiplied by.
        detaches_support: Whether embeddings learn nothing from support sets.
    """

    width: int
    has_prior: bool
    backbone_scale: float | tf.Variable
    num_factors: int = 0
    detaches_support: bool = False

    @abc.abstractmethod
    def support_pairs(self, support: Episode, training: bool = False) -> Pairs:
        """Looks up the pairs of support sets."""

    @abc.abstractmethod
    def query_pairs(self, query: Episode, training: bool = False) -> Pairs:
        """Looks up the pairs of query sets."""

    def solve(
        self, pairs: Pairs, labels: tf.Tensor, support_mask: tf.Tensor
    ) -> tf.Tensor:
        """Solves for the factors of the user of each task, float32 [B, K].

        Args:
            pairs: Support pairs.
            labels: float32 [B, S], in the unit of the data set.
            support_mask: bool [B, S], False for padding.
        """
        del pairs, support_mask
        return tf.zeros([tf.shape(labels)[0], 0])

    @abc.abstractmethod
    def expect(self, user_factors: tf.Tensor, pairs: Pairs) -> tf.Tensor:
        """Returns what is expected of pairs, float32 [B, S].

        Args:
            user_factors: As `solve` returns them.
            pairs: Support or query pairs.
        """

    @abc.abstractmethod
    def embed(
        self, user_factors: tf.Tensor, pairs: Pairs, training: bool = False
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
