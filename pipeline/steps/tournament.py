"""A comparison from first training to last table, in whatever setting."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from models.baselines.learned.learned_baseline import LearnedBaseline
from models.whole_files import write_atomically
from pipeline.experiment.progress import say
from pipeline.judging.contender import Changes, Contender, Entry, Judge, enter
from pipeline.judging.cost import Cost
from pipeline.judging.results import CostCurve, MethodResult, Setup
from pipeline.reports.comparison.report import write_report
from pipeline.experiment.config_file import hash_of

COSTS_DIR = "costs"
CURVE_STEPS = (1, 5, 10, 20)  # Inner steps, as in Figure 2 of the CMML paper.


@dataclasses.dataclass(frozen=True)
class Field:
    """All that a comparison needs of its setting.

    Attributes:
        setup: What is compared, and how it is told.
        judge: Scores methods.
        contender: Makes a method by name, given what others have chosen.
        cost: Measures a method, by name and hyperparameters, in a process of its own.
        learned: The learned methods of the setting.
        max_seeds: Most seeds of a method, by name.
        fingerprint: Of all that costs depend on, but the hyperparameters.
        folder: Where results go.
    """

    setup: Setup
    judge: Judge
    contender: Callable[[str, Mapping[str, Changes]], Contender]
    cost: Callable[[str, Changes], Cost]
    learned: Mapping[str, type[LearnedBaseline]]
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
    entered: dict[str, tuple[Contender, Entry]] = {}
    for number, name in enumerate(methods, start=1):
        say(f"compare: {name}, method {number} of {len(methods)}")
        method = field.contender(name, chosen)
        seeds = range(min(num_seeds, field.max_seeds.get(name, num_seeds)))
        num_trials = field.setup.num_trials
        entry = enter(method, field.judge, num_trials=num_trials, seeds=seeds)
        chosen[name] = entry.changes
        entered[name] = method, entry
    # All in one go, after the trainings, so that they meet the same machine.
    costs = {name: _cost(field, name, entry) for name, (_, entry) in entered.items()}
    results = [_result(*entered[name], costs[name]) for name in entered]
    curves = list(_curves(field, entered, costs))
    simple = {one.name: entered[one.name][1] for one in results if _is_simple(one)}
    reference = max(simple, key=lambda name: simple[name].figure, default=None)
    return write_report(field.folder, field.setup, results, curves, reference)


def _is_simple(result: MethodResult) -> bool:
    return result.kind == "simple" and not result.failure


def _result(method: Contender, entry: Entry, cost: Cost) -> MethodResult:
    return MethodResult(
        name=method.name,
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


def _cost(field: Field, name: str, entry: Entry, **others: Any) -> Cost:
    """Measures a method, unless that is done or it broke off.

    Args:
        field: The comparison.
        name: Of the method.
        entry: What was chosen.
        **others: Hyperparameters that are to be others.
    """
    if entry.failure:
        return Cost(float("nan"), float("nan"), float("nan"))
    hyperparameters = {**entry.hyperparameters, **others}
    version = field.learned[name].VERSION if name in field.learned else 0
    digest = hash_of(field.fingerprint, version, name, hyperparameters)
    path = field.folder.parent / COSTS_DIR / f"{name}-{digest}.json"
    if not path.exists():
        say(f"compare: timing {name} {hyperparameters}")
        cost = field.cost(name, hyperparameters)
        write_atomically(path, json.dumps(dataclasses.asdict(cost)) + "\n")
    return Cost(**json.loads(path.read_text(encoding="utf-8")))


def _curves(
    field: Field,
    entered: Mapping[str, tuple[Contender, Entry]],
    costs: Mapping[str, Cost],
) -> Iterator[CostCurve]:
    """Yields costs by inner steps; a single point of methods that take none."""
    for name, (method, entry) in entered.items():
        if method.KIND == "simple" or entry.failure:
            continue
        steps = CURVE_STEPS if "inner_steps" in entry.hyperparameters else ()
        measured = [_cost(field, name, entry, inner_steps=n) for n in steps]
        measured = measured or [costs[name]]
        yield CostCurve(
            method=name,
            steps=tuple(steps),
            train_ms=tuple(cost.train_ms for cost in measured),
            adapt_ms=tuple(cost.adapt_ms for cost in measured),
            peak_mb=tuple(cost.peak_mb for cost in measured),
        )
