import numpy as np

from pipeline.judging.interval_text import cell, signed
from pipeline.reports.run import verdict as module
from pipeline.reports.run.verdict import verdict


def test_a_run_that_is_better_says_so_with_its_figures(rated, make_findings, spread):
    found = make_findings(
        {
            "cmml": {
                "cold": rated(0.5 + spread, 8),
                "cold/support_0": rated(0.7 + spread, 0),
                "cold/other_support": rated(0.5 + spread[::-1], 8),
            },
            "knn": {"cold": rated(0.6 + spread, 8)},
            "mean": {"cold": rated(0.9, 8)},
        }
    )
    good, by_mae, whom, why = verdict(found)
    own = found.evaluated.summary["cmml"]["cold"]["mae"]
    assert good.startswith("Is it good? Overall better: beside the best baseline")
    assert by_mae.startswith(
        f"By mae: on 40 tasks that training has not seen, cmml has {cell(own)}; knn, "
        "the best of 2 baselines"
    )
    assert (
        "By mae cmml is better beyond chance (Holm p < 0.001): difference -0.1000"
    ) in by_mae
    assert "better than knn beyond chance in" in whom
    assert "against no support set it helps beyond chance, -0.2000" in why
    assert "the support set of another task it makes no difference beyond chance" in why


def test_a_run_that_is_worse_says_so(rated, make_findings, spread):
    rows = {
        "cmml": {"cold": rated(0.6 + spread, 8)},
        "knn": {"cold": rated(0.5 + spread, 8)},
    }
    good, by_mae, whom = verdict(make_findings(rows))
    assert good.startswith("Is it good? Overall worse: beside the best baseline")
    assert "knn, the only baseline," in by_mae
    assert (
        "By mae cmml is worse beyond chance (Holm p < 0.001): difference +0.1000"
    ) in by_mae
    assert "It loses most for" in whom
    assert "It gains" not in whom


def test_a_difference_that_may_be_chance_is_not_claimed(rated, make_findings, spread):
    rows = {
        "cmml": {"cold": rated(0.5 + spread, 8)},
        "knn": {"cold": rated(0.5 + spread[::-1], 8)},
    }
    good, by_mae, _ = verdict(make_findings(rows))
    assert good.startswith("Is it good? Overall level: ")
    assert "By mae cmml is neither better nor worse beyond chance (Holm p " in by_mae


def test_a_difference_that_is_chance_among_so_many_has_its_corrected_p(
    rated, make_findings
):
    noise = np.random.default_rng(3).normal(0.0, 0.1, 40)
    noise += 0.035 - noise.mean()  # Of one comparison beyond chance, not of many.
    sizes = {"cold": 8, "cold/support_0": 0}
    rows = {
        "cmml": {group: rated(0.5, size) for group, size in sizes.items()},
        "knn": {group: rated(0.5 + noise, size) for group, size in sizes.items()},
    }
    found = make_findings(rows)
    (first, *_) = found.evaluated.beside.by_metric
    assert first.metric.is_better(first.difference)
    assert 0.05 < first.holm_p < 1.0
    _, by_mae, *_ = verdict(found)
    assert (
        "By mae cmml is neither better nor worse beyond chance (Holm p "
        f"{first.holm_p:.3f}): difference {signed(first.difference)}"
    ) in by_mae


def test_of_few_tasks_nothing_is_claimed_or_denied(rated, make_findings):
    two = np.arange(40) < 2
    cmml = {
        "cold": rated(0.5, 8).of_tasks(two),
        "cold/support_0": rated(0.75, 0).of_tasks(two),
    }
    rows = {"cmml": cmml, "knn": {"cold": rated(0.75, 8).of_tasks(two)}}
    good, by_mae, why = verdict(make_findings(rows))
    assert good == (
        "Is it good? How cmml stands beside baselines cannot be told of only 2 tasks: "
        "fewer than 6 do not tell methods apart."
    )
    gap = "-0.2500 [-0.2500, -0.2500]"
    assert (
        f"By mae which of the two is better cannot be told of only 2 tasks: difference "
        f"{gap}, 33.3%"
    ) in by_mae
    assert f"against no support set it cannot be told of only 2 tasks, {gap}." in why


def test_a_small_difference_is_called_little(rated, make_findings, spread):
    rows = {
        "cmml": {"cold": rated(0.999 + spread, 8)},
        "knn": {"cold": rated(1.0 + spread, 8)},
    }
    assert (
        "0.1% of the baseline's figure, which is little"
        in verdict(make_findings(rows))[1]
    )


def test_what_is_equal_on_every_task_is_said_to_be_so(rated, make_findings, spread):
    rows = {name: {"cold": rated(0.5 + spread, 8)} for name in ("cmml", "knn")}
    by_mae = verdict(make_findings(rows))[1]
    assert by_mae.endswith(". By mae the two are equal on every task.")
    assert "neither better nor worse" not in by_mae


def test_without_baselines_nothing_is_said_of_it(rated, make_findings):
    good, by_mae = verdict(make_findings({"cmml": {"cold": rated(0.5, 8)}}))
    assert by_mae.endswith("cmml has 0.5000 [0.500, 0.500].")
    assert good.endswith("nothing can be said of cmml beside one.")


def test_what_is_better_by_mae_and_worse_without_pairs_is_mixed(
    rated, make_findings, spread
):
    rows = {
        "cmml": {
            "cold": rated(0.5 + spread, 8),
            "cold/support_0": rated(0.9 + spread, 0),
        },
        "mean": {
            "cold": rated(0.6 + spread, 8),
            "cold/support_0": rated(0.8 + spread, 0),
        },
    }
    good, by_mae, *_ = verdict(make_findings(rows))
    assert good.startswith("Is it good? Overall mixed: ")
    assert "worse beyond chance in 1: mae with 0 support pairs. Level: " in good
    assert "By mae cmml is better beyond chance" in by_mae


def test_the_prior_of_cmml_is_no_baseline_and_has_a_sentence(
    rated, make_findings, spread
):
    rows = {
        "cmml": {"cold": rated(0.5 + spread, 8)},
        "closed_form": {"cold": rated(0.55 + spread, 8)},
        "knn": {"cold": rated(0.6 + spread, 8)},
    }
    found = make_findings(rows)
    _, by_mae, *_, added = verdict(found)
    assert "knn, the only baseline," in by_mae
    assert added.startswith("What context and backbone add to closed_form, the prior")
    assert added.endswith(
        "-0.0500 [-0.0500, -0.0500] of mae, to the better beyond chance."
    )
    assert {group.best for group in found.groups} == {"knn"}


def test_harm_is_called_harm(rated, make_findings, spread):
    own, none = rated(0.6 + spread, 8), rated(0.5, 0)
    found = make_findings({"cmml": {"cold": own, "cold/support_0": none}})
    assert "it does harm beyond chance" in verdict(found)[-1]


def test_a_metric_that_no_task_defines_is_said_to_be_so(clicked, make_findings):
    few = clicked(3, 8)
    few.num_candidates[:] = 20  # Whatever is ranked is among the first 20.
    _, by_recall, *_ = verdict(make_findings({"cmml": {"scenario_mean": few}}))
    assert by_recall == "By recall@20: no task that training has not seen defines it."


def test_other_metrics_without_a_pool_stand_behind_the_one_that_decides(
    rated, make_findings, spread, monkeypatch
):
    monkeypatch.setattr(module, "further_sentences", lambda beside: ["Worse."])
    rows = {"cmml": {"cold": rated(0.5 + spread, 8)}}
    assert verdict(make_findings(rows))[2] == "Worse."
