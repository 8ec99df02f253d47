"""An exported scenario model without any of our code, as TensorFlow Serving sees it."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from pipeline.settings.scenario.loaded_scenarios import load_scenarios
from pipeline.steps.scenarios.train import trained_model

from models.episodes.click_episodes import support_episode
from models.legacy_keras import tf
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import load_experiment

STOCK_SERVER = pathlib.Path(__file__).with_name("stock_server.py")


@pytest.fixture(scope="module")
def dataset(scenario_experiment):
    config = load_experiment(scenario_experiment.config_path)
    return load_scenarios(config, scenario_experiment.dataset_dir)


@pytest.fixture(scope="module")
def task(dataset):
    return dataset.tasks("meta_test")[0]


@pytest.fixture(scope="module")
def support(task):
    return support_episode(task, max_clicks=16, num_negatives=1)


@pytest.fixture(scope="module")
def requests(dataset, task, support):
    """The task as raw ids, by signature."""
    users, items = (
        ["", *(dataset.directory / "vocabulary" / f"{k}_id.txt").read_text().split()]
        for k in ("user", "item")
    )

    def named(names, rows):
        return [[names[row] for row in np.ravel(rows)]]

    shown = {
        "support_user_id": named(users, support["support_user"]),
        "support_item_id": named(items, support["support_item"]),
        "support_label": support["support_label"].numpy().tolist(),
    }
    rank = shown | {
        "query_user_id": named(users, task.query_user),
        "query_item_id": named(items, task.query_item),
    }
    recommend = shown | {
        "query_user_id": [users[task.query_user[0]]],
        "candidate_item_id": named(items, task.pool),
        "exclude_item_id": [[items[task.pool[0]]]],
    }
    return {"rank": rank, "serving_default": rank, "recommend": recommend}


@pytest.fixture(scope="module")
def served(scenario_experiment, requests, tmp_path_factory):
    """What a process without our code makes of the exported model."""
    folder = tmp_path_factory.mktemp("served")
    requests_path, answers_path = folder / "requests.json", folder / "answers.json"
    requests_path.write_text(json.dumps(requests), encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-I", STOCK_SERVER),
            *(scenario_experiment.exported, requests_path, answers_path),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(answers_path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("loader", ["saved_model", "session"])
@pytest.mark.parametrize("signature", ["rank", "serving_default"])
def test_raw_requests_have_the_scores_of_the_trained_model(
    served, scenario_experiment, dataset, task, support, loader, signature
):
    config = load_experiment(scenario_experiment.config_path)
    model = trained_model(config, dataset, RunDir(scenario_experiment.run_dir))
    query = {
        "query_user": tf.constant(task.query_user[np.newaxis]),
        "query_item": tf.constant(task.query_item[np.newaxis]),
    }
    scores = model.score(model.adapt(support), query).numpy()
    found = np.array(served[loader][signature]["score"])
    assert np.ptp(scores) > 0.1  # Or agreement would mean little.
    np.testing.assert_allclose(found, scores, atol=1e-5)


def test_both_loaders_recommend_the_same_items_of_the_pool(served, requests):
    found, same = (served[name]["recommend"] for name in ("saved_model", "session"))
    assert found["item_id"] == same["item_id"]
    np.testing.assert_allclose(found["score"], same["score"], atol=1e-5)
    (ids,) = found["item_id"]
    request = requests["recommend"]
    assert set(ids) <= set(request["candidate_item_id"][0])
    assert request["exclude_item_id"][0][0] not in ids
    assert len(set(ids)) == 5


def test_the_graph_has_stock_ops_alone(served):
    assert served["reachable"] == []
    assert served["unknown_ops"] == []
    assert not [op for op in served["ops"] if ">" in op or "PyFunc" in op]
