"""What `recommend` of a large catalogue costs, and what its index does not find.

Factors of items are made up. Those of ratings (benchmarks/made_up_ratings.py) are
normal: real items are more alike, and easier to find. Those of clicks are normal too,
as wide as those of CiteULike, and vary as much; or they are drawn from vectors that
`pretrain` wrote (`--vectors`), with noise, so that a large catalogue is as alike as a
real one is. No pool is given.
"""

import argparse
import dataclasses
import functools
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

from benchmarks.made_up_ratings import LEVELS, assign_made_up_factors, made_up_ratings
from models.cmml_builders import clicked_cmml, rated_cmml
from models.episodes.entity_table import EntityTable
from models.factors.vector_files import load_vectors
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.options import CMMLOptions, ScenarioOptions
from models.serving.options import ServingOptions
from models.serving.served_model import ServedModel
from models.serving.served_scenario_model import ServedScenarioModel
from models.serving.served_user_model import ServedUserModel
from transforms import schema

_NUM_USERS = 100
_SUPPORT_SIZE, _TOP_K = 40, 100
_NOISE = 0.5  # Of the spread of each unit, added to items that are drawn.
_BLOCK = 1 << 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setting", choices=["user", "scenario"], default="user")
    parser.add_argument("--vectors", type=pathlib.Path, help="folder, for clicks")
    parser.add_argument("--items", type=int, nargs="+", default=[10**5, 10**6])
    parser.add_argument("--search_size", type=int, default=16_384)
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=50)
    arguments = parser.parse_args()
    for num_items in arguments.items:
        print(json.dumps(measure(num_items, arguments)), flush=True)


