"""Processor time of a training step by the number of items, on made-up episodes."""

import argparse
import json
import resource
import time

from pipeline.experiment import quiet

quiet.quieten()
quiet.import_tensorflow()

import numpy as np

from benchmarks.made_up_ratings import LEVELS, made_up_ratings
from models.cmml_builders import rated_cmml
from models.episodes.entity_table import EntityTable
from models.legacy_keras import tf
from models.options import CMMLOptions
from pipeline.settings.user.config import TrainingConfig
from pipeline.training.fit import prepare_fit
from transforms.schema import Feature

_NUM_USERS, _NUM_BATCHES = 4000, 16
_FEATURE = Feature("genre", "categorical", vocabulary_size=20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[4000, 10**5, 10**6])
    parser.add_argument("--embeddings", default="both")
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--support_size", type=int, default=40)
    parser.add_argument("--query_size", type=int, default=20)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    for num_items in arguments.items:
        milliseconds = measure(num_items, arguments)
        figures = {
            "items": num_items,
            "embeddings": arguments.embeddings,
            "cpu_ms_per_step": [round(ms, 1) for ms in sorted(milliseconds)],
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
        print(json.dumps(figures), flush=True)


def measure(num_items: int, arguments: argparse.Namespace) -> list[float]:
    """Returns the milliseconds of processor time of a step, of each repeat."""
    tf.keras.backend.clear_session()
    rng = np.random.default_rng(0)
    tables = _table(_NUM_USERS, rng), _table(num_items, rng)
    info = made_up_ratings(_NUM_USERS, num_items, _FEATURE)
    options = CMMLOptions(embeddings=arguments.embeddings)
    model = rated_cmml(info, *tables, options)
    training = TrainingConfig(learning_rate=1e-3, max_epochs=10)
    prepare_fit(model, training, arguments.steps)
    batches = [_batch(num_items, rng, arguments) for _ in range(_NUM_BATCHES)]
    stacked = {name: np.stack([b[name] for b in batches]) for name in batches[0]}
    episodes = tf.data.Dataset.from_tensor_slices(stacked).repeat()
    milliseconds = []
    for _ in range(arguments.repeats + 1):  # The first one traces.
        started = time.process_time()
        model.fit(episodes, steps_per_epoch=arguments.steps, verbose=0)
        milliseconds.append((time.process_time() - started) / arguments.steps * 1e3)
    return milliseconds[1:]


def _table(num_rows: int, rng: np.random.Generator) -> EntityTable:
    values = rng.integers(1, 21, [num_rows + 1, 1]).astype(np.int32)
    values[0] = 0
    counts = np.full(num_rows + 1, 10, np.int64)
    return EntityTable((_FEATURE,), {_FEATURE.name: values}, counts)


def _batch(
    num_items: int, rng: np.random.Generator, arguments: argparse.Namespace
) -> dict[str, np.ndarray]:
    """Returns episodes whose items are drawn log-uniformly: few of them are most."""
    batch: dict[str, np.ndarray] = {}
    user = rng.integers(1, _NUM_USERS + 1, [arguments.batch_size, 1])
    for role in ("support", "query"):
        size = getattr(arguments, f"{role}_size")
        shape = [arguments.batch_size, size]
        items = np.ceil(num_items ** rng.random(shape))
        batch[f"{role}_user"] = np.broadcast_to(user, shape).astype(np.int32)
        batch[f"{role}_item"] = items.astype(np.int32)
        batch[f"{role}_label"] = rng.choice(LEVELS, shape).astype(np.float32)
        batch[f"{role}_mask"] = np.ones(shape, bool)
    return batch


if __name__ == "__main__":
    main()
