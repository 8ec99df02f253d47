"""Two small experiments, run once and shared by the tests of pipeline and integration.

The raw tables are a user's own: other column names, another delimiter, features of
every kind, and a few rows that must be refused. One experiment has users as tasks, the
other scenarios.
"""

import contextlib
import dataclasses
import functools
import gc
import io
import json
import os
import pathlib
import random
import sys
import types

import pytest
import yaml
from built_once import built_once

NUM_USERS = 60
NUM_ITEMS = 14
GENRES = ("comedy", "drama", "horror")
MOST_LOADED = 8

# Refused: a label above the range, no number, no item, a field too many.
BAD_ROWS = "ü1;f1;9\nü2;f2;many\nü3;;4\nü4;f4;3;2\n"

TINY_MODEL = {
    "embedding_dim": 4,
    "label_dim": 4,
    "encoder_dim": 8,
    "modulation_dim": 8,
    "hidden_dims": [16, 16],
    "prior_rank": 2,
    "prior_full_rank_items": 0,
}


# Workers have the cores between them, and threads of OpenMP wait for one another at
# full speed. It reads this when it is loaded, in a process that a test starts too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Modules and graphs are many objects at a time, and hardly any of them is garbage.
gc.set_threshold(100_000, 20, 50)


def pytest_collection_modifyitems(items):
    """Spares a worker the wait for what another one makes for both.

    Files that need both experiments come first, so that either worker runs one. What
    looks at formats again comes last, when they have long been written.
    """
    items.sort(key=lambda item: not item.nodeid.startswith("tests/cmml/"))
    items.sort(key=lambda item: "/formats/test_mlflow.py" in item.nodeid)


def pytest_collection_finish():
    """Spares the tests what pays off only where graphs are large or run for long.

    What has been imported so far is no garbage, and need not be looked through again.
    """
    gc.collect()
    gc.freeze()
    # Who asks for a collection, pytest at its end too, waits for no old objects.
    gc.collect = functools.partial(gc.collect, 1)
    if "tensorflow" in sys.modules:
        _run_graphs_at_once()
        _order_ops_with_resources_alone()
        _name_allowed_types_in_errors_alone()
        _load_equal_graphs_once()
    if "apache_beam" in sys.modules:
        from benchmarks.light_beam import look_at_stages_once

        look_at_stages_once()


def pytest_unconfigure():
    """Lets the process end without a look for garbage."""
    gc.freeze()


def _run_graphs_at_once():
    """Runs graphs as they are traced, by kernels that are made once.

    Optimising a tiny graph takes longer than running it. What runs in a process of its
    own is optimised, and so tested as it is served.
    """
    import tensorflow as tf
    from tensorflow.python.data.ops import dataset_ops, readers
    from tensorflow.python.eager import context
    from tensorflow.python.framework import ops

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    # What any data set goes through where an iterator over it is made.
    dataset_ops.DatasetV2._apply_debug_options = lambda data: data.with_options(options)
    # One op reads many files; by itself it is in a function that is traced for each.
    readers._create_or_validate_filenames_dataset = lambda names, name: names
    readers._create_dataset_reader = lambda read, names, *_, **__: read(names)
    # Whatever sets a seed, as each new model does, makes TensorFlow forget its kernels.
    # Only random ops that run outside of graphs would have to be made again.
    context.pywrap_tfe.TFE_ContextClearCaches = lambda handle: None
    # The Python stack that made an op would be kept for each op of a graph.
    ops._create_c_op = functools.partial(ops._create_c_op, extract_traceback=False)


def _order_ops_with_resources_alone():
    """Asks an op of a graph what it does to resources only where it takes one.

    Most take none, and each of them raises an error in C++ that says no more.
    """
    from tensorflow.python.framework import auto_control_deps_utils, dtypes
    from tensorflow.python.util.object_identity import ObjectIdentitySet

    ask = auto_control_deps_utils.get_read_write_resource_inputs

    def ask_if_any(op):
        if any(tensor.dtype == dtypes.resource for tensor in op.inputs):
            return ask(op)
        return ObjectIdentitySet(), ObjectIdentitySet()

    auto_control_deps_utils.get_read_write_resource_inputs = ask_if_any


