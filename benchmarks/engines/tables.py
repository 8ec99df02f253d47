"""Made-up tables of both settings, with rows that are refused, and a configuration."""

import pathlib
import random

import yaml

CONFIGS = ("ratings.yaml", "clicks.yaml")
RAW_DIR = "raw"

_NUM_ITEMS, _NUM_SCENARIOS = 60, 12
_REFUSED = "u1,i1,9\nu1,,3\nu2,i2\n"
_EPISODES = {"min_pool_size": 5, "min_clicks": 3, "num_negatives": 2}


def write_experiments(folder: pathlib.Path, num_users: int) -> None:
    """Writes the tables into a folder under this one, and the two configurations."""
    raw = folder / RAW_DIR
    raw.mkdir(parents=True)
    chance = random.Random(7)
    rows = [
        (f"u{user}", f"i{item}", chance.randint(1, 5))
        for user in range(num_users)
        for item in chance.sample(range(_NUM_ITEMS), 20)
    ]
    _write(raw / "ratings.csv", "user_id,item_id,rating", rows, _REFUSED)
    users = [(f"u{user}", "FM"[user % 2], 20 + user % 50) for user in range(num_users)]
    _write(raw / "users.csv", "id,gender,age", users)
    items = [(f"i{i}", f"Film {i}", f"a|b{i % 5}") for i in range(_NUM_ITEMS)]
    _write(raw / "items.csv", "id,title,genre", items)
    clicks = [(user, item) for user, item, _ in rows]
    _write(raw / "clicks.csv", "user_id,item_id", clicks, "u1,\n")
    pools = [
        (f"i{item}", f"s{scenario}")
        for scenario in range(_NUM_SCENARIOS)
        for item in chance.sample(range(_NUM_ITEMS), 30)
    ]
    _write(raw / "pools.csv", "item_id,scenario_id", pools)
    for name, values in zip(CONFIGS, (_ratings(), _clicks()), strict=True):
        text = yaml.safe_dump({**values, "prepared_dir": "prepared"}, sort_keys=False)
        (folder / name).write_text(text, encoding="utf-8")


def _write(path: pathlib.Path, header: str, rows: list, more: str = "") -> None:
    lines = [",".join(map(str, row)) + "\n" for row in rows]
    path.write_text(f"{header}\n{''.join(lines)}{more}", encoding="utf-8")


def _ratings() -> dict[str, object]:
    features = [{"name": "gender"}, {"name": "age", "kind": "numeric"}]
    items = {"table": {"path": "items.csv"}, "name_column": "title"}
    data = {
        "source": "table",
        "interactions": {"table": {"path": "ratings.csv"}},
        "users": {"table": {"path": "users.csv"}, "features": features},
        "items": {**items, "features": [{"name": "genre", "kind": "multi"}]},
        "max_rejected_fraction": 0.1,
    }
    return {"name": "ratings", "data": data}


def _clicks() -> dict[str, object]:
    shop = {
        "source": "table",
        "clicks": {"table": {"path": "clicks.csv"}},
        "pools": {"table": {"path": "pools.csv"}},
    }
    data = {"domains": {"shop": shop}, "episodes": _EPISODES}
    return {
        "setting": "scenario",
        "name": "clicks",
        "data": {**data, "max_rejected_fraction": 0.1},
    }
