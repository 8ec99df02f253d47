from pipeline.reports.run.verdict import figure, verdict


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
    good, whom, why = verdict(found)
    own = found.evaluated.summary["cmml"]["cold"]["mae"]
    assert f"On 40 tasks that training has not seen, cmml has mae {figure(own)}" in good
    assert "knn, the best of 2 baselines" in good
    assert "cmml is better beyond chance: difference -0.1000" in good
    assert "better than knn beyond chance in" in whom
    assert "against no support set it helps beyond chance, -0.2000" in why
    assert "the support set of another task it makes no difference beyond chance" in why


def test_a_run_that_is_worse_says_so(rated, make_findings, spread):
    rows = {
        "cmml": {"cold": rated(0.6 + spread, 8)},
        "knn": {"cold": rated(0.5 + spread, 8)},
    }
    good, whom = verdict(make_findings(rows))
    assert "knn, the only baseline," in good
    assert "cmml is worse beyond chance: difference +0.1000" in good
    assert "It loses most for" in whom
    assert "It gains" not in whom


def test_a_difference_that_may_be_chance_is_not_claimed(rated, make_findings, spread):
    rows = {
        "cmml": {"cold": rated(0.5 + spread, 8)},
        "knn": {"cold": rated(0.5 + spread[::-1], 8)},
    }
    assert "cmml is not told apart from it" in verdict(make_findings(rows))[0]


def test_a_small_difference_is_called_little(rated, make_findings, spread):
    rows = {
        "cmml": {"cold": rated(0.999 + spread, 8)},
        "knn": {"cold": rated(1.0 + spread, 8)},
    }
    assert (
        "0.1% of the baseline's figure, which is little"
        in verdict(make_findings(rows))[0]
    )


def test_without_baselines_nothing_is_said_of_it(rated, make_findings):
    (good,) = verdict(make_findings({"cmml": {"cold": rated(0.5, 8)}}))
    assert "nothing can be said of it" in good


def test_harm_is_called_harm(rated, make_findings, spread):
    own, none = rated(0.6 + spread, 8), rated(0.5, 0)
    found = make_findings({"cmml": {"cold": own, "cold/support_0": none}})
    assert "it does harm beyond chance" in verdict(found)[-1]
