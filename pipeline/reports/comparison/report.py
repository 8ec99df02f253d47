"""The files of a comparison: tables, figures, and a page that needs nothing else."""

import math
import pathlib
from collections.abc import Mapping, Sequence

from models.whole_files import write_atomically
from pipeline.judging.interval_text import p_text, signed
from pipeline.judging.results import CMML, PLAIN, CostCurve, MethodResult, Setup
from pipeline.judging.statistics import Difference
from pipeline.reports.comparison.figures import all_figures
from pipeline.reports.comparison.summary import Summary, summarise
from pipeline.reports.comparison.tables import (
    all_tables,
    hyperparameter_table,
    short_table,
)
from pipeline.reports.page.render import render
from pipeline.reports.run.standing_text import equal_sentences
from transforms.plural import counted

REPORT_FILE = "report.md"
PAGE_FILE = "index.html"


def write_report(
    folder: pathlib.Path,
    setup: Setup,
    results: Sequence[MethodResult],
    curves: Sequence[CostCurve],
    reference: str | None,
) -> str:
    """Writes every table as CSV, every figure as SVG, a report with all, and a page.

    Args:
        folder: Where to; made if it is not there.
        setup: How the methods were compared.
        results: The methods.
        curves: Their costs by inner steps.
        reference: Name of the best simple method on meta-validation; None if there is
            none.

    Returns:
        The sentences of the report and the columns that decide, in Markdown.

    Raises:
        ValueError: As in `summarise`.
    """
    summary = summarise(results, setup, reference)
    tables, figures = all_tables(summary), all_figures(summary, curves)
    for table in tables:
        write_atomically(folder / f"{table.name}.csv", table.to_csv())
    for name, svg in figures.items():
        write_atomically(folder / f"{name}.svg", svg)
    sentences = "\n".join(f"- {sentence}" for sentence in verdict(summary))
    start = f"# Comparison {setup.name} on {setup.split}\n\n{sentences}\n"
    report = "\n".join([start, *(table.to_markdown() for table in tables)])
    write_atomically(folder / REPORT_FILE, report)
    write_atomically(folder / PAGE_FILE, comparison_page(summary, figures))
    more = f"All columns and tables: {folder / REPORT_FILE} and {PAGE_FILE}."
    return f"{start}\n{short_table(summary).markdown_rows()}\n\n{more}\n"


def comparison_page(summary: Summary, figures: Mapping[str, str]) -> str:
    """Returns the page: the verdict, figures, tables, and how to get the same.

    Args:
        summary: The results.
        figures: SVG by name, as `all_figures` returns it.
    """
    return render(
        "comparison.html",
        setup=summary.setup,
        num_methods=len(summary.results),
        corner="lower" if summary.direction < 0 else "upper",
        verdict=verdict(summary),
        figures=figures,
        tables=[*all_tables(summary), hyperparameter_table(summary)],
    )


def verdict(summary: Summary) -> list[str]:
    """Returns who wins, how CMML stands, what it costs, and what to doubt."""
    if not summary.scored:
        return ["No method has a result on the main group.", *_doubts(summary)]
    return [
        _winner(summary),
        *_winner_and_reference(summary),
        *_cmml_and_simple(summary),
        *_cmml_and_learned(summary),
        *_equal(summary),
        *_costs(summary),
        *_doubts(summary),
    ]


def _winner(summary: Summary) -> str:
    setup, best = summary.setup, summary.scored[0].name
    word = "lowest" if summary.direction < 0 else "highest"
    figure = summary.main(best)
    text = (
        f"Of {counted(len(summary.scored), 'method')}, {best} has the {word} "
        f"{setup.primary} on "
        f"{setup.main_group}: {figure.mean:.4f} [{figure.low:.4f}, {figure.high:.4f}]."
    )
    if len(summary.scored) == 1:
        return text
    even = [n for n, gap in summary.less_best.items() if not gap.is_beyond_chance]
    if not even:
        return (
            f"{text} All others are worse beyond chance (Holm p <= 0.05), though the "
            "best was found on these same tasks, which flatters it."
        )
    return f"{text} Not told apart from it (Holm p > 0.05): {', '.join(even)}."


