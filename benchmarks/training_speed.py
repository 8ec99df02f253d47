"""User tasks a second of `fit`, input pipeline included."""

import argparse
import json
import math
import resource
import time

from pipeline import quiet

quiet.quieten()
quiet.import_tensorflow()

from models.cmml import build_cmml  # noqa: E402
from models.episode_dataset import training_episodes  # noqa: E402
from models.legacy_keras import tf  # noqa: E402
from pipeline.config import load_config  # noqa: E402
from pipeline.loaded_dataset import load_dataset  # noqa: E402
from pipeline.prepare import open_dataset  # noqa: E402
from transforms.schema import META_TRAIN  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--support_size", type=int, default=40)
    parser.add_argument("--query_size", type=int, default=10)
    parser.add_argument("--full_support_fraction", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    config = load_config(arguments.config, arguments.set)
    dataset = load_dataset(open_dataset(config))
    model = build_cmml(dataset.info, dataset.users, dataset.items, config.model)
    num_tasks = dataset.info.num_tasks[META_TRAIN]
    steps = math.ceil(num_tasks / config.training.batch_size)
    model.compile(
        optimizer=tf.keras.optimizers.Adam(
            config.training.learning_rate, jit_compile=True
        ),
        steps_per_execution=min(config.training.steps_per_execution, steps),
    )
    episodes = training_episodes(
        dataset.directory,
        support_size=arguments.support_size,
        query_size=arguments.query_size,
        batch_size=config.training.batch_size,
        seed=0,
        full_support_fraction=arguments.full_support_fraction,
    )
    model.fit(episodes, steps_per_epoch=steps, epochs=1, verbose=0)  # Traces.
    speeds = []
    for _ in range(arguments.epochs):
        started = time.monotonic()
        model.fit(episodes, steps_per_epoch=steps, epochs=1, verbose=0)
        speeds.append(num_tasks / (time.monotonic() - started))
    figures = {
        "tasks_per_s": sorted(round(speed) for speed in speeds),
        "batch_size": config.training.batch_size,
        "support_size": arguments.support_size,
        "query_size": arguments.query_size,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
