"""What is said, or refused, before a run on ratings is trained."""

import dataclasses

import pytest

from models.legacy_keras import tf
from pipeline.settings.registry import load_experiment
from pipeline.settings.user.data import load_user_data
from pipeline.settings.user.setting import check_ratings
from transforms.schema import DataError


@pytest.fixture(scope="module")
def data(experiment):
    return load_user_data(experiment.dataset_dir)


def test_a_usable_data_set_is_left_alone(experiment, data):
    assert check_ratings(load_experiment(experiment.config_path), data) == []


def test_nothing_to_recommend_is_an_error(experiment, data):
    config = load_experiment(experiment.config_path, ["export.min_item_count=9999"])
    most = data.items.counts.max()
    with pytest.raises(DataError, match=f"= 9999 .* the most that one has are {most}"):
        check_ratings(config, data)


def test_query_labels_that_are_all_alike_are_said(experiment, data, monkeypatch):
    alike = dataclasses.replace(data)
    batches = [
        {**batch, "query_label": tf.ones_like(batch["query_label"])}
        for batch in data.episodes("meta_test", 4, 64)
    ]
    monkeypatch.setattr(type(data), "episodes", lambda self, *arguments: batches)
    sentences = check_ratings(load_experiment(experiment.config_path), alike)
    assert [sentence.split()[:6] for sentence in sentences] == [
        ["ndcg", "will", "be", "undefined", "on", f"{split}:"]
        for split in ("meta_validation", "meta_test")
    ]
