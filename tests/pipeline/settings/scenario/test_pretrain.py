import dataclasses
import json
import pathlib
import shutil
import types

import numpy as np
import pytest

from models.episodes.click_records import (
    KnownClicks,
    ScenarioTask,
    load_known_clicks,
    read_tasks,
)
from models.factors.factorisation import FactorisationOptions
from models.factors.vector_files import VECTORS_JSON, load_vectors
from models.factors.vectors import Vectors
from pipeline.experiment import progress
from pipeline.settings.registry import load_experiment
from pipeline.settings.scenario import pretrain as module
from pipeline.settings.scenario import readiness
from pipeline.settings.scenario.config import VectorsConfig
from pipeline.settings.scenario.data import ScenarioData, vectors_dir
from pipeline.settings.scenario.pretrain import (
    describe_fallbacks,
    dot_product_recall,
    pretrain,
    stages_of,
)
from pipeline.steps.prepare import prepare
from transforms.clicks.schema import load_scenario_info
from transforms.schema import META_TEST, META_VALIDATION, DataError


def copy_without_vectors(dataset_dir, target):
    return shutil.copytree(
        dataset_dir, target, ignore=shutil.ignore_patterns("vectors")
    )


@pytest.fixture(scope="module")
def config(scenario_config):
    """The experiment with scenarios."""
    return load_experiment(scenario_config)


@pytest.fixture
def dataset_dir(scenario_dataset, tmp_path):
    """The prepared data set, without vectors, for a test to change."""
    return copy_without_vectors(scenario_dataset, tmp_path / "data")


@pytest.fixture(scope="module")
def pretrained(config, scenario_dataset, tmp_path_factory):
    """The prepared data set and its vectors, both to read only."""
    folder = tmp_path_factory.mktemp("pretrained")
    directory = copy_without_vectors(scenario_dataset, folder / "data")
    return directory, pretrain(config, directory)


@pytest.fixture
def change_tasks(monkeypatch):
    """Makes `pretrain` read the tasks of one split changed by a function."""

    def change(split, function):
        monkeypatch.setattr(
            module,
            "read_tasks",
            lambda directory, name, info: (
                function(read_tasks(directory, name, info))
                if name == split
                else read_tasks(directory, name, info)
            ),
        )

    return change


def facts_of(directory):
    return json.loads((directory / VECTORS_JSON).read_text(encoding="utf-8"))


def test_the_values_with_the_best_recall_are_taken(
    scenario_config, dataset_dir, monkeypatch, capsys
):
    recalls = {
        # Of alpha 1, 5 and 9; then of pools weighing 1 and 2; then, the weights without
        # a pool chosen, of the linear model weighing 0 and 1.
        "dot product": iter([0.2, 0.7, 0.5, 0.8, 0.6, 0.8, 0.75]),
        "prior without a pool": iter([0.1, 0.3, 0.2]),  # Of weights 1, 2 and 3.
        "prior": iter([0.8, 0.81, 0.7]),  # Of clicks of the item weighing 0, 1 and 2.
    }
    for name, of_name in recalls.items():
        monkeypatch.setitem(
            module._MEASURES, name, lambda *_, of_name=of_name: next(of_name)
        )
    changes = {
        "vectors.alpha": [1, 5, 9],
        "vectors.pool_weight": [0, 1, 2],
        "vectors.item_weight": [0, 1],
        "vectors.item_l2": [4],
        "vectors.open_weight": [1, 2, 3],
        "vectors.count_weight": [0, 1, 2],
    }
    config = load_experiment(scenario_config, changes=changes)
    facts = facts_of(pretrain(config, dataset_dir))
    assert facts["chosen"]["alpha"] == 5
    assert facts["chosen"]["pool_weight"] == 1
    assert facts["chosen"]["item_weight"] == 0
    assert facts["chosen"]["open_weight"] == 2
    assert facts["chosen"]["count_weight"] == facts["count_weight"] == 1
    assert facts["meta_validation_recall@20"] == 0.81
    tried = [
        (trial["alpha"], trial["pool_weight"], trial["open_weight"])
        for trial in facts["trials"]
    ]
    first = [(1, 0, 0), (5, 0, 0), (9, 0, 0), (5, 1, 0), (5, 2, 0)]
    assert tried == [*first, (5, 1, 1), *[(5, 1, 2)], (5, 1, 3), *[(5, 1, 2)] * 5]
    said = capsys.readouterr().err
    assert "als, regularization 1, alpha 9: meta-validation recall@20 0.5000" in said
    assert "taking als, regularization 1, alpha 5, pools weighing 1, clicks" in said


