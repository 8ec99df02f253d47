import dataclasses
import pathlib

import pytest

from pipeline.experiment.config_file import ConfigError
from pipeline.reports.search.tuning_report import best_experiment, best_yaml
from pipeline.settings.registry import load_experiment
from tuning.space import Domain

CONFIG = pathlib.Path(__file__).parents[4] / "configs" / "movielens_small.yaml"


def test_the_best_experiment_has_the_values_of_the_best_trial(results):
    found = best_experiment(results, CONFIG, ["training.batch_size=7"])
    assert found.model.encoder == "gru"
    assert found.model.modulation == "soft"
    assert found.model.num_modules == 4
    assert found.training.learning_rate == 0.01
    assert found.model.dropout == 0.25  # Of every trial.
    assert found.training.seed == 3  # The first.
    assert found.training.batch_size == 7  # As typed.


def test_it_keeps_the_name_and_the_data(results):
    found, given = best_experiment(results, CONFIG, []), load_experiment(CONFIG)
    assert (found.name, found.data) == (given.name, given.data)
    assert found.weight_sections != given.weight_sections


def test_the_file_loads_as_the_same_experiment(results, tmp_path):
    experiment = best_experiment(results, CONFIG, [])
    (tmp_path / "best.yaml").write_text(best_yaml(results, experiment))
    assert load_experiment(tmp_path / "best.yaml") == experiment


def test_comments_say_where_the_values_come_from(results):
    text = best_yaml(results, best_experiment(results, CONFIG, []))
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert comments == [
        "# The best trial of the search 'tiny' by grid.",
        "# trial: 0008, of 18 that were completed",
        "# values: model.encoder = gru, model.modulation = soft, "
        "model.num_modules = 4, training.learning_rate = 0.01",
        "# objective: 0.7007 stars, mean val_mae of 2 seeds plus 0.5 times their "
        "standard deviation on meta-validation",
        "# val_mae by seed: 3: 0.6990, 4: 0.7010",
        "# chosen for the lowest objective, of equals the earliest; meta-test was not "
        "looked at",
    ]


def test_what_shortens_all_trials_is_not_that_of_the_best_experiment(results):
    given = load_experiment(CONFIG).training
    short = {"training.max_epochs": 2, "training.patience": 1, "model.dropout": 0.25}
    space = results.space.model_copy(update={"set": short})
    results = dataclasses.replace(results, space=space)
    found = best_experiment(results, CONFIG, [])
    assert found.training.max_epochs == given.max_epochs
    assert found.training.patience == given.patience
    assert found.model.dropout == 0.25
    assert (
        f"# training.max_epochs is that of the experiment, {given.max_epochs}; trials "
        "had 2\n" in best_yaml(results, found)
    )


def test_a_length_of_training_that_is_searched_is_that_of_the_best_trial(results):
    keys = results.space.keys | {"training.max_epochs": Domain(values=(5, 7))}
    best = results.best_first()[0]
    best = dataclasses.replace(best, values=best.values | {"training.max_epochs": 7})
    space = results.space.model_copy(update={"keys": keys})
    results = dataclasses.replace(results, space=space, trials=(best,))
    found = best_experiment(results, CONFIG, [])
    assert found.training.max_epochs == 7
    assert "trials had" not in best_yaml(results, found)


def test_a_value_never_leaves_its_comment(results):
    experiment = best_experiment(results, CONFIG, [])
    values = {"model.encoder": "gru\nname: other"}
    best = dataclasses.replace(results.best_first()[0], values=values)
    text = best_yaml(dataclasses.replace(results, trials=(best,)), experiment)
    assert "model.encoder = gru name: other\n" in text


def test_values_that_the_experiment_refuses_are_named(results):
    best = dataclasses.replace(results.best_first()[0], values={"model.encoder": "no"})
    refused = dataclasses.replace(results, trials=(best,))
    with pytest.raises(ConfigError, match=r"model.encoder.*got 'no'"):
        best_experiment(refused, CONFIG, [])