def _winner_and_reference(summary: Summary) -> list[str]:
    best, base = summary.scored[0], summary.reference
    if best.name == base:
        return [f"No method has a better mean than {_by_validation(summary)}."]
    gap = summary.less_reference.get(best.name)
    if gap is None or best.name == CMML:  # CMML gets a sentence of its own.
        return []
    return [_sentence(summary, best.name, gap, _by_validation(summary))]


def _cmml_and_simple(summary: Summary) -> list[str]:
    gap = summary.less_reference.get(CMML)
    if gap is None:
        return []
    sentences = [_sentence(summary, CMML, gap, _by_validation(summary))]
    best = next(one.name for one in summary.scored if one.kind == "simple")
    if best != summary.reference and best in summary.less_cmml:
        who = f"The best simple method on these tasks, {best},"
        sentences.append(_sentence(summary, who, summary.less_cmml[best], CMML))
    return sentences


def _by_validation(summary: Summary) -> str:
    return f"the best simple method by meta-validation, {summary.reference}"


def _cmml_and_learned(summary: Summary) -> list[str]:
    best = next((one for one in summary.scored if one.kind == "learned"), None)
    if best is None:
        return []
    who = f"The best learned method on these tasks, {best.name},"
    plain = f"{PLAIN}, which sees no more than it does"
    gaps = {CMML: summary.less_cmml, plain: summary.less_plain}
    return [
        _sentence(summary, who, gap[best.name], other)
        for other, gap in gaps.items()
        if best.name in gap
    ]


def _sentence(summary: Summary, who: str, gap: Difference, other: str) -> str:
    stands = "not told apart from"
    if gap.is_beyond_chance:
        is_better = summary.direction * gap.interval.mean > 0.0
        stands = "better than" if is_better else "worse than"
    return (
        f"{who} is {stands} {other}: {summary.setup.primary} difference "
        f"{signed(gap.interval)}, Holm p {p_text(gap.holm_p)}."
    )


def _equal(summary: Summary) -> list[str]:
    group = summary.setup.main_group
    names = [metric.name for metric in summary.setup.metrics]
    by_method = {
        one.name: {
            name: values
            for name in names
            if (values := one.by_task(group, name)) is not None
        }
        for one in summary.scored
    }
    return equal_sentences(by_method)


def _costs(summary: Summary) -> list[str]:
    known = [one for one in summary.scored if not math.isnan(one.adapt_ms)]
    cmml = next((one for one in known if one.name == CMML), None)
    learned = [one for one in known if one.kind == "learned"]
    if cmml is None:
        return []
    text = f"To adapt and score, {CMML} takes {cmml.adapt_ms:.3g} ms per task"
    if not learned:
        return [f"{text}."]
    by_cost = sorted(learned, key=lambda one: one.adapt_ms)
    fast, slow = by_cost[0], by_cost[-1]
    if fast is slow:
        return [f"{text}, {fast.name} {fast.adapt_ms:.3g} ms."]
    return [
        f"{text}; the learned methods take from {fast.adapt_ms:.3g} ms ({fast.name}) "
        f"to {slow.adapt_ms:.3g} ms ({slow.name})."
    ]


def _doubts(summary: Summary) -> list[str]:
    sentences = [
        f"{one.name} has suspicious scores: {', '.join(one.flags)}."
        for one in summary.results
        if one.flags
    ]
    sentences += [
        f"{one.name} has no result, since its training failed: {one.failure}."
        for one in summary.results
        if one.failure
    ]
    if len(summary.setup.seeds) == 1:
        sentences.append("With one seed, nothing is known of other seeds.")
    if summary.setup.split == "meta_validation":
        sentences.append(
            "Methods were chosen on these same tasks, which flatters them: p-values "
            "and intervals are of no use here."
        )
    return sentences
