"""The exported model without any of our code, as TensorFlow Serving sees it."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from pipeline.settings.user.loaded_dataset import load_dataset
from pipeline.settings.user.raw_requests import raw_request

from models.recommender import split_episode
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import load_config
from pipeline.steps.train import trained_model

STOCK_SERVER = pathlib.Path(__file__).with_name("stock_server.py")
NUM_TASKS = 8


def as_lists(values):
    return np.vectorize(
        lambda v: v.decode() if isinstance(v, bytes) else float(v), otypes=[object]
    )(values).tolist()


@pytest.fixture(scope="module")
def episode_and_requests(experiment):
    """A batch of episodes, and the same as raw ids and features by signature."""
    dataset = load_dataset(experiment.dataset_dir)
    episode, inputs = raw_request(dataset, "meta_test", num_tasks=NUM_TASKS)
    rank = {name: as_lists(values) for name, values in inputs.items()}
    recommend = {name: value for name, value in rank.items() if name != "query_item_id"}
    recommend["exclude_item_id"] = rank["query_item_id"]
    return episode, {"rank": rank, "serving_default": rank, "recommend": recommend}


@pytest.fixture(scope="module")
def served(experiment, episode_and_requests, tmp_path_factory):
    """What a process without our code makes of the exported model."""
    folder = tmp_path_factory.mktemp("served")
    _, requests = episode_and_requests
    requests_path, answers_path = folder / "requests.json", folder / "answers.json"
    requests_path.write_text(json.dumps(requests), encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-I", STOCK_SERVER),
            *(experiment.exported, requests_path, answers_path),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(answers_path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def scores(experiment, episode_and_requests):
    """Scores of the trained model itself, float [B, Q]."""
    config = load_config(experiment.config_path)
    dataset = load_dataset(experiment.dataset_dir)
    model = trained_model(config, dataset, RunDir(experiment.run_dir))
    support, query = split_episode(episode_and_requests[0])
    return model.score(model.adapt(support), query).numpy()


def test_our_code_is_out_of_reach(served):
    assert served["reachable"] == []


@pytest.mark.parametrize("loader", ["saved_model", "session"])
@pytest.mark.parametrize("signature", ["rank", "serving_default"])
def test_raw_requests_have_the_scores_of_the_trained_model(
    served, scores, loader, signature
):
    found = np.array(served[loader][signature]["score"])
    assert found.shape == (NUM_TASKS, 3)
    assert np.ptp(scores) > 0.1  # Or agreement would mean little.
    np.testing.assert_allclose(found, scores, atol=1e-5)


def test_both_loaders_recommend_the_same(served):
    found, same = (served[name]["recommend"] for name in ("saved_model", "session"))
    assert found["item_id"] == same["item_id"]
    np.testing.assert_allclose(found["score"], same["score"], atol=1e-5)


def test_what_is_excluded_or_known_is_not_recommended(served, episode_and_requests):
    request = episode_and_requests[1]["recommend"]
    for row, ids in enumerate(served["session"]["recommend"]["item_id"]):
        known = {*request["support_item_id"][row], *request["exclude_item_id"][row]}
        # Of 14 items a user has rated 12: two are left, the rest is padding.
        assert len({item_id for item_id in ids if item_id}) == 2
        assert not known & (set(ids) - {""})


def test_the_graph_has_stock_ops_alone(served):
    assert served["unknown_ops"] == []
    assert "LookupTableFindV2" in served["ops"]
    # Ops of other packages are spelt "Package>Op"; Python cannot be served at all.
    assert not [op for op in served["ops"] if ">" in op or "PyFunc" in op]
    assert not [op for op in served["ops"] if "Cudnn" in op or "CudnnRNN" in op]
