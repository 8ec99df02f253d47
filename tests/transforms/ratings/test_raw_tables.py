"""Tables as people have them, from the file to the prepared data set."""

import dataclasses
import gzip
import json
import math

import pytest

from transforms.row_counts import RowCounts
from transforms.specs import (
    EntitySpec,
    EpisodeSpec,
    FeatureSpec,
    InteractionSpec,
    SplitSpec,
)
from transforms.table_spec import TableSpec, WideSpec
from transforms.writing.counts import FeatureError, JoinError
from transforms.writing.rejected import RejectedRowsError

TIMED = InteractionSpec(TableSpec("ratings.csv"), time_column="day")


def write_items(raw, id_of, numbers=range(1, 9)):
    rows = "".join(f"{id_of(n)},Film {n},a|b\n" for n in numbers)
    (raw / "items.csv").write_text("id,title,genre\n" + rows)


def write_wide(raw, ratings):
    """A row a user, a column an item; 99 where there is no rating."""
    users = sorted({user for user, _, _ in ratings})
    labels = {(user, item): label for user, item, label in ratings if (user + item) % 5}
    rows = [
        ",".join([str(user), *(str(labels.get((user, n), 99)) for n in range(1, 9))])
        for user in users
    ]
    header = ",".join(["who", *map(str, range(1, 9))])
    (raw / "wide.csv").write_text("\n".join([header, *rows]) + "\n")
    return len(labels)


def write_lists(raw, ratings):
    """A JSON object a user, with two lists; one more whose lists are unlike."""
    by_user = {}
    for user, item, label in ratings:
        by_user.setdefault(user, []).append((item, label))
    lines = [
        json.dumps({"who": user, "items": items, "stars": stars})
        for user, pairs in by_user.items()
        for items, stars in [zip(*pairs, strict=True)]
    ]
    bad = '{"who": 1, "items": [1], "stars": [1, 2]}'
    (raw / "lists.jsonl").write_text("\n".join([*lines, bad]) + "\n")


def test_every_row_is_accounted_for_in_every_table(prepared):
    info, _ = prepared
    assert {name: (t.read, t.used) for name, t in info.tables.items()} == {
        "interactions": (96, 96),
        "items": (9, 9),
        "users": (12, 12),
    }
    users, items = info.joins
    assert (users.num_both, users.num_left, users.num_right) == (12, 12, 12)
    assert (items.num_both, items.num_left, items.num_right) == (8, 8, 9)


def test_ids_in_another_form_fail_the_step_or_are_normalised(prepare, make_spec, raw):
    write_items(raw, lambda number: f"{number:03d}")
    with pytest.raises(JoinError, match=r"'1', '2'.*'001', '002'.*zeros in front"):
        prepare(make_spec())
    info, directory = prepare(make_spec(normalize_ids=True))
    assert (info.joins[1].num_both, info.num_items) == (8, 8)
    assert info.tables["items"].normalized == {"id": 8}
    line = info.tables["items"].describe()
    assert line.endswith("ids put in the form that answers have: 8 id")
    assert not info.tables["interactions"].normalized
    assert (directory / "vocabulary/item_id.txt").read_text().split() == list(
        "12345678"
    )


def test_part_files_that_write_ids_in_two_forms_do_not_make_two_users(
    prepare, make_spec, raw, ratings
):
    lines = "".join(f"{user}.0,{item},{label}\n" for user, item, label in ratings[48:])
    (raw / "ratings-2.csv").write_text("user_id,item_id,rating\n" + lines)
    rows = "".join(f"{user},{item},{label}\n" for user, item, label in ratings[:56])
    (raw / "ratings.csv").write_text("user_id,item_id,rating\n" + rows)
    interactions = InteractionSpec(TableSpec("ratings*.csv"))
    spec = make_spec(interactions=interactions, users=EntitySpec())
    with pytest.raises(JoinError, match=r"users of interactions .*'7\.0'.*fraction"):
        prepare(spec)


def test_too_many_items_that_no_table_knows_fail_the_step(prepare, make_spec, raw):
    write_items(raw, str, range(1, 5))
    with pytest.raises(JoinError, match=r"got 50\.00% of the rows.*'5', '6', '7'"):
        prepare(make_spec())
    info, _ = prepare(make_spec(max_unmatched_fraction=0.5))
    assert info.joins[1].num_rows_unmatched == 48


def test_the_limit_of_refused_rows_names_the_table(prepare, make_spec, raw):
    with (raw / "items.csv").open("a") as file:
        file.write("10,Film,10,a\n")
    with pytest.raises(
        RejectedRowsError,
        match=r"of the items to be refused, got 10\.00% \(1 of 10: 1 malformed\)\. "
        r"One is line 11 of items\.csv: expected 3 fields, got 4",
    ):
        prepare(make_spec())


