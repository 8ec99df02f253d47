"""CMML: a recommender that adapts to a task by one forward pass over its support."""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from models.episode_model import EpisodeModel
from models.factors.folded_user import FoldedUser, put_together
from models.heads import DistributionHead, ValueHead
from models.joined_parts import join, take_apart
from models.legacy_keras import tf
from models.objectives.objective import Objective
from models.options import MemberOptions
from models.pairs.pair_embedding import Expected, PairEmbedding, Pairs
from models.parts.family import build_members
from models.parts.label_levels import LabelLevels
from models.parts.modulation import ModulationValues
from models.recommender import Episode, split_episode

# Parts of pairs, surprises of labels and mask, as context encoders take them.
EncoderInputs: TypeAlias = tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]

_ROUNDING = 1e-4  # Of the mean of labels that are all alike, in deviations.
_FEW_LEVELS = 2  # At most so many have a calibrated start.

Head: TypeAlias = ValueHead | DistributionHead


class TaskState(NamedTuple):
    """What is known of each task after its support set.

    Attributes:
        context: float32 [B, D], the context embedding, as wide as a pair.
        user: What is solved from the support set, of width 0 where there is nothing to
            be solved for.
    """

    context: tf.Tensor
    user: FoldedUser


class CMML(EpisodeModel):
    """Contextual modulation meta-learning.

    `adapt` turns a support set into a context, `score` modulates the backbone with it
    for each query pair; no gradient step is taken at adaptation time. The backbone adds
    to what the prior expects of the pair.

    Args:
        pairs: Looks pairs up, embeds them and has the prior.
        objective: What is learned.
        head: What is predicted of a pair.
        options: Members, sizes and switches.
        seed: Seed of the backbone.

    Call arguments:
        episode: A batch of episodes.

    Returns:
        float32 [B, Q], in the unit of the labels; of clicks, only the order within a
        task means something.

    Source:
        CMML (arXiv:2108.10511) Fig. 1, Eq. 1-5. Deviations: labels and scores are
        standardised inside; the prior, unless it is constant; the head, unless it is a
        value.
    """

    pairs_at_once = 1 << 16

    def __init__(
        self,
        pairs: PairEmbedding,
        objective: Objective,
        head: Head,
        options: MemberOptions,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(objective, name="cmml")
        self.pairs = pairs
        self.head = head
        self.sees_negatives = options.negatives
        members = build_members(options, pairs.width, head.num_outputs, seed)
        self.encoder, self.hybrid, self.modulation, self.backbone = members
        self.shift = None
        if pairs.moves_prior:
            self.shift = tf.keras.layers.Dense(
                pairs.num_factors,
                use_bias=False,
                kernel_initializer="zeros",
                name="shift",
            )

    @property
    def starts_calibrated(self) -> bool:
        """Whether the distribution of labels is to be started by `start_from`.

        Else rare labels have to be learned to be rare. A value has nothing to start;
        labels of more than two levels are learned better without.
        """
        return self.levels is not None and self.levels.size <= _FEW_LEVELS

    @property
    def starts_useful(self) -> bool:
        """Whether it starts as its closed form, in a distribution if calibrated."""
        return self.pairs.has_prior and (self.levels is None or self.starts_calibrated)

    def start_from(self, episodes: Iterable[Episode]) -> None:
        """Starts the distribution as what is expected of query pairs is calibrated.

        Args:
            episodes: Batches of meta-train, whose users factors have not seen.
        """
        found = [self._expect_in_training(episode) for episode in episodes]
        *of_pairs, biases = zip(*found, strict=True)
        labels, mean, variance, shares = (tf.concat(p, axis=0) for p in of_pairs)
        expected = Expected(mean, variance, shares, biases[0])
        self.head.start_from(expected, labels)

    def _expect_in_training(self, episode: Episode) -> tuple[tf.Tensor, ...]:
        """Returns labels of query pairs [N], and what is expected of each."""
        support, query = split_episode(episode)
        mask = self.pairs.known_support(support)
        pairs = self.pairs.support_pairs(support, training=True)
        signals = self.objective.signals(support["support_label"], mask)
        user, _ = self.pairs.solve_trusted(pairs, signals, mask, training=True)
        expected = self.pairs.expect(user, self.pairs.query_pairs(query, training=True))
        mask = episode["query_mask"]
        labels = self.objective.signals(episode["query_label"], mask)
        parts = [labels, expected.mean, expected.variance, expected.log_shares]
        of_pairs = [tf.boolean_mask(part, mask) for part in parts]
        return *of_pairs, expected.level_bias

    def adapt(self, support: Episode, training: bool = False) -> TaskState:
        """Encodes each support set."""
        pairs = self.pairs.support_pairs(support, training)
        labels, mask = support["support_label"], self.pairs.known_support(support)
        return self.encode(pairs, labels, mask, training)

    def raw_score(
        self, state: TaskState, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs given the state of their task, without a unit, [B, Q]."""
        pairs = self.pairs.query_pairs(query, training)
        return self.head.mean(self._predict(state, pairs, training)[0])

    def compute_loss(self, inputs: Episode, training: bool = False) -> tf.Tensor:
        """Error on the query set, as `fit` and `evaluate` ask for it."""
        support, query = split_episode(inputs)
        state = self.adapt(support, training)
        pairs = self.pairs.query_pairs(query, training)
        prediction, expected = self._predict(state, pairs, training)
        return self.head.loss(self.objective, inputs, prediction, expected)

    def encode(
        self,
        pairs: Pairs,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> TaskState:
        """Encodes support pairs.

        Args:
            pairs: Support pairs, as `pairs` looks them up.
            labels: float32 [B, S], in the unit of the data set.
            support_mask: bool [B, S], False for padding.
            training: Whether units are dropped.
        """
        user, inputs = self._encoder_inputs(pairs, labels, support_mask, training)
        context = self.encoder(*inputs, training)
        if self.shift is not None:
            user = self.pairs.move(user, self.shift(context))
        return TaskState(context, user)

    @property
    def can_advance(self) -> bool:
        """Whether `advance` adds pairs to a memory of the pairs before them.

        Not so if each new pair changes how all of them are seen, as user factors that
        do not add up make it.
        """
        adds_up = not self.pairs.num_factors or any(self.pairs.summed_widths)
        return self.encoder.can_advance and adds_up

    @property
    def memory_dim(self) -> int:
        """Width of the memory: of the encoder, and of what is put together."""
        return self.encoder.memory_dim + sum(self.pairs.summed_widths)

    def advance(
        self,
        memory: tf.Tensor,
        pairs: Pairs,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
    ) -> tf.Tensor:
        """Adds support pairs to what the encoder remembers; arguments as of `encode`.

        Args:
            memory: float32 [B, memory_dim], zeros before the first pair.
            pairs: Support pairs.
            labels: float32 [B, S], in the unit of the data set.
            support_mask: bool [B, S], False for padding.

        Returns:
            The memory after them.
        """
        user, inputs = self._encoder_inputs(pairs, labels, support_mask, training=False)
        encoded, known = self._take_apart(memory)
        encoded = self.encoder.advance(encoded, *inputs)
        return join([encoded, *put_together(known, user)])

    def recall(self, memory: tf.Tensor) -> TaskState:
        """Returns the state after the pairs that a memory was advanced by."""
        encoded, known = self._take_apart(memory)
        return TaskState(self.encoder.read(encoded), known)

    def _take_apart(self, memory: tf.Tensor) -> tuple[tf.Tensor, FoldedUser]:
        """Returns the memory of the encoder, and what is solved so far."""
        widths = [self.encoder.memory_dim, *self.pairs.summed_widths]
        parts = take_apart(memory, widths)
        return parts[0], FoldedUser(*parts[1:])

    def _encoder_inputs(
        self,
        pairs: Pairs,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool,
    ) -> tuple[FoldedUser, EncoderInputs]:
        """Returns what is solved for, and what the encoder takes."""
        signals = self.objective.signals(labels, support_mask)
        user, signals = self.pairs.solve_trusted(pairs, signals, support_mask, training)
        parts, _ = self.pairs.embed(user, pairs, training)
        if self.pairs.detaches_support:
            parts = [tf.stop_gradient(part) for part in parts]
        if not self.sees_negatives:
            support_mask &= signals >= -_ROUNDING
        surprise = self.pairs.surprise(user, pairs, signals)
        return user, (parts, surprise, support_mask)

    def modulated_score(self, state: TaskState, pairs: Pairs) -> tf.Tensor:
        """Scores query pairs with the backbone modulated by the context.

        Args:
            state: As `encode` returns it.
            pairs: Query pairs, as `pairs` looks them up.

        Returns:
            float32 [B, Q], in the unit of the labels.
        """
        raw = self.head.mean(self._predict(state, pairs, training=False)[0])
        return self.objective.scores(raw)

    @property
    def levels(self) -> LabelLevels | None:
        """What distributions are over; None if a value is predicted."""
        return self.head.levels

    def score_and_distribution(
        self, state: TaskState, query: Episode
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores query pairs and says how likely each label level of them is.

        Of a model with a `DistributionHead`.

        Args:
            state: As `adapt` returns it.
            query: As `score` takes it.

        Returns:
            float32 [B, Q], and float32 [B, Q, L], of sum 1.
        """
        assert self.levels is not None
        predicted = self.pair_distribution(state, self.pairs.query_pairs(query))
        return self.levels.mean(predicted), predicted

    def pair_distribution(self, state: TaskState, pairs: Pairs) -> tf.Tensor:
        """Returns how likely levels of pairs that were looked up are, [B, Q, L]."""
        return tf.nn.softmax(self._predict(state, pairs, training=False)[0])

    def _predict(
        self, state: TaskState, pairs: Pairs, training: bool
    ) -> tuple[tf.Tensor, Expected]:
        """Returns what the head makes of query pairs, and what was expected."""
        parts, expected = self.pairs.embed(state.user, pairs, training)
        modulation = self.modulation(self.hybrid(state.context, parts))
        return self.head(expected, self.backbone(parts, modulation)), expected

    def prior(self, state: TaskState, pairs: Pairs) -> tf.Tensor:
        """Returns what the backbone adds to, float32 [B, Q]; arguments as above."""
        return self.objective.scores(self.pairs.expect(state.user, pairs).mean)

    def modulate(self, state: TaskState, pairs: Pairs) -> ModulationValues:
        """Returns what the context changes of the backbone, pair by pair, as values.

        Args:
            state: As `encode` returns it.
            pairs: Query pairs.

        Returns:
            The values of the modulation network, each [B, Q, ...], or [B, 1, ...] if
            alike for all pairs of a task: see `models.parts.modulation`.
        """
        parts, _ = self.pairs.embed(state.user, pairs)
        return self.modulation(self.hybrid(state.context, parts))
