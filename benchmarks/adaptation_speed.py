"""Milliseconds a task to train, and to adapt and score: by gradient steps, and CMML.

Of users CMML is that of its authors' code in size, without a prior: two layers of 64, a
GRU or pooled pairs of 64 units, FiLM by networks of 256; pairs are embedded as 8 parts
of 32 units. Of scenarios it is the one of the paper: three layers of 64, a GRU of 128,
FiLM by networks of 64, the vectors alone and no dot product. Episodes are random, of
one size, without padding; sizes count pairs of users, and clicks of scenarios, each
with a negative behind it. The input pipeline is left out.
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

from models.baselines.learned.parts.feature_pairs import FeaturePairs
from models.baselines.learned.parts.vector_inputs import VectorInputs
from models.baselines.learned.registry import OF_RATINGS
from models.baselines.learned.s2meta import S2Meta, S2MetaOptions
from models.cmml import CMML
from models.cmml_builders import clicked_cmml
from models.episodes.entity_table import EntityTable
from models.factors.no_factors import NoFactors
from models.factors.vectors import Vectors
from models.heads import ValueHead
from models.legacy_keras import tf
from models.objectives.click_objective import ClickObjective, margin_loss
from models.objectives.rating_objective import RatingObjective
from models.options import CMMLOptions, ScenarioOptions
from models.pairs.features import EntityEmbedding
from models.pairs.rated_pairs import RatedPairs
from models.recommender import Episode, Recommender, split_episode
from transforms.schema import Feature

NUM_USERS, NUM_ITEMS, EMBEDDING_DIM = 6000, 3700, 32
USER_SIZES = {"gender": 2, "age": 7, "occupation": 21, "zip": 400}
ITEM_SIZES = {"rate": 6, "genre": 25, "director": 600}
MAX_VALUES = {"genre": 8, "director": 3}
DEFAULTS = {
    "user": {
        "methods": ["cmml_mean", "cmml_gru", "melu", "metacs", "dcn_f"],
        "steps": [1, 5, 20],
        "batch_size": 32,
        "support_size": 90,
        "query_size": 10,
        "repeats": 15,
    },
    "scenario": {
        "methods": ["cmml", "s2meta"],
        "steps": [1, 5, 10, 20],
        "batch_size": 8,
        "support_size": 64,
        "query_size": 128,
        "repeats": 7,
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setting", choices=DEFAULTS, default="user")
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--steps", nargs="+", type=int)
    parser.add_argument("--batch_size", type=int)
    parser.add_argument("--support_size", type=int)
    parser.add_argument("--query_size", type=int)
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--first_order", action="store_true", help="of users")
    parser.add_argument("--vector_dim", type=int, default=64, help="of scenarios")
    parser.set_defaults(**DEFAULTS[parser.parse_known_args()[0].setting])
    arguments = parser.parse_args()
    for name in arguments.methods:
        for steps in [0] if name.startswith("cmml") else arguments.steps:
            print(json.dumps(measure(name, steps, arguments)), flush=True)


def measure(
    name: str, steps: int, arguments: argparse.Namespace
) -> dict[str, str | int | float]:
    """Returns the medians of one method with so many inner steps."""
    tf.keras.backend.clear_session()
    sizes = {"support": arguments.support_size, "query": arguments.query_size}
    if arguments.setting == "user":
        model = new_user_model(name, steps, arguments.first_order)
        episode = random_ratings(arguments.batch_size, sizes)
    else:
        model = new_scenario_model(name, steps, arguments.vector_dim)
        episode = random_clicks(arguments.batch_size, sizes)
    model(episode)
    model.compile(tf.keras.optimizers.Adam(1e-3, jit_compile=True))
    timed = {
        "train": tf.function(lambda: model.train_step(episode)),
        "adapt_and_score": tf.function(lambda: adapt_and_score(model, episode)),
    }
    figures = {
        f"{key}_ms": 1e3 * seconds(call, arguments.repeats) / arguments.batch_size
        for key, call in timed.items()
    }
    peak_mb = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return {
        "method": name,
        "inner_steps": steps,
        **{key: round(figure, 3) for key, figure in figures.items()},
        "peak_mb": peak_mb,
    }


def new_user_model(name: str, steps: int, first_order: bool) -> tf.keras.Model:
    inputs = random_inputs()
    if name.startswith("cmml"):
        options = CMMLOptions(
            encoder=name.removeprefix("cmml_"),
            hidden_dims=(64, 64),
            encoder_dim=64,
            modulation_dim=256,
            prior="constant",
            embeddings="learned",
            head="value",
            dropout=0.0,
        )
        pairs = RatedPairs(inputs.users, inputs.items, NoFactors(), options)
        head = ValueHead()
        return CMML(pairs, RatingObjective(3.5, 1.1), head, options)
    method = OF_RATINGS[name]
    options = {"hidden_dims": (64, 64), "inner_steps": steps}
    options |= {"first_order": True} if first_order else {}
    return method(inputs, RatingObjective(3.5, 1.1), method.OPTIONS(**options))


def new_scenario_model(name: str, steps: int, vector_dim: int) -> tf.keras.Model:
    chance = np.random.default_rng(0)
    shape = [1, NUM_USERS + 1, vector_dim]
    vectors = Vectors(
        chance.normal(size=shape).astype(np.float32),
        chance.normal(size=shape).astype(np.float32),
    )
    if name == "cmml":
        plain = ScenarioOptions(prior="constant", product=False, dropout=0.0)
        return clicked_cmml(vectors, plain)
    options = S2MetaOptions(inner_steps=steps, min_steps=steps)
    return S2Meta(VectorInputs(vectors), ClickObjective(margin_loss(1.0)), options)


def adapt_and_score(model: Recommender, episode: Episode) -> tf.Tensor:
    support, query = split_episode(episode)
    return model.score(model.adapt(support), query)


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Returns the median time of a call, after two that trace and warm up."""
    for _ in range(2):
        call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def random_inputs() -> FeaturePairs:
    """Makes pairs of users of 4 features, and items of 3 and an id."""
    chance = np.random.default_rng(0)
    users = random_table(NUM_USERS, USER_SIZES, chance)
    items = random_table(NUM_ITEMS, ITEM_SIZES, chance)
    return FeaturePairs(
        EntityEmbedding(users, EMBEDDING_DIM),
        EntityEmbedding(items, EMBEDDING_DIM, min_id_count=1),
    )


