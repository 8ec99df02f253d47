"""The shop with faults, as clicks in scenarios."""

import gzip
import json
import random
from collections import Counter

from faulty_shop import NUM_ITEMS, NUM_USERS, TINY_MODEL, Shop, odd_number

NUM_THEMES = 8

BAD_CLICKS = {
    ";7;5": "missing_field",
    "1;;5": "missing_field",
    "1;7;lots": "not_a_number",
    "1;7;5;5": "malformed",
    "2;8;": "no_label",
    "2;9;NA": "no_label",
    "3;8;1": "label_too_low",
    "3;9;-4": "label_too_low",
}


def write_clicks(folder):
    """Writes the tables of clicks; returns the `Shop`.

    Themes are in two cases, too small, and not larger than what recall looks at; goods
    belong to none, were never clicked, or are clicked and in no pool.
    """
    chance = random.Random(5)
    pairs = [
        (user, item)
        for user in range(1, NUM_USERS + 1)
        for item in range(1, NUM_ITEMS + 1)
        if chance.random() < (0.7 if user % 4 == item % 4 else 0.1)
    ]
    lines = [f"{user};{odd_number(item, user)};5" for user, item in pairs]
    again = [f" {user}.0;{item};4" for user, item in pairs[:4]]
    lost = ["1;777;5", "2;777;5"]
    text = "shopper;good;stars\n" + "\n".join([*lines, *again, *lost, *BAD_CLICKS])
    (folder / "clicks.csv").write_bytes(gzip.compress(text.encode()))
    pools, num_none = _pools(chance)
    (folder / "pools.jsonl").write_text(
        "".join(f"{json.dumps(one)}\n" for one in pools)
    )
    goods = "".join(f"{item:03d}\tGood {item}\n" for item in range(1, NUM_ITEMS + 6))
    (folder / "goods.tsv").write_text(f"id\tname\n{goods}", encoding="latin-1")
    reasons = Counter(BAD_CLICKS.values())
    unwanted = {name: reasons.pop(name) for name in ("no_label", "label_too_low")}
    return Shop(
        _click_config(),
        left_out={
            "clicks": Counter(unwanted | {"repeated_click": len(again)}),
            "pools": Counter(no_scenario=num_none),
        },
        refused={"clicks": reasons},
        unreadable={},
    )


def _pools(chance):
    """Rows of good and themes; some goods belong to none."""
    sizes = [2, 15, *[36] * (NUM_THEMES - 2)]
    themes = [set(chance.sample(range(1, NUM_ITEMS - 1), size)) for size in sizes]
    pools = []
    for item in range(1, NUM_ITEMS + 1):
        names = [f"Theme {n}" for n, items in enumerate(themes) if item in items]
        names = [name.upper() for name in names] if item % 5 == 0 else names
        pools.append({"good": float(item), "themes": ", ".join(names) or "none"})
    return pools, sum(pool["themes"] == "none" for pool in pools)


def _click_config():
    clicks = {
        "table": {"path": "clicks.csv", "delimiter": ";", "missing": ["NA", ""]},
        "user_column": "shopper",
        "item_column": "good",
        "label_column": "stars",
        "label_at_least": 4,
    }
    pools = {
        "table": {"path": "pools.jsonl", "format": "jsonl", "missing": ["none"]},
        "item_column": "good",
        "scenario_column": "themes",
        "separator": ",",
    }
    names = {"table": {"path": "goods.tsv", "delimiter": "\t", "encoding": "latin-1"}}
    shop = {"source": "table", "clicks": clicks, "pools": pools, "item_names": names}
    return {
        "setting": "scenario",
        "name": "clicks",
        "data": {
            "domains": {"shop": shop},
            "split": {"test_fraction": 0.25, "validation_fraction": 0.25},
            "episodes": {"min_pool_size": 10, "max_pool_size": 40, "support_size": 8}
            | {"min_clicks": 8, "num_shards": 2},
            "normalize_ids": True,
        },
        "vectors": {"factors": 4, "regularization": [1.0], "alpha": [1.0]}
        | {"item_factors": 4},
        "model": TINY_MODEL,
        "training": {"support_size": 8, "query_size": 16, "batch_size": 4}
        | {"steps_per_epoch": 4, "max_epochs": 1},
        "evaluation": {"support_size": 8, "few_shot_sizes": [0], "num_resamples": 100},
        "export": {"top_k": 5, "min_item_count": 1},
    }
