import json
from array import array
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from transforms.clicks.catalogue import (
    TaskSummary,
    merge_users,
    scenario_catalogue,
    summarize_users,
)
from transforms.clicks.click_pairs import ClickCounts, ClickPairs
from transforms.clicks.merged_pools import Pools
from transforms.clicks.runs import ClickRuns, entities_of_users
from transforms.clicks.scenario_users import FOR_TEST, KNOWN
from transforms.clicks.schema import (
    ClickSpec,
    Domain,
    DomainSpec,
    NameSpec,
    PoolSpec,
    ScenarioDatasetInfo,
    ScenarioDatasetSpec,
)
from transforms.clicks.user_clicks import SplitPairs, UserShard
from transforms.entities.entities import Entity, EntityBlock
from transforms.entities.entity_counts import merge_counts_of_entities, without_counts
from transforms.entities.entity_runs import Partition
from transforms.reading.coded_column import coded_texts
from transforms.row_counts import RowCounts
from transforms.schema import META_TEST, META_TRAIN, META_VALIDATION
from transforms.table_spec import TableSpec
from transforms.writing.entity_files import EntityRows
from transforms.writing.output_files import OutputFiles
from transforms.writing.run_files import write_run


def shard(number, rows, **counts):
    """A shard of (user, item, role) rows, all of them in their order."""
    users, items, roles = zip(*rows, strict=True)
    users, items = map(coded_texts, (users, items))
    nothing = np.zeros((2, 0), np.int64)
    pairs = ClickPairs(
        users.values,
        items.values,
        users.codes,
        items.codes,
        pa.array([""]),
        nothing,
        np.zeros(len(rows)),
    )
    split = SplitPairs(pairs, np.array(roles), np.zeros(len(roles), np.int64))
    tables = {f"{name}.clicks": count for name, count in counts.items()}
    return UserShard(number, split, ClickCounts(tables, Counter()))


SHARDS = [
    shard(
        0,
        [("a:u", "a:10", KNOWN), ("a:u", "a:9", KNOWN), ("a:u", "a:8", FOR_TEST)],
        a=RowCounts(used=3, left_out=Counter(repeated_click=1)),
    ),
    shard(
        1,
        [("b:u", "b:9", KNOWN), ("a:t", "a:9", KNOWN)],
        b=RowCounts(used=1),
        a=RowCounts(used=1),
    ),
]
TASKS = [
    TaskSummary("a:jazz", META_TRAIN, 2, 3, 0),
    TaskSummary("b:2", META_TEST, 1, 1, 4),
]
POOLS = ["a:9", "a:11", "b:9"]


def domain(name):
    return DomainSpec(
        ClickSpec(TableSpec("clicks.csv")),
        PoolSpec(TableSpec("pools.csv"), lowercase=True),
        scenario_names=NameSpec(TableSpec("names.csv")) if name == "a" else None,
        name=name,
    )


SPEC = ScenarioDatasetSpec((domain("b"), domain("a")))


def names_block(*rows):
    entities = [Entity(entity_id, name, ()) for entity_id, name in rows]
    lines = [array("q", [line]) for line, _ in enumerate(rows, start=2)]
    return EntityBlock("names", "names.csv", 0, 2, entities, lines)


def by_id(counts, numbers):
    return dict(zip(counts.ids.to_pylist(), numbers.tolist(), strict=True))


@pytest.fixture
def files(tmp_path):
    return OutputFiles(str(tmp_path))


@pytest.fixture
def entities():
    """Counts of users and of items, of all shards."""
    known = {"user": [], "item": [without_counts(POOLS)]}
    for one in SHARDS:
        for kind, counts in entities_of_users(one):
            known[kind].append(counts)
    return known


@pytest.fixture
def catalogue(files, entities):
    """What is said of the shards and tasks above, written too."""
    names = names_block(("Jazz", "All that jazz"), ("Jazz", "Another"))
    Pools({}, Counter(pool_too_small=2)).write(files)
    make = ClickRuns(SPEC, files, None)
    runs = []
    for kind, counts in entities.items():
        run = make.run(kind, Partition(0, 1), counts, {})
        write_run(files, kind, 0, 1, run.rows)
        runs.append((kind, run.summary))
    catalogue = scenario_catalogue(
        SPEC,
        None,
        files,
        users=map(summarize_users, SHARDS),
        tasks=TASKS,
        dropped=[],
        runs=runs,
        **{"a.scenario_names": [names]},
    )
    catalogue.write(files)
    return catalogue


def test_held_out_pairs_give_an_item_a_row_but_no_count(entities):
    users, items = map(merge_counts_of_entities, entities.values())
    clicked = items.take(np.flatnonzero(items.pairs))
    known = {"a:10": 1, "a:9": 2, "a:8": 0, "b:9": 1}
    assert by_id(clicked, clicked.training) == known
    assert by_id(clicked, clicked.pairs) == known | {"a:8": 1}
    assert by_id(users, users.training) == {"a:u": 2, "b:u": 1, "a:t": 1}
    assert by_id(users, users.pairs) == {"a:u": 3, "b:u": 1, "a:t": 1}
    assert by_id(users, users.shards) == {"a:u": 1, "b:u": 2, "a:t": 2}


def test_counts_of_shards_add_up():
    summary = merge_users(map(summarize_users, SHARDS))
    assert (summary.num_known, summary.num_held_out) == (4, 1)
    assert summary.counts.tables["a.clicks"].used == 4


def test_rows_go_domain_after_domain_as_the_specification_has_them(
    files, catalogue, read_records
):
    rows = EntityRows(files)
    # Items are those clicked and a:11, which is in a pool only.
    assert rows.items.ids.to_pylist() == ["b:9", "a:8", "a:9", "a:10", "a:11"]
    assert rows.users.ids.to_pylist() == ["b:u", "a:t", "a:u"]
    assert [rows.of_shard(shard).tolist() for shard in (0, 1)] == [[3], [1, 2]]
    assert files.lines("vocabulary/item_id.txt") == rows.items.ids.to_pylist()
    assert files.lines("vocabulary/scenario_id.txt") == ["b:2", "a:jazz"]
    records = read_records(files.path("entities/item-00000-of-00001.tfrecord"))
    assert [record["num_training"] for record in records] == [[1], [0], [2], [1], [0]]


def test_names_find_scenarios_that_were_put_in_lower_case(files, catalogue):
    (rejected,) = catalogue.rejected
    assert files.lines("names/scenario.txt") == ["", "All that jazz"]
    assert not files.path("names/item.txt").exists()
    assert (rejected.line, rejected.reason) == (3, "conflicting_entity")


@pytest.mark.usefixtures("catalogue")
def test_the_counts_wait_for_the_driver(files):
    staged = json.loads(files.path(".stage/dataset.json").read_text())
    assert {name: one["used"] for name, one in staged["counts"].items()} == {
        "a.clicks": 4,
        "b.clicks": 1,
        "a.pools": 0,
        "b.pools": 0,
        "a.scenario_names": 1,
    }
    info = ScenarioDatasetInfo.from_json(staged["info"])
    assert info.domains == (Domain("b", 1, 1), Domain("a", 2, 4))
    assert info.num_tasks == {META_TRAIN: 1, META_VALIDATION: 0, META_TEST: 1}
    assert info.num_clicks == {META_TRAIN: 3, META_VALIDATION: 0, META_TEST: 1}
    assert info.num_queries == {META_TRAIN: 0, META_VALIDATION: 0, META_TEST: 4}
    assert (info.num_known, info.num_held_out) == (4, 1)
    assert info.num_dropped == {"pool_too_small": 2, "repeated_click": 1}