def measure(num_items: int, arguments: argparse.Namespace) -> dict[str, object]:
    """Returns times in milliseconds, sizes in megabytes, and what share is found."""
    tf.keras.backend.clear_session()
    with tempfile.TemporaryDirectory() as folder:
        directory = pathlib.Path(folder)
        ids = directory / schema.VOCABULARY_DIR
        ids.mkdir()
        for name, number in ((schema.ITEM_ID, num_items), (schema.USER_ID, _NUM_USERS)):
            lines = "".join(f"{one}\n" for one in range(1, number + 1))
            (ids / f"{name}.txt").write_text(lines)
        made_up, request = _SETTINGS[arguments.setting]
        if arguments.vectors:
            made_up = functools.partial(clicked, drawn_from=arguments.vectors)
        options = ServingOptions(top_k=_TOP_K, search_size=arguments.search_size)
        started = time.perf_counter()
        served = made_up(num_items, directory, options)
        built_s = time.perf_counter() - started
        served.save(directory / "model")
        size = sum(p.stat().st_size for p in (directory / "model").rglob("*.*"))
        loaded = tf.saved_model.load(str(directory / "model"))
        recommend = loaded.signatures["recommend"]
        requests = [request(num_items, seed) for seed in range(arguments.tasks)]
        milliseconds, processor_ms = timed(recommend, requests, arguments.repeats)
        exact = served.exact().signature("recommend")
        exact_ms, exact_processor_ms = timed(exact, requests, 3)
        kept = []
        for each in requests:
            best, found = (
                set(f(**each)["item_id"].numpy()[0]) for f in (exact, recommend)
            )
            kept.append(len(best & found) / len(best))
        return {
            "setting": arguments.setting,
            "items": num_items,
            "shortlist_size": served.shortlist_size,
            "recommend_p50_ms": milliseconds,
            "exact_p50_ms": exact_ms,
            "recommend_cpu_ms": processor_ms,
            "exact_cpu_ms": exact_processor_ms,
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


def rated(
    num_items: int, directory: pathlib.Path, options: ServingOptions
) -> ServedModel:
    """Makes a model of the default options with made-up factors of items."""
    info = made_up_ratings(_NUM_USERS, num_items)
    users, items = (
        EntityTable((), {}, np.full(rows + 1, 20, np.int64))
        for rows in (_NUM_USERS, num_items)
    )
    model = rated_cmml(info, users, items, CMMLOptions())
    assign_made_up_factors(model.pairs.factors)
    return ServedUserModel(model, info, items, directory, options)


def clicked(
    num_items: int,
    directory: pathlib.Path,
    options: ServingOptions,
    *,
    drawn_from: pathlib.Path | None = None,
) -> ServedModel:
    """Does so with made-up vectors of users and items."""
    vectors = drawn(num_items, drawn_from) if drawn_from else normal(num_items)
    model = clicked_cmml(vectors, ScenarioOptions())
    counts = np.full(num_items + 1, 20, np.int64)
    return ServedScenarioModel(model, vectors, counts, directory, options)


def normal(num_items: int) -> Vectors:
    """Returns normal vectors, as wide as those of CiteULike."""
    width, linear = 128, 512
    chance = np.random.default_rng(0)
    of_direction = (
        *(
            0.09 * np.arange(1, width + 1) ** -0.25,
            0.09 * np.arange(1, linear + 1) ** -0.15,
        ),
        [0.0, 0.1],
    )
    spread = np.concatenate(of_direction).astype(np.float32)
    users = chance.standard_normal([_NUM_USERS + 1, len(spread)], np.float32) * spread
    items = chance.standard_normal([num_items + 1, len(spread)], np.float32)
    items *= spread
    items[:, -2] = 1.0  # What a click weighs.
    return Vectors(
        users[np.newaxis], items[np.newaxis], num_further=linear + 2, num_linear=linear
    )


def drawn(num_items: int, directory: pathlib.Path) -> Vectors:
    """Returns vectors drawn from those that were fitted, with noise on the items."""
    fitted = load_vectors(directory, with_folds=False)
    users, items = (table[fitted.open_fit] for table in (fitted.users, fitted.items))
    chance = np.random.default_rng(0)
    users = users[np.r_[0, chance.integers(1, len(users), _NUM_USERS)]]
    spread = _NOISE * items.std(axis=0)
    spread[-2:] = 0.0  # What a click weighs, and which items nobody has clicked.
    items = items[np.r_[0, chance.integers(1, len(items), num_items)]]
    for start in range(1, len(items), _BLOCK):
        block = items[start : start + _BLOCK]
        block += chance.standard_normal(block.shape, np.float32) * spread
    tables = {"users": users[np.newaxis], "items": items[np.newaxis]}
    return dataclasses.replace(fitted, per_fold=1, **tables)


def of_user(num_items: int, seed: int) -> dict[str, tf.Tensor]:
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


def of_scenario(num_items: int, seed: int) -> dict[str, tf.Tensor]:
    """Returns what a scenario of made-up clicks asks, without a pool."""
    chance = np.random.default_rng(seed)
    items = chance.integers(1, num_items + 1, [1, _SUPPORT_SIZE])
    users = chance.integers(1, _NUM_USERS + 1, _SUPPORT_SIZE + 1).astype(str)
    return {
        "support_user_id": tf.constant(users[np.newaxis, 1:]),
        "support_item_id": tf.strings.as_string(items),
        "support_label": tf.ones([1, _SUPPORT_SIZE]),
        "query_user_id": tf.constant(users[:1]),
        "candidate_item_id": tf.zeros([1, 0], tf.string),
        "exclude_item_id": tf.constant([[""]]),
    }


_SETTINGS = {"user": (rated, of_user), "scenario": (clicked, of_scenario)}


def timed(recommend, requests, repeats: int) -> tuple[float, float]:
    """Returns median milliseconds of answers, by the clock and of processor time."""
    recommend(**requests[0])  # Warms up.
    times = []
    for turn in range(repeats):
        started = time.perf_counter(), time.process_time()
        recommend(**requests[turn % len(requests)])["item_id"].numpy()
        ended = time.perf_counter(), time.process_time()
        times.append(np.subtract(ended, started))
    by_clock, of_processor = 1e3 * np.median(times, axis=0)
    return round(float(by_clock), 1), round(float(of_processor), 1)


if __name__ == "__main__":
    main()
