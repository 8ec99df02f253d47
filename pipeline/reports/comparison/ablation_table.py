"""The results of an ablation as figures, and as tables for people, in Markdown."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.evaluation.intervals import Interval, bootstrap_mean, paired_difference
from pipeline.judging.fitted_baselines import REFERENCE
from pipeline.judging.variant_grid import Table
from pipeline.judging.variant_scores import NONE, OTHER, OWN, Outcome
from pipeline.reports.page.markdown_table import cell, layout, signed
from pipeline.reports.page.result_table import FAILED
from pipeline.settings.user.config import EvaluationConfig


@dataclasses.dataclass(frozen=True)
class VariantSummary:
    """A variant over its seeds. Intervals are over tasks, each the mean of its seeds.

    Attributes:
        mae: Mean absolute error.
        ndcg: NDCG@3.
        seed_deviation: Standard deviation of the MAE over seeds; NaN of one seed.
        less_reference: Paired difference of MAE to the reference.
        less_first: Paired difference of MAE to the first variant of the table; None if
            that failed, and of a reference.
        other_support: What the support set of another task adds to the MAE.
        no_support: MAE without support.
        tasks_per_s: Speed of training, the median over seeds; NaN for a reference.
        num_parameters: Weights that were trained; 0 for a reference.
        runs: Names of the runs.
    """

    mae: Interval
    ndcg: Interval
    seed_deviation: float
    less_reference: Interval
    less_first: Interval | None
    other_support: Interval
    no_support: Interval
    tasks_per_s: float
    num_parameters: int
    runs: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class AblationSummary:
    """All variants of an ablation.

    Attributes:
        variants: By title of the table and name of the variant; what went wrong, as
            text, for a variant whose training failed with some seed.
        references: By name of the baseline.
        num_tasks: Tasks that were scored.
        seeds: Seeds of each variant.
        overrides: Changes of the experiment as typed.
    """

    variants: Mapping[str, Mapping[str, VariantSummary | str]]
    references: Mapping[str, VariantSummary]
    num_tasks: int
    seeds: tuple[int, ...]
    overrides: tuple[str, ...]


def summarise(
    tables: Sequence[Table],
    outcomes: Mapping[tuple[str, str], Sequence[Outcome]],
    references: Mapping[str, Sequence[Outcome]],
    overrides: Sequence[str],
    options: EvaluationConfig,
) -> AblationSummary:
    """Draws the outcomes of all seeds together.

    Args:
        tables: The tables.
        outcomes: By title of the table and name of the variant, one a seed.
        references: By name of the baseline.
        overrides: Changes of the experiment as typed, to be kept with the results.
        options: Seed and number of the resamples.
    """
    reference = references[REFERENCE][0].metrics[OWN]["mae"]

    def over_seeds(
        tried: Sequence[Outcome], first: Sequence[Outcome] = ()
    ) -> VariantSummary:
        def mean(values: np.ndarray) -> Interval:
            return bootstrap_mean(values, options.seed, options.num_resamples)

        def difference(a: np.ndarray, b: np.ndarray) -> Interval:
            return paired_difference(a, b, options.seed, options.num_resamples)

        own = _by_task(tried, OWN, "mae")
        has_first = first and not _failure(first)
        first_own = _by_task(first, OWN, "mae") if has_first else None
        by_seed = [np.nanmean(one.metrics[OWN]["mae"]) for one in tried]
        return VariantSummary(
            mae=mean(own),
            ndcg=mean(_by_task(tried, OWN, "ndcg@3")),
            seed_deviation=float(np.std(by_seed, ddof=1)) if len(tried) > 1 else np.nan,
            less_reference=difference(own, reference),
            less_first=None if first_own is None else difference(own, first_own),
            other_support=difference(_by_task(tried, OTHER, "mae"), own),
            no_support=mean(_by_task(tried, NONE, "mae")),
            tasks_per_s=float(np.median([one.tasks_per_s for one in tried])),
            num_parameters=tried[0].num_parameters,
            runs=tuple(one.run for one in tried if one.run),
        )

    def of_table(table: Table) -> dict[str, VariantSummary | str]:
        tried = {v.name: outcomes[table.title, v.name] for v in table.variants}
        first = next(iter(tried.values()))
        return {
            name: _failure(those) or over_seeds(those, first)
            for name, those in tried.items()
        }

    return AblationSummary(
        variants={table.title: of_table(table) for table in tables},
        references={name: over_seeds(tried) for name, tried in references.items()},
        num_tasks=int(np.isfinite(reference).sum()),
        seeds=tuple(tables[0].variants[0].configs),
        overrides=tuple(overrides),
    )


def _by_task(tried: Sequence[Outcome], group: str, metric: str) -> np.ndarray:
    """Averages a metric of each task over seeds."""
    return np.mean([one.metrics[group][metric] for one in tried], axis=0)


def _failure(tried: Sequence[Outcome]) -> str:
    """Says why the training failed with some seed; "" if with none."""
    return next((one.failure for one in tried if one.failure), "")


def ablation_report(
    name: str, split: str, tables: Sequence[Table], summary: AblationSummary
) -> str:
    """Lays the tables out.

    A table with columns comes as a matrix of MAE first, then like the others with a row
    for each variant and for each reference.

    Args:
        name: Name of the grid.
        split: The split that was scored.
        tables: The tables.
        summary: Their results.

    Returns:
        Markdown.
    """
    changed = "".join(f" --set {override}" for override in summary.overrides)
    parts = [
        f"# Ablation {name} on {split}",
        f"Seeds: {', '.join(map(str, summary.seeds))}.{changed}",
        f"Means over {summary.num_tasks} tasks, each the mean of its seeds; 95 % "
        "bootstrap intervals over tasks in brackets. Lower mae, higher ndcg is better. "
        "`other support` is what the support set of another task adds to the mae, "
        "`no support` the mae without any.",
    ]
    for table in tables:
        results = summary.variants[table.title]
        parts.append(f"## {table.title}")
        if table.columns:
            parts.append(_matrix(table, results))
        rows = [_row(name, result) for name, result in results.items()]
        rows += [_row(f"*{name}*", one) for name, one in summary.references.items()]
        parts.append(layout(_HEADER, rows))
    return "\n\n".join(parts) + "\n"


_HEADER = (
    "variant",
    "mae",
    "sd of seeds",
    "ndcg@3",
    f"mae less {REFERENCE}",
    "mae less first row",
    "other support",
    "no support",
    "tasks/s",
    "parameters",
)


def _row(name: str, result: VariantSummary | str) -> list[str]:
    if isinstance(result, str):
        return [name, f"{FAILED}: {result}", *[""] * (len(_HEADER) - 2)]
    return [
        name,
        cell(result.mae),
        _or_dash(result.seed_deviation, ".4f"),
        f"{result.ndcg.mean:.4f}",
        signed(result.less_reference),
        signed(result.less_first) if result.less_first else "-",
        f"{result.other_support.mean:+.4f}",
        f"{result.no_support.mean:.4f}",
        _or_dash(result.tasks_per_s, ".0f"),
        f"{result.num_parameters:,}" if result.num_parameters else "-",
    ]


def _matrix(table: Table, results: Mapping[str, VariantSummary | str]) -> str:
    rows: dict[str, list[str]] = {}
    for variant in table.variants:
        result = results[variant.name]
        text = FAILED if isinstance(result, str) else cell(result.mae)
        rows.setdefault(variant.row, [variant.row]).append(text)
    return layout(["mae", *table.columns], list(rows.values()))


def _or_dash(value: float, form: str) -> str:
    return "-" if np.isnan(value) else format(value, form)


def to_json(summary: AblationSummary) -> dict[str, Any]:
    """Returns the summary as JSON can hold it, NaN as null."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items()}
        if isinstance(value, tuple):
            return list(value)
        is_nan = isinstance(value, float) and np.isnan(value)
        return None if is_nan else value

    return plain(dataclasses.asdict(summary))
