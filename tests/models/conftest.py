"""One tiny prepared data set with features of every kind, and models of it."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from models.cmml_builders import clicked_cmml, rated_cmml
from models.episodes.click_records import ScenarioTask
from models.episodes.entity_table import EntityTable, load_entity_table
from models.episodes.rating_episodes import fixed_episodes
from models.factors import item_factors
from models.factors.fold_fits import fit_in_folds
from models.factors.labelled_pairs import LabelledPairs
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.options import CMMLOptions, ScenarioOptions
from models.parts.label_unit import LabelUnit
from transforms.ratings.dataset import prepare_dataset
from transforms.schema import META_TEST, META_TRAIN, DatasetInfo
from transforms.specs import (
    DatasetSpec,
    EntitySpec,
    EpisodeSpec,
    FeatureSpec,
    InteractionSpec,
    SplitSpec,
)
from transforms.table_spec import TableSpec

NUM_USERS = 16
NUM_ITEMS = 10
META_TRAIN_USERS = [str(user) for user in range(1, 11)]
META_TEST_USERS = ["14", "15", "16"]

SIZES = {
    "label_dim": 4,
    "encoder_dim": 5,
    "hybrid_dim": 6,
    "modulation_dim": 6,
    "num_modules": 3,
    "module_dim": 4,
    "hidden_dims": (5, 4),
    "dropout": 0.2,
}
TINY = CMMLOptions(
    embedding_dim=3,
    prior_rank=1,
    prior_full_rank_items=0,
    encoder="gru",
    embeddings="learned",
    head="value",
    **SIZES,
)
TINY_CLICKS = ScenarioOptions(**SIZES)


@dataclasses.dataclass(frozen=True)
class TinyDataset:
    """A prepared data set, its small parts in memory.

    Attributes:
        directory: Where it is.
        info: What `dataset.json` says.
        users: The user table.
        items: The item table.
        pairs: The support pairs of the meta-train tasks.
    """

    directory: pathlib.Path
    info: DatasetInfo
    users: EntityTable
    items: EntityTable
    pairs: LabelledPairs


def raw_users():
    """Rows (id, gender, hobby, age); meta-test holds values never seen before."""
    for user in range(1, NUM_USERS + 1):
        gender = "X" if user == 14 else "FM"[user % 2]
        hobbies = "chess|go" if user % 3 else "go"
        yield str(user), gender, hobbies, "" if user == 15 else str(20 + user)


def raw_items():
    """Rows (id, genre, studio, year); nobody has labelled the last one."""
    for item in range(1, NUM_ITEMS + 1):
        yield str(item), f"drama|g{item % 3}", f"s{item % 4}", str(1990 + item)


def raw_ratings():
    """Rows (user, item, label) in whole stars: most pairs of items 1 to 8, few of 9."""
    for user in range(1, NUM_USERS + 1):
        for item in range(1, 9):
            if (user + item) % 7:
                yield str(user), str(item), 1 + (user * item + user // 3) % 5
    yield from [("1", "9", 5), ("2", "9", 1)]


def write_table(path, header, rows):
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_raw(folder):
    folder.mkdir()
    write_table(folder / "ratings.csv", "user_id,item_id,rating", raw_ratings())
    write_table(folder / "users.csv", "id,gender,hobby,age", raw_users())
    write_table(folder / "items.csv", "id,genre,studio,year", raw_items())
    others = {str(user) for user in range(1, NUM_USERS + 1)} - set(META_TRAIN_USERS)
    split = {
        "meta_train_users": META_TRAIN_USERS,
        "meta_validation_users": sorted(others - set(META_TEST_USERS)),
        "meta_test_users": META_TEST_USERS,
    }
    (folder / "split.json").write_text(json.dumps(split))
    return folder


def tiny_spec():
    return DatasetSpec(
        interactions=InteractionSpec(TableSpec("ratings.csv")),
        users=EntitySpec(
            TableSpec("users.csv"),
            features=(
                FeatureSpec("gender"),
                FeatureSpec("hobby", kind="multi"),
                FeatureSpec("age", kind="numeric"),
            ),
        ),
        items=EntitySpec(
            TableSpec("items.csv"),
            features=(
                FeatureSpec("genre", kind="multi"),
                FeatureSpec("studio"),
                FeatureSpec("year", kind="numeric"),
            ),
        ),
        split=SplitSpec(path="split.json"),
        episodes=EpisodeSpec(query_size=2, num_shards=2),
        min_item_count=2,
    )


def labelled_pairs(directory, info):
    """Reads the support pairs of the meta-train tasks."""
    (episode,) = fixed_episodes(directory, META_TRAIN)
    present = episode["support_mask"].numpy()
    columns = [episode[f"support_{k}"].numpy() for k in ("user", "item", "label")]
    rows = [column[present] for column in columns]
    return LabelledPairs(*rows, info.num_users, info.num_items)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """The prepared data set, to read only."""
    folder = tmp_path_factory.mktemp("tiny")
    raw, directory = write_raw(folder / "raw"), folder / "prepared"
    info = prepare_dataset(
        tiny_spec(),
        str(raw),
        str(directory),
        fingerprint="0" * 16,
        options=PipelineOptions(["--runner=FnApiRunner"]),
    )
    return TinyDataset(
        directory,
        info,
        load_entity_table(directory, "user", info.user_features),
        load_entity_table(directory, "item", info.item_features),
        labelled_pairs(directory, info),
    )


@pytest.fixture(scope="session")
def raw_user_features():
    """Gender, hobbies and age of each user as they came in, by row of the table."""
    return [
        (gender, hobbies.split("|"), float(age or "nan"))
        for _, gender, hobbies, age in raw_users()
    ]


@pytest.fixture(scope="session")
def new_model(dataset):
    """Builds a tiny CMML of ratings with fitted factors, options changed by keyword.

    The mean and the deviation of its labels can be given too. Factors of the same parts
    and seed are fitted once.
    """
    fits = {}

    def build(*, seed=0, loss="squared", unit=None, **changes):
        mean, std = unit or (dataset.info.label_mean, dataset.info.label_std)
        model = rated_cmml(
            dataclasses.replace(dataset.info, label_mean=mean, label_std=std),
            dataset.users,
            dataset.items,
            dataclasses.replace(TINY, **changes),
            loss=loss,
            seed=seed,
        )
        factors = model.pairs.factors
        if not factors.width:
            return model
        key = factors.parts, factors.num_levels, seed, mean, std

        def fitted_once(*args, **options):
            if key not in fits:
                fits[key] = fit_in_folds(*args, **options)
            return fits[key]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(item_factors, "fit_in_folds", fitted_once)
            pairs = LabelUnit(mean, std).standardised_pairs(dataset.pairs)
            factors.fit(pairs, seed=seed)
        return model

    return build


@pytest.fixture(scope="session")
def set_large_weights():
    """Makes every weight matter, as after a long training."""

    def assign(model):
        rng = np.random.default_rng(0)
        for variable in model.trainable_variables:
            variable.assign(rng.normal(scale=0.5, size=variable.shape))
        return model

    return assign


@pytest.fixture(scope="session")
def model(new_model, set_large_weights):
    """A tiny CMML with large weights, to read only."""
    return set_large_weights(new_model())


@pytest.fixture(scope="session")
def episode(dataset):
    """The meta-test episodes: three tasks of 5 or fewer support and 2 query pairs."""
    (batch,) = fixed_episodes(dataset.directory, META_TEST)
    return {name: value for name, value in batch.items() if name != "task_id"}


CLICK_USERS, CLICK_ITEMS, NUM_FOLDS, NUM_NEGATIVES = 20, 30, 3, 3
VECTOR_DIM = 4


@pytest.fixture(scope="session")
def vectors():
    """Factors of users and items of all clicks, and without each fold."""
    chance = np.random.default_rng(0)
    shapes = (
        [1 + NUM_FOLDS, 1 + number, VECTOR_DIM] for number in (CLICK_USERS, CLICK_ITEMS)
    )
    return Vectors(*(chance.normal(size=s).astype(np.float32) for s in shapes))


@pytest.fixture(scope="session")
def new_click_model(vectors):
    """Builds a tiny CMML of clicks, its options changed by keyword."""

    def build(*, seed=0, query_negatives=1, vectors=vectors, **changes):
        options = dataclasses.replace(TINY_CLICKS, **changes)
        return clicked_cmml(
            vectors, options, query_negatives=query_negatives, seed=seed
        )

    return build


@pytest.fixture(scope="session")
def click_episode():
    """Three tasks of 6 support and 5 query pairs."""
    chance = np.random.default_rng(1)
    episode = {}
    for role, size in (("support", 6), ("query", 5)):
        shape = [3, size]
        episode |= {
            f"{role}_user": chance.integers(1, 1 + CLICK_USERS, shape, np.int32),
            f"{role}_item": chance.integers(1, 1 + CLICK_ITEMS, shape, np.int32),
            f"{role}_label": chance.integers(0, 2, shape).astype(np.float32),
            f"{role}_mask": np.ones(shape, bool),
        }
    return {name: tf.constant(value) for name, value in episode.items()}


def make_task(seed, num_clicks=40, pool_size=15):
    """A task whose clicks are different pairs, each with negatives of its own."""
    chance = np.random.default_rng(seed)
    pool = np.sort(chance.choice(np.arange(1, CLICK_ITEMS + 1), pool_size, False))
    pairs = chance.choice(CLICK_USERS * pool_size, num_clicks, replace=False)
    user, item = 1 + pairs // pool_size, pool[pairs % pool_size]
    half = num_clicks // 2

    def negatives(users):
        clicked = {u: set(item[user == u]) for u in users}
        return np.array(
            [
                chance.choice([i for i in pool if i not in clicked[u]], NUM_NEGATIVES)
                for u in users
            ]
        ).reshape(-1, NUM_NEGATIVES)

    def rows(values):
        return np.asarray(values, np.int32)

    return ScenarioTask(
        scenario_id=f"s{seed}",
        pool=rows(pool),
        support_user=rows(user[:half]),
        support_item=rows(item[:half]),
        support_fold=rows(np.arange(half) % NUM_FOLDS),
        support_negative=rows(negatives(user[:half])),
        query_user=rows(user[half:]),
        query_item=rows(item[half:]),
        query_negative=rows(negatives(user[half:])),
        known_user=rows(user[:half]),
        known_item=rows(item[:half]),
    )


@pytest.fixture(scope="session")
def tasks():
    """Three tasks of 20 support and 20 query clicks each."""
    return [make_task(seed) for seed in range(3)]
