"""What a context keeps of a support set, so that pairs can be added to it."""

import abc
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from models.cmml import CMML, TaskState
from models.joined_parts import join, take_apart
from models.legacy_keras import tf
from models.pairs.pair_embedding import Pairs

# Named float32 [B, ...] values, as they go into a context.
Values: TypeAlias = dict[str, tf.Tensor]

# A row is kept as a float32, which holds whole numbers up to here.
MAX_ROWS = 2**24

_STATE = "state"
_ENCODER = "encoder"
_LABEL = "history_label"


class Support(NamedTuple):
    """Support sets of a request.

    Attributes:
        rows: int32 [B, S] by "user" or "item": rows of the tables, of each pair.
        labels: float32 [B, S].
        mask: bool [B, S], False for padding.
    """

    rows: dict[str, tf.Tensor]
    labels: tf.Tensor
    mask: tf.Tensor

    @property
    def size(self) -> tf.Tensor:
        """Real pairs of each task, int32 [B]."""
        return tf.reduce_sum(tf.cast(self.mask, tf.int32), axis=1)


# Looks up pairs of rows [B, S].
LookUp: TypeAlias = Callable[[Mapping[str, tf.Tensor]], Pairs]


class SupportMemory(abc.ABC):
    """Adapts a model to support sets, keeping what it takes to go on later.

    Attributes:
        kind: What is kept: what the "encoder" remembers, or the "pairs" themselves.
        widths: Width of each value kept.
        max_size: Most pairs that can be advanced to; None for any number.
    """

    kind: str
    widths: dict[str, int]
    max_size: int | None

    @abc.abstractmethod
    def remember(self, support: Support, look_up: LookUp) -> tuple[TaskState, Values]:
        """Returns the state of the model after a support set, and what is kept."""

    @abc.abstractmethod
    def advance(
        self, values: Values, size: tf.Tensor, support: Support, look_up: LookUp
    ) -> tuple[TaskState, Values]:
        """Does so after more pairs.

        Args:
            values: What was kept of the pairs before.
            size: int32 [B], how many they were.
            support: The pairs to be added.
            look_up: Looks up pairs.
        """

    @abc.abstractmethod
    def recall(self, values: Values) -> TaskState:
        """Returns the state that went with what was kept."""


class EncoderMemory(SupportMemory):
    """Keeps what the encoder remembers of the pairs; the pairs can be forgotten.

    Args:
        model: One whose `can_advance` holds.
    """

    kind = "encoder"
    max_size = None

    def __init__(self, model: CMML) -> None:
        self._model = model
        self.widths = {_ENCODER: model.memory_dim}

    def remember(self, support: Support, look_up: LookUp) -> tuple[TaskState, Values]:
        """Advances an empty memory."""
        shape = [tf.shape(support.labels)[0], self.widths[_ENCODER]]
        return self._advance(tf.zeros(shape), support, look_up)

    def advance(
        self, values: Values, size: tf.Tensor, support: Support, look_up: LookUp
    ) -> tuple[TaskState, Values]:
        """Advances the memory."""
        del size
        return self._advance(values[_ENCODER], support, look_up)

    def recall(self, values: Values) -> TaskState:
        """Reads the memory."""
        return self._model.recall(values[_ENCODER])

    def _advance(
        self, memory: tf.Tensor, support: Support, look_up: LookUp
    ) -> tuple[TaskState, Values]:
        pairs = look_up(support.rows)
        memory = self._model.advance(memory, pairs, support.labels, support.mask)
        return self._model.recall(memory), {_ENCODER: memory}


class PairHistory(SupportMemory):
    """Keeps the state and the pairs themselves, to encode them all again.

    For models in which a new pair changes how the earlier ones are seen.

    Args:
        model: CMML.
        roles: "user" and "item", or "item" alone: what makes a pair.
        template: A state of the model.
        size: H, pairs that are kept; of more none are.
    """

    kind = "pairs"

    def __init__(
        self, model: CMML, roles: tuple[str, ...], template: TaskState, size: int
    ) -> None:
        self._model = model
        self._roles = {f"history_{role}": role for role in roles}
        self._template = template
        self._size = self.max_size = size
        self._state_widths = [part.shape[-1] for part in tf.nest.flatten(template)]
        self.widths = {_STATE: sum(self._state_widths), _LABEL: size}
        self.widths |= dict.fromkeys(self._roles, size)

    def remember(self, support: Support, look_up: LookUp) -> tuple[TaskState, Values]:
        """Encodes the pairs."""
        pairs = look_up(support.rows)
        state = self._model.encode(pairs, support.labels, support.mask)
        return state, self._values(state, support)

    def advance(
        self, values: Values, size: tf.Tensor, support: Support, look_up: LookUp
    ) -> tuple[TaskState, Values]:
        """Encodes old and new pairs together, if there is room for them."""
        total = size + support.size
        is_over = total > self._size
        check = tf.debugging.Assert(
            ~tf.reduce_any(is_over),
            [
                f"a context can be updated up to {self._size} support pairs; encode "
                "the whole support set instead; got",
                tf.boolean_mask(total, is_over),
            ],
        )
        with tf.control_dependencies([check]):
            size = tf.identity(size)
        rows = {
            role: tf.concat(
                [tf.cast(values[name], tf.int32), support.rows[role]], axis=1
            )
            for name, role in self._roles.items()
        }
        labels = tf.concat([values[_LABEL], support.labels], axis=1)
        mask = tf.concat([tf.sequence_mask(size, self._size), support.mask], axis=1)
        return self.remember(Support(rows, labels, mask), look_up)

    def recall(self, values: Values) -> TaskState:
        """Takes the state apart."""
        parts = take_apart(values[_STATE], self._state_widths)
        return tf.nest.pack_sequence_as(self._template, parts)

    def _values(self, state: TaskState, support: Support) -> Values:
        order = tf.argsort(tf.cast(~support.mask, tf.int32), axis=1, stable=True)
        present = tf.gather(support.mask, order, batch_dims=1)

        def packed(values: tf.Tensor) -> tf.Tensor:
            values = tf.gather(tf.cast(values, tf.float32), order, batch_dims=1)
            values = tf.where(present, values, 0.0)
            wide = tf.pad(values, [[0, 0], [0, self._size]])
            return tf.slice(wide, [0, 0], [-1, self._size])

        history = {
            name: packed(support.rows[role]) for name, role in self._roles.items()
        }
        flat = join(tf.nest.flatten(state))
        return {_STATE: flat, _LABEL: packed(support.labels), **history}
