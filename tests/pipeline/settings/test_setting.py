"""What every step relies on, in each setting."""

import itertools

import numpy as np
import pytest

from pipeline.experiment.config_file import with_changes
from pipeline.settings.registry import load_experiment, setting_of


@pytest.fixture(params=["experiment", "scenario_experiment"])
def loaded(request):
    """A setting, the configuration of its small experiment, and the data."""
    made = request.getfixturevalue(request.param)
    config = load_experiment(made.config_path)
    setting = setting_of(config)
    return setting, config, setting.load(config, made.dataset_dir)


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], name)


def test_data_say_where_they_are_and_what_they_hold(loaded):
    _, _, data = loaded
    assert (data.directory / "_SUCCESS").exists()
    assert data.info.num_tasks["meta_train"] > 1
    assert len(data.info.fingerprint) == 16


def test_a_training_goes_on_with_the_batches_that_it_would_have_seen(loaded):
    setting, config, data = loaded
    plan = setting.training(config, data)
    assert plan.steps_per_epoch >= 1
    whole = list(itertools.islice(plan.episodes(0), plan.steps_per_epoch + 1))
    assert_equal(whole[-1], next(iter(plan.episodes(plan.steps_per_epoch))))


def test_epochs_are_judged_by_meta_validation_with_all_to_show(loaded):
    setting, config, data = loaded
    shown = setting.training(config, data).validation
    assert (shown.split, shown.support) == ("meta_validation", "own")
    assert not shown.is_few_shot


def test_a_probe_and_what_is_timed_are_the_same_every_time(loaded):
    setting, config, data = loaded
    first, second = (setting.training(config, data) for _ in range(2))
    for one, other in ((first.probe, second.probe), (first.timed, second.timed)):
        batch = one()
        assert_equal(batch, other())
        assert {"support_label", "query_label", "query_mask"} <= batch.keys()


def test_groups_begin_with_the_main_one_and_have_different_names(loaded):
    setting, config, data = loaded
    groups = setting.groups(config, data, "meta_test")
    assert (groups[0].split, groups[0].support) == ("meta_test", "own")
    assert not groups[0].is_few_shot
    names = [one.group for one in groups]
    assert len(names) == len(set(names))
    assert [one for one in groups if one.is_few_shot]
    assert [one for one in groups if one.support == "other"]


def test_episodes_have_their_ids_and_no_padding_in_between(loaded):
    setting, config, data = loaded
    task_ids = []
    for ids, episode in setting.parts.episodes(config, data, "meta_test"):
        task_ids += ids
        mask = np.asarray(episode["query_mask"])
        assert len(ids) == len(mask)
        assert not (mask[:, 1:] & ~mask[:, :-1]).any()
    assert len(task_ids) == len(set(task_ids)) == data.info.num_tasks["meta_test"]


def test_metrics_of_some_names_are_those_of_all(loaded):
    setting, config, data = loaded
    main = setting.groups(config, data, "meta_test")[0]
    name = setting.methods(config).reference
    method = setting.methods(config).fit(name, data, {})
    method = setting.methods(config).completed(method, config, data)
    pairs = setting.scorer(method, config, data)(main)
    by_task = setting.by_task(pairs)
    assert by_task.keys() == {metric.name for metric in setting.metrics}
    for metric in setting.metrics:
        (values,) = setting.by_task(pairs, names=[metric.name]).values()
        np.testing.assert_array_equal(values, by_task[metric.name])
        assert values.shape == (data.info.num_tasks["meta_test"],)


def test_every_cmml_of_a_comparison_is_built_and_answers(loaded):
    setting, config, data = loaded
    main = setting.groups(config, data, "meta_test")[0]
    for changes in setting.methods(config).cmml.values():
        changed = with_changes(config, changes)
        model = setting.build(changed, data, fit=True)
        pairs = setting.scorer(model, changed, data)(main)
        assert np.isfinite(pairs.score).all()


def test_words_are_of_groups_that_there_are(loaded):
    setting, config, data = loaded
    words = setting.parts.group_words(data)
    groups = {one.group for one in setting.groups(config, data, "meta_test")}
    whole = {name for name in groups if "/support_" not in name}
    assert whole <= words.keys()
