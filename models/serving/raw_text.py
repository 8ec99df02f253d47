"""Texts of requests, read in the graph as preparation reads those of tables."""

import re
from collections.abc import Sequence

from models.legacy_keras import tf
from transforms.raw_text import BLANKS_AROUND, IGNORED, LINE_BREAK, WHOLE_NUMBER


def read_texts(texts: tf.Tensor) -> tf.Tensor:
    """Returns string [...] without blanks around each."""
    return tf.strings.regex_replace(texts, BLANKS_AROUND, "")


def has_line_break(texts: tf.Tensor) -> tf.Tensor:
    """Says which string [...] preparation cannot read, bool [...]."""
    return tf.strings.regex_full_match(texts, f"(?s).*{LINE_BREAK}.*")


def read_ids(
    ids: tf.Tensor, *, normalize: bool, domains: Sequence[str] = ()
) -> tf.Tensor:
    """Reads ids; one of nothing but blanks is "".

    Args:
        ids: string [...].
        normalize: Whether ids that differ in form only are one, as of
            `transforms.raw_text.normal_id`.
        domains: Names that may stand before an id, with a colon, and stay as they are.

    Returns:
        string [...].

    Deviation:
        Letters that came after Unicode 13 have no other case here, nor have those of
        an id with a NUL, and an id with a line break, which preparation refuses, is
        read as any other.
    """
    if not normalize:
        return read_texts(ids)
    if not domains:
        return _normal_ids(ids)
    ids = read_texts(ids)
    names = "|".join(map(re.escape, domains))
    own = tf.strings.regex_replace(ids, f"^(?:{names}):", "")
    width = tf.strings.length(ids) - tf.strings.length(own)
    return tf.strings.substr(ids, tf.zeros_like(width), width) + _normal_ids(own)


def _normal_ids(ids: tf.Tensor) -> tf.Tensor:
    without = tf.strings.regex_replace(ids, IGNORED, "")
    small = tf.strings.lower(without, encoding="utf-8")
    # It cuts texts at a NUL, and would make another id of them.
    is_whole = tf.strings.regex_full_match(without, r"(?s)[^\x00]*")
    small = tf.where(is_whole, small, without)
    return tf.strings.regex_replace(small, WHOLE_NUMBER, r"\1")
