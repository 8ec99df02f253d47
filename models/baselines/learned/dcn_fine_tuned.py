"""DCN-F: a deep and cross network that is tuned to the support set of each task."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from models.baselines.learned.dcn import DCN, DCNOptions
from models.baselines.learned.learned_baseline import LearnedOptions
from models.baselines.learned.parts.functional_mlp import for_each_task
from models.baselines.learned.parts.inner_loop import adam_steps, check_inner_options
from models.legacy_keras import tf
from models.recommender import Episode, State


@dataclasses.dataclass(frozen=True)
class FineTunedDCNOptions(DCNOptions):
    """Hyperparameters of `FineTunedDCN`.

    Attributes:
        inner_steps: Steps of Adam on a support set.
        inner_learning_rate: Their size.

    Raises:
        ValueError: If `inner_steps` is negative or `inner_learning_rate` not positive.
    """

    inner_steps: int = 5
    inner_learning_rate: float = 2e-4

    def __post_init__(self) -> None:
        check_inner_options(self.inner_steps, self.inner_learning_rate)


class FineTunedDCN(DCN):
    """A DCN that takes a few steps of Adam on the support set before it scores.

    It has the weights of a DCN and is trained as one; only later does it adapt. Its
    layers do, the embeddings do not. A task without support keeps the weights.

    Arguments as of `LearnedBaseline`.

    Source:
        CMML (arXiv:2108.10511) section 4.1.3 and its code: 5 steps of Adam on the whole
        support set. Deviation: only dense layers are tuned, so that one table of
        embeddings serves all tasks.
    """

    OPTIONS: ClassVar[type[LearnedOptions]] = FineTunedDCNOptions
    CANDIDATES: ClassVar[Sequence[Mapping[str, Any]]] = (
        {},
        {"inner_learning_rate": 1e-3},
        {"inner_learning_rate": 3e-3},
        {"inner_learning_rate": 1e-2},
    )
    TRAINS_AS: ClassVar[str | None] = "dcn"

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns the weights of each task, or an empty state in training."""
        if training:
            return ()
        pairs = self.inputs_of_pairs.embed_support(support, training)
        return adam_steps(
            lambda weights: self.objective.support_loss(
                self.through_layers(pairs, weights), support
            ),
            for_each_task(self.layer_weights, tf.shape(pairs)[0]),
            steps=self.options.inner_steps,
            learning_rate=self.options.inner_learning_rate,
        )

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs with the weights of their task, float32 [B, Q]."""
        pairs = self.inputs_of_pairs.embed_query(query, training)
        weights = state or self.layer_weights
        return self.through_layers(pairs, weights)
