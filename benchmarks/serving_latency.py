"""Milliseconds of an exported model's signatures, in process."""

import argparse
import json
import pathlib
import time

import numpy as np

from pipeline import quiet

quiet.quieten()
quiet.import_tensorflow()

from models.legacy_keras import tf  # noqa: E402
from pipeline.exported_model import newest_version  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--support_size", type=int, default=40)
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--requests", type=int, default=200)
    arguments = parser.parse_args()
    directory = newest_version(arguments.model)
    loaded = tf.saved_model.load(str(directory))
    example = directory / "assets.extra" / "request_examples" / "rank.json"
    row = json.loads(example.read_text(encoding="utf-8"))["instances"][0]
    vocabulary = (directory / "assets" / "item_id.txt").read_text(encoding="utf-8")
    ids = vocabulary.splitlines()
    rng = np.random.default_rng(0)
    support = rng.choice(ids, arguments.support_size)
    labels = rng.integers(1, 6, arguments.support_size).astype(np.float32)
    user = {name: value for name, value in row.items() if name.startswith("user_")}
    inputs = {name: tf.constant([value]) for name, value in user.items()}
    inputs["support_item_id"] = tf.constant([support])
    inputs["support_label"] = tf.constant([labels])
    query = tf.constant([rng.choice(ids, arguments.candidates)])
    exclude = tf.constant([[""]])
    rank, recommend = (loaded.signatures[name] for name in ("rank", "recommend"))
    figures = {}
    for name, call in (
        ("rank_ms", lambda: rank(query_item_id=query, **inputs)),
        ("recommend_ms", lambda: recommend(exclude_item_id=exclude, **inputs)),
    ):
        for _ in range(10):
            call()
        times = []
        for _ in range(arguments.requests):
            started = time.perf_counter()
            call()
            times.append(1000 * (time.perf_counter() - started))
        p50, p90, p99 = np.percentile(times, [50, 90, 99]).round(2)
        figures[name] = {"p50": p50, "p90": p90, "p99": p99}
    print(json.dumps(figures | {"items": len(ids)}))


if __name__ == "__main__":
    main()