def test_a_killed_search_goes_on_with_the_candidate_that_it_was_at(
    scenario_config, dataset_dir, monkeypatch, capsys
):
    changes = {
        "vectors.alpha": [1, 5, 9],
        "vectors.pool_weight": [0],  # What has one value is judged in the last stage.
        "vectors.item_weight": [0],
        "vectors.open_weight": [1],
        "vectors.item_l2": [50],
        "vectors.count_weight": [2],
    }
    config = load_experiment(scenario_config, changes=changes)
    recalls = [0.2, 0.7, KeyboardInterrupt(), 0.5]
    monkeypatch.setitem(module._MEASURES, "prior", lambda *_: 0.6)

    def recall(*_):
        if isinstance(value := recalls.pop(0), BaseException):
            raise value
        return value

    monkeypatch.setitem(module._MEASURES, "dot product", recall)
    with pytest.raises(KeyboardInterrupt):
        pretrain(config, dataset_dir)
    capsys.readouterr()
    monkeypatch.setattr(progress, "_LINE_EVERY_S", 0.0)
    directory = pretrain(config, dataset_dir)
    assert not recalls  # Of 1 and 5 none was asked for again.
    facts = facts_of(directory)
    tried = [
        (one["alpha"], one["meta_validation_recall@20"]) for one in facts["trials"]
    ]
    assert tried == [(1, 0.2), (5, 0.7), (9, 0.5), (5, 0.6)]
    said = capsys.readouterr().err
    assert (
        "alpha 5: meta-validation recall@20 0.7000, as the killed search found" in said
    )
    assert "alpha 9: meta-validation recall@20 0.5000\n" in said
    assert "folds\npretrain: fit 1  factors\npretrain: fit 2  factors\n" in said
    assert [path.name for path in directory.parent.iterdir()] == [directory.name]


def test_vectors_are_of_every_fold_and_have_not_seen_its_clicks(pretrained):
    dataset_dir, directory = pretrained
    info = load_scenario_info(dataset_dir)
    known = load_known_clicks(dataset_dir, info)
    vectors = load_vectors(directory)
    # With pools and without; four factors, four units of the linear model, what a
    # items without a click.
    num_fits = vectors.per_fold * (info.num_folds + 1)
    assert vectors.users.shape == (num_fits, info.num_users + 1, 10)
    assert vectors.items.shape == (num_fits, info.num_items + 1, 10)

    def mean_dot(folds):
        fits = vectors.per_fold * folds + np.arange(vectors.per_fold)[:, np.newaxis]
        users, items = vectors.users[fits, known.user], vectors.items[fits, known.item]
        users = users[..., : vectors.width]  # Of the factors alone.
        items = items[..., : vectors.width]
        return float(np.mean(np.sum(users * items, axis=-1)))

    # A fit that has seen a click gives it more than one that has not.
    own, other = mean_dot(known.fold + 1), mean_dot((known.fold + 1) % info.num_folds)
    assert own < other - 0.05


def test_recall_is_the_mean_over_users_and_then_over_scenarios(config):
    # Items 1 to 30, the smaller the better for user 1, the larger for user 2.
    items = np.linspace(1.0, -1.0, 30, dtype=np.float32)
    vectors = Vectors(
        np.array([[[0.0], [1.0], [-1.0]]], np.float32),
        np.concatenate([[0.0], items]).astype(np.float32)[np.newaxis, :, np.newaxis],
    )

    def task(query, known, pool=range(1, 31)):
        user, item = np.array(query, np.int32).reshape(-1, 2).T
        known_user, known_item = np.array(known, np.int32).reshape(-1, 2).T
        none = np.zeros(0, np.int32)
        return ScenarioTask(
            scenario_id="s",
            pool=np.array(pool, np.int32),
            support_user=none,
            support_item=none,
            support_fold=none,
            support_negative=none.reshape(0, 1),
            query_user=user,
            query_item=item,
            query_negative=none.reshape(0, 1),
            known_user=known_user,
            known_item=known_item,
        )

    # User 1: item 20 is the 20th, item 21 the 21st: 1 of 2. User 2: item 11 is the
    # 20th, item 10 the 21st, but the 20th without item 30, which is known: 2 of 2.
    first = task([(1, 20), (1, 21), (2, 11), (2, 10)], [(2, 30), (1, 25)])
    # User 1 again, item 30 of them all: 0 of 1.
    second = task([(1, 30)], [])

    def recall(*tasks):
        info = types.SimpleNamespace(domains=["one"], has_user_tasks=False)
        data = ScenarioData(pathlib.Path(), info, vectors)
        none = np.zeros(0, np.int32)
        data.__dict__["known"] = KnownClicks(none, none, none, 2, 30)
        data._tasks[META_VALIDATION] = list(tasks)
        return dot_product_recall(config, data)

    assert recall(first) == pytest.approx(0.75)
    assert recall(second) == 0.0
    assert recall(first, second) == pytest.approx(0.375)


