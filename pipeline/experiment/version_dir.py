"""The layout of an exported version, and the newest one of a folder."""

import json
import pathlib
from typing import Any

from transforms.schema import DataError

# Relative to the version.
SAVED_MODEL = "saved_model.pb"
EXTRA = pathlib.Path("assets.extra")
MANIFEST = EXTRA / "manifest.json"
ITEM_NAMES = EXTRA / "item_names.json"
MODEL_CARD = EXTRA / "README.md"
REQUEST_EXAMPLES = EXTRA / "request_examples"
WARMUP = EXTRA / "tf_serving_warmup_requests"  # TensorFlow Serving knows this name.
PARITY = EXTRA / "parity_requests"

# Of a version that was trained on all pairs: `rank` of the model before, which has not
# seen what versions are judged on.
JUDGED = EXTRA / "judged"


def is_version(path: pathlib.Path) -> bool:
    """Whether a server would take a directory for a version, by its name."""
    return path.name.isascii() and path.name.isdecimal()


def newest_version(directory: pathlib.Path) -> pathlib.Path:
    """Finds the exported model in a directory.

    Args:
        directory: A version, or the folder of the versions of a model.

    Returns:
        The version, absolute, so that its name is its number.

    Raises:
        ValueError: If there is none.
    """
    directory = directory.resolve()
    if (directory / SAVED_MODEL).is_file():
        return directory
    graphs = directory.glob(f"*/{SAVED_MODEL}")
    versions = [graph.parent for graph in graphs if is_version(graph.parent)]
    if not versions:
        raise ValueError(f"{directory} holds no exported model: run `cmml export`.")
    return max(versions, key=lambda path: int(path.name))


def judged_dir(version: pathlib.Path) -> pathlib.Path:
    """Returns the folder of the SavedModel that a version is judged by.

    It is its own, unless it was trained on all pairs: on these no figure of it counts.
    """
    judged = version / JUDGED
    return judged if (judged / SAVED_MODEL).is_file() else version


def read_manifest(directory: pathlib.Path) -> dict[str, Any]:
    """Reads what the export says of a version."""
    text = (directory / MANIFEST).read_text(encoding="utf-8")
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def size_bytes(directory: pathlib.Path) -> int:
    """Sums up the sizes of all files below a directory."""
    return sum(p.stat().st_size for p in directory.rglob("*") if p.is_file())


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
    try:
        read_manifest(directory)
    except (OSError, ValueError) as error:
        path = directory / MANIFEST
        raise DataError(f"cannot read {path}: {error}. Export again.") from None
