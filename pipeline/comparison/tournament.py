"""A comparison from first training to last table, in whatever setting."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from pipeline.comparison.contender import Changes, Contender, Entry, Judge, enter
from pipeline.comparison.cost import Cost
from pipeline.comparison.report import write_report
from pipeline.comparison.results import CostCurve, MethodResult, Setup
from pipeline.config import hash_of
from pipeline.progress import say
from pipeline.run_dir import write_atomically

COSTS_DIR = "costs"


@dataclasses.dataclass(frozen=True)
class Field:
    """All that a comparison needs of its setting.

    Attributes:
        setup: What is compared, and how it is told.
        judge: Scores methods.
        contender: Makes a method by name, given what others have chosen.
        cost: Measures a method, by name and candidate, in a process of its own.
        curve_steps: Inner steps to be timed, by method that takes some.
        max_seeds: Most seeds of a method, by name.
        fingerprint: Of all that costs depend on, but method and candidate.
        folder: Where results go.
    """

    setup: Setup
    judge: Judge
    contender: Callable[[str, Mapping[str, Changes]], Contender]
    cost: Callable[[str, Changes], Cost]
    curve_steps: Mapping[str, Sequence[int]]
    max_seeds: Mapping[str, int]
    fingerprint: str
    folder: pathlib.Path


def hold(field: Field, methods: Sequence[str], num_seeds: int) -> str:
    """Enters every method and writes tables, figures and a page.

    Args:
        field: The comparison.
        methods: Names of the methods.
        num_seeds: Seeds of each method, at most.

    Returns:
        The tables, in Markdown.
    """
    chosen: dict[str, Changes] = {}
    results: list[MethodResult] = []
    figures: dict[str, float] = {}
    for number, name in enumerate(methods, start=1):
        say(f"compare: {name}, method {number} of {len(methods)}")
        method = field.contender(name, chosen)
        seeds = range(min(num_seeds, field.max_seeds.get(name, num_seeds)))
        num_trials = field.setup.num_trials
        entry = enter(method, field.judge, num_trials=num_trials, seeds=seeds)
        chosen[name] = entry.changes
        figures[name] = entry.figure
        results.append(_result(name, method, entry, _cost(field, name, entry.changes)))
    simple = {r.name for r in results if r.kind == "simple" and not r.failure}
    reference = max(simple, key=lambda name: figures[name], default=None)
    curves = list(_curves(field, results, chosen))
    return write_report(field.folder, field.setup, results, curves, reference)


def _result(name: str, method: Contender, entry: Entry, cost: Cost) -> MethodResult:
    return MethodResult(
        name=name,
        kind=method.KIND,
        hyperparameters=dict(entry.hyperparameters),
        trials=tuple(entry.trials),
        values=entry.values,
        num_parameters=entry.num_parameters,
        train_s=entry.train_s,
        adapt_ms=cost.adapt_ms,
        peak_mb=cost.peak_mb,
        flags=entry.flags,
        failure=entry.failure,
    )


def _cost(field: Field, name: str, changes: Changes) -> Cost:
    """Measures a method, unless that is done."""
    digest = hash_of(field.fingerprint, name, changes)
    path = field.folder.parent / COSTS_DIR / f"{name}-{digest}.json"
    if not path.exists():
        say(f"compare: timing {name} {dict(changes)}")
        cost = field.cost(name, changes)
        write_atomically(path, json.dumps(dataclasses.asdict(cost)) + "\n")
    return Cost(**json.loads(path.read_text(encoding="utf-8")))


def _curves(
    field: Field, results: Sequence[MethodResult], chosen: Mapping[str, Changes]
) -> Iterator[CostCurve]:
    """Yields costs by inner steps; a single point of methods that take none."""
    for result in results:
        if result.kind == "simple":
            continue
        steps = field.curve_steps.get(result.name, ())
        best = chosen[result.name]
        tried: list[Changes] = [{**best, "inner_steps": n} for n in steps]
        costs = [_cost(field, result.name, changes) for changes in tried or [best]]
        yield CostCurve(
            method=result.name,
            steps=tuple(steps),
            train_ms=tuple(cost.train_ms for cost in costs),
            adapt_ms=tuple(cost.adapt_ms for cost in costs),
            peak_mb=tuple(cost.peak_mb for cost in costs),
        )
