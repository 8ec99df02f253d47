"""The results of all methods set against each other."""

import dataclasses
from collections.abc import Mapping, Sequence

from models.evaluation.intervals import Interval
from pipeline.judging.results import CMML, PLAIN, Floats, MethodResult, Setup
from pipeline.judging.statistics import Difference, differences, task_interval


@dataclasses.dataclass(frozen=True, eq=False)
class Summary:
    """All that tables, figures and sentences are made from.

    Differences are of the primary metric on the main group.

    Attributes:
        setup: How the methods were compared.
        results: The methods, the best on the main group first, those that failed last.
        reference: Name of the best simple method, as chosen on meta-validation; None
            if there is none.
        quality: Primary metric by method and group, where it is known.
        less_reference: Each other method less the reference.
        less_cmml: Each other method less CMML.
        less_plain: Each other method less CMML as in the paper.
        less_best: Each other method less the best on these tasks.
    """

    setup: Setup
    results: Sequence[MethodResult]
    reference: str | None
    quality: Mapping[tuple[str, str], Interval]
    less_reference: Mapping[str, Difference]
    less_cmml: Mapping[str, Difference]
    less_plain: Mapping[str, Difference]
    less_best: Mapping[str, Difference]

    @property
    def scored(self) -> list[MethodResult]:
        """The methods with a result on the main group, the best first."""
        group = self.setup.main_group
        return [one for one in self.results if (one.name, group) in self.quality]

    @property
    def direction(self) -> int:
        """-1 if lower values of the primary metric are better, otherwise 1."""
        return self.setup.metric.direction

    def of(self, name: str) -> MethodResult | None:
        """Returns the method of that name if it has a result on the main group."""
        return next((one for one in self.scored if one.name == name), None)

    def main(self, name: str) -> Interval:
        """Returns the primary metric of a method on the main group."""
        return self.quality[name, self.setup.main_group]


def summarise(
    results: Sequence[MethodResult], setup: Setup, reference: str | None
) -> Summary:
    """Ranks the methods and tests their differences.

    Args:
        results: The methods, in any order.
        setup: How they were compared.
        reference: Name of the best simple method; chosen on meta-validation, so that
            differences on meta-test owe nothing to the tasks they are taken on. None
            if there is none.

    Raises:
        ValueError: If there is no method, two have one name, or none has that of the
            reference.
    """
    if not results:
        raise ValueError("results must hold at least one method, got none.")
    names = [one.name for one in results]
    if len(set(names)) < len(names):
        raise ValueError(f"names of methods must differ, got {names}.")
    if reference is not None and reference not in names:
        raise ValueError(f"reference must be among {names}, got {reference!r}.")
    quality = _quality(results, setup)
    ranked = _ranked(results, setup, quality)
    return Summary(
        setup=setup,
        results=ranked,
        reference=reference,
        quality=quality,
        less_reference=_less(ranked, setup, reference),
        less_cmml=_less(ranked, setup, CMML),
        less_plain=_less(ranked, setup, PLAIN),
        less_best=_less(ranked, setup, ranked[0].name),
    )


def _quality(
    results: Sequence[MethodResult], setup: Setup
) -> dict[tuple[str, str], Interval]:
    quality = {}
    for group in setup.all_groups:
        for one in results:
            values = one.by_task(group, setup.primary)
            interval = task_interval(values, setup.seed, setup.num_resamples)
            if interval is not None:
                quality[one.name, group] = interval
    return quality


def _ranked(
    results: Sequence[MethodResult],
    setup: Setup,
    quality: Mapping[tuple[str, str], Interval],
) -> list[MethodResult]:
    def place(one: MethodResult) -> tuple[bool, float]:
        interval = quality.get((one.name, setup.main_group))
        if interval is None:
            return True, 0.0
        return False, -setup.metric.direction * interval.mean

    return sorted(results, key=place)


def _less(
    results: Sequence[MethodResult], setup: Setup, name: str | None
) -> dict[str, Difference]:
    """Compares every other method with the one of that name; {} if it has no result."""
    by_method: dict[str, Floats] = {}
    for one in results:
        values = one.by_task(setup.main_group, setup.primary)
        if values is not None:
            by_method[one.name] = values
    base = by_method.pop(name, None) if name else None
    if base is None:
        return {}
    return differences(by_method, base, setup.seed, setup.num_resamples)
