"""The shop with faults, as ratings of users."""

import gzip
import json
from collections import Counter

from faulty_shop import NUM_ITEMS, NUM_USERS, TINY_MODEL, Shop, odd_number, odd_text

# Rows of a log of ratings that are refused or left out, and why.
BAD_RATINGS = {
    "1,A1,15,1": "label_out_of_range",
    "2,A2,many,1": "not_a_number",
    "3,A3,1_0,1": "not_a_number",
    "4,A4,nan,1": "not_a_number",
    "5,,5,1": "missing_field",
    ",A6,5,1": "missing_field",
    "7,A7,,1": "no_label",
    "8,A8,99,1": "no_label",
    "9,A9,3,soon": "not_a_time",
    "10,A10,3,1,more": "malformed",
    '11,"A11,3,1': "malformed",
    "12,A\x8512,3,1": "malformed",
}


def write_ratings(folder):
    """Writes the tables of ratings, -10 to 10, a folder of parts; returns the `Shop`.

    Ids are in several forms, users have one pair or equal labels alone, items are rated
    that no table has, others nobody has rated, and pairs are there twice.
    """
    rows = _ratings()
    repeated = [f"{user},{item},-10,{time - 5}" for user, item, _, time in rows[:3]]
    lines = [f"{user},{item},{label},{time}" for user, item, label, time in rows]
    head = "user,item,label,time\n"
    parts = folder / "ratings"
    parts.mkdir()
    (parts / "_SUCCESS").touch()
    (parts / "part-0.csv").touch()
    (parts / "part-1.csv").write_text(head)
    for number, some in enumerate((lines[::2], lines[1::2], [*repeated, *BAD_RATINGS])):
        data = (head + "".join(f"{line}\n" for line in some)).encode()
        # Packed where no name says so, and not packed where one does.
        name = "more.csv.gz" if number == 1 else f"part-{number + 2}.csv"
        (parts / name).write_bytes(gzip.compress(data) if number == 0 else data)
    (folder / "people.json").write_text(json.dumps(_people()))
    (folder / "films.csv").write_text(_films(), encoding="utf-8-sig")
    reasons = Counter(BAD_RATINGS.values())
    no_label = Counter(no_label=reasons.pop("no_label"))
    return Shop(
        _rating_config(),
        left_out={"interactions": no_label + Counter(repeated_pair=len(repeated))},
        refused={"interactions": reasons, "users": Counter(conflicting_entity=1)},
        unreadable={
            "users": Counter(age=2, city=1),
            "items": Counter(year=2, version=1),
        },
    )


def _ratings():
    """Rows of user, item, label and time, ids in whatever form."""
    rows = []
    for user in range(1, NUM_USERS + 1):
        # One pair only; else fourteen, of which the last items are never rated.
        items = [user] if user <= 3 else range(user, user + 14)
        for item in items:
            taste = (user * item + user // 3) % 5
            label = 7 if user in (4, 5) else 5 * (taste - 2)
            name = f"A{1 + item % (NUM_ITEMS - 6)}"
            rows.append((odd_number(user, item), odd_text(name, user), label, item))
    return [*rows, (9, "nowhere", 5, 1), (10, "nowhere", -5, 1)]


def _people():
    ages = {1: "unknown", 2: 1e31, 3: None, 4: "", 5: " 41 "}
    people = [
        {"id": user, "age": ages.get(user, 20 + user)}
        for user in range(1, 1 + NUM_USERS)
    ]
    for person in people[20:]:  # A key that comes late.
        person["city"] = "Delft" if person["id"] % 2 else " Delft "
    people[30]["city"] = "Del\nft"
    return [*people, dict(people[50]), {"id": "052.0", "age": 18}]


def _films():
    years = {1: "soon", 2: "1e99", 3: ""}
    dubbed = ("1", "yes", "0.0", "")
    genres = ("drama||drama| comedy ", "(no genres listed)", "horror", "")
    lines = [
        f'A{item},"Film {item},\nor ""not""",{years.get(item, 1980 + item)},'
        f"{genres[item % 4]},{dubbed[item % 4]},{'maybe' if item == 2 else item % 2}\n"
        for item in range(1, 1 + NUM_ITEMS)
    ]
    return "film,title,year,genre,dubbed,subtitled\n" + "".join(lines)


def _rating_config():
    return {
        "name": "ratings",
        "data": {
            "source": "table",
            "interactions": {
                "table": {"path": "ratings", "missing": ["99", ""]},
                "user_column": "user",
                "item_column": "item",
                "label_column": "label",
                "label_min": -10,
                "label_max": 10,
                "time_column": "time",
                "keep": "last",
            },
            "users": {
                "table": {"path": "people.json", "format": "json"},
                "features": [{"name": "age", "kind": "numeric"}, {"name": "city"}],
            },
            "items": {
                "table": {"path": "films.csv", "multiline": True}
                | {"missing": ["(no genres listed)"]},
                "id_column": "film",
                "name_column": "title",
                "features": [
                    {"name": "year", "kind": "numeric"},
                    {"name": "genre", "kind": "multi"},
                    {"name": "version", "kind": "multi"}
                    | {"flags": ["dubbed", "subtitled"]},
                ],
            },
            "split": {"test_fraction": 0.25, "validation_fraction": 0.25},
            "episodes": {"query_size": 3, "num_shards": 2},
            "max_rejected_fraction": 0.02,
            "normalize_ids": True,
        },
        "model": TINY_MODEL | {"embedding_dim": 4, "prior_rank": 2},
        "training": {"support_size": 6, "query_size": 3, "max_epochs": 2},
        "evaluation": {"support_size": 6, "few_shot_sizes": [0, 2]}
        | {"baselines": ["support_mean"], "num_resamples": 100},
        "export": {"top_k": 5, "min_item_count": 1},
    }
