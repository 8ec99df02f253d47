import pytest

import cmml as api


@pytest.fixture
def ratings(project, raw_dir, monkeypatch):
    monkeypatch.setenv("CMML_DATA_DIR", str(raw_dir))
    return project


@pytest.fixture
def clicks(scenario_project, scenario_tables, monkeypatch):
    monkeypatch.setenv("CMML_DATA_DIR", str(scenario_tables))
    return scenario_project


def test_what_is_up_to_date_is_skipped(ratings, experiment, capsys):
    assert ratings.prepare() == experiment.dataset_dir
    assert ratings.pretrain() is None
    assert ratings.train() == experiment.run_dir
    assert ratings.evaluate().directory == experiment.run_dir / "eval"
    assert ratings.export() == experiment.exported
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4
    assert all(line.endswith(" is up to date") for line in said)


def test_scenarios_take_the_same_steps(clicks, scenario_experiment):
    assert clicks.prepare() == scenario_experiment.dataset_dir
    factors = clicks.pretrain()
    assert factors is not None
    assert factors.is_dir()
    assert clicks.train() == scenario_experiment.run_dir
    assert clicks.export() == scenario_experiment.exported


def test_run_does_all_of_it(clicks, scenario_experiment, capsys):
    assert clicks.run() == scenario_experiment.exported
    assert "recall@20 is better" in capsys.readouterr().out


def test_keys_are_changed_and_checked(experiment):
    changed = api.load(experiment.config_path, {"model.dropout": 0.25})
    assert changed.config.model.dropout == 0.25
    with pytest.raises(
        api.ConfigError,
        match=r"own.yaml: unknown key 'model.dropuot' \(value 0.1\); .* 'dropout'",
    ):
        api.load(experiment.config_path, {"model.dropuot": 0.1})
    with pytest.raises(api.ConfigError, match=r"cannot read .*nowhere.yaml: No such"):
        api.load(experiment.config_path.with_name("nowhere.yaml"))


def test_a_project_shows_its_name_and_setting(ratings, clicks):
    assert repr(ratings) == "Project('own', setting='user')"
    assert repr(clicks).endswith(", setting='scenario')")


@pytest.mark.parametrize("function", [api.load, api.open_model])
def test_what_is_no_path_is_refused(function):
    with pytest.raises(ValueError, match=r"^(path|source) must be a path, got 3\.$"):
        function(3)


def test_a_step_says_which_one_comes_first(ratings, experiment, tmp_path):
    empty = api.load(experiment.config_path, {"prepared_dir": str(tmp_path)})
    for step in (empty.pretrain, empty.train, empty.evaluate, empty.export):
        with pytest.raises(api.DataError, match="run `cmml prepare`"):
            step()
    untrained = api.load(experiment.config_path, {"model.dropout": 0.125})
    for step in (untrained.evaluate, untrained.export):
        with pytest.raises(api.DataError, match=r"no finished 'train' .*: run `cmml"):
            step()


def test_flags_of_beam_are_checked(ratings):
    with pytest.raises(ValueError, match="got '--ruunner'; did you mean '--runner'"):
        ratings.prepare(["--ruunner=FlinkRunner"])
