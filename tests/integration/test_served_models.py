"""Exported models without any of our code, as TensorFlow Serving sees them."""

import dataclasses
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from finished_run import NUM_USERS, open_run, some_tasks

from models.serving.task_request import RecordedRequest
from pipeline.settings.registry import setting_of

STOCK_SERVER = pathlib.Path(__file__).with_name("stock_server.py")
LOADERS = ("saved_model", "session")


@dataclasses.dataclass(frozen=True)
class Asked:
    """Tasks that an exported model was asked about by a process without our code.

    Attributes:
        scores: What the trained model scores, float [B, Q].
        recommend: The request of `recommend`, as lists.
        answers: What the process has found.
    """

    scores: np.ndarray
    recommend: dict
    answers: dict


def as_lists(values):
    return np.vectorize(
        lambda v: v.decode() if isinstance(v, bytes) else float(v), otypes=[object]
    )(values).tolist()


def make_job(experiment):
    """Returns the requests about some tasks, and what the trained model scores."""
    config, data, model = open_run(experiment)
    serving = setting_of(config).serving(config, data)
    support, query = some_tasks(data)
    inputs = serving.to_request(support, query)
    inputs = {name: value.numpy() for name, value in inputs.items()}
    scores = model.score(model.adapt(support), query).numpy()
    task = serving.task_request(RecordedRequest("rank", inputs, {"score": scores}))
    rank = {name: as_lists(value) for name, value in inputs.items()}
    wanted = {**task.support, **task.profile, **task.wanted}
    recommend = {name: as_lists(value) for name, value in wanted.items()}
    requests = {"rank": rank, "serving_default": rank, "recommend": recommend}
    return {"model": str(experiment.exported), "requests": requests}, scores


@pytest.fixture(scope="module")
def asked_by_setting(experiment, scenario_experiment, tmp_path_factory):
    """Both models, asked by one process."""
    jobs, scores = zip(
        *(make_job(one) for one in (experiment, scenario_experiment)), strict=True
    )
    done = subprocess.run(
        [sys.executable, "-I", STOCK_SERVER],
        input=json.dumps(jobs),
        cwd=tmp_path_factory.mktemp("stock"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {
        setting: Asked(expected, job["requests"]["recommend"], json.loads(line))
        for setting, expected, job, line in zip(
            ("user", "scenario"), scores, jobs, done.stdout.splitlines(), strict=True
        )
    }


@pytest.fixture(params=["user", "scenario"])
def asked(request, asked_by_setting):
    return asked_by_setting[request.param]


def test_our_code_is_out_of_reach(asked):
    assert asked.answers["reachable"] == []


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("signature", ["rank", "serving_default"])
def test_raw_requests_have_the_scores_of_the_trained_model(asked, loader, signature):
    scores = np.array(asked.answers[loader][signature]["score"])
    expected = asked.scores
    assert scores.shape == expected.shape
    assert np.ptp(expected) > 0.1  # Or agreement would mean little.
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_both_loaders_recommend_the_same(asked):
    one, other = (asked.answers[name]["recommend"] for name in LOADERS)
    assert one["item_id"] == other["item_id"]
    np.testing.assert_allclose(one["score"], other["score"], atol=1e-5)


def test_what_is_excluded_or_known_is_not_recommended(asked_by_setting):
    asked_users = asked_by_setting["user"]
    request = asked_users.recommend
    rows = asked_users.answers["session"]["recommend"]["item_id"]
    assert len(rows) == NUM_USERS
    for row, ids in enumerate(rows):
        known = {*request["support_item_id"][row], *request["exclude_item_id"][row]}
        # Of 14 items a user has rated 12: two are left, the rest is padding.
        assert len({item_id for item_id in ids if item_id}) == 2
        assert not known & (set(ids) - {""})


def test_items_of_the_pool_alone_are_recommended(asked_by_setting):
    asked_scenarios = asked_by_setting["scenario"]
    request = asked_scenarios.recommend
    (ids,) = asked_scenarios.answers["session"]["recommend"]["item_id"]
    assert set(ids) <= set(request["candidate_item_id"][0])
    assert request["exclude_item_id"][0][0] not in ids
    assert len(set(ids)) == 5


def test_the_graph_has_stock_ops_alone(asked):
    answers = asked.answers
    assert answers["unknown_ops"] == []
    assert "LookupTableFindV2" in answers["ops"]
    # Ops of other packages are spelt "Package>Op"; Python cannot be served at all.
    assert not [op for op in answers["ops"] if ">" in op or "PyFunc" in op]
    assert not [op for op in answers["ops"] if "Cudnn" in op or "CudnnRNN" in op]
