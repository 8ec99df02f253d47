from pipeline.settings.registry import load_experiment
from pipeline.steps.pretrain import pretrain


def test_pretrain_goes_with_scenarios_only(experiment, cmml):
    done = cmml("pretrain", "--config", experiment.config_path)
    assert done.status == 2
    assert "pretrain goes with setting 'scenario' only, got 'user'" in done.stderr


def test_users_have_nothing_to_be_fitted_beforehand(experiment):
    config = load_experiment(experiment.config_path)
    assert pretrain(config, experiment.dataset_dir) is None


def test_vectors_that_are_there_are_found(scenario_experiment, scenario_tables, cmml):
    config = scenario_experiment.config_path
    done = cmml("pretrain", "--config", config, data_dir=scenario_tables)
    assert done.status == 0, done.stderr
    assert "is up to date" in done.stderr
    (vectors,) = (scenario_experiment.dataset_dir / "vectors").glob("[!.]*")
    assert done.stdout.strip() == str(vectors)