def _name_allowed_types_in_errors_alone():
    """Lets no op of a graph write down which types it takes unless it refuses one."""
    from tensorflow.python.framework import op_def_library

    refuse = op_def_library._SatisfiesTypeConstraint

    def refuse_others(dtype, attr_def, param_name):
        if dtype not in attr_def.allowed_values.list.type:
            refuse(dtype, attr_def, param_name)

    op_def_library._SatisfiesTypeConstraint = refuse_others


def _load_equal_graphs_once():
    """Loads a SavedModel once, wherever copies lie: it keeps nothing of a call."""
    import tensorflow as tf

    load, loaded = tf.saved_model.load, {}

    def load_once(directory):
        folder = pathlib.Path(directory)
        names = ("saved_model.pb", "variables/*", "assets/*")
        paths = sorted(path for name in names for path in folder.glob(name))
        content = tuple((path.name, path.read_bytes()) for path in paths)
        if content not in loaded:
            module = load(directory)
            while len(loaded) >= MOST_LOADED:
                del loaded[next(iter(loaded))]
            loaded[content] = module
        return loaded[content]

    tf.saved_model.load = load_once


def write_raw_tables(folder):
    """Writes ratings.csv, people.csv and films.jsonl.

    Every user has rated all items but two, whole stars from 1 to 5.
    """
    folder.mkdir()
    ratings = [
        f"ü{user};f{item};{1 + (user * item + user // 3) % 5}\n"
        for user in range(1, NUM_USERS + 1)
        for item in range(1, NUM_ITEMS + 1)
        if (user + item) % 7
    ]
    text = "uid;film;stars\n" + "".join(ratings) + BAD_ROWS
    (folder / "ratings.csv").write_text(text, encoding="utf-8")
    people = [
        f"ü{user};{'FM'[user % 2]};{'en,fr' if user % 3 else 'de'};{20 + user}\n"
        for user in range(1, NUM_USERS + 1)
    ]
    text = "person;sex;speaks;age\n" + "".join(people)
    (folder / "people.csv").write_text(text, encoding="utf-8")
    films = [
        f'{{"film": "f{item}", "title": "Film {item}", "year": {1990 + item}, '
        f'"genre": "{GENRES[item % 3]}|long", "maker": "m{item % 4}"}}\n'
        for item in range(1, NUM_ITEMS + 1)
    ]
    (folder / "films.jsonl").write_text("".join(films), encoding="utf-8")
    return folder


def config_values(folder):
    """The configuration for these tables, as YAML would give it."""
    return {
        "name": "own",
        "data": {
            "source": "table",
            "interactions": {
                "table": {"path": "ratings.csv", "delimiter": ";"},
                "user_column": "uid",
                "item_column": "film",
                "label_column": "stars",
            },
            "users": {
                "table": {"path": "people.csv", "delimiter": ";"},
                "id_column": "person",
                "features": [
                    {"name": "gender", "column": "sex"},
                    {"name": "language", "column": "speaks", "kind": "multi"}
                    | {"separator": ","},
                    {"name": "age", "kind": "numeric"},
                ],
            },
            "items": {
                "table": {"path": "films.jsonl", "format": "jsonl"},
                "id_column": "film",
                "name_column": "title",
                "features": [
                    {"name": "genre", "kind": "multi"},
                    {"name": "maker"},
                    {"name": "year", "kind": "numeric"},
                ],
            },
            "split": {"test_fraction": 0.25, "validation_fraction": 0.25},
            "episodes": {"query_size": 3, "num_shards": 2},
        },
        "model": TINY_MODEL,
        "training": {
            "support_size": 6,
            "query_size": 3,
            "batch_size": 16,
            "steps_per_execution": 1,  # A loop would be traced twice.
            "max_epochs": 4,
            "learning_rate": 0.1,
            "refit": "meta_train",  # So that what is exported is what was judged.
        },
        "evaluation": {
            "support_size": 6,
            "few_shot_sizes": [0, 2],
            "baselines": ["support_mean", "bias_ridge"],
            "num_resamples": 100,
            "batch_size": 16,
        },
        "export": {"top_k": 5, "min_item_count": 1},
        "prepared_dir": str(folder / "prepared"),
        "runs_dir": str(folder / "runs"),
    }


