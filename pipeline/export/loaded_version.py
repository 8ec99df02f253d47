"""An exported version loaded into this process, whatever its setting."""

import pathlib

from pipeline.experiment.version_dir import (
    check_version_files,
    newest_version,
    read_manifest,
)
from pipeline.settings.exported_model import ExportedModel
from pipeline.settings.registry import SETTINGS
from transforms.schema import DataError


def load_version(directory: str | pathlib.Path) -> ExportedModel:
    """Loads an exported model.

    Args:
        directory: A version, or a folder of versions of which the newest is taken.

    Raises:
        ValueError: If there is no exported model.
        DataError: If it is of a setting that is not known here, or damaged.
    """
    version = newest_version(pathlib.Path(directory))
    check_version_files(version)
    name = str(read_manifest(version).get("setting", "user"))
    exported = SETTINGS[name].parts().exported if name in SETTINGS else None
    if exported is None:
        raise DataError(
            f"{version} is of setting {name!r}, which has no exported model here."
        )
    return exported(version)
