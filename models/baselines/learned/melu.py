"""MeLU: a network that takes gradient steps on the support set of each task."""

import dataclasses

from models.baselines.learned.learned_baseline import LearnedBaseline, LearnedOptions
from models.baselines.learned.parts.functional_mlp import (
    FunctionalMLP,
    Layer,
    for_each_task,
    linear,
)
from models.baselines.learned.parts.inner_loop import check_inner_options, sgd_steps
from models.legacy_keras import tf
from models.recommender import Episode, State


@dataclasses.dataclass(frozen=True)
class MeLUOptions(LearnedOptions):
    """Hyperparameters of `MeLU`.

    Attributes:
        inner_steps: Gradient steps on a support set.
        inner_learning_rate: Size of these steps.
        first_order: Whether training takes their gradients for constants, which is
            faster and less exact.

    Raises:
        ValueError: If `inner_steps` is negative or `inner_learning_rate` not positive.
    """

    hidden_dims: tuple[int, ...] = (64, 64)
    inner_steps: int = 5
    inner_learning_rate: float = 0.01
    first_order: bool = False

    def __post_init__(self) -> None:
        check_inner_options(self.inner_steps, self.inner_learning_rate)


class MeLU(LearnedBaseline):
    """Learns weights from which a few gradient steps lead to those of any task.

    All weights of the network adapt, the embeddings do not. A task without support
    keeps the weights that were learned.

    Arguments as of `LearnedBaseline`.

    Source:
        MeLU (Lee et al., KDD 2019) algorithm 1; steps and sizes as in CMML
        (arXiv:2108.10511) section 4.1.3. Deviation: outer gradients flow through the
        inner ones, which released code leaves out or cannot do; the initial weights are
        trained on standardised labels with Adam.
    """

    OPTIONS = MeLUOptions
    CANDIDATES = (
        {"inner_learning_rate": 0.2, "learning_rate": 3e-3},
        {"inner_learning_rate": 0.05, "learning_rate": 3e-3},
        {"inner_learning_rate": 0.2},
        {},
    )

    def _build_parts(self, options: MeLUOptions, seed: int) -> None:
        self.mlp = FunctionalMLP(self.pair_dim, options.hidden_dims, seed=seed)

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns the weights of each task, as `FunctionalMLP` takes them.

        Source:
            The same steps as on the weights. The input of the first layer does not
            move, so that its output moves by products of pairs with pairs, [B, S, S],
            which are smaller than its weights; these are made once, at the end.
        """
        pairs = self.inputs_of_pairs.embed_support(support, training)
        if self.options.first_order:
            pairs = tf.stop_gradient(pairs)
        first, *others = self.mlp.initial
        products = 1.0 + tf.matmul(pairs, pairs, transpose_b=True)  # 1 for the bias.
        (_, adapted), (slopes, _) = sgd_steps(
            lambda values: self.objective.support_loss(
                self.mlp.above_first(*values), support
            ),
            (linear(pairs, first), for_each_task(others, tf.shape(pairs)[0])),
            steps=self.options.inner_steps,
            learning_rate=self.options.inner_learning_rate,
            first_order=self.options.first_order,
            direction=lambda gradient: (products @ gradient[0], gradient[1]),
        )
        return [self._moved(first, pairs, slopes), *adapted]

    def _moved(self, first: Layer, pairs: tf.Tensor, slopes: tf.Tensor) -> Layer:
        """Moves the first layer [D, H] by the slopes [B, S, H] of its outputs."""
        kernel, bias = first
        steps = self.options.inner_learning_rate * slopes
        return (
            kernel - tf.matmul(pairs, steps, transpose_a=True),
            bias - tf.reduce_sum(steps, axis=1, keepdims=True),
        )

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs with the weights of their task, float32 [B, Q]."""
        pairs = self.inputs_of_pairs.embed_query(query, training)
        return self.mlp(pairs, state)