@dataclasses.dataclass(frozen=True)
class Experiment:
    """What `cmml run` left.

    Attributes:
        config_path: The YAML file.
        dataset_dir: The prepared data set.
        run_dir: The run, with checkpoints, evaluation and export.
        exported: The exported version.
        status: Exit status of `cmml run`.
        stdout: What it printed.
        stderr: What it said meanwhile.
    """

    config_path: pathlib.Path
    dataset_dir: pathlib.Path
    run_dir: pathlib.Path
    exported: pathlib.Path
    status: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def raw_dir(tmp_path_factory):
    """The raw tables, to read only."""
    return write_raw_tables(tmp_path_factory.mktemp("own") / "raw")


@pytest.fixture
def own_tables(tmp_path):
    """The raw tables, for a test to change."""
    return write_raw_tables(tmp_path / "raw")


@pytest.fixture(scope="session")
def write_config():
    """Writes a configuration of the raw tables into a folder, changed by section."""

    def write(folder, **changes):
        values = config_values(folder)
        for section, keys in changes.items():
            is_section = isinstance(keys, dict)
            values[section] = values[section] | keys if is_section else keys
        path = folder / "own.yaml"
        path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def cmml(raw_dir):
    """Runs the command line in process; returns its status, stdout and stderr."""
    from pipeline.cli import main

    def run(*arguments, data_dir=raw_dir):
        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
        ):
            patch.setenv("CMML_DATA_DIR", str(data_dir))
            try:
                status = main([str(argument) for argument in arguments])
            except SystemExit as error:  # How argparse ends.
                status = error.code
        return types.SimpleNamespace(
            status=status, stdout=stdout.getvalue(), stderr=stderr.getvalue()
        )

    return run


def run_once(tmp_path_factory, name, write, cmml, meanwhile=None):
    """Runs an experiment by `cmml run`, once for all processes of the session.

    Args:
        tmp_path_factory: Where folders go.
        name: Name of the experiment.
        write: Writes its YAML file into a folder, and returns the path.
        cmml: Runs the command line.
        meanwhile: What to do while another process runs it, if anything.
    """

    def build(folder):
        done = cmml("run", "--config", write(folder))
        assert done.status == 0, done.stderr
        return json.dumps(vars(done))

    folder, text = built_once(tmp_path_factory, name, build, meanwhile)
    done = json.loads(text)
    exported = pathlib.Path(done["stdout"].splitlines()[-1])
    (dataset_dir,) = (folder / "prepared" / name).iterdir()
    return Experiment(
        config_path=folder / f"{name}.yaml",
        dataset_dir=dataset_dir,
        run_dir=exported.parents[2],
        exported=exported,
        **done,
    )


@pytest.fixture(scope="session")
def experiment(tmp_path_factory, write_config, cmml, request):
    """The experiment, run once by `cmml run`. To read only."""

    def run_the_other():
        request.getfixturevalue("scenario_experiment")

    return run_once(tmp_path_factory, "own", write_config, cmml, run_the_other)


NUM_TASTES = 4
NUM_SHOPPERS = 60
NUM_GOODS = 60
NUM_THEMES = 20
THEME_SIZE = 30  # More than the 20 that recall@20 looks at.


