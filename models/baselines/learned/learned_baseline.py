"""What every baseline that is trained by episodes has in common."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from models.legacy_keras import tf, tfrs
from models.recommender import Episode, State, split_episode


class PairInputs(Protocol):
    """Turns pairs of users and items into what a learned baseline sees of them.

    Each setting has one, so that a method is written once for both. It holds the
    embeddings, if there are any to be trained.

    Attributes:
        user_dim: U, leading units of a pair that tell the user.
        item_dim: I, the units after them.
    """

    user_dim: int
    item_dim: int

    def embed_support(self, support: Episode, training: bool) -> tf.Tensor:
        """Embeds support pairs, float32 [B, S, U + I]; padding as unknown pairs."""
        ...

    def embed_query(self, query: Episode, training: bool) -> tf.Tensor:
        """Embeds query pairs, float32 [B, Q, U + I]."""
        ...


class Objective(Protocol):
    """What is learned: labels as numbers of unit size, and errors of raw scores.

    Raw scores are what a network puts out; `scores` brings them to the unit of the
    labels.
    """

    @property
    def metrics(self) -> Sequence[tf.keras.metrics.Metric]:
        """What is told of a training beside its loss."""
        ...

    def signals(self, support: Episode) -> tf.Tensor:
        """Returns the support labels in units of a network, float32 [B, S].

        About 0 in the middle and 1 in size; 0 for padding.
        """
        ...

    def support_loss(self, raw_scores: tf.Tensor, support: Episode) -> tf.Tensor:
        """Returns the error of raw scores [B, S] on each support set, float32 [B].

        0 for a task without support.
        """
        ...

    def scores(self, raw_scores: tf.Tensor) -> tf.Tensor:
        """Brings raw scores [B, Q] to the unit of the labels."""
        ...

    def query_loss(self, episode: Episode, scores: tf.Tensor) -> tf.Tensor:
        """Returns the mean error on the query sets, a scalar, and updates metrics."""
        ...


@dataclasses.dataclass(frozen=True)
class LearnedOptions:
    """Hyperparameters that every learned baseline has.

    Attributes:
        learning_rate: Of Adam at the start; it falls to 0 along a cosine.
        hidden_dims: Units of each hidden layer, input side first.
    """

    learning_rate: float = 1e-3
    hidden_dims: tuple[int, ...] = (64, 64, 64)

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012


class LearnedBaseline(tfrs.Model):
    """A recommender that `fit` trains on episodes.

    A subclass has `adapt` and `score`. It makes its weights in `__init__` or when it is
    first called. Scores are not clipped to the label range.

    Args:
        inputs: What is seen of a pair.
        objective: What is learned.
        options: Hyperparameters, of the class `OPTIONS`.
        seed: Seed of the initial weights.

    Attributes:
        OPTIONS: Class of the hyperparameters.
        CANDIDATES: Changes of them to be tried on meta-validation, the best guess
            first. Every learned method tries equally many.
        VERSION: Goes up when the method changes without its options, so that nothing
            trained before is taken for it.
        TRAINS_AS: Name of a method whose weights it has, if it differs from that in
            `adapt` and `score` alone.

    Call arguments:
        episode: A batch of episodes.

    Returns:
        float32 [B, Q], in the unit of the labels.
    """

    OPTIONS: ClassVar[type[LearnedOptions]] = LearnedOptions
    CANDIDATES: ClassVar[Sequence[Mapping[str, Any]]] = ({},)
    VERSION: ClassVar[int] = 1
    TRAINS_AS: ClassVar[str | None] = None

    def __init__(
        self,
        inputs: PairInputs,
        objective: Objective,
        options: Any,
        *,
        seed: int = 0,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.inputs_of_pairs = inputs
        self.objective = objective
        self.options = options
        self.seed = seed

    @property
    def metrics(self) -> list[tf.keras.metrics.Metric]:
        """Those of the objective."""
        return list(self.objective.metrics)

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns what is known of each task after its support set."""
        raise NotImplementedError

    def score(self, state: State, query: Episode, training: bool = False) -> tf.Tensor:
        """Scores query pairs given the state of their task, float32 [B, Q]."""
        raise NotImplementedError

    def call(self, episode: Episode, training: bool = False) -> tf.Tensor:
        """Adapts to the support set and scores the query set."""
        support, query = split_episode(episode)
        return self.score(self.adapt(support, training), query, training)

    def compute_loss(self, inputs: Episode, training: bool = False) -> tf.Tensor:
        """Error on the query set, as `fit` and `evaluate` ask for it."""
        return self.objective.query_loss(inputs, self(inputs, training=training))
