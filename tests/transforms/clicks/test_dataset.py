"""The whole pipeline on a small log: what is in which file, and what must not be."""

import dataclasses
import json

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2

from transforms.clicks.dataset import prepare_scenarios
from transforms.clicks.schema import (
    ClickSpec,
    DomainSpec,
    NameSpec,
    PoolSpec,
    ScenarioDatasetSpec,
    ScenarioEpisodeSpec,
    ScenarioSplitSpec,
    load_scenario_info,
)
from transforms.schema import DataError
from transforms.specs import EntitySpec, FeatureSpec
from transforms.stable_hash import stable_fraction
from transforms.table_spec import TableSpec

POOLS = {
    "trained": [f"i{n}" for n in range(12)],
    "tested": [f"i{n}" for n in range(4, 16)],
    "checked": [f"i{n}" for n in range(2, 14)],
    "tiny": ["i1"],
}
SPLIT_FILE = {
    "meta_train_scenarios": ["trained"],
    "meta_validation_scenarios": ["checked"],
    "meta_test_scenarios": ["tested", "tiny"],
}
SIZES = ScenarioEpisodeSpec(
    min_pool_size=5, support_size=8, min_clicks=3, num_negatives=2, num_shards=2
)


def is_held_out(user, item):
    return stable_fraction(0, "held_out", user, item) < 0.2


def is_for_test(user, item):
    return stable_fraction(0, "held_out_for", user, item) >= 0.3


def clicks():
    """12 users, each with 8 of the 16 items."""
    return [(f"u{u}", f"i{(3 * u + k) % 16}") for u in range(12) for k in range(8)]


def write_tables(folder, rows):
    folder.mkdir(exist_ok=True)
    lines = "".join(f"{user},{item}\n" for user, item in rows)
    (folder / "clicks.csv").write_text("user_id,item_id\n" + lines)
    lines = "".join(f"{i},{s}\n" for s, items in POOLS.items() for i in items)
    (folder / "pools.csv").write_text("item_id,scenario_id\n" + lines)
    lines = "".join(f"i{n},Item {n}\n" for n in range(1, 16))
    (folder / "names.csv").write_text("id,name\n" + lines)
    (folder / "split.json").write_text(json.dumps(SPLIT_FILE))
    return folder


def domain(name="", **changes):
    return DomainSpec(
        ClickSpec(TableSpec("clicks.csv")),
        PoolSpec(TableSpec("pools.csv")),
        item_names=NameSpec(TableSpec("names.csv")),
        name=name,
        **changes,
    )


def prepare(raw, output, *domains, flags=(), **changes):
    spec = ScenarioDatasetSpec(
        domains or (domain(),),
        **{
            "split": ScenarioSplitSpec(path="split.json"),
            "episodes": SIZES,
            "max_rejected_fraction": 0.1,
        }
        | changes,
    )
    options = PipelineOptions(["--runner=FnApiRunner", *flags])
    return prepare_scenarios(
        spec, str(raw), str(output), fingerprint="f", options=options
    )


def pairs(directory, record, role):
    """(user id, item id) of one role of a record."""
    users, items = (
        [None, *(directory / "vocabulary" / f"{kind}_id.txt").read_text().split("\n")]
        for kind in ("user", "item")
    )
    prefix = f"{role}/" if role else ""
    user = record[f"{prefix}user"]
    item = record[f"{prefix}item"]
    user = user * len(item) if len(user) == 1 else user
    return {(users[u], items[i]) for u, i in zip(user, item, strict=True)}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """The log, with a row that is refused and one that repeats another."""
    rows = [*clicks(), ("u1", ""), clicks()[0]]
    return write_tables(tmp_path_factory.mktemp("raw"), rows)


@pytest.fixture(scope="module")
def prepared(raw, tmp_path_factory):
    """The prepared data set, to read only."""
    output = tmp_path_factory.mktemp("prepared")
    prepare(raw, output)
    return output