def write_scenario_tables(folder):
    """Writes clicks.csv, pools.csv, goods.csv and themes.csv.

    Shoppers and goods have one of four tastes, and who shares it clicks far more often.
    One row of the clicks has no item, one repeats another.
    """
    folder.mkdir()
    chance = random.Random(7)
    clicks = [
        f"s{user},g{item}\n"
        for user in range(NUM_SHOPPERS)
        for item in range(NUM_GOODS)
        if chance.random() < (0.8 if user % NUM_TASTES == item % NUM_TASTES else 0.08)
    ]
    text = "shopper,good\n" + "".join(clicks) + clicks[0] + "s1,\n"
    (folder / "clicks.csv").write_text(text, encoding="utf-8")
    pools = [
        f"g{item},t{theme}\n"
        for theme in range(NUM_THEMES)
        for item in sorted(chance.sample(range(NUM_GOODS), THEME_SIZE))
    ]
    text = "good,theme\n" + "".join(pools)
    (folder / "pools.csv").write_text(text, encoding="utf-8")
    for name, kind, number in (("goods", "g", NUM_GOODS), ("themes", "t", NUM_THEMES)):
        rows = [f"{kind}{i},{name[:-1].title()} {i}\n" for i in range(number)]
        (folder / f"{name}.csv").write_text("id,name\n" + "".join(rows))
    return folder


def scenario_values(folder):
    """The configuration for these tables, as YAML would give it."""
    clicks = {
        "table": {"path": "clicks.csv"},
        "user_column": "shopper",
        "item_column": "good",
    }
    pools = {
        "table": {"path": "pools.csv"},
        "item_column": "good",
        "scenario_column": "theme",
    }
    shop = {
        "source": "table",
        "clicks": clicks,
        "pools": pools,
        "item_names": {"table": {"path": "goods.csv"}},
        "scenario_names": {"table": {"path": "themes.csv"}},
    }
    return {
        "setting": "scenario",
        "name": "shop",
        "data": {
            "domains": {"shop": shop},
            "split": {"test_fraction": 0.25, "validation_fraction": 0.25},
            "episodes": {
                "min_pool_size": 10,
                "max_pool_size": 40,
                "support_size": 16,
                "min_clicks": 8,
                "num_shards": 2,
            },
        },
        "vectors": {
            "factors": 4,
            "regularization": [1.0],
            "alpha": [1.0, 5.0],
            "count_weight": [0.1],
            "item_factors": 4,
        },
        "model": {
            "label_dim": 4,
            "encoder_dim": 8,
            "modulation_dim": 8,
            "hidden_dims": [16, 16],
        },
        "training": {
            "support_size": 16,
            "query_size": 32,
            "batch_size": 4,
            "steps_per_epoch": 8,
            "steps_per_execution": 1,
            "max_epochs": 3,
            "learning_rate": 0.01,
            "refit": "meta_train",
        },
        "evaluation": {
            "support_size": 16,
            "few_shot_sizes": [0, 4],
            "num_resamples": 100,
        },
        "export": {"top_k": 5, "min_item_count": 1, "shortlist_size": 30},
        "prepared_dir": str(folder / "prepared"),
        "runs_dir": str(folder / "runs"),
    }


@pytest.fixture(scope="session")
def scenario_tables(tmp_path_factory):
    """The raw tables of the experiment with scenarios, to read only."""
    return write_scenario_tables(tmp_path_factory.mktemp("shop") / "raw")


def write_scenario_config(folder):
    """Writes the YAML file of the experiment with scenarios; returns its path."""
    path = folder / "shop.yaml"
    text = yaml.safe_dump(scenario_values(folder), sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def scenario_experiment(tmp_path_factory, scenario_tables, cmml):
    """The experiment with scenarios, run once by `cmml run`. To read only."""
    run = functools.partial(cmml, data_dir=scenario_tables)
    return run_once(tmp_path_factory, "shop", write_scenario_config, run)


@pytest.fixture(scope="session")
def scenario_config(scenario_experiment):
    """The YAML file of the experiment with scenarios."""
    return scenario_experiment.config_path


@pytest.fixture(scope="session")
def scenario_dataset(scenario_experiment):
    """The prepared data set of scenarios, to read only."""
    return scenario_experiment.dataset_dir