def random_table(
    num_rows: int, vocabulary_sizes: dict[str, int], chance: np.random.Generator
) -> EntityTable:
    """Makes a table in which some of the values of longer lists are missing."""
    features, encoded = [], {}
    for name, size in vocabulary_sizes.items():
        width = MAX_VALUES.get(name, 1)
        kind = "multi" if name in MAX_VALUES else "categorical"
        features.append(Feature(name, kind, vocabulary_size=size, max_values=width))
        values = chance.integers(1, size + 1, [num_rows + 1, width])
        missing = np.arange(width) >= chance.integers(1, width + 1, [num_rows + 1, 1])
        encoded[name] = np.where(missing, 0, values).astype(np.int32)
    return EntityTable(tuple(features), encoded, np.ones(num_rows + 1, np.int64))


def random_ratings(batch_size: int, sizes: dict[str, int]) -> Episode:
    """Makes a batch of users."""
    chance = np.random.default_rng(1)
    users = chance.integers(1, NUM_USERS + 1, [batch_size, 1])
    episode = {}
    for half, size in sizes.items():
        shape = [batch_size, size]
        items = chance.integers(1, NUM_ITEMS + 1, shape)
        labels = chance.integers(1, 6, shape)
        episode[f"{half}_user"] = tf.constant(np.tile(users, [1, size]), tf.int32)
        episode[f"{half}_item"] = tf.constant(items, tf.int32)
        episode[f"{half}_label"] = tf.constant(labels, tf.float32)
        episode[f"{half}_mask"] = tf.ones(shape, tf.bool)
    return episode


def random_clicks(batch_size: int, sizes: dict[str, int]) -> Episode:
    """Makes a batch of scenarios."""
    chance = np.random.default_rng(1)
    episode = {}
    for half, size in sizes.items():
        shape = [batch_size, 2 * size]
        users = chance.integers(1, NUM_USERS + 1, [batch_size, size])
        items = chance.integers(1, NUM_USERS + 1, shape)
        labels = np.tile([1.0, 0.0], [batch_size, size])
        episode[f"{half}_user"] = tf.constant(users.repeat(2, axis=1), tf.int32)
        episode[f"{half}_item"] = tf.constant(items, tf.int32)
        episode[f"{half}_label"] = tf.constant(labels, tf.float32)
        episode[f"{half}_mask"] = tf.ones(shape, tf.bool)
    return episode


if __name__ == "__main__":
    main()
