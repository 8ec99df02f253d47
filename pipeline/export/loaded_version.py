"""An exported version loaded into this process, whatever its setting and format."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

from pipeline.experiment.version_dir import (
    check_version_files,
    newest_version,
    read_manifest,
)
from pipeline.export.formats.format import Format
from pipeline.export.formats.litert import LITERT
from pipeline.export.formats.mlflow import MLFLOW
from pipeline.export.formats.onnx import ONNX
from pipeline.settings.registry import SETTINGS
from transforms.schema import DataError

if TYPE_CHECKING:
    from pipeline.settings.exported_model import ExportedModel
    from pipeline.settings.runtime import Runtime

FORMATS: dict[str, Format] = {one.name: one for one in (ONNX, LITERT, MLFLOW)}


def load_version(directory: str | pathlib.Path) -> ExportedModel:
    """Loads an exported model.

    TensorFlow is imported for a SavedModel alone.

    Args:
        directory: A version in any format, or a folder of versions of which the newest
            is taken.

    Raises:
        ValueError: If there is no exported model, or what runs it is not installed.
        DataError: If it is of a setting or a format that is not known here, or damaged.
    """
    version = newest_version(pathlib.Path(directory))
    check_version_files(version)
    manifest = read_manifest(version)
    name = str(manifest.get("setting", "user"))
    exported = SETTINGS[name].exported_model() if name in SETTINGS else None
    if exported is None:
        raise DataError(
            f"{version} is of setting {name!r}, which has no exported model here."
        )
    return exported(version, manifest, _runtime_of(version, manifest))


def _runtime_of(version: pathlib.Path, manifest: dict[str, Any]) -> Runtime:
    name = manifest.get("format")
    if name is None:
        from pipeline.export.formats.tensorflow_runtime import TensorFlowRuntime

        return TensorFlowRuntime(version)
    if name not in FORMATS:
        raise DataError(
            f"{version} is of format {name!r}, known are {sorted(FORMATS)}."
        )
    return FORMATS[name].load(version)
