"""How far one false label of a support set moves the scores of its task.

For each task of meta-validation and each of its first S support pairs, the label is
set to the end of the range that is farther from it, and the query pairs are scored anew
by the trained model. A task counts at a size if it has so many support pairs. Prints a
JSON line for each S: the mean change of a score, in the unit of the labels; that of the
most harmful pair of each task; the largest change of all; and the mean absolute error
with and without the false label.
"""

import argparse
import json
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from pipeline.experiment import quiet

quiet.quieten()
quiet.import_tensorflow()

from models.legacy_keras import tf
from models.recommender import Episode, split_episode
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.steps.prepare import open_dataset
from pipeline.training.trained import open_trained, trained_model
from transforms.schema import META_VALIDATION, DatasetInfo

Score: TypeAlias = Callable[[Episode, Episode], tf.Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="configs/movielens_small.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--max_surprise", type=float, help="cut so, but trained as is")
    parser.add_argument("--sizes", nargs="+", type=int, default=[1, 5, 10, 20, 40])
    arguments = parser.parse_args()
    config = load_experiment(arguments.config, arguments.set)
    dataset_dir = open_dataset(config)
    data = setting_of(config).load(config, dataset_dir)
    model = trained_model(config, data, open_trained(config, dataset_dir))
    if arguments.max_surprise is not None:
        model.pairs.max_surprise = arguments.max_surprise
    score = tf.function(lambda support, query: model.score(model.adapt(support), query))
    for size in arguments.sizes:
        line = measure(data, score, size)
        print(json.dumps({"support_size": size, **line}), flush=True)


def measure(data: Any, score: Score, size: int) -> dict[str, float]:
    """Returns the figures of one number of support pairs."""
    changes, honest_errors, false_errors = [], [], []  # Each [tasks, size] at last.
    for batch in data.episodes(META_VALIDATION, size, 64):
        support, query = split_episode(batch)
        is_full = batch["support_mask"].numpy().sum(axis=1) == size
        if not is_full.any():
            continue
        mask = batch["query_mask"].numpy()
        label = batch["query_label"].numpy()

        def mean(values: np.ndarray, mask: np.ndarray = mask) -> np.ndarray:
            return np.abs(values * mask).sum(axis=1) / mask.sum(axis=1)

        honest = score(support, query).numpy()
        false = [
            score(_with_false_label(support, place, data.info), query).numpy()
            for place in range(size)
        ]
        changes.append(np.stack([mean(f - honest) for f in false], 1)[is_full])
        false_errors.append(np.stack([mean(f - label) for f in false], 1)[is_full])
        honest_errors.append(mean(honest - label)[is_full])
    moved = np.concatenate(changes)
    return {
        "tasks": len(moved),
        "mean_change": round(float(moved.mean()), 4),
        "mean_of_worst_pair": round(float(moved.max(axis=1).mean()), 4),
        "largest_change": round(float(moved.max()), 4),
        "mae": round(float(np.concatenate(honest_errors).mean()), 4),
        "mae_with_false_label": round(float(np.concatenate(false_errors).mean()), 4),
    }


def _with_false_label(support: Episode, place: int, info: DatasetInfo) -> Episode:
    """Returns support sets of which one label is as wrong as it can be."""
    labels = support["support_label"].numpy().copy()
    middle = (info.label_min + info.label_max) / 2
    true = labels[:, place]
    labels[:, place] = np.where(true > middle, info.label_min, info.label_max)
    return {**support, "support_label": tf.constant(labels)}


if __name__ == "__main__":
    main()
