import random

import pyarrow as pa
import pytest
from rated_tasks import texts

from transforms.entities.vocabularies import id_order, order_of_ids
from transforms.writing.output_files import OutputFiles
from transforms.writing.run_files import ID, merge_runs, read_runs, write_run


def table(ids):
    return pa.table({ID: texts(ids), "length": pa.array(map(len, ids), pa.int64())})


def merged(runs, at_once):
    """All ids, given runs that are read some rows at a time."""
    batches = [iter(table(ids).to_batches(max_chunksize=at_once)) for ids in runs]
    parts = list(merge_runs(batches, order_of_ids))
    for part in parts:
        assert part["length"].to_pylist() == [len(one) for one in part[ID].to_pylist()]
    return [one for part in parts for one in part[ID].to_pylist()]


@pytest.mark.parametrize("at_once", [1, 3, 100])
@pytest.mark.parametrize("num_runs", [1, 2, 5])
def test_runs_come_in_one_order_however_few_rows_are_held(num_runs, at_once):
    chance = random.Random(num_runs)
    ids = [f"{chance.choice('ab')}{n}" if n % 3 else str(n) for n in range(40)]
    runs = [[] for _ in range(num_runs)]
    for one in sorted(ids, key=id_order):
        chance.choice(runs).append(one)
    assert merged(runs, at_once) == sorted(ids, key=id_order)


def test_a_run_whose_rows_all_come_first_does_not_hold_up_the_others():
    assert merged([["1", "2", "3"], ["4"], [], ["5", "6"]], 1) == [*"123456"]


def test_runs_without_rows_give_none():
    assert merged([[], []], 2) == []
    assert merged([], 2) == []


def test_runs_are_read_from_disk_in_one_order(tmp_path):
    files = OutputFiles(str(tmp_path))
    for number, ids in enumerate([["10", "b"], [], ["9", "a"]]):
        write_run(files, "user", number, 3, table(ids))
    rows = pa.concat_tables(read_runs(files, "user", order_of_ids))
    assert rows[ID].to_pylist() == ["9", "10", "a", "b"]
