"""Tasks of requests: encoded, kept as a context, added to, and scored."""

import abc
import types
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from models.cmml import CMML, TaskState
from models.legacy_keras import tf
from models.pairs.pair_embedding import Pairs
from models.serving.context_format import ContextFormat
from models.serving.options import ServingOptions
from models.serving.request_checks import Inputs
from models.serving.support_memory import (
    MAX_ROWS,
    EncoderMemory,
    PairHistory,
    Support,
    SupportMemory,
    Values,
)
from models.serving.vocabulary import PADDING
from transforms.schema import UNKNOWN, DataError

# What is told of a pair; all but the score of models of distributions alone.
ANSWERS = ("score", "median", "uncertainty")

# Outputs of a signature by name, each [B, ...].
Answer: TypeAlias = dict[str, tf.Tensor]


class ServedTask(NamedTuple):
    """What is known of each task.

    Attributes:
        profile: What is known beside the support set, float32 [B, ...] by name.
        state: What the model adapted to.
        memory: What is kept to add pairs later.
        support_size: int32 [B], real support pairs.
    """

    profile: Values
    state: TaskState
    memory: Values
    support_size: tf.Tensor


class ServedTasks(tf.Module, abc.ABC):
    """Adapts a trained model to the tasks of a request that names rows, not ids.

    A row is int32: that of a user or an item in the tables, 0 for one that is unknown,
    and -1 for padding. Inputs are [B, ...]: `support_<role>_row` and `support_label`
    float32, [B, S]; `query_<role>_row` [B, Q]; and what the setting has beside.

    Args:
        model: The trained model.
        options: Sizes and limits.
        roles: What makes a pair: "user" and "item", or "item" alone.
        num_rows: Rows of the larger one of the tables that pairs are made from.
        profile_widths: Width of each value of a profile.

    Raises:
        DataError: If the tables are too large for what a context keeps.
    """

    def __init__(
        self,
        model: CMML,
        options: ServingOptions,
        *,
        roles: tuple[str, ...],
        num_rows: int,
        profile_widths: Mapping[str, int] = types.MappingProxyType({}),
    ) -> None:
        super().__init__(name="cmml")
        # Out of sight of tf.Module: a Keras model would be saved with all its functions
        # and weights, most of which no signature uses.
        self._model = lambda: model
        self.options = options
        self._roles = roles
        self._num_rows = num_rows
        self._profile_widths = dict(profile_widths)
        self.memory = self._make_memory()
        self.context_format = ContextFormat(
            {**profile_widths, **self.memory.widths}, options.model_version
        )

    @abc.abstractmethod
    def _pairs(self, profile: Values, rows: Mapping[str, tf.Tensor]) -> Pairs:
        """Looks up pairs of rows [B, S]."""

    def _read_profile(self, inputs: Inputs, batch_size: tf.Tensor) -> Values:
        """Returns the profile of each task."""
        del inputs, batch_size
        return {}

    def rank_rows(self, inputs: Inputs) -> Answer:
        """Scores the query pairs of each task, given rows; see `ServedModel.rank`."""
        return self._answer(self._encode(inputs), self._query_rows(inputs))

    def encode_rows(self, inputs: Inputs) -> Answer:
        """Encodes the support set of each task; see `ServedModel.encode`."""
        return self._served_context(self._encode(inputs))

    def score_rows(self, inputs: Inputs) -> Answer:
        """Scores the query pairs given contexts; see `ServedModel.score`."""
        return self._answer(self._unpack(inputs), self._query_rows(inputs))

    def update_rows(self, inputs: Inputs) -> Answer:
        """Adds support pairs to contexts; see `ServedModel.update`."""
        task = self._unpack(inputs)
        support = self._support(inputs)
        state, memory = self.memory.advance(
            task.memory,
            task.support_size,
            support,
            lambda rows: self._pairs(task.profile, rows),
        )
        size = task.support_size + support.size
        return self._served_context(ServedTask(task.profile, state, memory, size))

    def _make_memory(self) -> SupportMemory:
        if self._model().can_advance:
            return EncoderMemory(self._model())
        if self._num_rows > MAX_ROWS:
            raise DataError(
                f"a context can keep rows of tables of at most {MAX_ROWS}, got "
                f"{self._num_rows}: take an encoder that pairs can be added to."
            )
        return PairHistory(
            self._model(), self._roles, self._empty_state(), self.options.history_size
        )

    def _empty_profile(self) -> Values:
        return {
            name: tf.zeros([1, width]) for name, width in self._profile_widths.items()
        }

    def _empty_state(self) -> TaskState:
        rows = {role: tf.zeros([1, 1], tf.int32) for role in self._roles}
        pairs = self._pairs(self._empty_profile(), rows)
        return self._model().encode(pairs, tf.zeros([1, 1]), tf.constant([[False]]))

    def _support(self, inputs: Inputs) -> Support:
        rows = {role: inputs[f"support_{role}_row"] for role in self._roles}
        mask = rows["item"] > PADDING
        rows = {role: tf.maximum(value, UNKNOWN) for role, value in rows.items()}
        support = {"support_item": rows["item"], "support_mask": mask}
        known = self._model().pairs.known_support(support)
        return Support(rows, inputs["support_label"], known)

    def _encode(self, inputs: Inputs) -> ServedTask:
        support = self._support(inputs)
        profile = self._read_profile(inputs, tf.shape(support.labels)[0])
        state, memory = self.memory.remember(
            support, lambda rows: self._pairs(profile, rows)
        )
        return ServedTask(profile, state, memory, support.size)

    def _unpack(self, inputs: Inputs) -> ServedTask:
        size, values = self.context_format.unpack(inputs["context"])
        profile = {name: values.pop(name) for name in self._profile_widths}
        return ServedTask(profile, self.memory.recall(values), values, size)

    def _served_context(self, task: ServedTask) -> dict[str, tf.Tensor]:
        version = tf.constant(self.context_format.model_version, tf.int64)
        context = self.context_format.pack(
            task.support_size, {**task.profile, **task.memory}
        )
        return {
            "context": context,
            "support_size": task.support_size,
            "model_version": tf.fill(tf.shape(task.support_size), version),
        }

    def _query_rows(self, inputs: Inputs) -> dict[str, tf.Tensor]:
        return {
            role: tf.maximum(inputs[f"query_{role}_row"], UNKNOWN)
            for role in self._roles
        }

    def _answer(self, task: ServedTask, rows: Mapping[str, tf.Tensor]) -> Answer:
        """Returns what is told of pairs of rows [B, Q]."""
        statistics = self._statistics(task, rows)
        return {name: statistics[name] for name in ANSWERS if name in statistics}

    def _statistics(self, task: ServedTask, rows: Mapping[str, tf.Tensor]) -> Answer:
        """Returns what is told of pairs of rows [B, Q], and what may order them."""
        model, pairs = self._model(), self._pairs(task.profile, rows)
        if model.levels is None:
            return {"score": model.modulated_score(task.state, pairs)}
        predicted = model.pair_distribution(task.state, pairs)
        return {
            "score": model.levels.mean(predicted),
            "median": model.levels.quantile(predicted, 0.5),
            "uncertainty": model.levels.spread(predicted),
            "gain": model.levels.gain(predicted),
        }
