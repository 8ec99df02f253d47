import pydantic
import pytest

from transforms.schema import DataError
from tuning.grid import check_values, grid_points
from tuning.key_values import decode, encode, to_hyperparameters
from tuning.space import Domain, Space
from tuning.trial_result import objective


def space_of(**keys):
    return Space(name="s", keys={f"model.{key}": value for key, value in keys.items()})


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ([], "at least one value"),
        (["x", "x"], "values must differ, got 'x' twice"),
        (["1e-3"], "'1e-3' is text"),
        ({"min": 1}, "needs `values`, or `min` and `max`"),
        ({"min": 2, "max": 1}, "min must be below max, got 2 and 1"),
        ({"min": 0, "max": 1, "scale": "log"}, "above 0 with scale log, got 0"),
        ({"values": [1], "steps": 3}, "either `values` or a range"),
        ({"min": 1, "max": 2, "steps": 1}, "greater than or equal to 2"),
    ],
)
def test_a_domain_that_makes_no_sense_is_an_error(domain, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        Domain.model_validate(domain)


@pytest.mark.parametrize("key", ["data.path", "training.seed", "evaluation.seed"])
def test_a_key_that_changes_data_or_figures_is_an_error(key):
    with pytest.raises(pydantic.ValidationError, match=rf"got '{key}'\."):
        Space(name="s", keys={key: [1]})


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"model.z": [1]}, "names a key above that has values, got 'model.z'"),
        ({"model.a": [3]}, r"'model.a' is one of \[1, 2\], got 3"),
        ({"model.a": []}, "`when` of 'model.a' is empty"),
    ],
)
def test_a_condition_that_never_holds_is_an_error(when, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        space_of(a=[1, 2], b={"values": [1], "when": when})


def test_points_of_a_range_are_even_steps_or_even_ratios():
    assert Domain(min=0.0, max=1.0, steps=3).points() == (0.0, 0.5, 1.0)
    ratios = Domain(min=1e-4, max=1e-2, scale="log", steps=5).points()
    assert ratios == (0.0001, 0.000316228, 0.001, 0.00316228, 0.01)
    # 1, 1.6, 2.5, 4 as whole numbers, each once.
    whole = Domain(min=1, max=4, scale="log", steps=4).points()
    assert whole == (1, 2, 3, 4)
    assert all(isinstance(value, int) for value in whole)


def test_a_key_takes_part_only_where_its_condition_holds():
    space = space_of(
        a=["x", "y"],
        b={"values": [1, 2], "when": {"model.a": ["x"]}},
        c={"values": [True], "when": {"model.b": [2]}},
    )
    assert grid_points(space) == [
        {"model.a": "x", "model.b": 1},
        {"model.a": "x", "model.b": 2, "model.c": True},
        {"model.a": "y"},
    ]


def test_true_is_not_one_in_a_condition():
    space = space_of(a=[1, True], b={"values": [5], "when": {"model.a": [True]}})
    assert grid_points(space) == [
        {"model.a": 1},
        {"model.a": True, "model.b": 5},
    ]


def test_a_grid_needs_steps_and_has_an_end():
    with pytest.raises(DataError, match=r"key 'model.a': a grid needs `steps`"):
        grid_points(space_of(a={"min": 1.0, "max": 2.0}))
    many = {key: list(range(30)) for key in "abc"}
    with pytest.raises(DataError, match=r"more than 10000 points .* 'model.c'"):
        grid_points(space_of(**many))


def test_a_value_that_can_never_be_tried_is_an_error():
    def refusal(values):
        return "no such encoder" if values["model.a"] == "grru" else ""

    with pytest.raises(DataError, match=r"'model.a' can never be 'grru': no such"):
        check_values(space_of(a=["gru", "grru"], b=[1, 2]), refusal)


def test_values_come_back_from_keras_tuner_as_they_went():
    space = space_of(
        a=[[64, 64], [32]],
        b=[True, False, None],
        c={"min": 1e-4, "max": 1e-2},
        d={"min": 1, "max": 9, "when": {"model.b": [True]}},
    )
    assert len(to_hyperparameters(space).space) == 4
    values = {"model.a": [64, 64], "model.b": True, "model.c": 1.6e-3, "model.d": 3}
    encoded = encode(space, values)
    encoded["model.c"] = 0.0015999999595806003  # In single precision.
    assert decode(space, encoded) == values
    encoded["model.b"] = "false"
    assert "model.d" not in decode(space, encoded)


def test_the_objective_is_the_mean_and_the_spread_to_the_worse_side():
    # Mean 2, standard deviation 1.
    scores = (1.0, 2.0, 3.0)
    assert objective(scores, spread_weight=0.5, minimise=True) == pytest.approx(2.5)
    assert objective(scores, spread_weight=0.5, minimise=False) == pytest.approx(1.5)
    assert objective((4.0,), spread_weight=9.0, minimise=True) == 4.0