def test_what_is_up_to_date_is_left_alone(config, pretrained, capsys):
    dataset_dir, directory = pretrained
    before = {path: path.stat().st_mtime_ns for path in directory.iterdir()}
    assert pretrain(config, dataset_dir) == directory
    assert {path: path.stat().st_mtime_ns for path in directory.iterdir()} == before
    assert f"pretrain: {directory} is up to date" in capsys.readouterr().err


def test_other_vectors_have_another_directory(scenario_config, dataset_dir):
    info = load_scenario_info(dataset_dir)

    def name(info=info, **changes):
        config = load_experiment(scenario_config, changes=changes)
        return vectors_dir(config, dataset_dir, info).name

    assert name(**{"vectors.seed": 1}) != name()
    assert name(dataclasses.replace(info, fingerprint="other")) != name()
    assert name(**{"training.seed": 1, "evaluation.seed": 1}) == name()


def test_held_out_clicks_of_meta_test_change_nothing(
    config, dataset_dir, pretrained, change_tasks
):
    nothing = np.zeros(0, np.int32)
    change_tasks(
        META_TEST,
        lambda tasks: [
            dataclasses.replace(task, query_user=nothing, query_item=nothing)
            for task in tasks
        ],
    )
    blind = pretrain(config, dataset_dir)
    for path in pretrained[1].iterdir():
        assert path.read_bytes() == (blind / path.name).read_bytes()


def test_without_meta_validation_there_is_nothing_to_choose_by(
    config, dataset_dir, monkeypatch
):
    info = module.load_scenario_info(dataset_dir)
    info = dataclasses.replace(info, num_tasks=info.num_tasks | {META_VALIDATION: 0})
    monkeypatch.setattr(module, "load_scenario_info", lambda directory: info)
    with pytest.raises(DataError, match=r"at least 1 meta_validation task .* got 0"):
        pretrain(config, dataset_dir)


def test_alpha_and_pools_are_weighed_with_als_only():
    values = {"regularization": (1, 2), "alpha": (3, 4), "pool_weight": (0, 5)}
    (first, _), (second, _), *_ = stages_of(VectorsConfig(**values))
    assert first == {"regularization": (1, 2), "alpha": (3, 4)}
    assert second == {"pool_weight": (0, 5)}
    (first, _), (second, _), *_ = stages_of(VectorsConfig(method="bpr", **values))
    assert first == {"regularization": (1, 2), "alpha": (3,)}
    assert second == {"pool_weight": (0.0,)}


def test_fallbacks_are_said():
    assert describe_fallbacks([(1, 2), (3, 9), (4, 8)]).endswith(
        "1 user and 2 items have no vector of their own, being in no known click; "
        "at most 4 and 9 without a fold"
    )


def test_pools_too_small_to_choose_by_are_an_error(config, dataset_dir, monkeypatch):
    monkeypatch.setattr(readiness, "_DECISIVE", 30)
    with pytest.raises(DataError, match="must have more than 30 candidates"):
        pretrain(config, dataset_dir)


def test_a_catalogue_without_an_item_is_refused_before_the_work(
    dataset_dir, scenario_config, monkeypatch
):
    config = load_experiment(scenario_config, ["export.min_item_count=9999"])
    monkeypatch.delattr(module, "load_known_clicks")
    with pytest.raises(DataError, match=r"count = 9999 .*one has are \d+: lower it"):
        pretrain(config, dataset_dir)
    assert not (dataset_dir / "vectors").exists()


@pytest.mark.parametrize(
    ("measure", "asked"),
    [
        ("prior", "recall@20 0.5000"),
        ("prior without a pool", "recall@20 without a pool 0.5000"),
        ("prior of few clicks", "recall@20 with 1, 4, 16 and all clicks 0.5000"),
    ],
)
def test_a_trial_says_what_it_was_judged_by(measure, asked):
    trial = module.Trial(FactorisationOptions(), measure, 0.5)
    assert str(trial).endswith(f": meta-validation {asked}")


