"""Where a run comes from, and what makes it again."""

import dataclasses
import pathlib
import platform
import shlex
from collections.abc import Mapping, Sequence
from importlib import metadata

from models.options import MODEL_VERSION, VECTORS_VERSION
from pipeline.experiment.run_dir import RESOLVED_CONFIG, RunDir
from pipeline.training.trained import REFIT
from transforms.plural import counted

# Distributions whose version can change a figure.
_LIBRARIES = ("tensorflow", "tf_keras", "numpy", "scipy", "apache-beam", "scikit-learn")
_STEPS = ("train", "evaluate", "export")


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where a run comes from.

    Attributes:
        facts: By name, what tells this run from others.
        config: The configuration with every default, as YAML.
        commands: What is to be typed to get it again.
    """

    facts: Mapping[str, str]
    config: str
    commands: Sequence[str]


def provenance(
    run: RunDir,
    dataset_dir: pathlib.Path,
    *,
    chosen: Mapping[str, object],
    config_path: str,
    overrides: Sequence[str],
) -> Provenance:
    """Collects it.

    Args:
        run: The run.
        dataset_dir: The prepared data set.
        chosen: The values that meta-validation chose of what is fitted beforehand, if
            anything is.
        config_path: The configuration as typed.
        overrides: Changes of it as typed.
    """
    train, evaluate, export = _STEPS
    steps = ["prepare", *(["pretrain"] if chosen else []), train, evaluate]
    steps += [*([REFIT] if run.refit.facts(REFIT) else []), export]
    changes = [part for change in overrides for part in ("--set", change)]
    return Provenance(
        facts=_facts(run, dataset_dir, chosen),
        config=(run.path / RESOLVED_CONFIG).read_text(encoding="utf-8"),
        commands=[
            shlex.join(["cmml", step, "--config", config_path, *changes])
            for step in [*steps, "report"]
        ],
    )


def _facts(
    run: RunDir, dataset_dir: pathlib.Path, chosen: Mapping[str, object]
) -> dict[str, str]:
    """Returns what tells this run from others."""
    facts = {"run": run.path.name, "data set": dataset_dir.name}
    if chosen:
        facts["values of pretrain"] = _values_text(chosen)
    for step in _STEPS:
        done = run.facts(step)
        if done:
            facts[step] = f"{done['fingerprint']}, finished {done['finished']}"
    if done := run.refit.facts(REFIT):
        facts["refit"] = (
            f"{done['fingerprint']}, finished {done['finished']}: on all pairs, "
            f"{counted(done['epochs'], 'epoch')}, for the export alone; every "
            "figure of this page is of the model trained on meta-train"
        )
    for choice, words in (("chosen", ""), ("chosen_without_pool", " without a pool")):
        for name, values in run.facts("evaluate").get(choice, {}).items():
            if values:
                facts[f"chosen for {name}{words}"] = _values_text(values)
    versions = {"model": MODEL_VERSION, "vectors": VECTORS_VERSION}
    facts["versions of the code"] = ", ".join(f"{k} {v}" for k, v in versions.items())
    facts["python"] = f"{platform.python_version()} on {platform.system()}"
    facts["libraries of this report"] = ", ".join(
        f"{name} {metadata.version(name)}" for name in _LIBRARIES
    )
    return facts


def _values_text(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items())
