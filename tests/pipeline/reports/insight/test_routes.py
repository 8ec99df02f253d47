import re

import numpy as np
import pytest

from pipeline.insight.modulation_values import (
    difference,
    has_routes,
    mean_values,
    named_values,
    unpacked_values,
)
from pipeline.reports.insight.routes import (
    modulation_figure,
    modulation_pictures,
    route_figure,
)
from pipeline.reports.page.svg import styled, to_svg

ROUTES = {
    "routes_0": np.array([[0.9, 0.1], [0.5, 0.5]]),
    "routes_1": np.array([0.2, 0.8]),
}
FILM = {
    "scale_0": np.array([1.0, 2.0, 0.5]),
    "shift_0": np.zeros(3),
    "scale_1": np.array([1.0, 1.5]),
    "shift_1": np.array([0.1, -0.1]),
}


def svg(figure):
    with styled("x"):
        return to_svg(figure)


def test_values_are_named_task_by_task_and_averaged_over_pairs():
    scale = np.array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 5.0], [7.0, 7.0]]])
    bias = np.array([[[1.0]], [[2.0]]])  # Alike for all pairs.
    first, second = named_values([(scale,), bias], ["scale_0", "bias"])
    np.testing.assert_allclose(first["scale_0"], [2.0, 3.0])
    np.testing.assert_allclose(second["scale_0"], [6.0, 6.0])
    assert (first["bias"], second["bias"]) == (1.0, 2.0)


def test_values_are_unpacked_as_they_were_packed():
    widths = {"routes_0": 4, "routes_1": 2}
    packed = np.concatenate([np.ravel(value) for value in ROUTES.values()])
    found = unpacked_values(packed, widths)
    for name, value in ROUTES.items():
        np.testing.assert_array_equal(found[name], value)
    plain = unpacked_values(np.arange(3.0), {"scale_0": 2, "shift_0": 1})
    assert [value.tolist() for value in plain.values()] == [[0.0, 1.0], [2.0]]


def test_groups_are_means_and_compared_by_differences():
    other = {name: value + 1.0 for name, value in FILM.items()}
    both = mean_values([FILM, other])
    np.testing.assert_allclose(both["scale_0"], [1.5, 2.5, 1.0])
    for value in difference(other, FILM).values():
        np.testing.assert_allclose(value, 1.0)


def test_a_heavier_route_is_a_darker_and_wider_line():
    with styled("x"):
        (axes,) = route_figure({"task": ROUTES}).axes
    lines = {
        (round(line.get_xdata()[0]), round(line.get_xdata()[1])): line
        for line in axes.lines
        if len(line.get_xdata()) == 2
        and line.get_ydata()[0] == 0
        and line.get_ydata()[1] == -1
    }
    heavy, light = lines[0, 0], lines[0, 1]
    assert heavy.get_alpha() > light.get_alpha()
    assert heavy.get_linewidth() > light.get_linewidth()


@pytest.mark.parametrize(("axis", "told"), [(1, "out of"), (0, "into")])
def test_the_graph_says_which_weights_sum_to_one(axis, told):
    between = np.array([[0.9, 0.2], [0.5, 0.4]])
    between = between / between.sum(axis=axis, keepdims=True)
    drawn = svg(route_figure({"t": {**ROUTES, "routes_0": between}}))
    assert f"weights {told} a module sum to 1" in drawn


def test_a_graph_needs_routes():
    assert has_routes(ROUTES)
    assert not has_routes(FILM)
    with pytest.raises(ValueError, match=r"must hold route weights.*for 'me'"):
        route_figure({"me": FILM})


def test_heat_maps_have_a_row_a_group_and_a_column_a_kind():
    groups = {"a": FILM, "b": FILM, "difference": difference(FILM, FILM)}
    with styled("x"):
        figure = modulation_figure(groups, compared=True)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title for title in titles if title] == [
        *("a: scale", "a: shift", "b: scale", "b: shift"),
        *("difference: scale", "difference: shift"),
    ]
    scale = figure.axes[0].images[0]
    assert np.isnan(scale.get_array().filled(np.nan)[1, 2])  # A narrower layer.
    low, high = scale.get_clim()
    assert (low + high) / 2.0 == pytest.approx(1.0)  # A scale of 1 is no change.
    assert figure.axes[4].images[0].get_clim() == (-1.0, 1.0)


@pytest.mark.parametrize("scale", [[0.2, 0.9], [1.2, 3.0], [1.0, 1.0]])
def test_the_colours_of_scales_are_centred_at_one(scale):
    with styled("x"):
        figure = modulation_figure({"t": {"scale_0": np.array(scale)}})
    low, high = figure.axes[0].images[0].get_clim()
    assert (low + high) / 2.0 == pytest.approx(1.0)
    assert low <= min(scale) <= max(scale) <= high


def test_routes_and_weights_have_heat_maps_too():
    assert re.search(">t: routes<", svg(modulation_figure({"t": ROUTES})))
    weights = {"weights": np.array([0.5, -0.5]), "bias": np.array([0.1])}
    drawn = svg(modulation_figure({"$t$": weights}))
    assert ">$t$: weights<" in drawn
    assert ">$t$: bias<" in drawn


def test_routes_have_a_graph_beside_the_heat_maps():
    task = {"routes_0": np.full([2, 2], 0.5), "routes_1": np.array([0.2, 0.8])}
    pictures = dict(modulation_pictures({"a": task, "b": task}))
    assert list(pictures) == ["routes", "modulation"]
    for picture in pictures.values():
        assert picture.dtype == np.uint8
        assert picture.shape[0::3] == (1, 4)
        assert picture.min() < picture.max()  # Something is drawn.
