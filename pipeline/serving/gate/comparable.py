"""Whether a version answers the same requests as the one that serves."""

import pathlib
from collections.abc import Mapping
from typing import Any

from models.legacy_keras import tf
from pipeline.experiment.version_dir import MANIFEST, read_manifest
from pipeline.export.saved_graph import signatures_of
from transforms.schema import DataError


def why_not_comparable(candidate: pathlib.Path, serving: pathlib.Path | None) -> str:
    """Says why a version cannot be compared with the one that serves.

    Both get raw ids: for which data set either was made does not matter.

    Args:
        candidate: The version that is judged.
        serving: The one that serves, None if none does.

    Returns:
        The reason; empty if they can be compared.

    Raises:
        DataError: If the manifest of a version is damaged.
    """
    if serving is None:
        return "no version serves yet"
    subject = f"version {serving.name}, which serves,"
    if not (serving / MANIFEST).is_file():
        return f"{subject} has no manifest"
    manifest = manifest_of(serving)
    try:
        tf.saved_model.load(str(serving))
        inputs = _rank_inputs(serving)
    except (DataError, OSError, ValueError, KeyError, tf.errors.OpError) as error:
        return f"{subject} cannot be loaded: {error}"
    expected = _rank_inputs(candidate)
    others = {
        name for name in {*expected, *inputs} if expected.get(name) != inputs.get(name)
    }
    if others:
        return f"{subject} differs in inputs of rank: {', '.join(sorted(others))}"
    if narrower := _narrower(manifest, manifest_of(candidate)):
        return f"{subject} takes less: {narrower}"
    return ""


def manifest_of(version_dir: pathlib.Path) -> dict[str, Any]:
    """Reads the manifest of a version.

    Raises:
        DataError: If it cannot be read; the message names the version.
    """
    try:
        return read_manifest(version_dir)
    except DataError as error:
        raise DataError(
            f"{error} Or put it right, or roll back to another version first."
        ) from None


def _rank_inputs(
    version_dir: pathlib.Path,
) -> dict[str, tuple[str, list[int | None]]]:
    return signatures_of(version_dir)["rank"]["inputs"]


def _narrower(serving: Mapping[str, Any], candidate: Mapping[str, Any]) -> str:
    """Names what the version that is judged takes and the one that serves refuses."""
    for key, sign in (("label_min", -1), ("label_max", 1)):
        theirs, ours = serving.get(key), candidate.get(key)
        if theirs is None or ours is None:
            continue
        if sign * theirs < sign * ours:
            return f"{key} is {theirs}, here {ours}"
    key = "max_support"
    theirs, ours = (m.get("limits", {}).get(key) for m in (serving, candidate))
    if theirs is not None and ours is not None and theirs < ours:
        return f"{key} is {theirs}, here {ours}"
    return ""