@pytest.fixture(scope="module")
def read_all(read_records):
    """Reads every record of the files of a pattern."""

    def read(directory, pattern):
        paths = sorted(directory.glob(pattern))
        return [record for path in paths for record in read_records(path)]

    return read


@pytest.fixture(scope="module")
def tasks(prepared, read_all):
    records = read_all(prepared, "episodes/*.gz")
    return {record["task_id"][0].decode(): record for record in records}


def test_the_counts_are_those_of_the_log(prepared):
    info = load_scenario_info(prepared)
    assert dict(info.num_tasks) == {
        "meta_train": 1,
        "meta_validation": 1,
        "meta_test": 1,
    }
    assert info.num_held_out == sum(is_held_out(*pair) for pair in clicks())
    assert info.num_known + info.num_held_out == len(clicks())
    assert dict(info.num_dropped) == {"pool_too_small": 1, "repeated_click": 1}


def test_a_held_out_pair_of_two_scenarios_is_in_no_record_but_its_query(
    prepared, tasks, read_all
):
    shared = set(POOLS["trained"]) & set(POOLS["tested"])
    planted = {p for p in clicks() if is_held_out(*p) and p[1] in shared}
    assert planted
    known = set()
    for record in read_all(prepared, "clicks/known-*.gz"):
        known |= pairs(prepared, record, "")
    assert not planted & known
    for name in ("trained", "tested", "checked"):
        assert not planted & pairs(prepared, tasks[name], "support")
    for_test = {p for p in planted if is_for_test(*p)}
    assert for_test <= pairs(prepared, tasks["tested"], "query")
    assert not tasks["trained"]["query/item"]


def test_held_out_pairs_are_in_a_file_of_their_own_each_once_with_its_fold(
    prepared, read_all
):
    held_out, folds = [], set()
    for record in read_all(prepared, "clicks/held_out-*.gz"):
        held_out += pairs(prepared, record, "")
        assert len(record["fold"]) == len(record["item"])
        folds |= set(record["fold"])
    assert sorted(held_out) == sorted(p for p in clicks() if is_held_out(*p))
    assert folds <= set(range(load_scenario_info(prepared).num_folds))


def test_no_pair_is_asked_for_in_both_meta_validation_and_meta_test(prepared, tasks):
    checked = pairs(prepared, tasks["checked"], "query")
    tested = pairs(prepared, tasks["tested"], "query")
    assert checked
    assert not {p for p in checked if is_for_test(*p)}
    assert tested
    assert not {p for p in tested if not is_for_test(*p)}


def test_the_records_hold_every_known_click_once(prepared, tasks):
    known = {p for p in clicks() if not is_held_out(*p)}
    trained = {p for p in known if p[1] in POOLS["trained"]}
    assert pairs(prepared, tasks["trained"], "support") == trained
    assert len(tasks["trained"]["support/item"]) == len(trained)
    query_users = {user for user, _ in pairs(prepared, tasks["tested"], "query")}
    clicked = known | {p for p in clicks() if is_held_out(*p) and not is_for_test(*p)}
    expected = {p for p in clicked if p[1] in POOLS["tested"] and p[0] in query_users}
    assert pairs(prepared, tasks["tested"], "known") == expected
    assert len(tasks["tested"]["support/item"]) == SIZES.support_size


def test_names_stand_in_the_order_of_the_rows(prepared):
    ids = (prepared / "vocabulary" / "item_id.txt").read_text().split("\n")
    names = (prepared / "names" / "item.txt").read_text().split("\n")
    name_of = dict(zip(ids, names, strict=True))
    assert name_of["i7"] == "Item 7"
    assert name_of["i0"] == ""


def test_equal_inputs_give_equal_bytes_in_blocks_of_any_size(
    raw, prepared, tmp_path, digests
):
    prepare(raw, tmp_path / "again", flags=["--text_block_bytes=100"])
    assert digests(tmp_path / "again") == digests(prepared)


