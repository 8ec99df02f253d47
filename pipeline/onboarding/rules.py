"""Go or no-go: the rules, their thresholds, and what decided.

A rule that cannot be checked, for want of known tasks, is said to be open and decides
nothing; all others must hold.
"""

from collections.abc import Sequence

from models.evaluation.metric import MIN_TASKS, has_few_tasks
from pipeline.judging.interval_text import signed
from pipeline.judging.rule import Rule
from pipeline.onboarding.few_shot import FewShotCurve
from pipeline.onboarding.findings import Findings
from pipeline.onboarding.placement import OUTLIER_PERCENTILE
from transforms.plural import counted, plural

# The thresholds, with `MIN_TASKS`, the users that the few-shot gain is measured on.
MIN_PAIRS = 20  # Rows that the model was not trained on: fewer tell nothing.
MAX_REFUSED_FRACTION = 0.2  # Of the rows: above it, the file is not what it should be.
MAX_UNKNOWN_FRACTION = 0.5  # Of the items: the model knows nothing of these.
FEW_UNITS = 20  # Of fewer the report says that few decide the gain.
MIN_GAIN = 0.0  # The interval of the gain must lie above it.
MAX_OUTLIER_FRACTION = 0.2  # Of the tasks.
MIN_KNOWN = 100  # Known tasks; the farthest percent of fewer is chance.


def apply_rules(findings: Findings) -> list[Rule]:
    """Returns every rule, those that are decided by the file alone first."""
    num_rows, num_new = len(findings.rows.interactions), findings.num_new_rows
    num_refused = len(findings.rows.refused)
    refused = num_refused / (num_refused + num_rows)
    unknown = findings.unknown_item_fraction
    are_new = (
        f"{plural(num_new, 'is', 'are')} new to the model"
        if findings.has_known
        else "can be used, which the model may have been trained on"
    )
    return [
        Rule(
            "enough pairs",
            num_new >= MIN_PAIRS,
            num_new,
            MIN_PAIRS,
            f"{counted(num_new, 'row')} {are_new}; at least {MIN_PAIRS} are needed",
        ),
        Rule(
            "few refused",
            refused <= MAX_REFUSED_FRACTION,
            refused,
            MAX_REFUSED_FRACTION,
            f"{refused:.0%} of the rows were refused, "
            f"at most {MAX_REFUSED_FRACTION:.0%} may be",
        ),
        Rule(
            "known items",
            unknown <= MAX_UNKNOWN_FRACTION,
            unknown,
            MAX_UNKNOWN_FRACTION,
            f"the model does not know {unknown:.0%} of the items, "
            f"at most {MAX_UNKNOWN_FRACTION:.0%} may be unknown",
        ),
        *_gain_rules(findings.curve),
        _place_rule(findings),
    ]


def is_go(rules: Sequence[Rule]) -> bool:
    """Whether no rule fails."""
    return all(rule.passed is not False for rule in rules)


def headline(rules: Sequence[Rule]) -> str:
    """Says the verdict, and what decided it."""
    failed = [rule for rule in rules if rule.passed is False]
    if failed:
        return f"No-go: {'; '.join(rule.detail for rule in failed)}."
    (gain,) = [rule for rule in rules if rule.name == "gain"]
    still_open = [rule.name for rule in rules if rule.passed is None]
    more = f" Not checked: {', '.join(still_open)}." if still_open else ""
    return f"Go: {gain.detail}.{more}"


def _gain_rules(curve: FewShotCurve | None) -> list[Rule]:
    if curve is None:
        detail = "no task has enough new pairs for a few-shot curve"
        return [Rule("gain", False, None, MIN_GAIN, detail)]
    size = curve.judged_size
    num_users = curve.num_units(size) if curve.unit == "users" else 1
    gain = curve.gain(size)
    is_better = None if has_few_tasks(gain) else gain.low > MIN_GAIN
    stands = {None: "cannot be said to be", True: "is", False: "is not"}[is_better]
    few = f", by {counted(num_users, 'user')} only" if num_users < FEW_UNITS else ""
    return [
        Rule(
            "enough users",
            num_users >= MIN_TASKS,
            num_users,
            MIN_TASKS,
            f"users that tell the gain: {num_users}, at least {MIN_TASKS} are needed",
        ),
        Rule(
            "gain",
            is_better,
            gain.low,
            MIN_GAIN,
            f"{curve.metric.name} after {curve.size_in_words(size)} {stands} better "
            f"than by {curve.reference} beyond chance: gain "
            f"{signed(gain, MIN_TASKS)}{few}",
        ),
    ]


def _place_rule(findings: Findings) -> Rule:
    if findings.placement is None or findings.placement.known.size < MIN_KNOWN:
        detail = findings.no_place or "known tasks to compare with are missing"
        if findings.placement is not None:
            num_known = findings.placement.known.size
            detail = f"known tasks: {num_known}, at least {MIN_KNOWN} are needed"
        return Rule("like known tasks", None, None, MAX_OUTLIER_FRACTION, detail)
    outliers = findings.placement.outlier_fraction
    return Rule(
        "like known tasks",
        outliers <= MAX_OUTLIER_FRACTION,
        outliers,
        MAX_OUTLIER_FRACTION,
        f"{outliers:.0%} of the tasks are outliers (farther than "
        f"{OUTLIER_PERCENTILE:g} % of known ones), at most "
        f"{MAX_OUTLIER_FRACTION:.0%} may be",
    )
