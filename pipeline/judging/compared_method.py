"""A method of a comparison: tuned, trained over seeds, and judged."""

import abc
import functools
import pathlib
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from models.evaluation.metric import NotFiniteError
from models.free_memory import free_memory
from models.recommender import Recommender
from models.resumable_training import METRICS_FILE
from pipeline.experiment.config_file import hash_of
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.results import Changes, MethodResult
from pipeline.judging.task_metrics_file import TaskMetrics, load_metrics, save_metrics
from pipeline.training.course import read_course, seconds
from transforms.schema import DataError

# What makes a method fail in a comparison, which goes on without it.
_FAILURES = (DataError, NotFiniteError)  # A diverged training is the former.


class ComparedMethod(abc.ABC):
    """A method of a comparison.

    Attributes:
        KIND: "simple" if fitted in one call, "learned" if trained by episodes, "cmml".
        name: What it is called in the tables.
        candidates: Changes to be tried, in order.
    """

    KIND: ClassVar[str]
    name: str
    candidates: Sequence[Changes]

    @property
    def has_seeds(self) -> bool:
        """Whether another seed makes another model."""
        return True

    @abc.abstractmethod
    def train(self, changes: Changes, seed: int) -> RunDir:
        """Trains, goes on where a killed training was, or finds a finished one.

        Raises:
            DataError: If it diverges, or the data is not for this method.
        """

    @abc.abstractmethod
    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Returns what has been trained."""

    @abc.abstractmethod
    def resolve(self, changes: Changes) -> dict[str, Any]:
        """Returns all hyperparameters of a candidate that tell it from another."""

    def chosen(self, run: RunDir, changes: Changes) -> dict[str, Any]:
        """Returns the hyperparameters of a run, as `build` takes them."""
        del run
        return self.resolve(changes)

    @abc.abstractmethod
    def build(self, hyperparameters: Changes) -> Recommender:
        """Returns a method that costs what a trained one does.

        Args:
            hyperparameters: As `chosen` returns them; nothing is added to them.
        """


class Judge(Protocol):
    """How methods are scored; higher `worth` is better.

    Attributes:
        fingerprint: Changes with all that decides the scores.
    """

    fingerprint: str

    def worth(self, method: Recommender) -> float:
        """Returns what is chosen by, on meta-validation."""
        ...

    def judge(self, method: Recommender) -> tuple[TaskMetrics, tuple[str, ...]]:
        """Returns the metrics of every task by group, and what is suspicious."""
        ...


def tune_and_judge(
    method: ComparedMethod, judge: Judge, *, num_trials: int, seeds: Sequence[int]
) -> MethodResult:
    """Tunes a method with the first seed, trains it with all, and judges it.

    Args:
        method: The method.
        judge: How to score it.
        num_trials: Candidates tried, at most.
        seeds: Seeds of the best candidate.

    Returns:
        What it came to, its cost left out; with a failure if every candidate, or the
        best one with another seed, fails.
    """
    trials: list[tuple[Changes, float | None]] = []
    reason = ""
    result = functools.partial(MethodResult, method.name, method.KIND, trials=trials)
    for changes in _different(method, method.candidates[:num_trials]):
        worth: float | None = None
        try:
            worth = _try(method, judge, changes, seeds[0])
        except _FAILURES as error:
            say(f"compare: {error}")
            reason = str(error).rstrip(".")
        trials.append((changes, worth))
    tried = [(worth, n) for n, (_, worth) in enumerate(trials) if worth is not None]
    if not tried:
        return result({}, {}, failure=f"every trial failed, the last: {reason}")
    _, best = max(tried, key=lambda pair: (pair[0], -pair[1]))
    changes = trials[best][0]
    runs, judged = [], []
    for seed in seeds if method.has_seeds else seeds[:1]:
        say(f"compare: {method.name} {dict(changes)}, seed {seed}")
        try:
            runs.append(method.train(changes, seed))
            judged.append(_judge(method, judge, runs[-1], changes))
        except _FAILURES as error:
            return result({}, {}, changes, failure=f"seed {seed}: {error}".rstrip("."))
    return result(
        method.chosen(runs[0], changes),
        _stack([metrics for metrics, _ in judged]),
        changes,
        flags=tuple(dict.fromkeys(flag for _, flags in judged for flag in flags)),
        num_parameters=runs[0].facts("train").get("num_parameters", 0),
        train_s=float(np.median([train_seconds(run) for run in runs])),
    )


def method_run(home: pathlib.Path, name: str, fingerprint: str) -> RunDir:
    """Returns the directory of one training of a method, `methods/<name>/<digest>`."""
    run = RunDir(home / "methods" / name / fingerprint)
    run.path.mkdir(parents=True, exist_ok=True)
    return run


def train_seconds(run: RunDir) -> float:
    """Returns how long a training took, meta-validation left out; NaN if unknown."""
    facts = run.facts("train")
    if "fit_s" in facts:
        return float(facts["fit_s"])
    if not (run.path / METRICS_FILE).exists():
        return float("nan")
    return seconds(read_course(run))


def _try(method: ComparedMethod, judge: Judge, changes: Changes, seed: int) -> float:
    """Trains one candidate and looks at meta-validation, unless that is done."""
    say(f"compare: {method.name}, trial of {dict(changes) or 'the defaults'}")
    digest = _digest(method, judge, changes)
    step = f"worth {digest}"
    run = method.train(changes, seed)
    if not run.is_done(step, digest):
        worth = judge.worth(method.load(run, changes))
        run.record(step, digest, worth=worth)
        free_memory()
    return float(run.facts(step)["worth"])


def _judge(
    method: ComparedMethod, judge: Judge, run: RunDir, changes: Changes
) -> tuple[TaskMetrics, tuple[str, ...]]:
    """Scores what a run has trained, unless that is done."""
    digest = _digest(method, judge, changes)
    step, path = f"compare {digest}", run.path / "compare" / f"{digest}.npz"
    if not (run.is_done(step, digest) and path.exists()):
        metrics, flags = judge.judge(method.load(run, changes))
        save_metrics(path, metrics)
        run.record(step, digest, flags=list(flags))
        free_memory()
    return load_metrics(path), tuple(run.facts(step)["flags"])


def _digest(method: ComparedMethod, judge: Judge, changes: Changes) -> str:
    """Hashes what tells the results in one run from others there."""
    return hash_of(method.name, method.resolve(changes), judge.fingerprint)


def _different(method: ComparedMethod, candidates: Sequence[Changes]) -> list[Changes]:
    """Returns candidates without those that amount to one before."""
    different: dict[str, Changes] = {}
    for changes in candidates:
        different.setdefault(hash_of(method.resolve(changes)), changes)
    return list(different.values())


def _stack(by_seed: Sequence[TaskMetrics]) -> dict[str, dict[str, np.ndarray]]:
    """Joins the metrics of all seeds, [num_seeds, T]."""
    return {
        group: {
            metric: np.stack([metrics[group][metric] for metrics in by_seed])
            for metric in by_metric
        }
        for group, by_metric in by_seed[0].items()
    }
