import pyarrow.parquet as pq
import pytest

from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import load_experiment
from pipeline.settings.user.data import load_user_data
from pipeline.settings.user.labelled_supports import labelled_users
from pipeline.training.trained import trained_model


@pytest.fixture(scope="module")
def batches(experiment):
    config = load_experiment(experiment.config_path)
    data = load_user_data(experiment.dataset_dir)
    model = trained_model(config, data, RunDir(experiment.run_dir))
    return list(labelled_users(config, data, model, "meta_test"))


def test_labels_are_those_of_the_tables(batches):
    for batch in batches:
        for task_id, gender, age in zip(
            batch.task_ids, batch.labels["gender"], batch.labels["age"], strict=True
        ):
            number = int(task_id.removeprefix("ü"))
            assert gender == "FM"[number % 2]
            assert age == pytest.approx(20 + number)


def test_support_sets_are_those_that_evaluate_shows(batches):
    assert sum(len(batch.task_ids) for batch in batches) == 16
    for batch in batches:
        sizes = batch.support["support_mask"].sum(axis=1)
        assert sizes.tolist() == batch.labels["support_size"]
        assert set(sizes) == {6}  # evaluation.support_size
        asked = {name for name in batch.support if not name.startswith("support_")}
        assert asked == {"task_user"}


def test_errors_are_those_that_evaluate_has_written(batches, experiment):
    rows = pq.read_table(experiment.run_dir / "eval" / "scores.parquet")
    rows = rows.to_pandas().query("method == 'cmml' and group == 'cold'")
    gap = (rows.score - rows.label).abs().groupby(rows.task_id).mean()
    errors = {
        task_id: error
        for batch in batches
        for task_id, error in zip(batch.task_ids, batch.labels["error"], strict=True)
    }
    assert errors == pytest.approx(gap.to_dict(), abs=1e-5)
