"""The directory of one run, and the record of which steps have been done there."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from models.evaluation.metric import Metric
from models.file_locks import locked
from models.options import MODEL_VERSION
from models.whole_files import read_json, write_atomically, write_json
from pipeline.experiment.config_file import hash_of, to_yaml
from pipeline.experiment.config_section import Experiment
from transforms.schema import DataError

LINEAGE = "lineage.json"
RESOLVED_CONFIG = "config.resolved.yaml"

EXPORT_DIR = "export"

# To be raised whenever the files of an evaluation come to hold something else: earlier
# ones are then made again.
EVALUATION_VERSION = 5


@dataclasses.dataclass(frozen=True)
class RunDir:
    """`runs/<name>/<run_id>/`, where run_id ends in a hash of what decides the weights.

    The same configuration on the same data finds the same directory again, so that a
    killed step resumes and a finished one is skipped.

    Attributes:
        path: The directory.
    """

    path: pathlib.Path

    @property
    def checkpoints(self) -> pathlib.Path:
        """Weights: `best` for use, `last` to resume from."""
        return self.path / "checkpoints"

    @property
    def logs(self) -> pathlib.Path:
        """What TensorBoard reads."""
        return self.path / "logs"

    @property
    def evaluation(self) -> pathlib.Path:
        """Metrics and predictions."""
        return self.path / "eval"

    @property
    def refit(self) -> RunDir:
        """The training on all pairs, once this one has been evaluated."""
        return RunDir(self.path / "refit")

    @property
    def ablation(self) -> pathlib.Path:
        """Metrics of each task, if the run is a variant of an ablation."""
        return self.path / "ablate"

    @property
    def export(self) -> pathlib.Path:
        """Base of the exported models."""
        return self.path / EXPORT_DIR

    def is_done(self, step: str, fingerprint: str) -> bool:
        """Whether the step has been finished with this fingerprint."""
        return self._lineage().get(step, {}).get("fingerprint") == fingerprint

    def record(self, step: str, fingerprint: str, **facts: Any) -> None:
        """Notes that the step has been finished, in one atomic write."""
        finished = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        entry = {"fingerprint": fingerprint, "finished": finished, **facts}
        with self._changed_lineage() as lineage:
            lineage[step] = entry

    def forget(self, step: str) -> None:
        """Notes that what a step has left is about to be made anew."""
        if self.facts(step):
            with self._changed_lineage() as lineage:
                del lineage[step]

    def facts(self, step: str) -> dict[str, Any]:
        """What was noted of a finished step; empty if it is not finished."""
        return self._lineage().get(step, {})

    @contextlib.contextmanager
    def _changed_lineage(self) -> Iterator[dict[str, dict[str, Any]]]:
        """Yields what is noted, to be changed; two steps at once lose nothing."""
        with locked(self.path / f".{LINEAGE}.lock", wait=True):
            lineage = self._lineage()
            yield lineage
            write_json(self.path / LINEAGE, lineage)

    def _lineage(self) -> dict[str, dict[str, Any]]:
        path = self.path / LINEAGE
        return read_json(path) if path.exists() else {}


def training_fingerprint(config: Experiment, dataset_fingerprint: str) -> str:
    """Hashes everything that decides the weights."""
    return hash_of(MODEL_VERSION, dataset_fingerprint, *config.weight_sections)


def evaluation_fingerprint(
    config: Any, dataset_fingerprint: str, metrics: Sequence[Metric]
) -> str:
    """Hashes everything that decides what an evaluation leaves."""
    trained = training_fingerprint(config, dataset_fingerprint)
    return hash_of(EVALUATION_VERSION, trained, config.evaluation, metrics)


def run_digest(config: Experiment, dataset_fingerprint: str) -> str:
    """Returns what the name of the run of this configuration and data ends in."""
    return training_fingerprint(config, dataset_fingerprint)[:8]


def open_run(config: Experiment, dataset_fingerprint: str) -> RunDir:
    """Finds the run of this configuration and data, or starts one.

    Args:
        config: The experiment.
        dataset_fingerprint: Of the prepared data set.

    Returns:
        The run, its resolved configuration written.
    """
    run = find_run(config, dataset_fingerprint)
    if run is None:
        digest = run_digest(config, dataset_fingerprint)
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
        run = RunDir(runs_of(config) / f"{now}-{digest}")
        run.path.mkdir(parents=True)
    write_atomically(run.path / RESOLVED_CONFIG, to_yaml(config))
    return run


def find_run(config: Experiment, dataset_fingerprint: str) -> RunDir | None:
    """Finds the run of this configuration and data, if it was ever started."""
    digest = run_digest(config, dataset_fingerprint)
    existing = sorted(runs_of(config).glob(f"*-{digest}"))
    return RunDir(existing[-1]) if existing else None


def finished_run(config: Experiment, dataset_fingerprint: str, step: str) -> RunDir:
    """Finds the run of this configuration and data in which a step has been finished.

    Raises:
        DataError: If there is none.
    """
    run = find_run(config, dataset_fingerprint)
    fingerprint = training_fingerprint(config, dataset_fingerprint)
    if run is None or not run.is_done(step, fingerprint):
        raise DataError(
            f"{config.name!r} has no finished {step!r} with this configuration: run "
            f"`cmml {step}`."
        )
    return run


def runs_of(config: Experiment) -> pathlib.Path:
    """Returns the folder of the runs of an experiment."""
    return pathlib.Path(config.runs_dir) / config.name
