import numpy as np

from pipeline.reports.run.standing_text import equal_methods


def test_methods_are_alike_if_no_figure_of_a_task_differs():
    one = {"mae": np.array([0.5, np.nan]), "rmse": np.array([1.0, 2.0])}
    other = {"mae": np.array([0.5, 0.25]), "rmse": np.array([1.0, 2.0])}
    close = {"mae": np.array([0.5 + 1e-9, np.nan]), "rmse": np.array([1.0, 2.0])}
    fewer = {"mae": np.array([0.5, np.nan])}
    by_method = {"a": one, "b": other, "c": close, "d": fewer, "e": other}
    assert equal_methods(by_method) == [["a", "c"], ["b", "e"]]


def test_methods_that_all_differ_are_in_no_group():
    values = {"a": {"mae": np.zeros(2)}, "b": {"mae": np.array([0.0, 1e-4])}}
    assert equal_methods(values) == []
