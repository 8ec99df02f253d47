"""The step `compare`: every method on the same frozen episodes, with its cost."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from models.options import MODEL_VERSION
from models.recommender import Recommender
from models.whole_files import read_json, write_atomically
from pipeline.experiment.config_file import hash_of
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.one_at_a_time import one_at_a_time
from pipeline.experiment.prepared import check_splits
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir
from pipeline.judging import judge as judging
from pipeline.judging.all_methods import compared_method, known_methods
from pipeline.judging.compared_method import tune_and_judge
from pipeline.judging.cost import Cost, in_own_process, measure_cost
from pipeline.judging.results import Changes, CostCurve, MethodResult, Setup, setup_of
from pipeline.judging.task_metrics_file import TaskMetrics
from pipeline.reports.comparison.report import write_report
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from pipeline.steps.train import train

STEP = "compare"
COSTS_DIR = "costs"
CURVE_STEPS = (1, 5, 10, 20)  # Inner steps, as in Figure 2 of the CMML paper.


def resolve_methods(
    config: Experiment, methods: Sequence[str] | None, num_seeds: int
) -> list[str]:
    """Returns the methods to be compared.

    Args:
        config: The experiment.
        methods: As typed; those of the configuration if None, else all there are.
        num_seeds: Seeds of each method.

    Raises:
        ValueError: If a method or one of its options is unknown, or there is no seed.
    """
    if num_seeds < 1:
        raise ValueError(f"--seeds must be at least 1, got {num_seeds}.")
    return known_methods(config, methods)


def compare(
    config: Experiment,
    dataset_dir: pathlib.Path,
    *,
    methods: Sequence[str],
    num_seeds: int,
    split: str,
    command: str,
) -> str:
    """Tunes, trains, judges and times methods, and lays the results out.

    Each training is a run of its own, which resumes if it was killed and is reused
    if it is finished, in whatever comparison it stands.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        methods: Names of the methods.
        num_seeds: Seeds of each method, unless the configuration has a lower limit.
        split: "meta_test" to report, "meta_validation" to look before.
        command: What was typed, for the report.

    Returns:
        A table for people to read, in Markdown; it and the other results are written
        to `runs/<name>/compare/<split>/`.

    Raises:
        DataError: If the data set has too few tasks, or none of the split.
    """
    check_splits(dataset_dir, judged=split)
    data = setting_of(config).load(config, dataset_dir)
    comparison = Comparison(config, data, split)
    setup = setup_of(config, data, split, num_seeds, command)
    with one_at_a_time(STEP, comparison.folder.parent):
        return _compare(comparison, methods, setup)


def _compare(comparison: Comparison, methods: Sequence[str], setup: Setup) -> str:
    """Compares methods where no other process does."""
    judged = comparison.judged(methods, len(setup.seeds))
    # All in one go, after the trainings, so that they meet the same machine.
    costs = [comparison.cost(one) for one in judged]
    curves = list(comparison.curves(judged, costs))
    results = [
        dataclasses.replace(one, adapt_ms=cost.adapt_ms, peak_mb=cost.peak_mb)
        for one, cost in zip(judged, costs, strict=True)
    ]
    simple = [one for one in results if one.kind == "simple" and not one.failure]
    best = max(simple, key=lambda one: one.worth, default=None)
    reference = None if best is None else best.name
    return write_report(comparison.folder, setup, results, curves, reference)


class Comparison:
    """Methods of one experiment, judged on one split.

    Args:
        config: The experiment.
        data: The data set.
        split: The split of the tasks that training has not seen.

    Attributes:
        folder: Where results go.
        fingerprint: Of all that judging depends on.
    """

    def __init__(self, config: Any, data: Data, split: str) -> None:
        self._config = config
        self._data = data
        self._split = split
        self.folder = pathlib.Path(config.runs_dir, config.name, STEP, split)
        self.fingerprint = hash_of(
            *(MODEL_VERSION, data.info.fingerprint, split),
            *(config.factor_sections, config.evaluation),
        )

    def worth(self, method: Recommender) -> float:
        """Returns what is chosen by; see `Judge`."""
        return judging.validation_worth(method, self._config, self._data)

    def judge(self, method: Recommender) -> tuple[TaskMetrics, tuple[str, ...]]:
        """Returns the metrics of every task, and what is suspicious; see `Judge`."""
        return judging.judge(method, self._config, self._data, self._split)

    def judged(self, methods: Sequence[str], num_seeds: int) -> list[MethodResult]:
        """Tunes, trains and judges methods, in their order.

        Args:
            methods: Their names.
            num_seeds: Seeds of each, at most.

        Returns:
            What each came to; what was fitted is let go of.
        """
        options = self._config.comparison
        results: list[MethodResult] = []
        for number, name in enumerate(methods, start=1):
            say(f"compare: {name}, method {number} of {len(methods)}")
            chosen = {one.name: one.changes for one in results}
            method = compared_method(
                name, self._config, self._data, chosen, train=self._train
            )
            seeds = range(min(num_seeds, options.max_seeds.get(name, num_seeds)))
            results.append(
                tune_and_judge(method, self, num_trials=options.num_trials, seeds=seeds)
            )
        return results

    def cost(self, result: MethodResult, **others: Any) -> Cost:
        """Measures a method, unless that is done or it failed.

        Args:
            result: What was chosen.
            **others: Hyperparameters that are to be others.
        """
        if result.failure:
            return Cost(float("nan"), float("nan"), float("nan"))
        name, hyperparameters = result.name, {**result.hyperparameters, **others}
        learned = setting_of(self._config).methods(self._config).learned
        digest = hash_of(
            *(MODEL_VERSION, self._data.info.fingerprint),
            *self._config.weight_sections,
            learned[name].VERSION if name in learned else 0,
            *(name, hyperparameters),
        )
        path = self.folder.parent / COSTS_DIR / f"{name}-{digest}.json"
        if not path.exists():
            say(f"compare: timing {name} {hyperparameters}")
            cost = in_own_process(
                method_cost, self._config, self._data.directory, name, hyperparameters
            )
            write_atomically(path, json.dumps(dataclasses.asdict(cost)) + "\n")
        return Cost(**read_json(path))

    def curves(
        self, results: Sequence[MethodResult], costs: Sequence[Cost]
    ) -> Iterator[CostCurve]:
        """Yields costs by inner steps; a single point of methods that take none."""
        for one, cost in zip(results, costs, strict=True):
            if one.kind == "simple" or one.failure:
                continue
            steps = CURVE_STEPS if "inner_steps" in one.hyperparameters else ()
            measured = [self.cost(one, inner_steps=n) for n in steps]
            yield CostCurve(one.name, steps, measured or [cost])

    def _train(self, config: Any) -> RunDir:
        return train(config, self._data.directory)


def method_cost(
    config: Any, dataset_dir: pathlib.Path, name: str, hyperparameters: Changes
) -> Cost:
    """Measures what a method costs; to be called in a process of its own."""
    setting = setting_of(config)
    data = setting.load(config, dataset_dir)
    method = compared_method(
        name, config, data, train=lambda changed: train(changed, dataset_dir)
    )
    episode = setting.training(config, data).timed()
    return measure_cost(method.build(hyperparameters), episode)
