"""What `recommend` of a large catalogue costs, and what its index does not find.

Factors of items are made up (benchmarks/made_up_ratings.py). Real items are more alike
than normal ones, and easier to find.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

from pipeline.experiment import quiet

quiet.quieten()
quiet.import_tensorflow()

import numpy as np

from benchmarks.made_up_ratings import (
    LEVELS,
    assign_made_up_factors,
    made_up_ratings,
)
from models.cmml_builders import rated_cmml
from models.episodes.entity_table import EntityTable
from models.legacy_keras import tf
from models.options import CMMLOptions
from models.serving.options import ServingOptions
from models.serving.served_user_model import ServedUserModel
from transforms import schema

_NUM_USERS = 100
_SUPPORT_SIZE, _TOP_K = 40, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[10**5, 10**6])
    parser.add_argument("--search_size", type=int, default=16_384)
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=50)
    arguments = parser.parse_args()
    for num_items in arguments.items:
        print(json.dumps(measure(num_items, arguments)), flush=True)


def measure(num_items: int, arguments: argparse.Namespace) -> dict[str, float]:
    """Returns times in milliseconds, sizes in megabytes, and what share is found."""
    tf.keras.backend.clear_session()
    with tempfile.TemporaryDirectory() as folder:
        directory = pathlib.Path(folder)
        ids = directory / schema.VOCABULARY_DIR / f"{schema.ITEM_ID}.txt"
        ids.parent.mkdir()
        ids.write_text("".join(f"{item}\n" for item in range(1, num_items + 1)))
        started = time.perf_counter()
        served = made_up(num_items, directory, arguments.search_size)
        built_s = time.perf_counter() - started
        served.save(directory / "model")
        size = sum(p.stat().st_size for p in (directory / "model").rglob("*.*"))
        loaded = tf.saved_model.load(str(directory / "model"))
        recommend = loaded.signatures["recommend"]
        requests = [request(num_items, seed) for seed in range(arguments.tasks)]
        milliseconds = timed(recommend, requests, arguments.repeats)
        exact = served.exact().signature("recommend")
        kept = []
        for each in requests:
            best, found = (
                set(f(**each)["item_id"].numpy()[0]) for f in (exact, recommend)
            )
            kept.append(len(best & found) / len(best))
        return {
            "items": num_items,
            "shortlist_size": served.shortlist_size,
            "recommend_p50_ms": round(float(np.median(milliseconds)), 2),
            "exact_p50_ms": round(float(np.median(timed(exact, requests, 3))), 1),
            f"recall@{_TOP_K}": round(float(np.mean(kept)), 4),
            "build_s": round(built_s, 1),
            "saved_mb": round(size / 1e6),
            "served_mb": served_mb(directory / "model"),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }


def served_mb(directory: pathlib.Path) -> int:
    """Returns the megabytes that a process takes more with the model than before."""
    code = (
        "import sys, psutil, tensorflow as tf\n"
        "size = lambda: psutil.Process().memory_info().rss\n"
        "before = size()\n"
        "loaded = tf.saved_model.load(sys.argv[1])\n"
        "print(round((size() - before) / 1e6))\n"
    )
    command = [sys.executable, "-c", code, str(directory)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)


def made_up(
    num_items: int, directory: pathlib.Path, search_size: int
) -> ServedUserModel:
    """Makes a model of the default options with made-up factors of items."""
    info = made_up_ratings(_NUM_USERS, num_items)
    users, items = (
        EntityTable((), {}, np.full(rows + 1, 20, np.int64))
        for rows in (_NUM_USERS, num_items)
    )
    model = rated_cmml(info, users, items, CMMLOptions())
    assign_made_up_factors(model.pairs.factors)
    options = ServingOptions(top_k=_TOP_K, search_size=search_size)
    return ServedUserModel(model, info, items, directory, options)


def request(num_items: int, seed: int) -> dict[str, tf.Tensor]:
    """Returns what a user of made-up ratings asks."""
    chance = np.random.default_rng(seed)
    items = chance.integers(1, num_items + 1, [1, _SUPPORT_SIZE])
    return {
        "support_item_id": tf.strings.as_string(items),
        "support_label": tf.constant(
            chance.choice(LEVELS, [1, _SUPPORT_SIZE]), tf.float32
        ),
        "exclude_item_id": tf.constant([[""]]),
    }


def timed(recommend, requests, repeats: int) -> list[float]:
    """Returns the milliseconds of answers, after one that warms up."""
    recommend(**requests[0])
    milliseconds = []
    for turn in range(repeats):
        started = time.perf_counter()
        recommend(**requests[turn % len(requests)])["item_id"].numpy()
        milliseconds.append(1e3 * (time.perf_counter() - started))
    return milliseconds


if __name__ == "__main__":
    main()