def test_domains_share_nothing_though_their_raw_ids_are_equal(raw, tmp_path, read_all):
    split = ScenarioSplitSpec(test_fraction=0.0, validation_fraction=0.0)
    info = prepare(raw, tmp_path / "p", domain("a"), domain("b"), split=split)
    assert [(d.name, d.num_users, d.num_items) for d in info.domains] == [
        ("a", 12, 16),
        ("b", 12, 16),
    ]
    for record in read_all(tmp_path / "p", "episodes/*.gz"):
        name = record["task_id"][0].decode().partition(":")[0]
        support = pairs(tmp_path / "p", record, "support")
        assert {text.partition(":")[0] for p in support for text in p} == {name}


def test_a_log_that_says_the_scenario_makes_the_pools(tmp_path, read_all):
    raw = write_tables(tmp_path / "raw", [])
    lines = "".join(f"{u},{i},{'xy'[int(u[1:]) % 2]}\n" for u, i in clicks())
    (raw / "clicks.csv").write_text("user_id,item_id,scenario\n" + lines)
    spec = DomainSpec(
        ClickSpec(TableSpec("clicks.csv"), scenario_column="scenario"), None
    )
    split = ScenarioSplitSpec(test_fraction=0.0, validation_fraction=0.0)
    prepare(raw, tmp_path / "p", spec, split=split)
    for record in read_all(tmp_path / "p", "episodes/*.gz"):
        odd = {int(u[1:]) % 2 for u, _ in pairs(tmp_path / "p", record, "support")}
        assert odd == {"xy".index(record["task_id"][0].decode())}


def test_bad_rows_are_refused_and_kept(prepared):
    assert load_scenario_info(prepared).num_rejected == {"missing_field": 1}
    (part,) = (prepared / "rejected").iterdir()
    row = json.loads(part.read_text())
    assert (row["table"], row["line"]) == ("clicks", len(clicks()) + 2)
    assert row["detail"] == "item_id is empty"


def test_too_many_bad_rows_leave_no_data_set(raw, tmp_path):
    # 1 of 96 + 2 rows.
    with pytest.raises(DataError, match=r"0.00% of the clicks .* got 1.02%"):
        prepare(raw, tmp_path / "p", max_rejected_fraction=0.0)
    assert [path.name for path in (tmp_path / "p").iterdir()] == ["rejected"]


def test_a_data_set_without_a_meta_train_scenario_is_an_error(raw, tmp_path):
    sizes = ScenarioEpisodeSpec(min_pool_size=13)
    with pytest.raises(
        DataError,
        # What was left out of the rows is part of why.
        match=r"at least one task must be in meta-train.* too few items .*"
        r"with the click of another\. The smallest pool has 1 item, the median 12, the "
        r"largest 12: lower data\.episodes\.min_pool_size, 13, lower",
    ):
        prepare(raw, tmp_path / "p", episodes=sizes)


def test_pools_that_are_large_enough_are_not_blamed(raw, tmp_path):
    sizes = ScenarioEpisodeSpec(min_pool_size=1, min_clicks=10_000)
    cures = r"the largest 12: lower data\.episodes\.min_clicks, 10000, or check"
    with pytest.raises(DataError, match=cures):
        prepare(raw, tmp_path / "p", episodes=sizes)


def test_a_missing_column_is_named(raw, tmp_path):
    spec = DomainSpec(
        ClickSpec(TableSpec("clicks.csv"), item_column="item"),
        PoolSpec(TableSpec("pools.csv")),
    )
    message = r"no column 'item' \(clicks.item_column\); did you mean 'item_id'\?"
    with pytest.raises(ValueError, match=message):
        prepare(raw, tmp_path / "p", spec)


