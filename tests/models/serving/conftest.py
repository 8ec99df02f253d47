"""Served models of both settings, and requests that they take."""

import dataclasses
import functools
import types

import numpy as np
import pytest

from models.cmml_builders import clicked_cmml
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.options import ScenarioOptions
from models.serving.options import ServingOptions
from models.serving.served_scenario_model import ServedScenarioModel
from models.serving.served_user_model import ServedUserModel
from transforms import schema

VERSION = 1_700_000_003
NUM_USERS, NUM_ITEMS, WIDTH = 12, 10, 3

TINY = ScenarioOptions(
    label_dim=4,
    encoder_dim=5,
    hybrid_dim=6,
    modulation_dim=6,
    num_modules=3,
    module_dim=4,
    hidden_dims=(5, 4),
)

# Five tasks: with holes in both halves, without support, with an empty first half, with
# an empty second half, and full.
SUPPORT_MASK = np.array(
    [
        [1, 0, 1, 1, 0, 1],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 1],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1],
    ],
    bool,
)


@pytest.fixture(scope="session")
def serve(dataset, model):
    """Makes a served model of the tiny data set, changed by keyword."""

    def build(*, model=model, info=dataset.info, **options):
        defaults = {"model_version": VERSION, "top_k": 5, "min_item_count": 1}
        return ServedUserModel(
            *(model, info, dataset.items, dataset.directory),
            ServingOptions(**defaults | options),
        )

    return build


@pytest.fixture(scope="session")
def serve_scenario(tmp_path_factory, set_large_weights):
    """Makes a served scenario model, its options and those of serving by keyword."""
    directory = tmp_path_factory.mktemp("scenarios")
    folder = directory / schema.VOCABULARY_DIR
    folder.mkdir()
    for name, number in (("user_id", NUM_USERS), ("item_id", NUM_ITEMS)):
        lines = "".join(f"{row}\n" for row in range(1, number + 1))
        (folder / f"{name}.txt").write_text(lines)
    rng = np.random.default_rng(0)
    users, items = (
        rng.normal(size=[1, number + 1, WIDTH + 3]).astype(np.float32)
        for number in (NUM_USERS, NUM_ITEMS)
    )
    counts = np.arange(NUM_ITEMS + 1)

    def build(members, **options):
        vectors = Vectors(users, items, num_further=3, num_linear=2)
        model = clicked_cmml(vectors, dataclasses.replace(TINY, **members))
        defaults = {"model_version": VERSION, "top_k": 5, "min_item_count": 1}
        return ServedScenarioModel(
            *(set_large_weights(model), vectors, counts, directory),
            ServingOptions(**defaults | options),
        )

    return build


def served_once(serve):
    """Serves members by `serve`, once with the same options: to read only."""

    @functools.cache
    def served(members, options):
        return serve(dict(members), **dict(options))

    return lambda members, **options: served((*members.items(),), (*options.items(),))


def random_ids(rng, number, mask):
    """Ids "1" to `number` and one nobody knows; "" is padding."""
    ids = [*map(str, range(1, number + 1)), "?"]
    return tf.constant(np.where(mask, rng.choice(ids, mask.shape), ""))


@pytest.fixture(scope="session")
def user_setting(serve, new_model, set_large_weights):
    """The user setting: how to serve any members, and a request of every signature."""
    rng = np.random.default_rng(1)
    labels = rng.integers(1, 6, SUPPORT_MASK.shape)
    num_tasks = len(SUPPORT_MASK)
    everything = np.ones([num_tasks, 4], bool)

    @functools.cache
    def model_of(**members):
        return set_large_weights(new_model(**members))

    return types.SimpleNamespace(
        serve=served_once(lambda by, **kw: serve(model=model_of(**by), **kw)),
        support={
            "support_item_id": random_ids(rng, NUM_ITEMS, SUPPORT_MASK),
            "support_label": tf.constant(
                np.where(SUPPORT_MASK, labels, np.nan), tf.float32
            ),
        },
        profile={
            "user_gender": tf.constant(["F", "M", "X", "", "F"]),
            "user_hobby": tf.constant([["go", "chess"], ["go", ""]] * 2 + [["", ""]]),
            "user_age": tf.constant([20.0, 30.0, np.nan, 41.0, 52.0]),
        },
        query={"query_item_id": random_ids(rng, NUM_ITEMS, everything)},
        wanted={"exclude_item_id": tf.fill([num_tasks, 1], "")},
        sizes=[4, 0, 2, 2, 6],
        highest_label=5.0,
    )


@pytest.fixture(scope="session")
def scenario_setting(serve_scenario):
    """The same of the scenario setting."""
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, SUPPORT_MASK.shape)
    num_tasks = len(SUPPORT_MASK)
    everything = np.ones([num_tasks, 4], bool)
    return types.SimpleNamespace(
        serve=served_once(serve_scenario),
        support={
            "support_user_id": random_ids(rng, NUM_USERS, SUPPORT_MASK),
            "support_item_id": random_ids(rng, NUM_ITEMS, SUPPORT_MASK),
            "support_label": tf.constant(
                np.where(SUPPORT_MASK, labels, np.nan), tf.float32
            ),
        },
        profile={},
        query={
            "query_user_id": random_ids(rng, NUM_USERS, everything),
            "query_item_id": random_ids(rng, NUM_ITEMS, everything),
        },
        wanted={
            "query_user_id": random_ids(rng, NUM_USERS, everything[:, 0]),
            "candidate_item_id": tf.fill([num_tasks, 0], ""),
            "exclude_item_id": tf.fill([num_tasks, 1], ""),
        },
        sizes=[3, 0, 2, 2, 6],  # One click is of an unknown item.
        highest_label=1.0,
    )


@pytest.fixture(scope="session", params=["user", "scenario"])
def setting(request):
    """Either setting."""
    return request.getfixturevalue(f"{request.param}_setting")


@pytest.fixture(scope="session")
def served(setting):
    """A served model of either setting with low limits, to read only."""
    return setting.serve({}, max_support=8, max_query=12)


@pytest.fixture(scope="session")
def loaded(served, tmp_path_factory):
    """The same saved, moved and loaded again: its directory and signatures."""
    folder = tmp_path_factory.mktemp("export")
    served.save(folder / "saved")
    directory = (folder / "saved").rename(folder / "moved")
    module = tf.saved_model.load(str(directory))
    return types.SimpleNamespace(
        directory=directory,
        module=module,  # The signatures do not keep the tables they use alive.
        signatures=module.signatures,
    )