def test_features_are_weighed_last_where_items_have_any():
    for has_user_tasks in (False, True):
        plain = stages_of(VectorsConfig(), has_user_tasks=has_user_tasks)
        every = stages_of(
            VectorsConfig(), has_user_tasks=has_user_tasks, has_features=True
        )
        further = [grid for grid, _ in every if (grid, _) not in plain]
        assert further == [
            {"feature_weight": (0.0, 0.3, 1.0)},
            {"feature_clicks": (0.0, 1.0, 4.0)},
        ]
        assert [one for one in every if one in plain] == plain
        assert "feature_clicks" in every[-1][0]


@pytest.fixture
def goods_with_tastes(scenario_tables, tmp_path, monkeypatch):
    """The tables, with the taste of each good, and one of taste 0 without a click."""
    folder = shutil.copytree(scenario_tables, tmp_path / "tables")
    rows = [f"g{n},Good {n},{n % 4}\n" for n in range(60)]
    text = "id,name,taste\n" + "".join(rows) + "new,Brand new,0\n"
    (folder / "goods.csv").write_text(text, encoding="utf-8")
    monkeypatch.setenv("CMML_DATA_DIR", str(folder))
    return folder


@pytest.mark.parametrize("task", ["scenario", "user"])
def test_a_new_item_is_among_those_of_its_features(
    scenario_config, goods_with_tastes, tmp_path, task
):
    changes = {
        "prepared_dir": str(tmp_path / "prepared"),
        "data.task": task,
        "data.domains.shop.item_names": None,
        "data.domains.shop.items": {
            "table": {"path": "goods.csv"},
            "features": [{"name": "taste"}],
        },
        "vectors": {
            "factors": 4,
            "item_factors": 4,
            "regularization": [1],
            "alpha": [5],
            "item_l2": [50],
            "feature_weight": [0.3],
            "feature_clicks": [0, 1],
            "pool_weight": [0],
            "item_weight": [0],
            "open_weight": [1],
            "count_weight": [0],
            "item_clicks": [8],
            "mean_weight": [0],
        },
    }
    if task == "user":
        changes |= dict.fromkeys(
            ["data.domains.shop.pools", "data.domains.shop.scenario_names"]
        )
        changes["evaluation.baselines"] = ["popularity"]
    config = load_experiment(scenario_config, changes=changes)
    dataset_dir = prepare(config, ["--runner=FnApiRunner"])
    info = load_scenario_info(dataset_dir)
    directory = pretrain(config, dataset_dir)
    chosen = facts_of(directory)["chosen"]
    assert {"feature_weight", "feature_clicks"} < set(chosen)
    items = load_vectors(directory).items
    ids = (dataset_dir / "vocabulary" / "item_id.txt").read_text().split()
    new = 1 + ids.index("new")
    tastes = [[1 + ids.index(f"g{n}") for n in range(t, 60, 4)] for t in range(4)]
    for fit in items[..., :4]:
        means = np.stack([fit[rows].mean(axis=0) for rows in tastes])
        distances = np.linalg.norm(means - fit[new], axis=1)
        assert distances.argmin() == 0
    assert info.num_items == 61


@pytest.mark.parametrize(
    ("num_items", "is_user", "given", "widths"),
    [
        (512, True, None, (512,)),  # All that there is to know of so few.
        (513, True, None, (512, 1024)),
        (32_768, True, None, (512, 1024, 2048)),
        (32_769, True, None, (512, 1024)),
        (70_000, True, None, (512,)),
        (100, False, None, (512,)),
        (10**9, True, 700, (700,)),
    ],
)
def test_wider_linear_models_are_tried_where_they_fit(
    num_items, is_user, given, widths
):
    info = types.SimpleNamespace(
        num_items=num_items, num_users=9_999, has_user_tasks=is_user
    )
    config = VectorsConfig(item_factors=given)
    assert module._widths(config, info) == widths
    stages = stages_of(config, has_user_tasks=True, widths=widths)
    assert stages[2] == ({"item_factors": widths}, "prior")


def test_a_wider_linear_model_is_said():
    trial = module.Trial(FactorisationOptions(item_factors=1024), "prior", 0.5)
    assert ", linear model of width 1024: meta" in str(trial)
