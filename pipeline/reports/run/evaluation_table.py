"""What `evaluate` came to as tables and sentences for people, in Markdown."""

from collections.abc import Mapping, Sequence

from models.evaluation.intervals import Interval
from pipeline.judging.beside_baselines import beside_baselines
from pipeline.judging.differences import Contrast, Differences
from pipeline.judging.evaluation import CMML, Evaluation, Summary, open_groups
from pipeline.judging.interval_text import UNDEFINED_TEXT, cell, signed, task_counts
from pipeline.reports.page.result_table import narrow_layouts
from pipeline.reports.run.standing_text import (
    closed_form_sentences,
    equal_sentences,
    further_sentences,
    metric_table,
    overall_sentence,
    pool_table,
    size_table,
    support_sentences,
    target_sentences,
)


def evaluation_text(
    evaluation: Evaluation, summary: Summary, differences: Differences
) -> str:
    """Lays out every method, few-shot curves, and how CMML stands, in Markdown.

    Args:
        evaluation: What was judged.
        summary: Its intervals, with further groups.
        differences: Its differences.
    """
    metric = evaluation.metric
    order = metric.better.capitalize()
    parts = [
        f"Means over {_num_tasks(evaluation, summary)}; 95 % bootstrap "
        f"intervals of the mean in brackets. {order} {metric.name} is better."
        + "".join(f" {note}" for note in evaluation.notes),
        *_methods_tables(
            evaluation, summary, differences, _main_groups(evaluation, summary)
        ),
    ]
    if sizes := evaluation.few_shot():
        parts += [
            f"{metric.name} of the same tasks with fewer support pairs:",
            *_few_shot_tables(evaluation, summary, sizes),
        ]
    for group in open_groups(evaluation.groups):
        parts += [
            f"{group}: no pool is given, the whole catalogue is ranked.",
            *_methods_tables(evaluation, summary, differences, [group]),
        ]
    parts += _standing(evaluation, summary, differences)
    sentences = [
        *closed_form_sentences(metric, evaluation.main, differences),
        *support_sentences(metric, evaluation.groups, differences),
        *target_sentences(evaluation.metrics, summary[CMML][evaluation.main]),
    ]
    return "\n\n".join([*parts, *(["\n".join(sentences)] if sentences else [])]) + "\n"


def _num_tasks(evaluation: Evaluation, summary: Summary) -> str:
    """Says how many tasks of the main group each mean of a method is over."""
    known = {
        name: interval
        for of_method in reversed([*summary.values()])
        for name, interval in of_method.get(evaluation.main, {}).items()
    }
    shown = [
        one.name
        for one in evaluation.metrics
        if one.in_tables or (one.target is not None and one.name in known)
    ]
    return f"{task_counts(shown, known)} of {evaluation.main}"


def _main_groups(evaluation: Evaluation, summary: Summary) -> list[str]:
    """Returns the main group, and others that are not a part of another table."""
    elsewhere = {*evaluation.few_shot().values(), *open_groups(evaluation.groups)}
    elsewhere |= {name for pair in evaluation.exchanged() for name in pair}
    elsewhere.discard(evaluation.main)
    names = [name for name in summary[CMML] if name not in elsewhere]
    return sorted(names, key=lambda name: name != evaluation.main)


def _methods_tables(
    evaluation: Evaluation,
    summary: Summary,
    differences: Differences,
    groups: Sequence[str],
) -> list[str]:
    """A row a method: the metric that decides by group, then means of other metrics.

    The first group has intervals, and the other metrics. Below stands which methods
    come to the same.
    """
    (main, *others), first = groups, evaluation.metric.name

    def gap(method: str) -> str:
        found = differences.get(Contrast(first, CMML, main, method, main))
        return UNDEFINED_TEXT if found is None else signed(found)

    rows = [
        [
            *(method, _cell(of_method[main].get(first)), gap(method)),
            *(_mean(of_method.get(group, {}).get(first)) for group in others),
        ]
        for method, of_method in summary.items()
    ]
    header = ["method", first, f"{CMML} less it", *(f"{one} {first}" for one in others)]
    parts = narrow_layouts(header, rows)
    further = [one.name for one in evaluation.metrics[1:] if one.in_tables]
    if further:
        parts.append(f"Means of other metrics of {main}:")
        parts += _mean_tables(summary, {name: (main, name) for name in further})
    return parts + equal_sentences(
        {name: of_group[main] for name, of_group in evaluation.by_task.items()}
    )


def _few_shot_tables(
    evaluation: Evaluation, summary: Summary, sizes: dict[int, str]
) -> list[str]:
    first, most = evaluation.metric.name, max(sizes)
    columns = {
        "all" if size == most else str(size): (group, first)
        for size, group in sizes.items()
    }
    others = {own: other for other, own in evaluation.exchanged()}
    if sizes[most] in others:
        columns["of another"] = (others[sizes[most]], first)
    return _mean_tables(summary, columns)


def _mean_tables(summary: Summary, columns: Mapping[str, tuple[str, str]]) -> list[str]:
    """A row a method, a column a mean, by title its group and its metric."""
    rows = [
        [
            method,
            *(
                _mean(groups.get(group, {}).get(name))
                for group, name in columns.values()
            ),
        ]
        for method, groups in summary.items()
    ]
    return narrow_layouts(["method", *columns], rows)


def _standing(
    evaluation: Evaluation, summary: Summary, differences: Differences
) -> list[str]:
    """Says how CMML stands beside the best baselines, first overall, then each."""
    beside = beside_baselines(
        evaluation.metrics, evaluation.groups, summary, differences
    )
    parts = [overall_sentence(beside)]
    if beside.by_metric:
        parts.append(metric_table(beside).markdown_rows())
    if beside.by_size:
        parts.append(f"{evaluation.metric.name} by support pairs shown:")
        parts.append(size_table(beside).markdown_rows())
    if beside.without_pool:
        parts.append(f"{evaluation.metric.name} without a pool:")
        parts.append(pool_table(beside).markdown_rows())
    parts += further_sentences(beside)
    return parts


def _cell(interval: Interval | None) -> str:
    return UNDEFINED_TEXT if interval is None else cell(interval)


def _mean(interval: Interval | None) -> str:
    return UNDEFINED_TEXT if interval is None else f"{interval.mean:.4f}"
