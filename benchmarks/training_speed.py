"""User tasks a second of `fit`, input pipeline included."""

import argparse
import dataclasses
import json
import math
import resource
import time

from pipeline.experiment import quiet

quiet.quieten()
quiet.import_tensorflow()

from models.cmml_builders import rated_cmml
from models.episodes.rating_episodes import training_episodes
from models.legacy_keras import tf
from models.options import CMMLOptions
from models.parts.family import combinations
from pipeline.settings.registry import load_experiment
from pipeline.settings.user.config import TrainingConfig
from pipeline.settings.user.data import UserData, load_user_data
from pipeline.steps.prepare import open_dataset
from pipeline.training.fit import prepare_fit
from transforms.schema import META_TRAIN


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--support_size", type=int, default=40)
    parser.add_argument("--query_size", type=int, default=10)
    parser.add_argument("--full_support_fraction", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--members",
        action="store_true",
        help="every encoder with every hybrid and modulation, a line each",
    )
    arguments = parser.parse_args()
    config = load_experiment(arguments.config, arguments.set)
    dataset = load_user_data(open_dataset(config))
    for names in combinations() if arguments.members else [{}]:
        options = dataclasses.replace(config.model, **names)
        speeds = measure(dataset, options, config.training, arguments)
        figures = {
            **names,
            "tasks_per_s": sorted(round(speed) for speed in speeds),
            "batch_size": config.training.batch_size,
            "support_size": arguments.support_size,
            "query_size": arguments.query_size,
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
        print(json.dumps(figures), flush=True)


def measure(
    dataset: UserData,
    options: CMMLOptions,
    training: TrainingConfig,
    arguments: argparse.Namespace,
) -> list[float]:
    """Returns the tasks a second of each epoch but the first, which traces."""
    tf.keras.backend.clear_session()
    model = rated_cmml(dataset.info, dataset.users, dataset.items, options)
    num_tasks = dataset.info.num_tasks[META_TRAIN]
    steps = math.ceil(num_tasks / training.batch_size)
    prepare_fit(model, training, steps)
    episodes = training_episodes(
        dataset.directory,
        support_size=arguments.support_size,
        query_size=arguments.query_size,
        batch_size=training.batch_size,
        seed=0,
        full_support_fraction=arguments.full_support_fraction,
    )
    speeds = []
    for _ in range(arguments.epochs + 1):
        started = time.monotonic()
        model.fit(episodes, steps_per_epoch=steps, epochs=1, verbose=0)
        speeds.append(num_tasks / (time.monotonic() - started))
    return speeds[1:]


if __name__ == "__main__":
    main()
