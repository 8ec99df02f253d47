import dataclasses
import xml.etree.ElementTree as ET

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.judging.cost import Cost
from pipeline.judging.results import CostCurve
from pipeline.reports.comparison.figures import (
    all_figures,
    cost_by_steps,
    few_shot_curves,
    quality_by_cost,
    spread,
)
from pipeline.reports.comparison.summary import summarise

POSITIONS = st.lists(st.floats(0.0, 100.0), min_size=1, max_size=8)


def words_of(svg):
    root = ET.fromstring(svg)
    return [t.text.strip() for t in root.iter("{http://www.w3.org/2000/svg}text")]


def test_figures_are_svg_whose_text_is_text(drawn):
    assert list(drawn) == ["quality_by_cost", "few_shot", "cost_by_steps"]
    for svg in drawn.values():
        assert {"cmml", "melu"} <= set(words_of(svg))
    assert {"ridge", "item_mean", "mae (lower is better)"} <= set(
        words_of(drawn["quality_by_cost"])
    )
    assert {"0", "20"} <= set(words_of(drawn["few_shot"]))
    assert {"1", "5", "inner steps"} <= set(words_of(drawn["cost_by_steps"]))


def test_the_same_results_make_the_same_bytes(summary, curves, drawn):
    assert all_figures(summary, curves) == drawn
    assert not any("<dc:date>" in svg for svg in drawn.values())


def test_ink_is_the_colour_of_the_page(drawn):
    for svg in drawn.values():
        assert "currentColor" in svg
        assert "#1a2b3c" not in svg


def test_methods_of_unknown_cost_are_left_out(results, setup, summary):
    results[0] = dataclasses.replace(results[0], adapt_ms=float("nan"))
    svg = quality_by_cost(summarise(results, setup, "ridge"))
    assert "item_mean" not in words_of(svg)
    nothing = [dataclasses.replace(one, adapt_ms=float("nan")) for one in results]
    assert "cmml" not in words_of(quality_by_cost(summarise(nothing, setup, None)))


def test_a_method_without_few_shot_groups_is_left_out(results, setup):
    only_cold = {"cold": results[2].values["cold"]}
    results[2] = dataclasses.replace(results[2], values=only_cold)
    some = dataclasses.replace(setup, few_shot={0: "cold/support_0"})
    words = words_of(few_shot_curves(summarise(results, some, "ridge")))
    assert "cmml" in words
    assert "melu" not in words


def test_costs_that_are_not_known_are_left_out(results):
    unknown = float("nan")
    curves = [
        CostCurve(
            "melu", (1, 5), [Cost(1.0, 1.0, unknown), Cost(2.0, unknown, unknown)]
        ),
        CostCurve("cmml", (), [Cost(1.0, unknown, unknown)]),
    ]
    words = words_of(cost_by_steps(curves, results))
    assert (words.count("melu"), words.count("cmml")) == (2, 1)


def test_forward_passes_alone_have_a_figure(results):
    svg = cost_by_steps([CostCurve("cmml", (), [Cost(1.0, 1.0, 1.0)])], results)
    assert words_of(svg).count("cmml") == 3


def test_labels_that_are_far_apart_stay():
    assert spread([30.0, 0.0, 15.0], 10.0, 0.0, 99.0) == [30.0, 0.0, 15.0]


def test_labels_of_one_height_move_apart_by_hand():
    # Around 50 with 10 between: 40, 50, 60, in the order given.
    assert spread([50.0, 50.0, 50.0], 10.0, 0.0, 99.0) == [40.0, 50.0, 60.0]


def test_labels_stay_within_bounds():
    assert spread([0.0, 0.0], 10.0, 0.0, 99.0) == [0.0, 10.0]
    assert spread([99.0, 99.0], 10.0, 0.0, 99.0) == [89.0, 99.0]
    assert spread([], 10.0, 0.0, 99.0) == []


@given(POSITIONS)
@settings(deadline=None, max_examples=50)
def test_spread_labels_keep_their_order_and_distance(positions):
    found = np.array(spread(positions, 5.0, 0.0, 100.0))
    in_order = found[np.argsort(positions, kind="stable")]
    assert (np.diff(in_order) >= 5.0 - 1e-9).all()
    assert in_order[0] >= -1e-9
    assert in_order[-1] <= 100.0 + 1e-9
