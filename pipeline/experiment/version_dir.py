"""The layout of an exported version, and the newest one of a folder."""

import dataclasses
import json
import pathlib
from typing import Any

from transforms.prepared_files import PreparedFile, damage, look_at
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

# What helps where a file of `EXTRA` is damaged: manifests of before list none of them,
# so that `export` takes the version for whole.
MAKE_AGAIN = "remove the version, and export or push it again"

# Of a version that was trained on all pairs: `rank` of the model before, which has not
# seen what versions are judged on.
JUDGED = EXTRA / "judged"

# Of a version in a format beside the SavedModel, relative to its own folder.
FORMAT_MANIFEST = pathlib.Path("manifest.json")
FORMAT_ITEM_NAMES = pathlib.Path("item_names.json")


def is_version(path: pathlib.Path) -> bool:
    """Whether a server would take a directory for a version, by its name."""
    return path.name.isascii() and path.name.isdecimal()


def versions_in(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the versions of a folder, which need not be whole, by their number."""
    return sorted(filter(is_version, folder.glob("*")), key=lambda path: int(path.name))


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
    if _holds_model(directory):
        return directory
    versions = [path for path in versions_in(directory) if _holds_model(path)]
    if not versions:
        raise ValueError(f"{directory} holds no exported model: run `cmml export`.")
    return versions[-1]


def _holds_model(directory: pathlib.Path) -> bool:
    """Whether there is a model in a folder, in whatever format."""
    marks = SAVED_MODEL, FORMAT_MANIFEST
    return any((directory / mark).is_file() for mark in marks)


def judged_dir(version: pathlib.Path) -> pathlib.Path:
    """Returns the folder of the SavedModel that a version is judged by.

    It is its own, unless it was trained on all pairs: on these no figure of it counts.
    """
    judged = version / JUDGED
    return judged if (judged / SAVED_MODEL).is_file() else version


def read_vocabulary(version: pathlib.Path, name: str) -> list[str]:
    """Reads the ids, or the values of a feature, that a SavedModel knows, in order."""
    text = (version / "assets" / f"{name}.txt").read_text(encoding="utf-8")
    return text.split("\n")[:-1]


def read_manifest(directory: pathlib.Path) -> dict[str, Any]:
    """Reads what the export says of a version, in whatever format.

    Raises:
        DataError: If it cannot be read.
    """
    path = directory / FORMAT_MANIFEST
    if not path.is_file():
        path = directory / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}. Export again.") from None
    return manifest


def written_files(directory: pathlib.Path) -> dict[str, dict[str, Any]]:
    """Returns size and checksum of each file of a version, for the manifest.

    That and what only people read are left out: they may be changed.
    """
    paths = (p for p in sorted(directory.rglob("*")) if p.is_file())
    names = (p.relative_to(directory) for p in paths)
    return {
        name.as_posix(): dataclasses.asdict(look_at(directory / name))
        for name in names
        if name not in (MANIFEST, MODEL_CARD) and REQUEST_EXAMPLES not in name.parents
    }


def check_version_files(directory: pathlib.Path) -> None:
    """Checks that the files of a version that its manifest lists are as exported.

    Raises:
        DataError: If a file of it is missing, cut or damaged, or the manifest is.
    """
    files = read_manifest(directory).get("files", {})  # Old versions name none.
    wrong = damage(directory, {n: PreparedFile(**file) for n, file in files.items()})
    if wrong is not None:
        raise DataError(
            f"{directory} must be as it was exported, but {wrong}: copy it again, or "
            "export again."
        )


def is_whole(directory: pathlib.Path) -> bool:
    """Whether a version is as it was exported; see `check_version_files`."""
    try:
        check_version_files(directory)
    except DataError:
        return False
    return True


def size_bytes(directory: pathlib.Path) -> int:
    """Sums up the sizes of all files below a directory."""
    return sum(p.stat().st_size for p in directory.rglob("*") if p.is_file())


def check_version_dir(directory: pathlib.Path) -> None:
    """Checks name and content of a version directory.

    Raises:
        DataError: If its name is no number, the graph or the manifest is missing, or a
            file is not as it was exported.
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
    check_version_files(directory)
