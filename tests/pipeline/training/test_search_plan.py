import pathlib

import pytest
import yaml

from pipeline.experiment.config_file import ConfigError, read_yaml
from pipeline.training.search_plan import check_budget, load_plan
from tuning.grid import check_values, grid_points, split_points
from tuning.space import Space

ROOT = pathlib.Path(__file__).parents[3]
SPACES = sorted((ROOT / "configs/spaces").glob("*.yaml"))


@pytest.fixture
def plan_of(tmp_path, write_config):
    """Loads a plan of the small experiment and a space with these keys."""

    def load(keys, *overrides, algorithm="grid", **space):
        path = tmp_path / "space.yaml"
        values = {"name": "tried", "keys": keys, **space}
        path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        return load_plan(write_config(tmp_path), overrides, path, algorithm)

    return load


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_each_space_that_is_delivered_can_be_searched(path):
    config = ROOT / "configs/movielens_1m_user_trimmed.yaml"
    plan = load_plan(config, [], path, "grid")
    check_values(plan.space, plan.refusal)
    valid, refused = split_points(grid_points(plan.space), plan.refusal)
    assert valid
    assert not list(refused)


def test_the_default_space_has_24_trials():
    space = read_yaml(ROOT / "configs/spaces/default.yaml")
    assert len(grid_points(Space(**space))) == 24


def test_values_that_do_not_go_together_are_refused_with_the_reason_of_the_config(
    plan_of,
):
    plan = plan_of(
        {"model.modulation": ["film", "soft"], "model.route_axis": ["target", "source"]}
    )
    valid, refused = split_points(grid_points(plan.space), plan.refusal)
    assert len(valid) == 3
    ((point, reason),) = refused
    assert point == {"model.modulation": "film", "model.route_axis": "source"}
    assert "route_axis = 'source' goes with modulation 'soft' only" in reason
    check_values(plan.space, plan.refusal)


def test_a_key_that_there_is_not_is_an_error_that_names_the_nearest(plan_of):
    with pytest.raises(ConfigError, match=r"unknown key 'model.encodr'.*'encoder'"):
        plan_of({"model.encodr": ["gru"]})


def test_a_mistake_in_a_space_names_file_key_and_value(plan_of):
    message = r"space.yaml: unknown key 'keys.model.dropout.stepps' \(value 3\).*steps"
    with pytest.raises(ConfigError, match=message):
        plan_of({"model.dropout": {"min": 0.1, "max": 0.5, "stepps": 3}})


def test_what_trials_differ_in_cannot_be_changed_by_hand(plan_of):
    with pytest.raises(ConfigError, match=r"trials differ in 'model.encoder'"):
        plan_of({"model.encoder": ["gru", "mean"]}, "model.encoder=max")


def test_a_change_by_hand_wins_over_that_of_all_trials(plan_of):
    given = {"training.max_epochs": 2, "training.patience": 3}
    plan = plan_of({"model.dropout": [0.1]}, "training.max_epochs=9", set=given)
    assert plan.config.training.max_epochs == 9
    assert plan.config.training.patience == 3
    assert plan.space.set == {"training.patience": 3}
    assert plan.full_epochs == 9
    short = plan_of({"model.dropout": [0.1]}, set=given)
    assert short.full_epochs > short.config.training.max_epochs == 2


def test_a_range_without_steps_is_no_key_of_a_grid(plan_of):
    ends = {"model.dropout": {"min": 0.1, "max": 0.5}}
    message = r"space.yaml: key 'model.dropout': a grid needs `steps` of 0.1 to 0.5"
    with pytest.raises(ConfigError, match=message):
        plan_of(ends)
    assert plan_of(ends, algorithm="random").algorithm == "random"


def test_hyperband_chooses_the_epochs_itself(plan_of):
    with pytest.raises(ConfigError, match="hyperband itself chooses"):
        plan_of({"training.max_epochs": [1, 2]}, algorithm="hyperband")


def test_the_folder_changes_with_what_decides_the_search_alone(plan_of):
    keys = {"model.dropout": [0.1, 0.2]}
    folder = plan_of(keys).folder("data")
    assert folder.name.startswith("tried-grid-")
    assert plan_of(keys, keep_checkpoints=9).folder("data") == folder
    others = [
        plan_of(keys).folder("other data"),
        plan_of(keys, seeds=2).folder("data"),
        plan_of(keys, "model.embedding_dim=5").folder("data"),
        plan_of(keys, algorithm="random").folder("data"),
        plan_of({"model.dropout": [0.1, 0.3]}).folder("data"),
    ]
    assert len({folder, *others}) == 6


def test_seeds_begin_with_that_of_the_experiment(plan_of):
    plan = plan_of({"model.dropout": [0.1]}, "training.seed=7", seeds=3)
    assert plan.seeds == (7, 8, 9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("grid", 0, None), "--max_trials must be at least 1, got 0"),
        (("grid", None, 0.0), "--max_hours must be above 0, got 0"),
        (("random", None, None), "random search needs --max_trials or --max_hours"),
    ],
)
def test_a_budget_out_of_range_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        check_budget(*arguments)


def test_what_the_experiment_has_itself_is_told_in_the_words_of_the_space(plan_of):
    plan = plan_of(
        {
            "model.modulation": ["weight", "film"],
            "model.hidden_dims": [[64], [32, 16]],
            "model.route_axis": {
                "values": ["source", "target"],
                "when": {"model.modulation": ["weight"]},
            },
            "model.film_scale_offset": [0, 1],
            "model.max_surprise": {"min": 1, "max": 2},
            "training.learning_rate": {"min": 0.1, "max": 0.2},
        },
        algorithm="random",
    )
    assert plan.own == {
        "model.modulation": "film",
        "model.hidden_dims": list(plan.config.model.hidden_dims),
        "model.film_scale_offset": plan.config.model.film_scale_offset,
        "training.learning_rate": plan.config.training.learning_rate,
    }
    assert type(plan.own["model.film_scale_offset"]) is int
    assert not plan.space.holds(plan.own)
