"""The step `push` to a registry of MLflow: as strict as to a base of models."""

import pathlib
import tempfile

from pipeline.experiment.config_file import read_yaml
from pipeline.experiment.config_section import Experiment, PushConfig
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RESOLVED_CONFIG
from pipeline.experiment.version_dir import check_version_files, read_manifest
from pipeline.export.formats.mlflow import saved_model_dir
from pipeline.serving.base.mlflow_registry import MlflowRegistry
from pipeline.serving.base.model_base import content_digest
from pipeline.serving.base.push_options import STABLE
from pipeline.serving.gate.verdict import model_blessing
from pipeline.steps.push import check_version, judge_infra, tell
from transforms.schema import META_TEST, DataError

# What the run of a version in the registry has as parameters.
_FACTS = ("run", "dataset_fingerprint", "trained_on", "epochs")  # Of the manifest.
_SECTIONS = ("model", "training")  # Of the configuration.


def register(
    config: Experiment,
    dataset_dir: pathlib.Path,
    options: PushConfig,
    version_dir: pathlib.Path,
    registry: MlflowRegistry,
    label: str,
) -> int:
    """Judges a version, and registers its export to MLflow if it is blessed.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set that the version was made for.
        options: The limits.
        version_dir: The version; its export to MLflow stands beside.
        registry: Where it goes.
        label: The alias that it gets.

    Returns:
        0 if the version has the alias now, or did already; 1 if it is not blessed.

    Raises:
        DataError: If the version is none, is of another model or data set, or has not
            been exported to MLflow.
    """
    check_version(version_dir, config, dataset_dir)
    folder = version_dir.parent.with_name(f"{version_dir.parent.name}.mlflow")
    folder /= version_dir.name
    if not folder.is_dir():
        raise DataError(f"{folder} is missing: run `cmml export --format mlflow`.")
    check_version_files(folder)
    number = registry.labelled(label)
    if number is not None and registry.exported(number) == version_dir.name:
        say(f"push: version {version_dir.name} is {label} in {registry.uri} already")
    else:
        digest = content_digest(version_dir)
        infra = judge_infra(version_dir, digest)
        with tempfile.TemporaryDirectory() as copies:
            serving = _serving(registry, pathlib.Path(copies))
            blessing = model_blessing(config, dataset_dir, options, infra, serving)
        tell(blessing, digest)
        if not blessing.passed:
            return 1
        number = registry.add(
            folder,
            label,
            {"cmml.blessing": blessing.message},
            params=_params(version_dir),
            metrics=_metrics(version_dir),
        )
        say(f"push: version {version_dir.name} is {label} in {registry.uri}")
    print(f"models:/{registry.name}/{number}")
    return 0


def _params(version_dir: pathlib.Path) -> dict[str, str]:
    """Returns what a version was made of and, if it stands in its run, by what keys."""
    manifest = read_manifest(version_dir)
    params = {key: manifest[key] for key in _FACTS if key in manifest}
    resolved = version_dir.parents[2] / RESOLVED_CONFIG
    if resolved.exists():
        keys = read_yaml(resolved)
        for section in _SECTIONS:
            params |= {f"{section}.{key}": v for key, v in keys[section].items()}
    return {key: str(value) for key, value in params.items()}


def _metrics(version_dir: pathlib.Path) -> dict[str, float]:
    """Returns the means over the tasks of meta-test, by group and metric."""
    groups = read_manifest(version_dir).get("metrics", {})
    return {
        f"{META_TEST}/{group}/{metric}": interval["mean"]
        for group, metrics in groups.items()
        for metric, interval in metrics.items()
    }


def _serving(registry: MlflowRegistry, copies: pathlib.Path) -> pathlib.Path | None:
    """Copies the SavedModel of the stable version, if there is one."""
    number = registry.labelled(STABLE)
    if number is None:
        return None
    saved = saved_model_dir(registry.download(number, copies))
    # Named as a version, for the table of rules.
    return saved.rename(copies / (registry.exported(number) or f"registered-{number}"))
