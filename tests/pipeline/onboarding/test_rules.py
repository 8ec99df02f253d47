import dataclasses

import pytest

from pipeline.onboarding.rules import apply_rules, headline, is_go


def failing(findings):
    return [rule.name for rule in apply_rules(findings) if rule.passed is False]


def test_all_rules_hold_and_the_gain_is_what_is_said(make_findings):
    rules = apply_rules(make_findings())
    assert is_go(rules)
    assert {rule.passed for rule in rules} == {True}
    assert headline(rules) == (
        "Go: mae after 1 pair is better than by item mean beyond chance: "
        "gain +0.2000 [+0.2000, +0.2000], by 6 users only."
    )


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"num_rows": 19}, "enough pairs", 19),
        ({"num_refused": 7}, "few refused", 7 / 31),
        ({"num_unknown_items": 13}, "known items", 13 / 24),
        ({"gain": 0.0}, "gain", 0.0),
        ({"num_outliers": 2}, "like known tasks", 2 / 6),
        ({"curve": None}, "gain", None),
    ],
)
def test_one_rule_that_fails_is_no_go_with_the_number(
    make_findings, changes, name, value
):
    findings = make_findings(**changes)
    rules = apply_rules(findings)
    assert failing(findings) == [name]
    assert not is_go(rules)
    (rule,) = [rule for rule in rules if rule.name == name]
    assert rule.value == pytest.approx(value)
    assert headline(rules) == f"No-go: {rule.detail}."


def test_thresholds_themselves_hold(make_findings):
    findings = make_findings(num_rows=20, num_refused=5, num_unknown_items=10)
    assert not failing(findings)


def test_few_known_tasks_do_not_tell_what_an_outlier_is(make_findings):
    findings = make_findings(num_outliers=6)
    few = dataclasses.replace(findings.placement, known=findings.placement.known[:99])
    rules = apply_rules(dataclasses.replace(findings, placement=few))
    assert rules[-1].passed is None
    assert rules[-1].detail == "known tasks: 99, at least 100 are needed"


def test_without_known_tasks_rows_are_not_called_new(make_findings):
    first, *_ = apply_rules(make_findings(has_known=False))
    assert "may have been trained on" in first.detail


def test_no_gain_is_not_called_better(make_findings):
    for gain in (0.0, -0.1):
        told = headline(apply_rules(make_findings(gain=gain)))
        assert "is not better than by item mean beyond chance" in told


def test_rows_of_the_training_do_not_count(make_findings):
    assert failing(make_findings(num_new_rows=19)) == ["enough pairs"]


def test_splits_of_one_user_are_not_users(make_findings):
    findings = make_findings()
    curve = dataclasses.replace(findings.curve, unit="splits")
    findings = dataclasses.replace(findings, curve=curve)
    assert failing(findings) == ["enough users"]
    assert "users that tell the gain: 1, at least 6" in headline(apply_rules(findings))


def test_what_cannot_be_checked_is_open_and_decides_nothing(make_findings):
    rules = apply_rules(make_findings(placement=None, plan=None, has_known=False))
    assert is_go(rules)
    assert rules[-1].passed is None
    assert headline(rules).endswith("Not checked: like known tasks.")


def test_a_gain_of_few_users_is_open(make_findings):
    curve = make_findings().curve
    values = {name: rows[:, :5] for name, rows in curve.values.items()}
    rules = apply_rules(make_findings(curve=dataclasses.replace(curve, values=values)))
    gain = next(rule for rule in rules if rule.name == "gain")
    assert gain.passed is None
    assert "cannot be said to be better than by item mean" in gain.detail
    assert "[" not in gain.detail
    assert headline(rules).startswith("No-go: users that tell the gain: 5, at least 6")
