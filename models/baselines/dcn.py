"""DCN: a deep and cross network, trained on all tasks alike."""

from models.legacy_keras import tf  # isort: skip  Before anything that imports Keras.

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import tensorflow_recommenders as tfrs

from models.baselines.learned_baseline import (
    LearnedBaseline,
    LearnedOptions,
    Objective,
    PairInputs,
)
from models.recommender import Episode, State


@dataclasses.dataclass(frozen=True)
class DCNOptions(LearnedOptions):
    """Hyperparameters of `DCN`.

    Attributes:
        num_cross: Cross layers.
    """

    hidden_dims: tuple[int, ...] = (64, 64)
    num_cross: int = 3


class DCN(LearnedBaseline):
    """Scores a pair by crosses of its units beside a deep network; it does not adapt.

    Arguments as of `LearnedBaseline`.

    Source:
        Wang et al., "DCN V2" (WWW 2021), as `tensorflow_recommenders` has it, whose
        cross layers have a full matrix; CMML (arXiv:2108.10511) section 4.1.3 for its
        place among the baselines.
    """

    OPTIONS: ClassVar[type[LearnedOptions]] = DCNOptions
    CANDIDATES: ClassVar[Sequence[Mapping[str, Any]]] = (
        {},
        {"learning_rate": 3e-4},
        {"learning_rate": 3e-3},
        {"num_cross": 1},
    )

    def __init__(
        self,
        inputs: PairInputs,
        objective: Objective,
        options: DCNOptions,
        *,
        seed: int = 0,
        name: str = "dcn",
    ) -> None:
        super().__init__(inputs, objective, options, seed=seed, name=name)
        glorot = tf.keras.initializers.GlorotUniform
        self.crosses = [
            tfrs.layers.dcn.Cross(kernel_initializer=glorot(seed=seed + number))
            for number in range(options.num_cross)
        ]
        self.deep = [
            tf.keras.layers.Dense(
                width,
                activation="relu",
                kernel_initializer=glorot(seed=seed + 100 + number),
            )
            for number, width in enumerate(options.hidden_dims)
        ]
        self.head = tf.keras.layers.Dense(1, kernel_initializer=glorot(seed=seed + 200))

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns an empty state: the support set is of no use here."""
        del support, training
        return ()

    def score(self, state: State, query: Episode, training: bool = False) -> tf.Tensor:
        """Scores query pairs, float32 [B, Q]."""
        del state
        pairs = self.inputs_of_pairs.embed_query(query, training)
        crossed, deep = pairs, pairs
        for cross in self.crosses:
            crossed = cross(pairs, crossed)
        for layer in self.deep:
            deep = layer(deep)
        raw = tf.squeeze(self.head(tf.concat([crossed, deep], axis=-1)), axis=-1)
        return self.objective.scores(raw)
