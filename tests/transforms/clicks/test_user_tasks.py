"""Tests of clicks where each user is a task."""

import dataclasses
import functools
import json

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from transforms.clicks.dataset import prepare_scenarios
from transforms.clicks.schema import (
    ClickSpec,
    DomainSpec,
    PoolSpec,
    ScenarioDatasetSpec,
    ScenarioEpisodeSpec,
    ScenarioSplitSpec,
    load_scenario_info,
)
from transforms.schema import DataError
from transforms.stable_hash import stable_fraction
from transforms.table_spec import TableSpec
from transforms.writing.counts import JoinError

SPLIT = ScenarioSplitSpec(test_fraction=0.3, validation_fraction=0.3)
SIZES = ScenarioEpisodeSpec(min_clicks=2, support_size=4, num_shards=2)
CLICKS = [
    (f"u{user}", f"i{(user * 7 + k * k) % 40}")
    for user in range(60)
    for k in range(2 if user == 9 else 11)
]


def prepare(folder, *domains, clicks=None, **changes):
    lines = "".join(f"{user},{item}\n" for user, item in CLICKS)
    (folder / "clicks.csv").write_text("user_id,item_id\n" + lines)
    clicks = clicks or ClickSpec(TableSpec("clicks.csv"))
    spec = ScenarioDatasetSpec(
        tuple(DomainSpec(clicks, name=name) for name in domains or ("",)),
        task="user",
        **{"split": SPLIT, "episodes": SIZES} | changes,
    )
    prepare_scenarios(
        spec,
        str(folder),
        str(folder / "prepared"),
        fingerprint="f",
        options=PipelineOptions(["--runner=FnApiRunner"]),
    )
    return folder / "prepared"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The prepared data set, to read only."""
    return prepare(tmp_path_factory.mktemp("users"))


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    """The same clicks with times, of which the last ones are asked for."""
    sizes = dataclasses.replace(SIZES, order="time")
    return prepare_timed(tmp_path_factory.mktemp("timed"), episodes=sizes)


@pytest.fixture(scope="module")
def read(prepared, reader_of):
    """Reads the records of a pattern, with ids in place of rows."""
    return reader_of(prepared)


@pytest.fixture(scope="module")
def read_timed(timed, reader_of):
    """The same of clicks with times."""
    return reader_of(timed)


@pytest.fixture(scope="module")
def reader_of(read_records):
    """Returns what reads the records of a data set."""
    return lambda prepared: functools.partial(_read, prepared, read_records)


def _read(prepared, read_records, pattern):
    users, items = (
        [None, *(prepared / f"vocabulary/{kind}_id.txt").read_text().split("\n")]
        for kind in ("user", "item")
    )

    def of(pattern):
        for path in sorted(prepared.glob(pattern)):
            for record in read_records(path):
                yield {
                    key: [
                        (users if key.endswith("user") else items)[row] for row in rows
                    ]
                    if key.endswith(("user", "item"))
                    else rows
                    for key, rows in record.items()
                }

    return of(pattern)


def clicks_of(records):
    return {(record["user"][0], item) for record in records for item in record["item"]}


def of_user(user):
    return {item for owner, item in CLICKS if owner == user}


def asked_of(user):
    """What is held out of a user of another split than meta-train."""
    shares = {
        item: stable_fraction(0, "held_out", user, item) for item in of_user(user)
    }
    return {item for item, share in shares.items() if share < 0.2}


def test_a_user_of_another_split_teaches_nothing_before_the_refit(prepared, read):
    tasks = {
        split: {r["task_id"][0].decode() for r in read(f"episodes/{split}-*")}
        for split in ("meta_train", "meta_validation", "meta_test")
    }
    assert all(tasks.values())
    no_tasks = {f"u{n}" for n in range(60)} - set.union(*tasks.values())
    assert "u9" in no_tasks  # Who has too few clicks.
    assert not any(asked_of(user) for user in no_tasks)
    known, others = (
        clicks_of(read(f"clicks/{kind}-*")) for kind in ("known", "held_out")
    )
    assert known | others == set(CLICKS)
    assert not known & others
    assert {user for user, _ in known} - {"u9"} == tasks["meta_train"]
    info = load_scenario_info(prepared)
    assert (info.num_known, info.num_held_out) == (len(known), len(others))
    assert info.has_user_tasks


def test_users_of_meta_train_hold_nothing_out(read):
    for record in read("episodes/meta_train-*"):
        (user,) = {*record["support/user"]}
        assert set(record["support/item"]) == of_user(user)
        assert not record["query/item"]
        assert not record["known/item"]


@pytest.mark.parametrize("split", ["meta_validation", "meta_test"])
def test_others_hold_out_a_share_for_their_split(read, split):
    for record in read(f"episodes/{split}-*"):
        user = record["task_id"][0].decode()
        asked = asked_of(user)
        assert set(record["query/item"]) == asked
        assert set(record["known/item"]) == of_user(user) - asked
        assert set(record["support/item"]) <= of_user(user) - asked
        assert len(record["support/item"]) == min(4, len(of_user(user) - asked))


def test_pool_and_negatives_are_empty(read):
    for record in read("episodes/*"):
        assert not record["pool"]
        assert not record["support/negative"]


@pytest.mark.parametrize("domains", [(), ("a", "b")])
def test_users_of_a_split_file_must_be_in_the_clicks(tmp_path, domains):
    prefix = "b:" if domains else ""
    learnt = [f"{prefix}u{n}" for n in range(9)]
    lists = {
        "meta_train_users": [*learnt, f"{prefix}U1"],
        "meta_validation_users": ["nobody"],
        "meta_test_users": [f"{prefix}u10"],
    }
    (tmp_path / "split.json").write_text(json.dumps(lists))
    split = ScenarioSplitSpec(path="split.json")
    changes = {"split": split, "max_rejected_fraction": 0.1}
    info = load_scenario_info(prepare(tmp_path, *domains, **changes))
    assert info.num_tasks == {"meta_train": 9, "meta_validation": 0, "meta_test": 1}
    (join,) = (one for one in info.joins if one.left == "split.path")
    left_out = 50 + 60 * (len(domains) > 1)
    assert (join.ids, join.right, join.num_rows_unmatched) == ("users", "clicks", 2)
    assert join.num_right - join.num_both == left_out
    assert join.left_examples == (f"{prefix}U1",)
    lists = {"meta_train_users": ["nobody"], "meta_test_users": ["neither"]}
    (tmp_path / "split.json").write_text(json.dumps(lists))
    with pytest.raises(
        JoinError, match=r"users of the split file 'split\.json' .* \(2 of 2;"
    ):
        prepare(tmp_path, *domains, **changes)


def test_too_few_clicks_are_said_with_their_limit(tmp_path):
    sizes = ScenarioEpisodeSpec(min_clicks=50)
    with pytest.raises(DataError, match=r"lower data\.episodes\.min_clicks, 50"):
        prepare(tmp_path, episodes=sizes)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", r"clicks must have rows, got none"),
        ("u1,i1,01.06.2025 09:30\n", r"1 not_a_time.*day must be .* '01\.06\.2025 09:"),
    ],
)
def test_a_log_that_leaves_no_user_is_refused(tmp_path, rows, message):
    (tmp_path / "own.csv").write_text("user_id,item_id,day\n" + rows)
    clicks = ClickSpec(TableSpec("own.csv"), time_column="day")
    with pytest.raises(DataError, match=message):
        prepare(tmp_path, clicks=clicks)


@pytest.mark.parametrize(
    ("clicks", "pools", "split", "message"),
    [
        ({"scenario_column": "s"}, None, {}, "takes neither"),
        ({}, PoolSpec(TableSpec("pools.csv")), {}, "takes neither"),
        ({}, None, {"test_from": 3.0}, "test_from 3.0 needs the clicks.time_column"),
        ({}, None, {"test_from": 3.0, "path": "s.json"}, "goes without split.path"),
    ],
)
def test_users_have_no_scenarios(clicks, pools, split, message):
    domain = DomainSpec(ClickSpec(TableSpec("clicks.csv"), **clicks), pools)
    with pytest.raises(ValueError, match=message):
        ScenarioDatasetSpec((domain,), task="user", split=ScenarioSplitSpec(**split))


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("scenario", "needs split.validation_from and split.test_from, .* got None an"),
        ("user", "order 'time' needs the clicks.time_column of every domain, got none"),
    ],
)
def test_an_order_by_time_needs_times(task, message):
    scenario = None if task == "user" else "s"
    clicks = ClickSpec(TableSpec("clicks.csv"), scenario_column=scenario)
    order = ScenarioEpisodeSpec(order="time")
    with pytest.raises(ValueError, match=message):
        ScenarioDatasetSpec((DomainSpec(clicks),), task=task, episodes=order)


def test_where_no_user_is_left_the_times_of_the_log_are_said(tmp_path):
    split = dataclasses.replace(SPLIT, test_from="1960-01-01")
    message = r"A time in it, .* 1960-01-01, .* the times of clicks from -10 to 5260"
    with pytest.raises(DataError, match=message):
        prepare_timed(tmp_path, split=split)


# The clicks of a user from the last row to the first, a day each; day 0 is 1970.
DAYS = {
    (user, item): 100 * int(user[1:]) - row
    for row, (user, item) in reversed([*enumerate(CLICKS)])
}


def by_day(user):
    return sorted(of_user(user), key=lambda item: DAYS[user, item])


def prepare_timed(folder, **changes):
    rows = [f"{user},{item},{DAYS[user, item]}\n" for user, item in CLICKS]
    (folder / "timed.csv").write_text("user_id,item_id,day\n" + "".join(rows))
    clicks = ClickSpec(TableSpec("timed.csv"), time_column="day")
    return prepare(folder, clicks=clicks, **changes)


@pytest.mark.parametrize("split", ["meta_validation", "meta_test"])
def test_by_time_the_last_clicks_are_asked_for_and_those_before_shown(
    timed, read_timed, split
):
    for record in read_timed(f"episodes/{split}-*"):
        user = record["task_id"][0].decode()
        items = by_day(user)
        num_asked = max(1, round(0.2 * len(items)))
        known = items[:-num_asked]
        assert record["support/item"] == known[-4:]
        assert set(record["query/item"]) == set(items[-num_asked:])
        assert set(record["known/item"]) == set(known)


def test_by_time_users_of_meta_train_hold_nothing_out(timed, read_timed):
    for record in read_timed("episodes/meta_train-*"):
        (user,) = {*record["support/user"]}
        assert set(record["support/item"]) == of_user(user)


@pytest.mark.parametrize("order", ["random", "time"])
def test_users_are_split_by_their_first_click(tmp_path, order, reader_of):
    first = {f"u{n}": DAYS[f"u{n}", by_day(f"u{n}")[0]] for n in range(60)}
    starts = {"meta_validation": first["u30"] + 3, "meta_test": first["u45"]}
    split = dataclasses.replace(
        SPLIT, validation_from=starts["meta_validation"], test_from=starts["meta_test"]
    )
    sizes = dataclasses.replace(SIZES, order=order)
    prepared = prepare_timed(tmp_path, split=split, episodes=sizes)
    read = reader_of(prepared)
    ends = dict(zip(("meta_train", *starts), (*starts.values(), 1e9), strict=True))
    late = set()
    for name, end in ends.items():
        start = starts.get(name, -1e9)
        users = {user for user, day in first.items() if start <= day < end}
        records = {r["task_id"][0].decode(): r for r in read(f"episodes/{name}-*")}
        assert set(records) <= users
        # One of so few clicks may have none held out by chance.
        assert order == "random" or set(records) == users
        assert len(records) > len(users) / 2
        for user, record in records.items():
            early = {item for item in of_user(user) if DAYS[user, item] < end}
            known = "support/item" if name == "meta_train" else "known/item"
            assert {*record[known], *record["query/item"]} == early
        late |= {pair for pair in CLICKS if pair[0] in users and DAYS[pair] >= end}
    known = clicks_of(read("clicks/known-*"))
    assert known
    assert all(DAYS[pair] < starts["meta_validation"] for pair in known)
    # A training on all clicks has the late ones too.
    held_out = clicks_of(read("clicks/held_out-*"))
    assert late
    assert late <= held_out
    assert known | held_out == set(CLICKS)


def test_scenarios_must_come_from_somewhere():
    domain = DomainSpec(ClickSpec(TableSpec("clicks.csv")))
    with pytest.raises(ValueError, match=r"data\.task: user"):
        ScenarioDatasetSpec((domain,))
