"""Vocabulary files as lookup tables in the graph."""

import pathlib

from models.legacy_keras import tf
from transforms.schema import UNKNOWN, Feature


class IdLookup(tf.Module):
    """Maps the values of a vocabulary file to rows and back.

    Args:
        path: One value a line, at least one; line n is row n, the first being 1. The
            file becomes an asset of a saved model.
    """

    def __init__(self, path: str | pathlib.Path) -> None:
        super().__init__()
        index = tf.lookup.TextFileIndex
        self.file = tf.saved_model.Asset(str(path))
        self.row_of_value = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                self.file.asset_path,
                tf.string,
                index.WHOLE_LINE,
                tf.int64,
                index.LINE_NUMBER,
            ),
            default_value=UNKNOWN - 1,
        )
        self.value_of_row = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                self.file.asset_path,
                tf.int64,
                index.LINE_NUMBER,
                tf.string,
                index.WHOLE_LINE,
            ),
            default_value="",
        )

    def rows(self, values: tf.Tensor) -> tf.Tensor:
        """Looks up string [...] as int32 [...]; 0 for a value not in the file."""
        return tf.cast(self.row_of_value.lookup(values) + 1, tf.int32)

    def values(self, rows: tf.Tensor) -> tf.Tensor:
        """Looks up int32 [...] as string [...]; "" for row 0."""
        return self.value_of_row.lookup(tf.cast(rows, tf.int64) - 1)


def encode_feature(
    feature: Feature, raw: tf.Tensor, lookup: IdLookup | None
) -> tf.Tensor:
    """Encodes a raw feature as preparation did.

    Args:
        feature: What the feature is.
        raw: string [B], string [B, V] padded with "" if there are several values, or
            float32 [B].
        lookup: The vocabulary of the feature, None if it is empty.

    Returns:
        int32 [B, V], at most `max_values` wide, or float32 [B]; a number that is not
        finite is the mean.
    """
    if feature.kind == "numeric":
        return tf.where(tf.math.is_finite(raw), raw, feature.mean)
    several = feature.kind == "multi"
    values = raw[:, : feature.max_values] if several else raw[:, tf.newaxis]
    if lookup is None:
        return tf.fill(tf.shape(values), UNKNOWN)
    return lookup.rows(values)
