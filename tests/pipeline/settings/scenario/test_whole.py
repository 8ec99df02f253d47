import csv

import numpy as np
import pytest

from pipeline.experiment import progress
from pipeline.experiment.prepared import read_ids
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.settings.scenario.whole import training_tasks, whole_scenarios
from transforms.schema import SPLITS


@pytest.fixture(scope="module")
def data(scenario_experiment):
    config = load_experiment(scenario_experiment.config_path)
    return setting_of(config).load(config, scenario_experiment.dataset_dir)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("refit")


@pytest.fixture(scope="module")
def whole(scenario_experiment, data, folder):
    config = load_experiment(scenario_experiment.config_path)
    return whole_scenarios(config, data, folder)


def pairs(clicks):
    return set(zip(clicks.user.tolist(), clicks.item.tolist(), strict=True))


def test_all_clicks_of_the_table_are_known(data, whole, scenario_tables):
    with (scenario_tables / "clicks.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["good"]]
    users, items = (
        {name: row for row, name in enumerate(read_ids(data.directory, kind))}
        for kind in ("user_id", "item_id")
    )
    expected = {(users[row["shopper"]], items[row["good"]]) for row in rows}
    assert pairs(whole.known) == expected
    assert whole.known.user.size == len(expected)
    assert set(whole.known.fold) == set(range(data.info.num_folds))
    # Held-out ones are known to nobody else.
    assert pairs(data.known) < expected


def test_the_factors_have_seen_clicks_that_were_held_out(data, whole, folder):
    assert (folder / "vectors" / "_SUCCESS").is_file()
    shapes = [one.training_factors.users.shape for one in (whole, data)]
    assert shapes[0] == shapes[1]
    held_out = np.array(sorted(pairs(whole.known) - pairs(data.known))).T

    def mean_score(factors):
        users, items = factors.users[0][held_out[0]], factors.items[0][held_out[1]]
        return float((users * factors.unit_weights[0] * items).sum(axis=1).mean())

    assert mean_score(whole.factors) > mean_score(data.factors)


def test_tasks_of_all_splits_are_trained_on_with_their_held_out_clicks(data, whole):
    tasks = list(training_tasks(whole))
    assert len(tasks) == sum(data.info.num_tasks[split] for split in SPLITS)
    by_id = {task.scenario_id: task for task in tasks}
    folds = dict(
        zip(
            zip(whole.known.user, whole.known.item, strict=True),
            whole.known.fold,
            strict=True,
        )
    )
    for split in SPLITS:
        for task in data.tasks(split):
            joined = by_id[task.scenario_id]
            num_clicks = task.support_item.size + task.query_item.size
            assert joined.support_item.size == num_clicks
            assert joined.support_negative.shape[0] == num_clicks
            rows = zip(joined.support_user, joined.support_item, strict=True)
            assert [folds[row] for row in rows] == joined.support_fold.tolist()


def test_how_far_the_fits_are_is_said(
    scenario_experiment, data, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(progress, "_LINE_EVERY_S", 0.0)
    config = load_experiment(scenario_experiment.config_path)
    whole_scenarios(config, data, tmp_path)
    assert "refit: fit 1  factors\nrefit: fit 2  factors\n" in capsys.readouterr().err


def test_only_meta_train_is_trained_on_otherwise(data):
    ids = [task.scenario_id for task in training_tasks(data)]
    assert ids == [task.scenario_id for task in data.tasks("meta_train")]
