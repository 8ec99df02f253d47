"""Requests to a served model: those that one task makes, and recorded ones."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

Tensors = dict[str, np.ndarray]

_PAD = {"U": "", "S": b"", "O": b""}


@dataclasses.dataclass(frozen=True, eq=False)
class TaskRequest:
    """What requests about one task are made of, each value [1, ...].

    Attributes:
        support: `support_*` ids and labels, [1, S].
        profile: What is said of the task beside its support set.
        query: `query_*` ids, [1, Q].
        wanted: What `recommend` is told beside.
    """

    support: Tensors
    profile: Tensors
    query: Tensors
    wanted: Tensors

    @property
    def rank(self) -> Tensors:
        """The inputs of `rank`."""
        return self.support | self.profile | self.query

    def with_support(self, width: int) -> "TaskRequest":
        """Returns the same task with its first support pairs, padded to a width."""
        support = {name: _fit(value, width) for name, value in self.support.items()}
        return dataclasses.replace(self, support=support)

    def with_query(self, width: int) -> "TaskRequest":
        """Returns the same task with no more than its first query pairs."""
        query = {name: value[:, :width] for name, value in self.query.items()}
        return dataclasses.replace(self, query=query)

    def requests(self, encode: Callable[[Tensors], np.ndarray]) -> dict[str, Tensors]:
        """Returns the inputs of each signature.

        Args:
            encode: Encodes a support set and profile as a context [1, C].
        """
        adapt = self.support | self.profile
        context = {"context": encode(adapt)}
        more = {name: value[:, :1] for name, value in self.support.items()}
        return {
            "rank": self.rank,
            "encode": adapt,
            "score": context | self.query,
            "update": {"context": encode(self.with_support(1).support | self.profile)}
            | more,
            "recommend": adapt | self.wanted,
            "recommend_from_context": context | self.wanted,
            "explain": self.rank,
        }


def starting_with(prefix: str, inputs: Mapping[str, np.ndarray]) -> Tensors:
    """Returns the inputs whose names start with a prefix."""
    return {name: value for name, value in inputs.items() if name.startswith(prefix)}


def _fit(value: np.ndarray, width: int) -> np.ndarray:
    """Cuts or pads [1, S] to [1, width]."""
    missing = max(0, width - value.shape[1])
    pad = _PAD.get(value.dtype.kind, 0)
    padding = np.full([1, missing], pad, value.dtype)
    return np.concatenate([value[:, :width], padding], axis=1)


def as_json(inputs: Mapping[str, np.ndarray]) -> dict[str, object]:
    """Returns the row of a REST request that has these inputs, [1, ...] each."""
    return {name: _plain(value[0]) for name, value in inputs.items()}


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return [_plain(part) for part in value]
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, str) else float(value)  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True, eq=False)
class RecordedRequest:
    """One request, with the answer that the trained model gives.

    Attributes:
        signature: Name of the signature.
        inputs: By name.
        outputs: What the trained model answers, by name; empty if it was not asked.
    """

    signature: str
    inputs: Mapping[str, np.ndarray]
    outputs: Mapping[str, np.ndarray]