def test_a_scenario_with_too_many_clicks_keeps_whole_users(raw, tmp_path, read_all):
    split = ScenarioSplitSpec(test_fraction=0.0, validation_fraction=0.0)
    sizes = ScenarioEpisodeSpec(
        min_pool_size=5, min_clicks=3, num_shards=2, max_clicks_per_scenario=20
    )
    info = prepare(raw, tmp_path / "p", split=split, episodes=sizes)
    assert info.num_dropped["click_over_limit"] > 0
    for record in read_all(tmp_path / "p", "episodes/*.gz"):
        pool = POOLS[record["task_id"][0].decode()]
        support = pairs(tmp_path / "p", record, "support")
        users = {user for user, _ in support}
        of_users = {p for p in clicks() if p[0] in users and p[1] in pool}
        assert support == {p for p in of_users if not is_held_out(*p)}
        assert len(of_users) < 20 + 8  # The last user may go over the limit.


def test_every_row_of_clicks_and_pools_is_accounted_for(prepared):
    info = load_scenario_info(prepared)
    clicked = info.tables["clicks"]
    assert (clicked.read, clicked.used) == (len(clicks()) + 2, len(clicks()))
    assert clicked.left_out == {"repeated_click": 1}
    assert clicked.refused == {"missing_field": 1}
    assert info.tables["pools"].read == info.tables["pools"].used
    assert {(join.ids, join.left, join.right) for join in info.joins} >= {
        ("items", "clicks", "pools")
    }


def test_refused_rows_of_pools_are_limited_too(tmp_path):
    raw = write_tables(tmp_path / "raw", clicks())
    with (raw / "pools.csv").open("a") as file:
        file.write(",lost\n" * 5)
    with pytest.raises(DataError, match=r"of the pools .*5 missing_field"):
        prepare(raw, tmp_path / "p")


def test_clicked_items_in_another_form_than_those_of_pools_fail(tmp_path):
    raw = write_tables(tmp_path / "raw", clicks())
    text = (raw / "clicks.csv").read_text().upper()
    (raw / "clicks.csv").write_text("user_id,item_id\n" + text.partition("\n")[2])
    with pytest.raises(DataError, match=r"items of clicks must be in pools.*upper"):
        prepare(raw, tmp_path / "p")
    info = prepare(raw, tmp_path / "p", normalize_ids=True)
    assert info.joins[0].num_rows_unmatched == 0
    num_rows = len(clicks())
    assert info.tables["clicks"].normalized == {
        "user_id": num_rows,
        "item_id": num_rows,
    }
    assert not info.tables["pools"].normalized


def test_ratings_are_clicks_from_a_label_on(tmp_path):
    raw = write_tables(tmp_path / "raw", clicks())
    rows = "".join(f"{u},{i},{n % 5}\n" for n, (u, i) in enumerate(clicks()))
    (raw / "clicks.csv").write_text("user_id,item_id,stars\n" + rows)
    table = TableSpec("clicks.csv")
    spec = DomainSpec(
        ClickSpec(table, label_column="stars", label_at_least=1),
        PoolSpec(TableSpec("pools.csv")),
    )
    info = prepare(raw, tmp_path / "p", spec)
    num_low = len(range(0, len(clicks()), 5))
    assert info.num_dropped["label_too_low"] == num_low
    assert info.tables["clicks"].used == len(clicks()) - num_low


def test_pairs_are_held_out_by_time(tmp_path, read_all):
    raw = write_tables(tmp_path / "raw", clicks())
    days = {pair: 1 + place % 20 for place, pair in enumerate(clicks())}
    rows = "".join(f"{u},{i},2001-01-{day:02d}\n" for (u, i), day in days.items())
    (raw / "clicks.csv").write_text("user_id,item_id,day\n" + rows)
    timed = dataclasses.replace(
        domain(), clicks=ClickSpec(TableSpec("clicks.csv"), time_column="day")
    )
    split = ScenarioSplitSpec(
        path="split.json", validation_from="2001-01-11", test_from="2001-01-15"
    )
    info = prepare(raw, tmp_path / "p", timed, split=split)
    known, held_out = (
        {
            pair
            for record in read_all(tmp_path / "p", f"clicks/{kind}-*")
            for pair in pairs(tmp_path / "p", record, "")
        }
        for kind in ("known", "held_out")
    )
    assert known == {pair for pair, day in days.items() if day < 11}
    assert held_out == {pair for pair, day in days.items() if day >= 11}
    for record in read_all(tmp_path / "p", "episodes/*.gz"):
        name = record["task_id"][0].decode()
        asked = {days[pair] for pair in pairs(tmp_path / "p", record, "query")}
        of_name = {"checked": range(11, 15), "tested": range(15, 21)}
        assert asked <= set(of_name.get(name, ()))
    assert info.num_held_out == len(held_out)


