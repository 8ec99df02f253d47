"""The encoded features of every user or item of a prepared data set, in memory."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from models.legacy_keras import tf
from models.masked_mean import masked_mean
from transforms import schema
from transforms.schema import Feature

_MAX_DEVIATIONS = 5.0  # Of a number from its mean: a slip of units must not rule.


@dataclasses.dataclass(frozen=True)
class EntityTable:
    """Encoded features of N entities; row 0 is the unknown entity.

    Attributes:
        features: What each encoded feature is, in the order of the model.
        encoded: By feature name, int32 [N + 1, V] values of the vocabulary padded
            with 0, V = `max_values`; or float32 [N + 1] in the raw unit if numeric.
        counts: int64 [N + 1], pairs that are learnt from, by entity.
    """

    features: tuple[Feature, ...]
    encoded: Mapping[str, np.ndarray]
    counts: np.ndarray

    @property
    def num_rows(self) -> int:
        """N + 1, the unknown row included."""
        return len(self.counts)

    def without_features(self) -> "EntityTable":
        """Returns the same entities, nothing known of them but their counts."""
        return dataclasses.replace(self, features=(), encoded={})


def load_entity_table(
    dataset_dir: str | pathlib.Path, kind: str, features: Sequence[Feature]
) -> EntityTable:
    """Reads the entity table of a prepared data set.

    Args:
        dataset_dir: The prepared data set.
        kind: "user" or "item".
        features: The features to read, from `dataset.json`.

    Raises:
        ValueError: If the rows do not run from 1 to N.
    """
    directory = pathlib.Path(dataset_dir) / schema.ENTITIES_DIR
    paths = sorted(str(path) for path in directory.glob(f"{kind}-*.tfrecord"))
    spec = _parsing_spec(features)
    batches = [
        _densify(tf.io.parse_example(batch, spec), features)
        for batch in tf.data.TFRecordDataset(paths).batch(4096)
    ]
    rows = np.concatenate([[0], *(batch[schema.ENTITY_ROW_KEY] for batch in batches)])
    if not np.array_equal(rows, np.arange(len(rows))):
        raise ValueError(
            f"rows of {directory}/{kind}-* must run from 1 to N, got {rows[1:]}."
        )
    unknown = {schema.ENTITY_COUNT_KEY: np.zeros([1], np.int64)}
    unknown |= {feature.name: unknown_row(feature) for feature in features}
    columns = {
        name: np.concatenate([row, *(batch[name] for batch in batches)])
        for name, row in unknown.items()
    }
    counts = columns.pop(schema.ENTITY_COUNT_KEY)
    return EntityTable(features=tuple(features), encoded=columns, counts=counts)


def standardise(feature: Feature, encoded: tf.Tensor) -> tf.Tensor:
    """Returns numbers in deviations from their mean, float32 [...].

    They are cut at 5 deviations, and where those end that were learnt from: nothing is
    known of what lies beyond, such as the years of what will come.
    """
    low, high = -_MAX_DEVIATIONS, _MAX_DEVIATIONS
    if feature.low is not None and feature.high is not None:
        low = max(low, (feature.low - feature.mean) / feature.std)
        high = min(high, (feature.high - feature.mean) / feature.std)
    return tf.clip_by_value((encoded - feature.mean) / feature.std, low, high)


def mean_of_known(rows: tf.Tensor, encoded: tf.Tensor) -> tf.Tensor:
    """Averages what was looked up for the known values of a feature.

    Args:
        rows: float32 [N, V, K], what stands for each value.
        encoded: int32 [N, V], the values; 0 is unknown.

    Returns:
        float32 [N, K], zeros where no value is known.
    """
    known = tf.expand_dims(encoded > 0, -1)  # [N, V, 1]
    if encoded.shape[1] == 1:
        return tf.squeeze(rows * tf.cast(known, rows.dtype), axis=1)
    return masked_mean(rows, known, axis=1)


def unknown_row(feature: Feature) -> np.ndarray:
    """Encodes one entity of which nothing is known: [1, V] zeros, or the mean [1]."""
    if feature.kind == "numeric":
        return np.full([1], feature.mean, np.float32)
    return np.zeros([1, feature.max_values], np.int32)


def _parsing_spec(features: Sequence[Feature]) -> dict[str, object]:
    spec: dict[str, object] = {
        schema.ENTITY_ROW_KEY: tf.io.FixedLenFeature([], tf.int64),
        schema.ENTITY_COUNT_KEY: tf.io.FixedLenFeature([], tf.int64),
    }
    for feature in features:
        spec[feature.name] = (
            tf.io.FixedLenFeature([], tf.float32)
            if feature.kind == "numeric"
            else tf.io.RaggedFeature(tf.int64)
        )
    return spec


def _densify(
    parsed: dict[str, tf.Tensor], features: Sequence[Feature]
) -> dict[str, tf.Tensor]:
    """Pads the values of each feature that has some to its full width."""
    for feature in features:
        if feature.kind != "numeric":
            values = parsed[feature.name].to_tensor(shape=[None, feature.max_values])
            parsed[feature.name] = tf.cast(values, tf.int32)
    return parsed
