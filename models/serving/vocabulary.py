"""Vocabulary files as lookup tables in the graph."""

import pathlib

import numpy as np

from models.legacy_keras import tf
from models.serving.raw_text import has_line_break, read_texts
from transforms.schema import MAX_FEATURE_NUMBER, UNKNOWN, Feature

PADDING = -1  # The row of "".


class IdLookup(tf.Module):
    """Maps the values of a vocabulary file to rows and back.

    The graph holds the values themselves: what else runs graphs reads no files.

    Args:
        path: One value a line, or none; line n is row n, the first being 1. The
            file becomes an asset of a saved model, for those who read it.
    """

    def __init__(self, path: str | pathlib.Path) -> None:
        super().__init__()
        self.file = tf.saved_model.Asset(str(path))
        values = [b"", *pathlib.Path(path).read_bytes().split(b"\n")[:-1]]
        rows = np.arange(len(values), dtype=np.int32)
        rows[0] = PADDING
        self.value_of_row = tf.constant(values)  # [N + 1]
        self.row_of_value = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(self.value_of_row, rows),
            default_value=UNKNOWN,
        )

    def rows(self, values: tf.Tensor) -> tf.Tensor:
        """Looks up string [...] as int32 [...].

        Returns:
            The rows; 0 for a value not in the file, -1 for "".
        """
        return self.row_of_value.lookup(values)

    def values(self, rows: tf.Tensor) -> tf.Tensor:
        """Looks up rows of the file, int32 [...], as string [...]; "" for row 0."""
        return tf.gather(self.value_of_row, rows)


def encode_feature(
    feature: Feature, raw: tf.Tensor, lookup: IdLookup | None
) -> tf.Tensor:
    """Encodes a raw feature as preparation does.

    Blanks around a text mean nothing. Of several values, those that are blank, hold a
    line break or repeat an earlier one do not count; then the first `max_values` do.

    Args:
        feature: What the feature is.
        raw: string [B], string [B, V] padded with "" if there are several values, or
            float32 [B].
        lookup: The vocabulary of the feature, None if it is empty.

    Returns:
        int32 [B, V], at most `max_values` wide, known values first, or float32 [B]; a
        number that `is_known_number` does not know is the mean.
    """
    if feature.kind == "numeric":
        return tf.where(is_known_number(raw), raw, feature.mean)
    values = read_texts(raw)
    if feature.kind != "multi":
        values = tf.expand_dims(values, 1)
        if lookup is None:
            return tf.fill(tf.shape(values), UNKNOWN)
        return tf.maximum(lookup.rows(values), UNKNOWN)
    counts = _first_different(values, feature.max_values)  # [B, V]
    rows = tf.zeros_like(counts, tf.int32) if lookup is None else lookup.rows(values)
    rows = tf.where(counts, rows, UNKNOWN)
    order = tf.argsort(tf.cast(rows == UNKNOWN, tf.int32), axis=1, stable=True)
    return tf.gather(rows, order, batch_dims=1)[:, : feature.max_values]


def is_known_number(raw: tf.Tensor) -> tf.Tensor:
    """Says which numbers are known: those that are finite, and not absurdly large."""
    return tf.abs(raw) <= MAX_FEATURE_NUMBER  # False for NaN.


def _first_different(values: tf.Tensor, most: int) -> tf.Tensor:
    """Says which values count, the first different ones, bool [B, V].

    Values are compared by a hash of 62 bits, so that many cost little more than few.
    """
    is_text = (values != "") & ~has_line_break(values)
    hashes = tf.strings.to_hash_bucket_fast(values, 1 << 62)
    order = tf.argsort(hashes, axis=1, stable=True)
    ordered = tf.gather(hashes, order, batch_dims=1)
    repeats = tf.concat(
        [tf.zeros_like(ordered[:, :1], tf.bool), ordered[:, 1:] == ordered[:, :-1]],
        axis=1,
    )
    back = tf.argsort(order, axis=1)
    is_text &= ~tf.gather(repeats, back, batch_dims=1)
    place = tf.cumsum(tf.cast(is_text, tf.int32), axis=1)
    return is_text & (place <= most)
