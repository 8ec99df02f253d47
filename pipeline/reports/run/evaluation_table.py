"""What `evaluate` came to as tables and sentences for people, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from models.evaluation.intervals import Interval
from pipeline.judging.evaluation import CMML, Difference, Evaluation, Summary
from pipeline.judging.interval_text import cell, signed
from pipeline.reports.page.markdown_table import layout


def evaluation_text(
    evaluation: Evaluation, summary: Summary, differences: Sequence[Difference]
) -> str:
    """Lays out every method, the few-shot curves, and how CMML stands.

    Args:
        evaluation: What was judged.
        summary: Its intervals, with further groups.
        differences: Its differences.

    Returns:
        Markdown.
    """
    metric, num_tasks = evaluation.metric, _num_tasks(evaluation)
    order = "Higher" if metric.higher_is_better else "Lower"
    parts = [
        f"Means over tasks, {num_tasks} of {evaluation.main}; 95 % bootstrap intervals "
        f"of the mean in brackets. {order} {metric.name} is better.",
        _methods_table(evaluation, summary, differences),
    ]
    if sizes := evaluation.few_shot():
        parts += [
            f"{metric.name} of the same tasks with fewer support pairs:",
            _few_shot_table(evaluation, summary, sizes),
        ]
    return "\n\n".join([*parts, "\n".join(_sentences(evaluation))]) + "\n"


def _num_tasks(evaluation: Evaluation) -> int:
    values = evaluation.by_task[CMML][evaluation.main][evaluation.metric.name]
    return len(values)


def _methods_table(
    evaluation: Evaluation, summary: Summary, differences: Sequence[Difference]
) -> str:
    """A row a method: metrics of the main group, then the first metric of others."""
    main, first = evaluation.main, evaluation.metric.name
    few = {*evaluation.few_shot().values()}
    few |= {*(evaluation.other_support() or ())}
    others = [name for name in summary[CMML] if name not in few and name != main]
    columns = [(main, one.name) for one in evaluation.metrics if one.in_tables]
    columns += [(group, first) for group in others]
    to_reference = {
        one.method: one.interval
        for one in differences
        if one.reference == evaluation.reference
        and one.group == one.reference_group == main
    }
    rows = []
    for method, groups in summary.items():
        cells = [cell(groups[group][name]) for group, name in columns]
        rows.append(
            [
                method,
                *cells,
                _or_dash(to_reference.get(method)),
                _or_dash(None if method == CMML else _cmml_less(evaluation, method)),
            ]
        )
    header = ["method", *(f"{group} {name}" for group, name in columns)]
    header += [f"{main} {first} less {evaluation.reference}", f"{CMML} less it"]
    return layout(header, rows)


def _cmml_less(evaluation: Evaluation, method: str) -> Interval:
    main = evaluation.main
    return evaluation.difference(CMML, main, method, main).interval


def _few_shot_table(
    evaluation: Evaluation, summary: Summary, sizes: dict[int, str]
) -> str:
    first = evaluation.metric.name
    columns = {str(size): group for size, group in sizes.items()}
    columns = {**dict(list(columns.items())[:-1]), "all": sizes[max(sizes)]}
    if (exchanged := evaluation.other_support()) is not None:
        columns["of another"] = exchanged[0]
    rows = [
        [
            method,
            *(
                f"{groups[group][first].mean:.4f}" if group in groups else "-"
                for group in columns.values()
            ),
        ]
        for method, groups in summary.items()
    ]
    return layout(["method", *columns], rows)


def _sentences(evaluation: Evaluation) -> list[str]:
    """Says how CMML stands to the best baseline, and what its support set is worth."""
    main, metric = evaluation.main, evaluation.metric
    sentences = []
    if (best := evaluation.best_baseline()) is not None:
        gap = _cmml_less(evaluation, best)
        better = metric.is_better(gap)
        standing = f"not told apart from {best}, the best baseline"
        if better is not None:
            standing = f"{'better' if better else 'worse'} than {best}, the best"
            standing += " baseline, beyond chance"
        sentences.append(
            f"By {main} {metric.name}, {CMML} is {standing}: difference {signed(gap)}."
        )
    if (exchanged := evaluation.other_support()) is not None:
        other, own = exchanged
        gap = evaluation.difference(CMML, own, CMML, other).interval
        worth = {
            None: "makes no difference beyond chance to",
            True: "worsens",
            False: "betters",
        }[metric.is_better(gap)]
        sentences.append(
            f"The support set of another task {worth} {metric.name}: own less other, "
            f"{signed(gap)}."
        )
    return sentences


def _or_dash(interval: Interval | None) -> str:
    return "-" if interval is None else signed(interval)
