"""Methods of a comparison behind one face: tuned, trained over seeds, and judged."""

import abc
import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np

from models.evaluation.errors import NotFiniteError
from models.recommender import Recommender
from models.resumable_training import METRICS_FILE
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.variant_scores import TaskMetrics, load_metrics, save_metrics
from pipeline.experiment.config_file import hash_of
from transforms.schema import DataError

# Hyperparameters that differ from the defaults of a method.
Changes: TypeAlias = Mapping[str, Any]

# What makes a method fall out of a comparison, which goes on without it.
_FAILURES = (DataError, NotFiniteError)  # A diverged training is the former.


class Contender(abc.ABC):
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
    """How methods of one setting are scored; higher `figure` is better.

    Attributes:
        fingerprint: Changes with all that decides what is found.
    """

    fingerprint: str

    def figure(self, method: Recommender) -> float:
        """Returns what is chosen by, on meta-validation."""
        ...

    def judge(self, method: Recommender) -> tuple[TaskMetrics, tuple[str, ...]]:
        """Returns the metrics of every task by group, and what is suspicious."""
        ...


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """A contender after tuning and all its seeds.

    Attributes:
        changes: The candidate that was chosen.
        hyperparameters: What it amounts to.
        trials: Candidates and their figures on meta-validation, higher better; None
            if broken off.
        values: Metrics by group and metric, float64 [num_seeds, T].
        flags: What is suspicious about its scores.
        num_parameters: Weights that were trained; 0 for a simple method.
        train_s: Seconds of training, the median over seeds.
        failure: Why there are no values; "" if there are.
    """

    changes: Changes
    hyperparameters: Changes
    trials: Sequence[tuple[Changes, float | None]]
    values: Mapping[str, Mapping[str, np.ndarray]]
    flags: tuple[str, ...] = ()
    num_parameters: int = 0
    train_s: float = float("nan")
    failure: str = ""

    @property
    def figure(self) -> float:
        """The best figure on meta-validation."""
        figures = [figure for _, figure in self.trials if figure is not None]
        return max(figures, default=float("-inf"))


def enter(
    contender: Contender, judge: Judge, *, num_trials: int, seeds: Sequence[int]
) -> Entry:
    """Tunes a contender with the first seed, trains it with all, and judges it.

    Args:
        contender: The method.
        judge: How to score it.
        num_trials: Candidates tried, at most.
        seeds: Seeds of the best candidate.

    Returns:
        What was found; with a failure if every candidate, or the best one with
        another seed, breaks off.
    """
    trials: list[tuple[Changes, float | None]] = []
    for changes in _different(contender, contender.candidates[:num_trials]):
        figure = _try(contender, judge, changes, seeds[0])
        trials.append((changes, figure))
    tried = [(figure, n) for n, (_, figure) in enumerate(trials) if figure is not None]
    if not tried:
        return Entry({}, {}, trials, {}, failure="every trial broke off")
    _, best = max(tried, key=lambda pair: (pair[0], -pair[1]))
    changes = trials[best][0]
    runs, found = [], []
    for seed in seeds if contender.has_seeds else seeds[:1]:
        say(f"compare: {contender.name} {dict(changes)}, seed {seed}")
        try:
            runs.append(contender.train(changes, seed))
            found.append(_judge(contender, judge, runs[-1], changes))
        except _FAILURES as error:
            return Entry(changes, {}, trials, {}, failure=f"seed {seed}: {error}")
    facts = runs[0].facts("train")
    return Entry(
        changes=changes,
        hyperparameters=contender.chosen(runs[0], changes),
        trials=trials,
        values=_stack([metrics for metrics, _ in found]),
        flags=tuple(dict.fromkeys(flag for _, flags in found for flag in flags)),
        num_parameters=facts.get("num_parameters", 0),
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
    path = run.path / METRICS_FILE
    if not path.exists():
        return float("nan")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return float(sum(line.get("epoch_s", np.nan) for line in lines))


def _try(
    contender: Contender, judge: Judge, changes: Changes, seed: int
) -> float | None:
    """Trains one candidate and looks at meta-validation, unless that is done."""
    say(f"compare: {contender.name}, trial of {dict(changes) or 'the defaults'}")
    digest = _digest(contender, judge, changes)
    step = f"figure {digest}"
    try:
        run = contender.train(changes, seed)
        if not run.is_done(step, digest):
            figure = judge.figure(contender.load(run, changes))
            run.record(step, digest, figure=figure)
    except _FAILURES as error:
        say(f"compare: {error}")
        return None
    return float(run.facts(step)["figure"])


def _judge(
    contender: Contender, judge: Judge, run: RunDir, changes: Changes
) -> tuple[TaskMetrics, tuple[str, ...]]:
    """Scores what a run has trained, unless that is done."""
    digest = _digest(contender, judge, changes)
    step, path = f"compare {digest}", run.path / "compare" / f"{digest}.npz"
    if not (run.is_done(step, digest) and path.exists()):
        metrics, flags = judge.judge(contender.load(run, changes))
        save_metrics(path, metrics)
        run.record(step, digest, flags=list(flags))
    return load_metrics(path), tuple(run.facts(step)["flags"])


def _digest(contender: Contender, judge: Judge, changes: Changes) -> str:
    """Hashes what tells the results in one run from others there."""
    return hash_of(contender.name, contender.resolve(changes), judge.fingerprint)


def _different(contender: Contender, candidates: Sequence[Changes]) -> list[Changes]:
    """Returns candidates without those that amount to one before."""
    found: dict[str, Changes] = {}
    for changes in candidates:
        found.setdefault(hash_of(contender.resolve(changes)), changes)
    return list(found.values())


def _stack(found: Sequence[TaskMetrics]) -> dict[str, dict[str, np.ndarray]]:
    """Joins the metrics of all seeds, [num_seeds, T]."""
    return {
        group: {
            metric: np.stack([metrics[group][metric] for metrics in found])
            for metric in by_metric
        }
        for group, by_metric in found[0].items()
    }
