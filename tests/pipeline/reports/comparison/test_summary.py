import dataclasses

import pytest

from pipeline.judging.results import MethodResult
from pipeline.reports.comparison.summary import summarise


def test_the_best_comes_first_and_what_broke_off_last(summary):
    names = [one.name for one in summary.results]
    assert names == ["cmml", "melu", "ridge", "item_mean", "s2meta"]
    assert [one.name for one in summary.scored] == names[:-1]


def test_a_recall_is_ranked_the_other_way(results, setup):
    turned = dataclasses.replace(setup, metrics=setup.metrics[::-1])
    assert summarise(results, turned, "ridge").results[0].name == "cmml"
    assert summarise(results, turned, "ridge").direction == 1


def test_each_other_method_is_compared_with_three(summary):
    assert summary.less_reference.keys() == {"cmml", "melu", "item_mean"}
    assert summary.less_cmml.keys() == {"melu", "ridge", "item_mean"}
    assert summary.less_best == summary.less_cmml
    gap = summary.less_reference["cmml"]
    assert gap.interval.mean == pytest.approx(-0.2, abs=0.01)
    # Three methods are compared with ridge, all of them surely different.
    assert gap.p == pytest.approx(2.0 / 201.0)
    assert gap.holm_p == pytest.approx(6.0 / 201.0)


def test_quality_is_known_of_few_shot_groups_too(summary):
    cold = summary.main("cmml")
    assert summary.quality["cmml", "cold/support_0"].mean > cold.mean
    assert ("s2meta", "cold") not in summary.quality


def test_without_a_reference_or_cmml_there_are_no_such_differences(results, setup):
    found = summarise([r for r in results if r.name != "cmml"], setup, None)
    assert found.less_reference == found.less_cmml == {}
    assert found.less_best.keys() == {"ridge", "item_mean"}


def test_all_may_have_broken_off(setup):
    found = summarise([MethodResult("a", "learned", {}, {}, failure="x")], setup, None)
    assert found.scored == []
    assert found.of("a") is None


def test_names_and_reference_are_checked(results, setup):
    with pytest.raises(ValueError, match="names of methods must differ"):
        summarise([*results, results[0]], setup, "ridge")
    with pytest.raises(ValueError, match=r"reference must be among .*, got 'knn'"):
        summarise(results, setup, "knn")
    with pytest.raises(ValueError, match="at least one method, got none"):
        summarise([], setup, None)
