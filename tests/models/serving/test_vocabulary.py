import numpy as np
import pytest

from models.legacy_keras import tf
from models.serving.vocabulary import IdLookup, encode_feature
from transforms.entities.entity_table import encode_values
from transforms.entities.feature_values import parse_feature
from transforms.entities.vocabularies import vocabulary_rows
from transforms.schema import Feature
from transforms.specs import FeatureSpec


@pytest.fixture
def lookup(tmp_path):
    """Rows 1 to 4: a number, blanks inside, letters beyond ASCII, a tab."""
    path = tmp_path / "values.txt"
    path.write_text("31\nSci Fi\nÉloïse 愛\na\tb\n", encoding="utf-8")
    return IdLookup(path)


def test_values_have_the_number_of_their_line_and_others_none(lookup):
    values = tf.constant(
        [["31", "Sci Fi", "Éloïse 愛", "a\tb"], ["", "sci fi", "3", "x"]]
    )
    rows = lookup.rows(values)
    assert rows.dtype == tf.int32
    np.testing.assert_array_equal(rows, [[1, 2, 3, 4], [-1, 0, 0, 0]])


def test_rows_have_their_value_and_the_unknown_one_is_empty(lookup):
    values = lookup.values(tf.constant([[3, 0], [1, 0]]))
    assert values.numpy().tolist() == [["Éloïse 愛".encode(), b""], [b"31", b""]]


def test_the_file_travels_with_a_saved_model(lookup, tmp_path):
    class Served(tf.Module):
        def __init__(self):
            super().__init__()
            self.lookup = lookup

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def rows(self, values):
            return self.lookup.rows(values)

    tf.saved_model.save(Served(), str(tmp_path / "saved"))
    (tmp_path / "saved").rename(tmp_path / "moved")
    (tmp_path / "values.txt").unlink()
    served = tf.saved_model.load(str(tmp_path / "moved"))
    np.testing.assert_array_equal(served.rows(tf.constant(["a\tb", "x"])), [4, 0])


def test_one_value_is_encoded_as_a_list_of_one(lookup):
    feature = Feature("genre", "categorical", vocabulary_size=4)
    encoded = encode_feature(feature, tf.constant(["Sci Fi", "", "x"]), lookup)
    np.testing.assert_array_equal(encoded, [[2], [0], [0]])


def test_of_several_values_the_known_ones_come_first(lookup):
    feature = Feature("genre", "multi", vocabulary_size=4, max_values=8)
    encoded = encode_feature(feature, tf.constant([["a\tb", "x", "31", ""]]), lookup)
    np.testing.assert_array_equal(encoded, [[4, 1, 0, 0]])


@pytest.mark.parametrize(
    ("kind", "raw"), [("categorical", ["a", "b"]), ("multi", [["a"], ["b"]])]
)
def test_every_value_of_an_empty_vocabulary_is_unknown(kind, raw):
    encoded = encode_feature(Feature("genre", kind), tf.constant(raw), None)
    assert encoded.dtype == tf.int32
    np.testing.assert_array_equal(encoded, [[0], [0]])


def test_a_number_that_is_none_is_the_mean():
    feature = Feature("age", "numeric", mean=20.5)
    raw = tf.constant([31.0, np.nan, np.inf, -np.inf, 1e31, -1e30])
    expected = np.float32([31.0, 20.5, 20.5, 20.5, 20.5, -1e30])
    np.testing.assert_array_equal(encode_feature(feature, raw, None), expected)


# Raw rows of a feature with at most 3 values, of which "a" to "e" are known.
RAW_ROWS = [
    ["a", "b", "c"],
    ["a", "a", "b", "b", "c", "d"],
    ["", " ", "a", "\t", "b"],
    [" a", "a ", "\u00a0b\u2003", "c"],
    ["x", "y", "a", "b"],
    ["x", "x", "a", "b"],
    ["a\nb", "c", "d", "e"],
    ["a\u2028b", "\x1cc", "d", "\x0be"],
    ["A", "a", "7", "7.0", "é"],
    [],
    ["e", "d", "c", "b", "a"],
]


@pytest.mark.parametrize("row", RAW_ROWS)
@pytest.mark.parametrize("known", [["a", "b", "c", "d", "e"], ["b"], []])
def test_served_values_are_those_that_preparation_makes_of_the_same_row(
    tmp_path, row, known
):
    feature = Feature("f", "multi", vocabulary_size=len(known), max_values=3)
    parsed = parse_feature(row, FeatureSpec("f", kind="multi", max_values=3)).value
    prepared = encode_values(parsed, vocabulary_rows(known), feature)
    lookup = None
    if known:
        (tmp_path / "f.txt").write_text("".join(f"{value}\n" for value in known))
        lookup = IdLookup(tmp_path / "f.txt")
    raw = tf.constant([[*row, "", ""]], tf.string)  # Padded, as beside a longer row.
    served = encode_feature(feature, raw, lookup).numpy()[0]
    assert served.size <= 3
    assert [value for value in served.tolist() if value] == prepared
