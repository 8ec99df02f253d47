"""Milliseconds a scenario to train, and to adapt and score: s2Meta by steps, and CMML.

CMML is the one of the paper: three layers of 64, a GRU of 128, FiLM by networks of 64,
the vectors alone and no dot product.
"""

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable

from pipeline.experiment import quiet

quiet.quieten()
quiet.import_tensorflow()

import numpy as np

from models.baselines.learned.parts.vector_inputs import VectorInputs
from models.baselines.learned.s2meta import S2Meta, S2MetaOptions
from models.cmml_builders import clicked_cmml
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.objectives.click_objective import ClickObjective
from models.objectives.ranking_losses import margin_loss
from models.options import ScenarioOptions
from models.recommender import Episode, split_episode

_NUM_ENTITIES = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 5, 10, 20])
    parser.add_argument("--batch_size", type=int, default=8)
    parser.add_argument("--support_clicks", type=int, default=64)
    parser.add_argument("--query_clicks", type=int, default=128)
    parser.add_argument("--vector_dim", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=7)
    arguments = parser.parse_args()
    for num_steps in [0, *arguments.steps]:
        train, serve = measure(num_steps, arguments)
        figures = {
            "method": "s2meta" if num_steps else "cmml",
            "steps": num_steps,
            "train_ms_per_task": round(train / arguments.batch_size, 2),
            "serve_ms_per_task": round(serve / arguments.batch_size, 2),
            "batch_size": arguments.batch_size,
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
        print(json.dumps(figures), flush=True)


def measure(num_steps: int, arguments: argparse.Namespace) -> tuple[float, float]:
    """Returns the milliseconds of a training step, and of adapting and scoring."""
    tf.keras.backend.clear_session()
    model = build_model(num_steps, arguments.vector_dim)
    episode = random_episode(arguments)
    optimizer = tf.keras.optimizers.Adam(1e-3)

    @tf.function
    def train(episode: Episode) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = model.compute_loss(episode, training=True)
        variables = model.trainable_variables
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    @tf.function
    def serve(episode: Episode) -> tf.Tensor:
        support, query = split_episode(episode)
        return model.score(model.adapt(support), query)

    count = arguments.repetitions
    return median_ms(train, episode, count), median_ms(serve, episode, count)


def build_model(num_steps: int, vector_dim: int) -> tf.keras.Model:
    """Makes a model that takes every step, or for 0 steps CMML."""
    chance = np.random.default_rng(0)
    shape = [1, _NUM_ENTITIES + 1, vector_dim]
    vectors = Vectors(
        chance.normal(size=shape).astype(np.float32),
        chance.normal(size=shape).astype(np.float32),
    )
    if not num_steps:
        plain = ScenarioOptions(prior="constant", product=False, dropout=0.0)
        return clicked_cmml(vectors, plain)
    options = S2MetaOptions(inner_steps=num_steps, min_steps=num_steps)
    objective = ClickObjective(margin_loss(1.0))
    return S2Meta(VectorInputs(vectors), objective, options)


def random_episode(arguments: argparse.Namespace) -> Episode:
    """Makes clicks, each with a negative of its user behind it."""
    chance = np.random.default_rng(1)
    episode = {}
    for half in ("support", "query"):
        num_clicks = getattr(arguments, f"{half}_clicks")
        shape = [arguments.batch_size, 2 * num_clicks]
        users = chance.integers(1, _NUM_ENTITIES, [shape[0], num_clicks])
        items = chance.integers(1, _NUM_ENTITIES, shape)
        labels = np.tile([1.0, 0.0], [shape[0], num_clicks])
        mask = np.ones(shape, bool)
        episode[f"{half}_user"] = tf.constant(users.repeat(2, axis=1), tf.int32)
        episode[f"{half}_item"] = tf.constant(items, tf.int32)
        episode[f"{half}_label"] = tf.constant(labels, tf.float32)
        episode[f"{half}_mask"] = tf.constant(mask)
    return episode


def median_ms(
    function: Callable[[Episode], tf.Tensor], episode: Episode, repetitions: int
) -> float:
    """Returns the median milliseconds of a call, the first two left out."""
    times = []
    for _ in range(repetitions + 2):
        started = time.perf_counter()
        function(episode).numpy()
        times.append(1000.0 * (time.perf_counter() - started))
    return statistics.median(times[2:])


if __name__ == "__main__":
    main()
