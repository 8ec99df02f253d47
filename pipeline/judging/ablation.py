"""Variants of an experiment over seeds, drawn together."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from models.evaluation.intervals import Interval, bootstrap_mean, paired_difference
from models.evaluation.metric import Metric
from pipeline.judging.task_metrics_file import TaskMetrics
from pipeline.judging.variant_grid import Table

OWN, OTHER, NONE = "own", "other", "none"  # Whose support set methods get.


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one variant with one seed.

    Attributes:
        metrics: Its metrics by support set; empty if its training failed.
        tasks_per_s: Speed of training, the median over epochs.
        num_parameters: Weights that were trained.
        run: Name of the run.
        failure: Why its training failed; "" if it did not.
    """

    metrics: TaskMetrics
    tasks_per_s: float = float("nan")
    num_parameters: int = 0
    run: str = ""
    failure: str = ""


@dataclasses.dataclass(frozen=True)
class VariantSummary:
    """A variant over its seeds. Intervals are over tasks, each the mean of its seeds.

    Attributes:
        metrics: Means by metric, the one that decides first.
        seed_deviation: Standard deviation of the first metric over seeds; NaN of one
            seed.
        less_reference: Paired difference of the first metric to the reference.
        less_first: The same to the first variant of the table; None if that failed, and
            of a reference.
        other_support: What the support set of another task adds to the first metric.
        no_support: The first metric without support.
        tasks_per_s: Speed of training, the median over seeds; NaN for a reference.
        num_parameters: Weights that were trained; 0 for a reference.
        runs: Names of the runs.
    """

    metrics: Mapping[str, Interval]
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
        references: By name of the simple method, the one that decides first.
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
    *,
    metrics: Sequence[Metric],
    overrides: Sequence[str],
    seed: int,
    num_resamples: int,
) -> AblationSummary:
    """Draws the outcomes of all seeds together.

    Args:
        tables: The tables.
        outcomes: By title of the table and name of the variant, one a seed.
        references: By name of the simple method; differences are taken to the first.
        metrics: What is shown; the first decides.
        overrides: Changes of the experiment as typed, to be shown with the results.
        seed: Seed of the resamples of the tasks.
        num_resamples: Number of them.
    """
    names = [metric.name for metric in metrics if metric.in_tables]
    first_reference = next(iter(references.values()))
    reference = _by_task(first_reference, OWN, names[0])
    over_seeds = functools.partial(
        _over_seeds,
        names=names,
        reference=reference,
        seed=seed,
        num_resamples=num_resamples,
    )

    def of_table(table: Table) -> dict[str, VariantSummary | str]:
        by_variant = {v.name: outcomes[table.title, v.name] for v in table.variants}
        first = next(iter(by_variant.values()))
        return {
            name: _failure(by_seed) or over_seeds(by_seed, first)
            for name, by_seed in by_variant.items()
        }

    return AblationSummary(
        variants={table.title: of_table(table) for table in tables},
        references={name: over_seeds(one) for name, one in references.items()},
        num_tasks=int(np.isfinite(reference).sum()),
        seeds=tuple(tables[0].variants[0].configs),
        overrides=tuple(overrides),
    )


def _over_seeds(
    by_seed: Sequence[Outcome],
    first: Sequence[Outcome] = (),
    *,
    names: Sequence[str],
    reference: np.ndarray,
    seed: int,
    num_resamples: int,
) -> VariantSummary:
    """Draws the outcomes of one variant together; see `VariantSummary`."""
    mean = functools.partial(bootstrap_mean, seed=seed, num_resamples=num_resamples)
    difference = functools.partial(
        paired_difference, seed=seed, num_resamples=num_resamples
    )
    own = _by_task(by_seed, OWN, names[0])
    has_first = first and not _failure(first)
    first_own = _by_task(first, OWN, names[0]) if has_first else None
    means = [mean(one.metrics[OWN][names[0]]).mean for one in by_seed]
    deviation = float(np.std(means, ddof=1)) if len(by_seed) > 1 else np.nan
    return VariantSummary(
        metrics={n: mean(_by_task(by_seed, OWN, n)) for n in names},
        seed_deviation=deviation,
        less_reference=difference(own, reference),
        less_first=None if first_own is None else difference(own, first_own),
        other_support=difference(_by_task(by_seed, OTHER, names[0]), own),
        no_support=mean(_by_task(by_seed, NONE, names[0])),
        tasks_per_s=float(np.median([one.tasks_per_s for one in by_seed])),
        num_parameters=by_seed[0].num_parameters,
        runs=tuple(one.run for one in by_seed if one.run),
    )


def _by_task(by_seed: Sequence[Outcome], group: str, metric: str) -> np.ndarray:
    """Averages a metric of each task over seeds."""
    return np.mean([one.metrics[group][metric] for one in by_seed], axis=0)


def _failure(by_seed: Sequence[Outcome]) -> str:
    """Says why the training failed with some seed; "" if with none."""
    return next((one.failure for one in by_seed if one.failure), "")
