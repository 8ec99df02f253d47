from pipeline.reports.search.key_axis import (
    key_axis,
    searched_keys,
    shortened,
    varied_keys,
)
from tuning.space import Domain
from tuning.trial_result import TrialResult


def tried(*values):
    return [TrialResult(str(n), "completed", {"k": v}) for n, v in enumerate(values)]


def test_names_stand_at_even_distances_in_the_order_of_the_space():
    axis = key_axis("k", Domain(values=("gru", "mean", "max")), tried("max", "gru"))
    assert dict(axis.ticks) == {"gru": 0, "mean": 1, "max": 2}
    assert (axis.place("mean"), axis.ends) == (1, None)


def test_numbers_of_a_list_stand_by_size_and_truth_values_by_name():
    axis = key_axis("k", Domain(values=(64, 8, 16)), [])
    assert dict(axis.ticks) == {"8": 0, "16": 1, "64": 2}
    switch = key_axis("k", Domain(values=(True, False)), [])
    assert (switch.place(True), switch.place(False)) == (0, 1)
    assert list(switch.ticks) == ["true", "false"]


def test_lists_are_values():
    axis = key_axis("k", Domain(values=([64, 64], [128])), [])
    assert axis.place([128]) == 1
    assert list(axis.ticks) == ["[64, 64]", "[128]"]


def test_values_that_the_space_has_not_stand_too():
    axis = key_axis("k", Domain(values=("gru",)), tried("gru", "mean"))
    assert dict(axis.ticks) == {"gru": 0, "mean": 1}
    rate = key_axis("k", Domain(min=0.1, max=0.5), [])
    assert [rate.place(value) for value in (0.0, 0.2, 0.7)] == [0.1, 0.2, 0.5]
    narrow = key_axis("k", Domain(min=1000, max=1001), [])
    assert narrow.place(1001) == 1001


def test_a_range_is_logarithmic_where_the_space_says_so():
    axis = key_axis("k", Domain(min=1e-4, max=2e-2, scale="log"), tried(0.002))
    assert axis.scale == "log"
    assert list(axis.ticks) == ["0.0001", "0.001", "0.01", "0.02"]
    linear = key_axis("k", Domain(min=0.0, max=0.4), [])
    assert linear.scale == "linear"
    assert list(linear.ticks) == ["0", "0.1", "0.2", "0.3", "0.4"]


def test_points_of_a_grid_are_written_beside_a_range_if_they_are_few():
    axis = key_axis("k", Domain(min=1, max=9, steps=3), [])
    assert dict(axis.ticks) == {"1": 1, "5": 5, "9": 9}
    many = key_axis("k", Domain(min=0, max=100, steps=50), [])
    assert dict(many.ticks) == {"0": 0, "100": 100}


def test_long_labels_are_cut_and_none_is_mathematics():
    assert shortened("a$b$") == r"a\$b\$"
    assert shortened("x" * 30) == "x" * 23 + "\N{HORIZONTAL ELLIPSIS}"


def test_keys_with_one_value_do_not_vary(results, with_scores):
    assert list(varied_keys(results)) == list(results.space.keys)
    assert not varied_keys(with_scores((1.0, 1.0), (2.0, 2.0)))


def test_keys_that_the_algorithm_sets_are_searched_too(with_scores):
    values = [{"training.max_epochs": epochs} for epochs in (3, 9, 3)]
    results = with_scores((1.0,), (2.0,), (3.0,), values=values)
    assert searched_keys(results)["training.max_epochs"].values == (3, 9)
    assert list(varied_keys(results)) == ["training.max_epochs"]
