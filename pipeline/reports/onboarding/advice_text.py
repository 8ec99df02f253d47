"""What was measured, in words, and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.evaluation.metric import MIN_TASKS
from pipeline.judging.interval_text import cell, signed
from pipeline.judging.rule import Rule
from pipeline.onboarding.few_shot import MODEL, FewShotCurve
from pipeline.onboarding.findings import Findings
from pipeline.onboarding.questions import QuestionPlan
from pipeline.onboarding.rules import headline, is_go
from pipeline.reports.onboarding.report_tables import all_tables
from transforms.left_out import describe_left_out
from transforms.plural import counted, plural


def sentences(findings: Findings, rules: Sequence[Rule]) -> list[str]:
    """Says what was measured, the verdict first."""
    lines = [headline(rules), *file_sentences(findings)]
    if findings.curve is not None:
        lines += _curve_sentences(findings.curve)
    if findings.placement is not None:
        places = findings.placement.places
        num_outliers = sum(place.is_outlier for place in places)
        lines.append(
            f"{num_outliers} of {counted(len(places), 'task')} "
            f"{plural(num_outliers, 'is an outlier', 'are outliers')}."
        )
    if findings.plan is not None:
        plan = findings.plan
        first, gain = findings.name(plan.questions[0].item_id), plan.gain_over_random()
        beyond = "not " if gain.low <= 0.0 <= gain.high else ""
        lines.append(
            f"Ask first about {first}. {counted(len(plan.questions), 'question')} "
            f"{plural(len(plan.questions), 'takes', 'take')} the expected "
            f"error from {cell(plan.expected(0))} to "
            f"{cell(plan.expected(len(plan.questions)))}; the gain over as many random "
            f"popular items is {signed(gain)}, {beyond}beyond chance."
        )
    return [*lines, *findings.missing()]


def _curve_sentences(curve: FewShotCurve) -> list[str]:
    """Says what the model gains, and who is better."""
    size = curve.judged_size
    lines = [
        f"The gain to expect over {curve.reference} is "
        f"{signed(curve.gain(size), MIN_TASKS)} in {curve.metric.name} after "
        f"{curve.size_in_words(size)}, {signed(curve.gain(0), MIN_TASKS)} without any."
    ]
    if curve.is_flat():
        lines.append(
            f"The model comes to the same with any number of {curve.size_noun}: here "
            "it does not go by them."
        )
    return lines + [
        f"{name} is better there than the model: "
        f"{cell(curve.interval(name, size), MIN_TASKS)} against "
        f"{cell(curve.interval(MODEL, size), MIN_TASKS)}."
        for name in curve.better_methods(size)
    ]


def file_sentences(findings: Findings) -> list[str]:
    """Says what the file holds."""
    rows = findings.rows
    lines = [
        f"{findings.source}: {counted(len(rows.interactions), 'row')} of "
        f"{counted(findings.num_users, 'user')} and "
        f"{counted(findings.num_items, 'item')} can be used, {len(rows.refused)} "
        f"{plural(len(rows.refused), 'was', 'were')} refused."
    ]
    if rows.refused:
        counts = ", ".join(f"{n} {reason}" for reason, n in rows.num_refused.items())
        first = rows.refused[0]
        lines.append(f"Refused: {counts}; first line {first.line}: {first.detail}.")
    if rows.left_out:
        lines.append(f"Left out: {', '.join(describe_left_out(rows.left_out))}.")
    unknown = [f"{findings.num_unknown_items} of {counted(findings.num_items, 'item')}"]
    if findings.num_unknown_users is not None:
        unknown.append(
            f"{findings.num_unknown_users} of {counted(findings.num_users, 'user')}"
        )
    lines.append(f"Unknown to the model: {' and '.join(unknown)}.")
    if findings.num_seen:
        lines.append(
            f"Left out of what is asked for: {findings.num_seen} {findings.seen_words}."
        )
    return lines


def as_text(findings: Findings, rules: Sequence[Rule]) -> str:
    """Returns everything for people to read, in Markdown."""
    lines = [f"- {sentence}" for sentence in sentences(findings, rules)]
    tables = [table.to_markdown() for table in all_tables(findings, rules)]
    return "\n".join([*lines, "", *tables])


def as_json(findings: Findings, rules: Sequence[Rule]) -> dict[str, Any]:
    """Returns everything for programs to read, as values of JSON."""
    curve, placement, plan = findings.curve, findings.placement, findings.plan
    return {
        "go": is_go(rules),
        "reason": headline(rules),
        "rules": [vars(rule) for rule in rules],
        "setting": findings.setting,
        "model": findings.model,
        "file": _file_json(findings),
        "few_shot": None if curve is None else _curve_json(curve),
        "places": None
        if placement is None
        else [
            vars(place) | {"is_unlike": place.is_outlier} for place in placement.places
        ],
        "questions": None if plan is None else _plan_json(plan, findings.item_names),
        "not_found_out": list(findings.missing()),
    }


def _file_json(findings: Findings) -> dict[str, Any]:
    return {
        "path": findings.source,
        "num_usable": len(findings.rows.interactions),
        "num_refused": findings.rows.num_refused,
        "num_left_out": dict(findings.rows.left_out),
        "num_users": findings.num_users,
        "num_items": findings.num_items,
        "num_unknown_items": findings.num_unknown_items,
        "num_unknown_users": findings.num_unknown_users or 0,
        "num_seen": findings.num_seen,
    }


def _curve_json(curve: FewShotCurve) -> dict[str, Any]:
    return {
        "metric": curve.metric.name,
        "reference": curve.reference,
        "intervals_over": curve.unit,
        "num_splits": curve.num_splits,
        "judged_size": curve.judged_size,
        "sizes": [
            {
                "size": size,
                "num_units": curve.num_units(size),
                "gain": vars(curve.gain(size)),
                "methods": {
                    name: vars(curve.interval(name, size)) for name in curve.values
                },
            }
            for size in curve.sizes
        ],
    }


def _plan_json(plan: QuestionPlan, item_names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "num_choosers": plan.num_choosers,
        "num_judges": plan.num_judges,
        "num_candidates": plan.num_candidates,
        "without_any": vars(plan.expected(0)),
        "gain_over_random": vars(plan.gain_over_random()),
        "list": [
            vars(question)
            | {
                "item_name": item_names.get(question.item_id),
                "expected": vars(plan.expected(number)),
                "expected_of_random": vars(plan.expected_of_random(number)),
            }
            for number, question in enumerate(plan.questions, start=1)
        ],
    }
