import pathlib

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from page_reader import read

from pipeline.insight.contexts import TaskContexts
from pipeline.reports.insight.clusterings import context_page
from pipeline.reports.insight.map import (
    context_map_figure,
    map_positions,
    principal_components,
)
from pipeline.reports.page.svg import styled, to_svg

RNG = np.random.default_rng(0)
# Three bundles of ten contexts.
BUNDLES = np.repeat(np.eye(3, 8), 10, axis=0) + 0.02 * RNG.normal(size=[30, 8])
FOUND = TaskContexts(
    [str(n) for n in range(30)],
    BUNDLES.astype(np.float32),
    {
        "scenario": [name for name in ("a$1$", "b", "<c>") for _ in range(10)],
        "size": [*map(float, range(29)), float("nan")],
        "many": [f"m{n % 10}" for n in range(30)],
    },
)


def svg(kind, positions=FOUND.contexts[:, :2]):
    with styled("map"):
        return to_svg(context_map_figure(FOUND, kind, positions))


def test_bundles_stay_together_on_the_map():
    places = map_positions(FOUND.contexts)
    assert places.shape == (30, 2)
    gaps = np.linalg.norm(places[:, np.newaxis] - places, axis=-1)
    np.fill_diagonal(gaps, np.inf)
    assert (gaps.argmin(axis=1) // 10 == np.arange(30) // 10).all()


def test_the_same_contexts_make_the_same_map():
    first, second = map_positions(FOUND.contexts), map_positions(FOUND.contexts)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("num_contexts", [2, 3])
def test_a_few_contexts_have_places_too(num_contexts):
    assert map_positions(FOUND.contexts[:num_contexts]).shape == (num_contexts, 2)


def test_components_are_ordered_by_what_they_tell():
    spread = principal_components(FOUND.contexts, 4).std(axis=0)
    assert (np.diff(spread) <= 1e-6).all()
    assert principal_components(np.ones([5, 1], np.float32), 4).shape == (5, 2)


def test_texts_are_named_in_the_legend_as_they_are():
    drawn = svg("scenario")
    assert all(name in drawn for name in ("a$1$", ">b<", "&lt;c&gt;"))


def test_the_labels_that_are_not_among_the_first_are_others():
    drawn = svg("many")
    assert ">other<" in drawn
    assert (">m7<" in drawn, ">m8<" in drawn) == (True, False)


def test_numbers_have_a_scale_and_unknown_ones_no_point():
    assert ">size<" in svg("size")
    with styled("map"):
        figure = context_map_figure(FOUND, "size", FOUND.contexts[:, :2])
    points = figure.axes[0].collections[0].get_offsets()
    np.testing.assert_allclose(points, FOUND.contexts[:29, :2])  # The last is NaN.


def luminance(colour):
    """Returns the relative luminance of a colour, as WCAG defines it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("ground", ["#ffffff", "#14171a"])
def test_the_ends_of_a_scale_show_by_day_and_by_night(ground):
    with styled("map"):
        figure = context_map_figure(FOUND, "size", FOUND.contexts[:, :2])
    for end in figure.axes[0].collections[0].get_cmap()([0.0, 1.0]):
        darker, lighter = sorted([luminance(end[:3]), luminance(ground)])
        assert (lighter + 0.05) / (darker + 0.05) > 2.0


def test_a_map_by_split_is_good_where_colours_are_mixed():
    def page(kind):
        maps, clusters = {kind: svg("many")}, {}
        return read(context_page("x", "", maps, clusters, pathlib.Path("logs/p"))).text

    assert "By split. Look for colours that lie anyhow" in page("split")
    assert "By taste. Look for neighbours of one colour" in page("taste")
