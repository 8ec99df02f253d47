"""Features of users or items as columns of numbers, for regressions in closed form."""

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.episodes.entity_table import EntityTable, standardise
from transforms.schema import Feature

Floats = NDArray[np.floating]

_MIN_COUNT = 5  # Entities that have a value; of fewer nothing can be learnt.
_MAX_COLUMNS = 512  # Of a feature, its most frequent values: the cost is their cube.


@dataclasses.dataclass(frozen=True, eq=False)
class EntityDesign:
    """N entities as rows of a design matrix; row 0 is the unknown entity, all zeros.

    A value of a vocabulary is a column with 1 over the number of values of the entity
    where it has that value; a number is one column, in deviations from its mean.

    Attributes:
        features: What each feature is.
        matrix: float64 [N + 1, P].
        columns: Name of the feature and value, of each column; the value of a number
            is 0.
    """

    features: tuple[Feature, ...]
    matrix: Floats
    columns: tuple[tuple[str, int], ...]

    def tables(self, weights: Floats) -> dict[str, NDArray[np.float32]]:
        """Lays the weights of columns out by feature and value.

        Args:
            weights: float [..., P, K].

        Returns:
            By feature, float32 [..., vocabulary_size + 1, K], zeros for a value
            without a column; or [..., 1, K] of a number.
        """
        lead, width = weights.shape[:-2], weights.shape[-1]
        tables = {
            feature.name: np.zeros(
                [*lead, 1 + feature.vocabulary_size, width], np.float32
            )
            for feature in self.features
        }
        for column, (name, value) in enumerate(self.columns):
            tables[name][..., value, :] = weights[..., column, :]
        return tables


def entity_design(table: EntityTable) -> EntityDesign:
    """Returns the design matrix of an entity table.

    Values that few entities have, and those beyond the most frequent ones of a
    feature, have no column.

    Args:
        table: The users or the items.
    """
    parts: list[Floats] = [np.zeros([table.num_rows, 0])]
    columns: list[tuple[str, int]] = []
    for feature in table.features:
        encoded = table.encoded[feature.name]
        for value, column in _columns(feature, encoded):
            parts.append(column[:, np.newaxis])
            columns.append((feature.name, value))
    matrix = np.concatenate(parts, axis=1)
    matrix[0] = 0.0
    return EntityDesign(table.features, matrix, tuple(columns))


def _columns(feature: Feature, encoded: NDArray) -> Iterator[tuple[int, Floats]]:
    """Yields the values of a feature that have a column, each with it."""
    if feature.kind == "numeric":
        yield 0, standardise(feature, encoded).numpy().astype(np.float64)
        return
    present = encoded > 0
    counts = np.bincount(encoded[present], minlength=feature.vocabulary_size + 1)
    frequent = np.argsort(-counts, kind="stable")[:_MAX_COLUMNS]
    share = 1.0 / np.maximum(present.sum(axis=1), 1)
    for value in frequent[counts[frequent] >= _MIN_COUNT]:
        yield int(value), (encoded == value).sum(axis=1) * share


def no_features(num_rows: int) -> EntityDesign:
    """Returns a design without columns, of `num_rows` rows, the unknown one counted."""
    return EntityDesign((), np.zeros([num_rows, 0]), ())