def test_scenarios_are_split_by_their_first_click(tmp_path, read_all):
    raw = write_tables(tmp_path / "raw", clicks())
    days = {"old": 1, "next": 11, "new": 15}  # And a click every day from then on.
    rows = [
        (f"u{4 * place + n % 4}", f"i{n}", scenario, day + n)
        for place, (scenario, day) in enumerate(days.items())
        for n in range(12)
    ]
    rows.append(("u1", "i1", "new", 12))  # A known pair, from another scenario.
    lines = "".join(f"{u},{i},{s},2001-01-{day:02d}\n" for u, i, s, day in rows)
    (raw / "clicks.csv").write_text("user_id,item_id,part,day\n" + lines)
    columns = {"scenario_column": "part", "time_column": "day"}
    own = DomainSpec(ClickSpec(TableSpec("clicks.csv"), **columns))
    split = ScenarioSplitSpec(validation_from="2001-01-11", test_from="2001-01-15")
    sizes = dataclasses.replace(SIZES, order="time")
    folder = tmp_path / "p"
    info = prepare(raw, folder, own, split=split, episodes=sizes)
    assert list(info.num_tasks.values()) == [1, 1, 1]
    (record,) = read_all(folder, "episodes/meta_test-*.gz")
    assert record["task_id"] == [b"new"]
    shown = {(f"u{8 + n % 4}", f"i{n}") for n in range(8)}
    assert pairs(folder, record, "support") == shown
    assert pairs(folder, record, "query") == {("u10", "i10"), ("u11", "i11")}
    known = [
        pair
        for record in read_all(folder, "clicks/known-*")
        for pair in pairs(folder, record, "")
    ]
    assert sorted(known) == sorted((f"u{n % 4}", f"i{n}") for n in range(10))


def test_scenarios_that_only_pools_tell_of_have_no_first_click():
    split = ScenarioSplitSpec(validation_from=1, test_from=2)
    clicks = ClickSpec(TableSpec("clicks.csv"), time_column="day")
    own = DomainSpec(clicks, PoolSpec(TableSpec("pools.csv")))
    sizes = dataclasses.replace(SIZES, order="time")
    with pytest.raises(ValueError, match=r"'time' needs clicks\.scenario_column, got"):
        ScenarioDatasetSpec((own,), split=split, episodes=sizes)


def test_what_goes_by_time_needs_its_column_in_every_domain():
    split = ScenarioSplitSpec(test_from=9)
    message = "needs the clicks.time_column of every domain, got none of 'a'"
    with pytest.raises(ValueError, match=message):
        ScenarioDatasetSpec((domain("a"),), split=split)


def shop(name="", **changes):
    """A domain whose items have features, in place of names alone."""
    features = (
        FeatureSpec("taste", kind="multi", separator="/"),
        FeatureSpec("price", kind="numeric"),
    )
    values = {
        "table": TableSpec("items.csv"),
        "name_column": "name",
        "features": features,
    }
    return DomainSpec(
        ClickSpec(TableSpec("clicks.csv")),
        PoolSpec(TableSpec("pools.csv")),
        name=name,
        items=EntitySpec(**(values | changes)),
    )


@pytest.fixture
def raw_with_features(tmp_path):
    """The log, and a table of 16 items and a new one that nobody clicked."""
    folder = write_tables(tmp_path / "raw", clicks())
    rows = [f"i{n},Item {n},{'odd' if n % 2 else 'even/all'},{n}\n" for n in range(16)]
    text = "id,name,taste,price\n" + "".join(rows) + "new,News,odd/fresh,\n"
    (folder / "items.csv").write_text(text)
    return folder


