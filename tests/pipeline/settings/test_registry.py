import pathlib

import pytest

from pipeline.experiment.config_file import ConfigError
from pipeline.settings.registry import SETTINGS, load_experiment, setting_of
from pipeline.settings.scenario.setting import SCENARIO
from pipeline.settings.user.setting import USER

CONFIGS = pathlib.Path(__file__).parents[3] / "configs"
USERS, SCENARIOS = CONFIGS / "own_table.yaml", CONFIGS / "own_clicks.yaml"


@pytest.mark.parametrize(("path", "name"), [(USERS, "user"), (SCENARIOS, "scenario")])
def test_an_experiment_is_of_its_setting(path, name):
    config = load_experiment(path)
    assert config.setting == name
    assert setting_of(config) is {"user": USER, "scenario": SCENARIO}[name]
    assert isinstance(config, SETTINGS[name])


@pytest.mark.parametrize("setting", ["[user]", "users"])
def test_an_unknown_setting_is_named(setting):
    message = r"key 'setting' must be one of user, scenario, got .*user"
    with pytest.raises(ConfigError, match=message):
        load_experiment(USERS, [f"setting={setting}"])


def test_domains_without_a_setting_say_which_is_meant(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("name: x\ndata: {domains: {}}\n")
    with pytest.raises(ConfigError, match="goes with `setting: scenario`"):
        load_experiment(path)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda p: p.stem)
def test_the_configurations_that_come_along_load(path):
    assert load_experiment(path).name == path.stem


def test_changes_win_over_what_is_typed():
    typed = ["training.seed=1", "training.patience=2"]
    config = load_experiment(USERS, typed, {"training.seed": 3})
    assert (config.training.seed, config.training.patience) == (3, 2)


@pytest.mark.parametrize("path", ["movielens_small", "lastfm_scenario", "lastfm_users"])
def test_every_setting_has_what_all_steps_need(path):
    config = load_experiment(CONFIGS / f"{path}.yaml")
    setting = setting_of(config)
    names = [metric.name for metric in setting.metrics]
    assert len(names) == len(set(names))
    assert setting.metrics[0].in_tables  # What decides is shown.
    methods = setting.methods(config)
    assert methods.reference in methods.beside_ablation
    assert set(methods.beside_ablation) <= methods.simple.keys()
    assert not methods.simple.keys() & methods.learned.keys()
    parts = setting.parts
    for part in ("episodes", "supports", "request", "facts", "audit"):
        assert getattr(parts, part) is not None, part
    assert config.exported_model() is not None


@pytest.mark.parametrize("setting", [USER, SCENARIO], ids=SETTINGS)
def test_the_metric_that_decides_has_a_direction(setting):
    assert setting.metrics[0].direction


def test_every_metric_with_a_target_says_what_it_is():
    (coverage,) = [one for one in USER.metrics if one.target is not None]
    assert coverage.sentence.format(0.75) == (
        "the central 80% of the distributions hold 75.0% of the labels"
    )
