import numpy as np
import pytest
from pipeline.insight.scenario_contexts import dealt_out

from pipeline.experiment.run_dir import RunDir
from pipeline.insight import scenario_contexts
from pipeline.insight.contexts import TaskContexts, joined, task_contexts, thinned
from pipeline.settings.registry import load_experiment
from transforms.schema import DataError, load_dataset_info


def contexts(ids):
    values = np.arange(len(ids), dtype=np.float32)[:, np.newaxis]
    return TaskContexts(ids, values, {"tag": [f"t{one}" for one in ids]})


def test_thinned_contexts_keep_their_labels_and_order():
    found = thinned(contexts([str(n) for n in range(50)]), 9, seed=1)
    assert len(found.task_ids) == len(set(found.task_ids)) == 9
    assert [int(one) for one in found.task_ids] == found.contexts[:, 0].tolist()
    assert found.labels["tag"] == [f"t{one}" for one in found.task_ids]
    few = contexts(["1", "2"])
    assert thinned(few, 2, seed=1) is few


def test_joined_contexts_stand_one_after_the_other():
    found = joined([contexts(["a", "b"]), contexts(["c"])])
    assert found.task_ids == ["a", "b", "c"]
    assert found.contexts[:, 0].tolist() == [0.0, 1.0, 0.0]
    assert found.labels["tag"] == ["ta", "tb", "tc"]


@pytest.fixture(scope="module")
def users(experiment):
    config = load_experiment(experiment.config_path)
    run = RunDir(experiment.run_dir)
    return task_contexts(config, experiment.dataset_dir, run, split="all")


def test_every_user_has_one_context_and_the_labels_of_the_tables(users, experiment):
    info = load_dataset_info(experiment.dataset_dir)
    assert len(users.task_ids) == sum(info.num_tasks.values())
    assert len(set(users.task_ids)) == len(users.task_ids) == len(users.contexts)
    assert {"gender", "age", "taste", "split", "support_size", "error"} <= set(
        users.labels
    )
    for task_id, gender, age in zip(
        users.task_ids, users.labels["gender"], users.labels["age"], strict=True
    ):
        number = int(task_id.removeprefix("ü"))
        assert gender == "FM"[number % 2]
        assert age == pytest.approx(20 + number)


def test_errors_are_those_that_evaluate_has_written(users, experiment):
    import pyarrow.parquet as pq

    rows = pq.read_table(experiment.run_dir / "eval" / "predictions.parquet")
    rows = rows.to_pandas().query("method == 'cmml' and group == 'cold'")
    gap = (rows.score - rows.label).abs().groupby(rows.task_id).mean()
    errors = dict(zip(users.task_ids, users.labels["error"], strict=True))
    for task_id, error in gap.items():
        assert errors[task_id] == pytest.approx(error, abs=1e-5)


def test_a_split_without_tasks_is_refused(experiment):
    config = load_experiment(experiment.config_path)
    run = RunDir(experiment.run_dir)
    with pytest.raises(DataError, match="split must have tasks, got 'meta_x'"):
        task_contexts(config, experiment.dataset_dir, run, split="meta_x")


def test_support_sets_of_a_scenario_share_no_click(scenario_experiment):
    from models.episodes.click_records import load_tasks
    from transforms.clicks.schema import load_scenario_info

    info = load_scenario_info(scenario_experiment.dataset_dir)
    tasks = load_tasks(
        scenario_experiment.dataset_dir, "meta_train", info.num_negatives
    )
    for task in tasks:
        draws = dealt_out(task, seed=0)
        places = np.concatenate(draws)
        assert len(draws) >= 2
        assert len({len(draw) for draw in draws}) == 1
        assert len(np.unique(places)) == len(places) <= task.support_item.size


def test_scenarios_of_one_click_each_are_refused(scenario_experiment, monkeypatch):
    monkeypatch.setattr(scenario_contexts, "dealt_out", lambda task, seed: [])
    with pytest.raises(DataError, match="scenarios with 2 clicks, got 'meta_test'"):
        task_contexts(
            load_experiment(scenario_experiment.config_path),
            scenario_experiment.dataset_dir,
            RunDir(scenario_experiment.run_dir),
            split="meta_test",
        )


def test_scenarios_are_named_and_encoded_several_times(scenario_experiment):
    config = load_experiment(scenario_experiment.config_path)
    found = task_contexts(
        config,
        scenario_experiment.dataset_dir,
        RunDir(scenario_experiment.run_dir),
        split="meta_test",
        num_orders=2,
    )
    assert len(set(found.task_ids)) < len(found.task_ids)
    for task_id, tag in zip(found.task_ids, found.labels["tag"], strict=True):
        assert tag == f"Theme {task_id.removeprefix('t')}"
    assert np.isfinite(found.contexts).all()
    assert found.contexts.std(axis=0).max() > 0.0