def test_items_of_a_table_with_features_are_known_clicked_or_not(
    raw_with_features, tmp_path, read_records
):
    info = prepare(raw_with_features, tmp_path / "p", shop())
    assert info.num_items == 17
    assert [one.name for one in info.item_features] == ["taste", "price"]
    assert load_scenario_info(tmp_path / "p") == info
    # "fresh" is of no item that is learnt from.
    words = (tmp_path / "p" / "vocabulary" / "taste.txt").read_text().split()
    assert sorted(words) == ["all", "even", "odd"]
    (file,) = (tmp_path / "p" / "entities").glob("item-*")
    records = {one["id"][0]: one for one in read_records(file)}
    assert set(records) == {b"new", *(f"i{n}".encode() for n in range(16))}
    taste = {n: {words[v - 1] for v in one["taste"]} for n, one in records.items()}
    assert taste[b"new"] == {"odd"}
    assert taste[b"i4"] == {"even", "all"}
    assert records[b"i4"]["price"] == [4.0]
    assert records[b"new"]["num_training"] == [0]
    names = (tmp_path / "p" / "names" / "item.txt").read_text().split("\n")
    assert "News" in names
    assert info.tables["items"].used == 17
    of_clicks = [one for one in info.joins if one.right == "items"]
    assert [(one.ids, one.left) for one in of_clicks] == [("items", "clicks")]


def test_statistics_are_of_the_items_that_are_learnt_from(raw_with_features, tmp_path):
    prepare(raw_with_features, tmp_path / "p", shop())
    text = (tmp_path / "p" / "statistics.pbtxt").read_text()
    statistics = text_format.Parse(text, statistics_pb2.DatasetFeatureStatisticsList())
    first, *others = statistics.datasets
    features = {feature.name: feature for feature in first.features}
    # Prices are 0 to 15; the new item, which has none, is not learnt from.
    assert features["price"].num_stats.mean == 7.5
    assert features["price"].num_stats.common_stats.num_missing == 0
    tastes = features["taste"].string_stats.top_values
    assert {(top.value, top.frequency) for top in tastes} == {
        ("all", 8.0),
        ("even", 8.0),
        ("odd", 8.0),
    }
    names = {feature.name for split in others for feature in split.features}
    assert names.isdisjoint({"price", "taste"})


def test_features_of_domains_lie_beside_each_other(raw_with_features, tmp_path):
    split = ScenarioSplitSpec(test_fraction=0.0, validation_fraction=0.0)
    colour = (FeatureSpec("colour", column="taste"),)
    domains = shop("a"), shop("b", features=colour)
    info = prepare(raw_with_features, tmp_path / "p", *domains, split=split)
    assert [one.name for one in info.item_features] == ["taste", "price", "colour"]
    assert info.num_items == 34
    assert {"a.items", "b.items"} < set(info.tables)


def test_domains_must_not_share_the_name_of_a_feature():
    with pytest.raises(ValueError, match=r"must differ between domains, got \['taste"):
        ScenarioDatasetSpec((shop("a"), shop("b")))


def test_items_without_features_add_none(raw_with_features, tmp_path):
    info = prepare(raw_with_features, tmp_path / "p", shop(features=()))
    assert info.num_items == 16
    assert info.item_features == ()
    assert info.has_item_names


def test_rows_of_an_item_must_agree(raw_with_features, tmp_path):
    with (raw_with_features / "items.csv").open("a") as file:
        file.write("i4,Item 4,odd,4\n")
    info = prepare(raw_with_features, tmp_path / "p", shop())
    assert info.num_rejected == {"conflicting_entity": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"item_names": NameSpec(TableSpec("names.csv"))}, "in place of `item_names`"),
        ({"items": EntitySpec()}, "`items` needs a `table`"),
    ],
)
def test_one_table_tells_of_items(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(shop(), **changes)
