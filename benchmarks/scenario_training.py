"""Memory and speed of the input of a training on scenarios, and of the training.

python -m benchmarks.prepare_speed --setting scenario --rows 3000000 --output FOLDER
python -m benchmarks.scenario_training --dataset FOLDER --config configs/own_clicks.yaml

Factors are made up. Prints a JSON line: processor time until episodes can be drawn,
milliseconds of processor time to draw a batch and to train on one, the memory that is
the process's own, in MB, before, with episodes being drawn and while training, and a
digest of the episodes of an epoch, by which two builds can be held together.
"""

import argparse
import hashlib
import json
import pathlib
import time

from pipeline.experiment import quiet

quiet.quieten()
quiet.import_tensorflow()

import numpy as np

from models.factors.vectors import Vectors
from models.legacy_keras import tf
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.settings.scenario.data import ScenarioData
from pipeline.settings.scenario.training import scenario_training
from pipeline.training.fit import prepare_fit
from transforms.clicks.schema import load_scenario_info

_DIM = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=pathlib.Path, required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    config = load_experiment(arguments.config, arguments.set)
    info = load_scenario_info(arguments.dataset)
    sizes = info.num_users, info.num_items
    factors = Vectors(*(made_up(number, info.num_folds) for number in sizes))
    data = ScenarioData(arguments.dataset, info, factors)
    tf.keras.utils.set_random_seed(0)
    model = setting_of(config).build(config, data, fit=True)
    own = [own_mb()]
    started = time.process_time()
    plan = scenario_training(config, data)
    episodes = plan.episodes(0)
    batches = iter(episodes)
    next(batches)
    opened, steps = time.process_time(), plan.steps_per_epoch
    digest = hashlib.sha256()
    for _ in range(steps):
        batch = next(batches)
        for name in sorted(batch):
            digest.update(batch[name].numpy().tobytes())
    drawn = time.process_time()
    own.append(own_mb())
    prepare_fit(model, config.training, steps)
    model.fit(episodes, steps_per_epoch=steps, verbose=0)  # Traces.
    traced = time.process_time()
    model.fit(episodes, steps_per_epoch=steps, epochs=arguments.epochs, verbose=0)
    trained = time.process_time()
    figures = {
        "clicks": info.num_clicks,
        "opening_s": round(opened - started, 1),
        "drawing_ms": round((drawn - opened) / steps * 1e3, 1),
        "training_ms": round((trained - traced) / steps / arguments.epochs * 1e3, 1),
        "own_mb": [*own, own_mb()],
        "digest": digest.hexdigest()[:16],
    }
    print(json.dumps(figures))


def made_up(number: int, num_folds: int) -> np.ndarray:
    """Returns factors of so many entities, alike in all fits."""
    rows = np.random.default_rng(0).normal(size=[1, number + 1, _DIM])
    return np.repeat(rows.astype(np.float32), 1 + num_folds, axis=0)


def own_mb() -> int:
    """Returns the memory of this process that is of no file, and so not given up."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) >> 10


if __name__ == "__main__":
    main()
