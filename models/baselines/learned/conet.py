"""CoNet: a tower for a scenario, crossed with one for all others."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from models.baselines.learned.learned_baseline import LearnedBaseline, LearnedOptions
from models.baselines.learned.parts.functional_mlp import (
    EveryPair,
    FunctionalMLP,
    Layer,
    for_each_task,
    linear,
)
from models.baselines.learned.parts.inner_loop import adam_steps, check_inner_options
from models.legacy_keras import tf
from models.parts.backbone import glorot
from models.recommender import Episode, State, split_episode


@dataclasses.dataclass(frozen=True)
class CoNetOptions(LearnedOptions):
    """Hyperparameters of `CoNet`.

    Attributes:
        inner_steps: Steps of Adam on a support set.
        inner_learning_rate: Of these.
        cross_l1: Penalty of each absolute weight of a cross connection.

    Raises:
        ValueError: If `inner_steps` is negative or `inner_learning_rate` not positive.
    """

    inner_steps: int = 10
    inner_learning_rate: float = 1e-2
    cross_l1: float = 1e-4

    def __post_init__(self) -> None:
        check_inner_options(self.inner_steps, self.inner_learning_rate)


class OfScenario(NamedTuple):
    """What a scenario has for itself.

    Attributes:
        tower: Layers of the target tower.
        crosses: Kernel of the cross connections of each hidden layer, [in, out] for
            all scenarios or [B, in, out].
    """

    tower: list[Layer]
    crosses: list[tf.Tensor]


class CoNet(LearnedBaseline):
    """Scores a pair by a target tower that hears what a source tower makes of it.

    With x_t and x_a the units of the two, the next ones are relu(W_t x_t + H x_a) and
    relu(W_a x_a + H x_t). `fit` trains both towers and H on the query pairs of all
    scenarios, without adaptation; `adapt` trains target tower and H on a support set,
    and leaves the source tower as it is.

    Arguments as of `LearnedBaseline`.

    Source:
        Hu et al., "CoNet: Collaborative Cross Networks for Cross-Domain
        Recommendation" (CIKM 2018), sections 3.2 and 3.3, Eq. 7. Deviations: CMML
        (arXiv:2108.10511) trains all from scratch for each scenario, with the data of
        others as source; here these are seen once, by `fit`, and a scenario starts
        from there. Both towers see the same pair, and the losses are those of all
        learned baselines instead of cross entropy.
    """

    OPTIONS = CoNetOptions
    CANDIDATES = (
        {},
        {"inner_learning_rate": 1e-3},
        {"inner_learning_rate": 3e-3},
        {"learning_rate": 3e-4},
    )

    def _build_parts(self, options: CoNetOptions, seed: int) -> None:
        dim = self.pair_dim
        self.target = FunctionalMLP(dim, options.hidden_dims, seed=seed)
        self.source = FunctionalMLP(dim, options.hidden_dims, seed=seed + 100)
        widths = [dim, *options.hidden_dims]
        self.crosses = [
            tf.Variable(glorot(shape, seed + 200 + number), name=f"cross_{number}")
            for number, shape in enumerate(itertools.pairwise(widths))
        ]

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns what each scenario has for itself after its support set."""
        pairs = self.inputs_of_pairs.embed_support(support, training)
        num_tasks = tf.shape(pairs)[0]
        is_real = tf.reduce_any(support["support_mask"], axis=1)
        share = self.options.cross_l1 * tf.cast(is_real, tf.float32)  # [B]

        def loss(values: OfScenario) -> tf.Tensor:
            raw, _ = self.towers(pairs, values)
            error = self.objective.support_loss(raw, support)
            return error + share * _sum_of_sizes(values.crosses)

        initial = OfScenario(
            for_each_task(self.target.initial, num_tasks),
            [tf.tile(cross[tf.newaxis], [num_tasks, 1, 1]) for cross in self.crosses],
        )
        return adam_steps(
            loss,
            initial,
            steps=self.options.inner_steps,
            learning_rate=self.options.inner_learning_rate,
        )

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs by the target tower, float32 [B, Q]."""
        pairs = self.inputs_of_pairs.embed_query(query, training)
        return self.towers(pairs, state)[0]

    def compute_loss(self, inputs: Episode, training: bool = False) -> tf.Tensor:
        """Error of both towers and the penalty in training; else as of any method.

        Metrics of training are means over the two towers.
        """
        if not training:
            return super().compute_loss(inputs, training)
        _, query = split_episode(inputs)
        pairs = self.inputs_of_pairs.embed_query(query, training)
        shared = OfScenario(self.target.initial, self.crosses)
        errors = [
            self.objective.query_loss(inputs, raw) for raw in self.towers(pairs, shared)
        ]
        penalty = sum(tf.reduce_sum(tf.abs(cross)) for cross in self.crosses)
        return tf.add_n(errors) + self.options.cross_l1 * penalty

    def towers(
        self, pairs: tf.Tensor | EveryPair, values: OfScenario
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the raw scores of the target and of the source tower.

        Args:
            pairs: float32 [B, Q, D], or every pair.
            values: Of all scenarios, or of each.

        Returns:
            Two of float32 [B, Q].
        """
        target = source = pairs
        *hidden_target, last_target = values.tower
        *hidden_source, last_source = self.source.initial
        for of_target, of_source, cross in zip(
            hidden_target, hidden_source, values.crosses, strict=True
        ):
            to_cross = cross, tf.zeros([])
            target, source = (
                tf.nn.relu(linear(target, of_target) + linear(source, to_cross)),
                tf.nn.relu(linear(source, of_source) + linear(target, to_cross)),
            )
        return (
            tf.squeeze(linear(target, last_target), axis=-1),
            tf.squeeze(linear(source, last_source), axis=-1),
        )


def _sum_of_sizes(crosses: Sequence[tf.Tensor]) -> tf.Tensor:
    """Sums the absolute weights of each scenario, float32 [B]."""
    return tf.add_n([tf.reduce_sum(tf.abs(cross), axis=[1, 2]) for cross in crosses])
