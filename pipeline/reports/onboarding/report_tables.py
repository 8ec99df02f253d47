"""Tables of the support advisor."""

import functools
from collections.abc import Sequence

from models.evaluation.intervals import Interval
from models.evaluation.metric import MIN_TASKS
from pipeline.judging.interval_text import cell, signed
from pipeline.judging.rule import Rule
from pipeline.onboarding.few_shot import MODEL, FewShotCurve
from pipeline.onboarding.findings import Findings
from pipeline.onboarding.placement import Placement
from pipeline.onboarding.questions import QuestionPlan
from pipeline.reports.page.result_table import Column, ResultTable
from transforms.plural import counted

_MOST_PLACES = 50
_VERDICTS = {True: "holds", False: "fails", None: "open"}


def all_tables(findings: Findings, rules: Sequence[Rule]) -> list[ResultTable]:
    """Returns every table that there is something to put in."""
    tables = [rule_table(rules)]
    if findings.curve is not None:
        tables.append(curve_table(findings.curve))
    if findings.placement is not None:
        tables.append(place_table(findings.placement))
    if findings.plan is not None:
        tables.append(question_table(findings.plan, findings))
    return tables


def rule_table(rules: Sequence[Rule]) -> ResultTable:
    """Returns what each rule came to."""
    return ResultTable(
        "rules",
        "Go or no-go",
        "Every rule that can be checked must hold.",
        [Column("name", "rule"), Column("verdict", "verdict"), Column("detail", "why")],
        [vars(rule) | {"verdict": _VERDICTS[rule.passed]} for rule in rules],
    )


def curve_table(curve: FewShotCurve) -> ResultTable:
    """Returns every method at every size of the support set."""
    baselines = [name for name in curve.values if name != MODEL]
    size = Column("size", curve.size_noun)
    methods = [_interval(name, name) for name in (MODEL, *baselines)]
    gain = Column(
        "gain",
        f"gain over {curve.reference}",
        functools.partial(signed, least=MIN_TASKS),
        record=Interval,
    )
    better = "lower is better" if curve.metric.direction < 0 else "higher is better"
    return ResultTable(
        "few_shot",
        "Few-shot curve",
        f"{curve.metric.name}, {better}, of {curve.num_splits} random splits of the "
        f"new interactions; intervals over {curve.unit}, none of fewer than "
        f"{MIN_TASKS}. The gain is in pairs, above 0 is better. A row has those with "
        f"as many {curve.size_noun}, so that rows are not of the same ones.",
        [size, Column("units", curve.unit), *methods, gain],
        [
            {
                "size": n,
                "units": curve.num_units(n),
                "gain": curve.gain(n),
                **{name: curve.interval(name, n) for name in (MODEL, *baselines)},
            }
            for n in curve.sizes
        ],
    )


def place_table(placement: Placement) -> ResultTable:
    """Returns where each new task lies, the farthest first."""
    places = sorted(placement.places, key=lambda place: -place.percentile)
    return ResultTable(
        "places",
        "Place among known tasks",
        "Mean distance to the five nearest tasks of meta-train, in units of the median "
        "that these have among themselves; the percentile is the share of them that "
        f"are nearer to theirs. The farthest {_MOST_PLACES} at most.",
        [
            Column("task_id", "task"),
            Column("size", "pairs seen"),
            Column("distance", "distance", "{:.2f}".format),
            Column("percentile", "percentile", "{:.0f}".format),
            Column("verdict", "verdict"),
            Column("nearest", "nearest known tasks"),
        ],
        [
            vars(place)
            | {
                "verdict": "outlier" if place.is_outlier else "like known ones",
                "nearest": ", ".join(place.nearest),
            }
            for place in places[:_MOST_PLACES]
        ],
    )


def question_table(plan: QuestionPlan, findings: Findings) -> ResultTable:
    """Returns the questions, in the order in which to ask."""
    return ResultTable(
        "questions",
        "What to ask a new user first",
        f"Chosen among the {counted(plan.num_candidates, 'item')} that most know, by "
        f"{counted(plan.num_choosers, 'user')} of meta-train; what they are worth is "
        f"measured on {counted(plan.num_judges, 'user')} of meta-validation, on pairs "
        "with other items. The error to expect counts those that cannot answer too.",
        [
            Column("number", "question"),
            Column("item", "item"),
            Column("share", "can answer", "{:.0%}".format),
            Column("reduction", "error falls by, of those", "{:.4f}".format),
            _interval("expected", "mae to expect"),
            _interval("random", "mae with random popular items"),
        ],
        [
            vars(question)
            | {
                "number": number,
                "item": findings.name(question.item_id),
                "expected": plan.expected(number),
                "random": plan.expected_of_random(number),
            }
            for number, question in enumerate(plan.questions, start=1)
        ],
    )


def _interval(key: str, title: str) -> Column:
    text = functools.partial(cell, least=MIN_TASKS)
    return Column(key, title, text, record=Interval)
