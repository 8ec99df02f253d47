import json
import shutil

import numpy as np
import pytest
from finished_run import open_run, some_tasks

from models.legacy_keras import tf
from models.recommender import Recommender
from pipeline.experiment.version_dir import JUDGED
from pipeline.serving.gate.exported_recommender import ExportedRecommender
from pipeline.settings.registry import setting_of


@pytest.fixture
def limited(tmp_path):
    """Copies a version whose manifest allows queries of so many pairs."""

    def copy(version_dir, max_query):
        directory = shutil.copytree(version_dir, tmp_path / version_dir.name)
        path = directory / "assets.extra" / "manifest.json"
        manifest = json.loads(path.read_text()) | {"limits": {"max_query": max_query}}
        path.write_text(json.dumps(manifest))
        return directory

    return copy


@pytest.mark.parametrize(
    ("fixture", "max_query"),
    [
        *(("experiment", size) for size in (1000, 2, 1)),
        *(("scenario_experiment", size) for size in (1000, 7)),
    ],
)
def test_scores_are_those_of_the_trained_model(request, limited, fixture, max_query):
    experiment = request.getfixturevalue(fixture)
    config, data, model = open_run(experiment)
    support, query = some_tasks(data)
    exported = ExportedRecommender(
        limited(experiment.exported, max_query),
        setting_of(config).serving(config, data).to_request,
    )
    assert isinstance(exported, Recommender)
    expected = model.score(model.adapt(support), query).numpy()
    assert np.ptp(expected) > 0.1  # Or agreement would mean little.
    score = tf.function(
        lambda s, q: exported.score(exported.adapt(s), q), autograph=False
    )
    np.testing.assert_allclose(score(support, query).numpy(), expected, atol=1e-4)


def test_a_version_trained_on_all_pairs_is_judged_by_what_it_carries_for_that(
    experiment, limited
):
    config, data, model = open_run(experiment)
    support, query = some_tasks(data)
    version = limited(experiment.exported, 1000)
    setting = setting_of(config)
    for weight in model.trainable_weights:  # Another model, whatever it knows.
        weight.assign(tf.zeros_like(weight))
    setting.serving(config, data).export(model, 1).save_rank(version / JUDGED)
    expected = model.score(model.adapt(support), query).numpy()
    to_request = setting.serving(config, data).to_request
    exported = ExportedRecommender(version, to_request)
    score = exported.score(exported.adapt(support), query).numpy()
    np.testing.assert_allclose(score, expected, atol=1e-4)
    own = ExportedRecommender(experiment.exported, to_request)
    assert np.abs(own.score(own.adapt(support), query).numpy() - score).max() > 1e-3