def test_a_feature_that_cannot_be_read_is_unknown_until_none_can(
    prepare, make_spec, raw
):
    ages = ["many", *map(str, range(20, 31))]
    rows = "".join(f"{n},F,{age}\n" for n, age in enumerate(ages, 1))
    (raw / "users.csv").write_text("id,gender,age\n" + rows)
    info, _ = prepare(make_spec())
    users = RowCounts.from_fields(info.tables["users"].to_fields())
    assert users.unreadable == {"age": 1}
    assert "1 age (such as 'many' in column 'age')" in users.describe()
    assert info.tables["users"].used == 12
    rows = "".join(f"{n},F,many\n" for n in range(1, 13))
    (raw / "users.csv").write_text("id,gender,age\n" + rows)
    with pytest.raises(FeatureError, match=r"12 of 12 rows .*, such as 'many' in col"):
        prepare(make_spec())


def test_a_table_without_rows_is_an_error(prepare, make_spec, raw):
    (raw / "items.csv").write_text("id,title,genre\n")
    with pytest.raises(ValueError, match="items must have rows, got none"):
        prepare(make_spec())


def test_ids_of_a_split_file_must_be_in_the_data(prepare, make_spec, raw):
    lists = {"meta_train_users": ["u1", "u2", 3], "meta_test_users": [4.0]}
    (raw / "split.json").write_text(json.dumps(lists))
    with pytest.raises(JoinError, match=r"split file 'split\.json' .* \(2 of 4; .*'u1"):
        prepare(make_spec(split=SplitSpec(path="split.json")))


def test_a_wide_table_with_codes_is_as_a_long_one(prepare, make_spec, raw, ratings):
    num_labels = write_wide(raw, ratings)
    table = TableSpec("wide.csv", missing=("99",), wide=WideSpec(("who",)))
    info, _ = prepare(make_spec(interactions=InteractionSpec(table, "who")))
    assert info.tables["interactions"].used == num_labels < len(ratings)


def test_lists_of_ids_are_as_rows(prepare, make_spec, raw, ratings):
    write_lists(raw, ratings)
    table = TableSpec("lists.jsonl", format="jsonl", list_columns=("items", "stars"))
    spec = make_spec(
        interactions=InteractionSpec(table, "who", "items", "stars"),
        max_rejected_fraction=0.02,
    )
    info, _ = prepare(spec)
    counts = info.tables["interactions"]
    assert (counts.read, counts.used, counts.refused) == (97, 96, {"malformed": 1})


def test_part_files_of_any_packing_and_without_rows_are_one_table(
    prepare, make_spec, raw, digests
):
    _, plain = prepare(make_spec(), "plain")
    lines = (raw / "ratings.csv").read_text().splitlines(keepends=True)
    folder = raw / "parts"
    folder.mkdir()
    (folder / "_SUCCESS").touch()
    (folder / "part-2.csv").touch()
    (folder / "part-0.csv").write_bytes(gzip.compress("".join(lines[:40]).encode()))
    (folder / "part-1.csv.gz").write_text("".join([lines[0], *lines[40:]]))
    spec = make_spec(interactions=InteractionSpec(TableSpec("parts")))
    _, parts = prepare(spec, "parts-of-it")
    of_plain, of_parts = digests(plain), digests(parts)
    assert {n for n in of_plain if of_plain[n] != of_parts[n]} == {"dataset.json"}


@pytest.mark.parametrize(("keep", "label"), [("first", 1.0), ("last", 5.0)])
def test_the_row_that_counts_is_chosen_by_time(
    prepare, make_spec, raw, ratings, keep, label
):
    rows = "".join(
        f"{u},{i},5,2001-01-02\n{u},{i},1,2001-01-01\n" for u, i, _ in ratings
    )
    (raw / "twice.csv").write_text("user_id,item_id,rating,day\n" + rows)
    table = TableSpec("twice.csv")
    interactions = InteractionSpec(table, keep=keep, time_column="day")
    info, _ = prepare(make_spec(interactions=interactions))
    assert info.num_dropped == {"repeated_pair": 96}
    assert list(info.label_levels) == [label]
    error = dataclasses.replace(interactions, keep="error", time_column=None)
    with pytest.raises(RejectedRowsError, match="`keep: error` allows no duplicate"):
        prepare(make_spec(interactions=error))


