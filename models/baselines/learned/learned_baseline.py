"""What every baseline that is trained by episodes has in common."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from models.baselines.learned.parts.functional_mlp import EveryPair
from models.episode_model import EpisodeModel
from models.legacy_keras import tf
from models.objectives.objective import Objective
from models.recommender import Episode, State, asks_every_pair
from transforms.table_spec import Strict


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

    def embed_query(self, query: Episode, training: bool) -> tf.Tensor | EveryPair:
        """Embeds query pairs, float32 [B, Q, U + I], or every pair if that is asked."""
        ...


@dataclasses.dataclass(frozen=True)
class LearnedOptions(Strict):
    """Hyperparameters that every learned baseline has.

    Attributes:
        learning_rate: Of Adam at the start; it falls to 0 along a cosine.
        hidden_dims: Units of each hidden layer, input side first.
    """

    learning_rate: float = 1e-3
    hidden_dims: tuple[int, ...] = (64, 64, 64)


class LearnedBaseline(EpisodeModel):
    """A recommender that `fit` trains on episodes.

    A subclass has `adapt` and `raw_score`. It makes its weights in `_build_parts` or
    when it is first called. Scores are not clipped to the label range.

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
            `adapt` and `raw_score` alone.

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
    ) -> None:
        super().__init__(objective, name=type(self).__name__.lower())
        self.inputs_of_pairs = inputs
        self.options = options
        self.seed = seed
        self._build_parts(options, seed)

    @property
    def pair_dim(self) -> int:
        """U + I, units of a pair."""
        return self.inputs_of_pairs.user_dim + self.inputs_of_pairs.item_dim

    def _build_parts(self, options: Any, seed: int) -> None:
        """Makes what is trained beside the embeddings.

        Args:
            options: Hyperparameters, of the class `OPTIONS`.
            seed: Of the initial weights.
        """
        raise NotImplementedError

    def score(self, state: State, query: Episode, training: bool = False) -> tf.Tensor:
        """Scores query pairs in the unit of the labels, float32 [B, Q] or [U, P]."""
        scores = super().score(state, query, training)
        if not asks_every_pair(query):
            return scores
        num_users = tf.shape(query["query_user"])[0]
        return tf.reshape(scores, [num_users, -1])  # Of pairs one after the other.
