"""What a search leaves behind, and how it ends if it cannot go on."""

import pathlib

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from transforms.schema import DataError
from tuning.results import read_results, read_search
from tuning.search import role_of

SPACE = {
    "name": "left",
    "keys": {
        "model.a": [3, 1, 2],
        "model.b": ["y", "x"],
        "model.c": {"min": 1, "max": 2, "steps": 2, "when": {"model.b": ["x"]}},
    },
    "seeds": 2,
    "keep_checkpoints": 2,
}


def log_of(folder):
    return pathlib.Path(f"{folder}.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def finished(searches, tmp_path_factory):
    """A finished search. To read only."""
    folder = tmp_path_factory.mktemp("finished") / "search"
    assert searches.run(folder, SPACE) == 0
    return folder


def test_a_trial_holds_its_values_scores_and_objective(finished):
    trial = read_results(finished).trials[1]
    assert trial.trial_id == "0001"
    assert trial.values == {"model.a": 3, "model.b": "x", "model.c": 1}
    # 3 + 1 + 3 keys / 4, and 1 more with seed 1; their deviation is 1 / sqrt(2).
    assert trial.scores == (4.75, 5.75)
    assert trial.objective == pytest.approx(5.25 + 0.5**0.5)
    assert trial.best_epochs == (1, 2)
    assert trial.num_parameters == 10


def test_a_point_that_is_refused_is_listed_with_the_reason(finished):
    (skipped,) = [t for t in read_search(finished).trials if t.status == "invalid"]
    assert skipped.values == {"model.a": 2, "model.b": "y"}
    assert skipped.reason == "a = 2 goes with b 'x' only"


def test_only_the_best_trials_keep_their_checkpoints(finished):
    best = {trial.trial_id for trial in read_results(finished).best_first()[:2]}
    kept = {path.parts[-3] for path in finished.rglob("checkpoints")}
    assert kept == best
    assert len(list(finished.rglob("done.json"))) == 8 * 2


def hparams_of(folder, tag):
    accumulator = EventAccumulator(str(folder)).Reload()
    content = accumulator.SummaryMetadata(tag).plugin_data.content
    return accumulator, content


def test_hparams_shows_keys_with_domains_and_metrics_with_units(finished):
    _, content = hparams_of(finished / "hparams", metadata.EXPERIMENT_TAG)
    experiment = metadata.parse_experiment_plugin_data(content)
    domains = {info.name: info for info in experiment.hparam_infos}
    numbers = [v.number_value for v in domains["model.a"].domain_discrete.values]
    assert numbers == [1.0, 2.0, 3.0]
    ends = domains["model.c"].domain_interval
    assert (ends.min_value, ends.max_value) == (1.0, 2.0)
    names = {m.name.tag: m.display_name for m in experiment.metric_infos}
    assert names["val_mae"] == "val_mae [stars]"
    assert names["objective"] == "mean + 1 sd over seeds [stars]"


def test_hparams_shows_each_trial_and_seed_without_inactive_keys(finished):
    for trial in read_results(finished).best_first():
        for seed, score in enumerate(trial.scores):
            folder = finished / "hparams" / trial.trial_id / f"seed-{seed}"
            tag = metadata.SESSION_START_INFO_TAG
            accumulator, content = hparams_of(folder, tag)
            start = metadata.parse_session_start_info_plugin_data(content)
            assert set(start.hparams) == set(trial.values)
            assert start.group_name == trial.trial_id
            (event,) = accumulator.Tensors("val_mae")
            assert event.tensor_proto.float_val[0] == pytest.approx(score)


def test_a_trial_that_fails_is_kept_with_its_reason_and_the_search_goes_on(
    searches, tmp_path
):
    folder = tmp_path / "search"
    keys = {"model.fails": [True, False], "model.a": [1, 2]}
    assert searches.run(folder, {"name": "s", "keys": keys}) == 0
    trials = read_results(folder).trials
    assert [t.status for t in trials] == ["failed", "failed", "completed", "completed"]
    assert trials[0].reason == "val_mae was nan in epoch 2"
    assert trials[0].objective is None


def test_three_trials_in_a_row_that_fail_alike_stop_the_search(searches, tmp_path):
    folder = tmp_path / "search"
    keys = {"model.fails": [True], "model.a": [1, 2, 3, 4, 5]}
    assert searches.run(folder, {"name": "s", "keys": keys}) == 1
    assert len(read_search(folder).trials) == 3
    message = (
        "3 trials in a row failed alike, the last one, 0002, with: val_mae was nan"
    )
    assert message in log_of(folder)
    with pytest.raises(DataError, match="no completed trial yet, of 3 that have ended"):
        read_results(folder)


def test_a_bug_ends_the_search_and_its_trial_is_run_again(searches, tmp_path):
    folder = tmp_path / "search"
    space = {"name": "s", "keys": {"model.bug": [True, False]}}
    for _ in range(2):
        assert searches.run(folder, space) == 1
        assert not read_search(folder).trials
    assert log_of(folder).count("KeyError: 'bug'") == 2


def test_no_trial_starts_after_the_time_is_spent(searches, tmp_path):
    folder = tmp_path / "search"
    hours = 0.1 / 3600.0
    assert searches.run(folder, SPACE, seconds=0.1, budget={"max_hours": hours}) == 0
    assert len(read_results(folder).best_first()) == 1


def test_a_bayesian_search_tries_nothing_twice(searches, tmp_path):
    folder = tmp_path / "search"
    budget = {"max_trials": 30}
    assert searches.run(folder, SPACE, algorithm="bayesian", budget=budget) == 0
    tried = [str(t.values) for t in read_search(folder).trials if t.status != "invalid"]
    assert len(set(tried)) == len(tried) == 8


def test_a_folder_without_a_search_is_an_error(tmp_path):
    with pytest.raises(DataError, match="holds no search: run `cmml tune`"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"KERASTUNER_TUNER_ID": "a"}, "got no KERASTUNER_ORACLE_IP and no KERASTUNER"),
        (
            {
                "KERASTUNER_TUNER_ID": "a",
                "KERASTUNER_ORACLE_IP": "h",
                "KERASTUNER_ORACLE_PORT": "x",
            },
            "KERASTUNER_ORACLE_PORT must be a number, got 'x'",
        ),
    ],
)
def test_half_of_the_variables_is_an_error(found, message):
    with pytest.raises(DataError, match=message):
        role_of(found)