def test_users_and_pairs_are_split_by_time(
    prepare, make_spec, raw, ratings, read_episodes
):
    users = sorted({user for user, _, _ in ratings})
    rows = "".join(
        f"{user},{item},{label},2001-{1 + users.index(user):02d}-{item:02d}\n"
        for user, item, label in ratings
    )
    (raw / "timed.csv").write_text("user_id,item_id,rating,day\n" + rows)
    table = InteractionSpec(TableSpec("timed.csv"), time_column="day")
    by_time = {"episodes": EpisodeSpec(query_size=2, num_shards=2, order="time")}
    by_time["split"] = SplitSpec(test_from="2001-09-01", validation_fraction=0.0)
    info, directory = prepare(make_spec(interactions=table, **by_time))
    tests, trained = (
        read_episodes(directory, split) for split in ("meta_test", "meta_train")
    )
    assert sorted(tests) == sorted(map(str, users[8:]))
    assert sorted(trained) == sorted(map(str, users[:8]))
    items = (directory / "vocabulary/item_id.txt").read_text().split()
    for record in (*tests.values(), *trained.values()):
        rated = [*record["support/item"], *record["query/item"]]
        days = [int(items[item - 1]) for item in rated]
        assert days == sorted(days)
    assert sum(info.num_rejected.values()) == 0
    assert info.options["split"]["test_from"] == "2001-09-01"


def test_later_pairs_change_no_file_but_their_own(
    prepare, make_spec, raw, ratings, read_episodes, digests
):
    rows = "".join(f"{user},{item},{label},{user}\n" for user, item, label in ratings)
    # Film 9 is known by its table alone; user 2 has rated film 8 before.
    late = "1,9,5,99\n2,9,1,99\n2,8,1,99\n"
    table = InteractionSpec(TableSpec("timed.csv"), time_column="day", keep="first")
    split = SplitSpec(test_from=9, validation_fraction=0.0)
    prepared = []
    for name, more in (("without", ""), ("with", late)):
        (raw / "timed.csv").write_text("user_id,item_id,rating,day\n" + rows + more)
        prepared.append(prepare(make_spec(interactions=table, split=split), name))
    (before, expected), (info, directory) = prepared
    differing = dict(digests(directory).items() ^ digests(expected).items())
    files = {name for name in differing if not name.startswith("episodes/later-")}
    assert files == {"dataset.json"}
    later = read_episodes(directory, "later")
    assert {name: record["support/item"] for name, record in later.items()} == {
        "1": [9],
        "2": [9],
    }
    assert info.num_interactions == {**before.num_interactions, "later": 2}
    assert info.tables["interactions"].left_out == {"repeated_pair": 1}
    assert read_episodes(expected, "later") == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"episodes": EpisodeSpec(order="time")}, "need interactions.time_column"),
        ({"split": SplitSpec(test_from=9)}, "need interactions.time_column"),
        ({"split": SplitSpec(test_from=9, path="s"), "interactions": TIMED}, "without"),
    ],
)
def test_what_goes_by_time_needs_a_column_of_it(make_spec, changes, message):
    with pytest.raises(ValueError, match=message):
        make_spec(**changes)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"test_from": "soon"}, "must be a number or a date .* got 'soon'"),
        ({"test_from": math.inf}, "must be a number or a date .* got inf"),
        ({"test_from": True}, "must be a number or a date .* got True"),
        ({"validation_from": 9}, "goes with test_from, got 9 and None"),
        ({"validation_from": 9, "test_from": 9}, "before test_from, got 9 and 9"),
    ],
)
def test_a_time_that_users_cannot_be_split_by_is_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        SplitSpec(**keys)


def test_items_can_be_kept_from_meta_train(prepare, make_spec, read_episodes):
    episodes = EpisodeSpec(query_size=2, num_shards=2, new_item_fraction=0.3)
    info, directory = prepare(make_spec(episodes=episodes))
    seen = {
        split: {
            item
            for record in read_episodes(directory, split).values()
            for item in (*record["support/item"], *record["query/item"])
        }
        for split in ("meta_train", "meta_test")
    }
    assert seen["meta_train"] < seen["meta_test"]
    assert info.num_dropped["pair_of_new_item"] > 0


def test_columns_of_flags_are_the_values_of_one_feature(prepare, make_spec, raw):
    rows = "".join(f"{n},{n % 2},{int(n % 3 == 0)}\n" for n in range(1, 9))
    (raw / "items.csv").write_text("id,Drama,Comedy\n" + rows)
    genre = FeatureSpec("genre", kind="multi", flags=("Drama", "Comedy"))
    items = EntitySpec(TableSpec("items.csv"), features=(genre,))
    _, directory = prepare(make_spec(items=items))
    values = (directory / "vocabulary/genre.txt").read_text().split()
    assert values == ["Drama", "Comedy"]
