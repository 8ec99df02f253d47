"""Whether a directory is an exported version that a server could be given."""

import json
import pathlib

from pipeline.serving.model_base import SAVED_MODEL, is_version
from transforms.schema import DataError


def check_version_dir(directory: pathlib.Path) -> None:
    """Checks name and content of a version directory.

    Raises:
        DataError: If its name is no number, or the graph or the manifest is missing.
    """
    if not (directory / SAVED_MODEL).is_file():
        raise DataError(
            f"{directory} holds no {SAVED_MODEL}: name a version directory, such as "
            "runs/<name>/<run>/export/cmml/<version>."
        )
    if not is_version(directory):
        raise DataError(
            f"{directory}: the name of a version directory must be a number, "
            f"got {directory.name!r}."
        )
    manifest = directory / "assets.extra" / "manifest.json"
    try:
        json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {manifest}: {error}. Export again.") from None
