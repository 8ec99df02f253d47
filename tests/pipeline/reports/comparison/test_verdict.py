import dataclasses

import numpy as np

from pipeline.judging.results import MethodResult
from pipeline.reports.comparison.summary import summarise
from pipeline.reports.comparison.verdict import verdict


def text_of(results, setup, reference="ridge"):
    return "\n".join(verdict(summarise(results, setup, reference)))


def test_a_clear_winner_is_told_with_its_figures(results, setup, summary):
    text = text_of(results, setup)
    mean = f"{summary.main('cmml').mean:.4f}"
    assert f"Of 4 methods, cmml has the lowest mae on cold: {mean} [" in text
    assert "All others are worse beyond chance (Holm p <= 0.05)" in text
    gap = f"{summary.less_reference['cmml'].interval.mean:+.4f}"
    assert (
        f"best simple method by meta-validation, ridge: mae difference {gap} [" in text
    )
    assert "Holm p 0.030." in text
    assert "The best learned method on these tasks, melu, is worse than cmml" in text


def test_costs_and_doubts_are_told(results, setup):
    text = text_of(results, setup)
    assert "cmml takes 1 ms per task, melu 8 ms." in text
    assert "item_mean has suspicious scores: constant." in text
    assert "s2meta has no result, since its training failed: loss < 0" in text
    assert "one seed" not in text


def test_methods_that_are_not_told_apart_are_named(results, setup):
    rng = np.random.default_rng(0)
    twin = results[3].values["cold"]["mae"][:1] + rng.normal(0.0, 0.2, 40)
    twin += results[3].by_task("cold", "mae")[:-1].mean() - np.nanmean(twin) + 0.001
    results.append(MethodResult("twin", "learned", {}, {"cold": {"mae": twin}}))
    text = text_of(results, setup)
    assert "Not told apart from it (Holm p > 0.05): twin." in text
    assert (
        "The best learned method on these tasks, twin, is not told apart from" in text
    )


def test_methods_that_come_to_the_same_are_named_with_the_cause(results, setup):
    results.append(dataclasses.replace(results[3], name="dot", kind="simple"))
    assert (
        "Equal on every task: cmml, dot. What the networks of cmml add to its prior "
        "changes no figure."
    ) in text_of(results, setup)
    assert "Equal" not in text_of(results[:-1], setup)


def test_a_simple_method_that_is_ahead_of_the_reference_is_told(results, setup):
    text = text_of(results, setup, "item_mean")
    assert "better than the best simple method by meta-validation, item_mean" in text
    assert "The best simple method on these tasks, ridge, is worse than cmml: " in text
    assert "simple method on these tasks" not in text_of(results, setup)


def test_a_simple_winner_is_said_to_be_one(results, setup):
    few = [one for one in results if one.kind == "simple"]
    text = text_of(few, setup)
    assert "No method has a better mean than the best simple method by meta" in text
    assert "cmml" not in text


def test_another_winner_is_compared_with_the_best_simple_method(results, setup):
    few = [one for one in results if one.name in ("ridge", "melu")]
    assert (
        "melu is better than the best simple method by meta-validation, ridge"
        in text_of(few, setup)
    )


def test_a_higher_recall_is_better(results, setup):
    turned = dataclasses.replace(setup, metrics=setup.metrics[::-1])
    text = text_of(results, turned)
    assert "cmml has the highest ndcg@3" in text
    assert "cmml is better than the best simple method" in text


def test_unknown_costs_are_left_out(results, setup):
    unknown = [dataclasses.replace(one, adapt_ms=float("nan")) for one in results]
    assert "ms per task" not in text_of(unknown, setup)


def test_one_seed_is_a_doubt(results, setup):
    text = text_of(results, dataclasses.replace(setup, seeds=(0,)))
    assert "With one seed, nothing is known of other seeds." in text


def test_without_any_result_there_is_no_winner(results, setup):
    text = text_of(results[-1:], setup, None)
    assert text.startswith("No method has a result on the main group.")
