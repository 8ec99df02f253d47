"""A made-up shop, and an experiment on it that takes seconds."""

import pathlib
import random

import yaml

NAME = "shop"
CONFIG, SPACE, GRID = "shop.yaml", "space.yaml", "grid.yaml"
RAW_DIR, PREPARED_DIR, RUNS_DIR, BASE_DIR = "raw", "prepared", "runs", "base"

_NUM_USERS, _NUM_ITEMS, _NUM_SCENARIOS, _POOL = 40, 60, 24, 40
_TASTES = 4


def write_experiment(folder: pathlib.Path, setting: str) -> None:
    """Writes tables, configuration, space and grid; all paths are relative to it."""
    raw, of_setting = folder / RAW_DIR, {"user": _of_users, "scenario": _of_scenarios}
    raw.mkdir(parents=True)
    write_clicks(raw)
    write_ratings(raw)
    values = {
        CONFIG: _COMMON | of_setting[setting](),
        SPACE: {"name": "kills", "keys": {"model.dropout": [0.0, 0.1, 0.2]}},
        GRID: {"name": "kills", "tables": [{"title": "one", "rows": {"as it is": {}}}]},
    }
    for name, value in values.items():
        text = yaml.safe_dump(value, sort_keys=False)
        (folder / name).write_text(text, encoding="utf-8")


def write_ratings(folder: pathlib.Path) -> None:
    """Writes ratings.csv; who shares a taste with an item likes it more."""
    chance = random.Random(7)
    ratings = [
        f"u{user},i{item},{chance.randint(3, 5) if liked else chance.randint(1, 3)}\n"
        for user in range(_NUM_USERS)
        for item in chance.sample(range(_NUM_ITEMS), 20)
        for liked in [user % _TASTES == item % _TASTES]
    ]
    (folder / "ratings.csv").write_text("user,item,stars\n" + "".join(ratings))


def write_clicks(folder: pathlib.Path) -> None:
    """Writes clicks.csv and pools.csv; who shares a taste clicks more."""
    chance = random.Random(7)
    clicks = [
        f"u{user},i{item}\n"
        for user in range(_NUM_USERS)
        for item in range(_NUM_ITEMS)
        if chance.random() < (0.8 if user % _TASTES == item % _TASTES else 0.1)
    ]
    pools = [
        f"i{item},s{scenario}\n"
        for scenario in range(_NUM_SCENARIOS)
        for item in sorted(chance.sample(range(_NUM_ITEMS), _POOL))
    ]
    (folder / "clicks.csv").write_text("user,item\n" + "".join(clicks))
    (folder / "pools.csv").write_text("item,scenario\n" + "".join(pools))


_MODEL = {
    "encoder": "mean",
    "hybrid": "none",
    "modulation": "weight",
    "label_dim": 2,
    "encoder_dim": 4,
    "modulation_dim": 4,
    "hidden_dims": [4],
}
_TRAINING = {
    "support_size": 8,
    "query_size": 8,
    "batch_size": 4,
    "steps_per_execution": 1,
    "max_epochs": 4,
    "refit": "meta_train",
}
_COMMON: dict[str, object] = {
    "name": NAME,
    "comparison": {"num_trials": 1, "num_resamples": 100},
    "tensorboard": {"insight_every": 0},
    "export": {"top_k": 3, "min_item_count": 1},
    "prepared_dir": PREPARED_DIR,
    "runs_dir": RUNS_DIR,
}


def _of_users() -> dict[str, object]:
    interactions = {
        "table": {"path": "ratings.csv"},
        "user_column": "user",
        "item_column": "item",
        "label_column": "stars",
    }
    return {
        "setting": "user",
        "data": {
            "source": "table",
            "interactions": interactions,
            "split": {"test_fraction": 0.25, "validation_fraction": 0.25},
            "episodes": {"query_size": 5, "num_shards": 2},
        },
        "model": _MODEL | {"prior_rank": 2},
        "training": _TRAINING | {"query_size": 5},
        "evaluation": {
            "support_size": 8,
            "few_shot_sizes": [0],
            "num_resamples": 100,
            "baselines": ["support_mean"],
        },
    }


def _of_scenarios() -> dict[str, object]:
    shop = {
        "source": "table",
        "clicks": {
            "table": {"path": "clicks.csv"},
            "user_column": "user",
            "item_column": "item",
        },
        "pools": {
            "table": {"path": "pools.csv"},
            "item_column": "item",
            "scenario_column": "scenario",
        },
    }
    return {
        "setting": "scenario",
        "data": {
            "domains": {"shop": shop},
            "split": {"test_fraction": 0.25, "validation_fraction": 0.25},
            "episodes": {
                "min_pool_size": 8,
                "max_pool_size": 50,
                "support_size": 8,
                "min_clicks": 6,
                "num_shards": 2,
            },
        },
        "vectors": {
            "factors": 3,
            "iterations": 2,
            "regularization": [1.0],
            "alpha": [1.0],
            "pool_weight": [0.0],
            "item_weight": [0.0],
            "open_weight": [1.0],
            "item_l2": [100.0],
            "item_factors": 2,
        },
        "model": _MODEL,
        "training": _TRAINING | {"steps_per_epoch": 2},
        "evaluation": {
            "support_size": 8,
            "few_shot_sizes": [0],
            "num_resamples": 100,
            "baselines": ["popularity"],
        },
    }