def test_hyperband_promotes_in_a_space_of_few_points(searches, tmp_path):
    folder = tmp_path / "search"
    space = {"name": "s", "keys": {"model.a": [3, 1, 2]}}
    budget = {"max_epochs": 9}
    assert searches.run(folder, space, algorithm="hyperband", budget=budget) == 0
    trials = read_results(folder).trials
    epochs = [trial.values["training.max_epochs"] for trial in trials]
    # Of a first round of 9 there are 3: one is promoted to 3 epochs, and to 9.
    assert epochs == [1, 1, 1, 3, 9]
    assert {trial.values["model.a"] for trial in trials[3:]} == {1}


OWN = {"model.a": 1, "model.b": "x", "model.c": 2}
BESIDE = {"model.a": None, "model.b": "x", "model.c": 0.5}
BUDGETS = {
    "grid": {},
    "random": {"max_trials": 6},
    "bayesian": {"max_trials": 8},
    "hyperband": {"max_epochs": 9},
}


@pytest.mark.parametrize("own", [OWN, BESIDE])
@pytest.mark.parametrize("algorithm", list(BUDGETS))
def test_the_first_trial_is_the_experiment_itself(searches, tmp_path, algorithm, own):
    folder = tmp_path / "search"
    space = {**SPACE, "seeds": 1}
    command = {"algorithm": algorithm, "budget": BUDGETS[algorithm], "own": own}
    assert searches.run(folder, space, **command) == 0
    results = read_results(folder)
    first, *others = results.trials
    assert results.is_own(first)
    epochs = {"training.max_epochs": 9} if algorithm == "hyperband" else {}
    assert first.values == own | epochs
    assert len(others) > 1
    assert not any(results.is_own(trial) for trial in others)


@pytest.mark.parametrize(("own", "num_trials"), [(OWN, 8), (BESIDE, 9)])
def test_a_grid_has_one_more_trial_if_the_experiment_is_no_point_of_it(
    searches, trainings, tmp_path, own, num_trials
):
    folder = tmp_path / "search"
    assert searches.run(folder, SPACE, budget={"max_trials": 3}) == 0
    assert len(read_results(folder).best_first()) == 3  # Not told what is its own.
    assert searches.run(folder, SPACE, own=own) == 0
    assert searches.run(folder, SPACE, own=own) == 0
    results = read_results(folder)
    assert len(results.best_first()) == num_trials
    assert results.is_own(results.trials[3])
    assert len(trainings(folder)) == 2 * num_trials
    assert len(results.of_space()) == 8 + 1  # One is refused.


def test_hparams_shows_the_experiment_itself_though_it_is_beside_the_space(
    searches, tmp_path
):
    assert searches.run(tmp_path / "search", SPACE, own=BESIDE) == 0
    hparams = tmp_path / "search/hparams"
    _, content = hparams_of(hparams, metadata.EXPERIMENT_TAG)
    experiment = metadata.parse_experiment_plugin_data(content)
    domains = {info.name: info for info in experiment.hparam_infos}
    discrete = [v.string_value for v in domains["model.a"].domain_discrete.values]
    ends = domains["model.c"].domain_interval
    _, content = hparams_of(hparams / "0000/seed-0", metadata.SESSION_START_INFO_TAG)
    start = metadata.parse_session_start_info_plugin_data(content)
    assert start.hparams["model.a"].string_value in discrete
    assert (ends.min_value, ends.max_value) == (0.5, 2.0)
    assert start.hparams["model.c"].number_value == 0.5
