"""The step `rollback`: a label goes back to the version that had it before."""

import pathlib

from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import check_version_files
from pipeline.serving.base.live_server import LiveServer
from pipeline.serving.base.model_base import ModelBase, push_lock
from pipeline.serving.base.models_config import (
    MODELS_CONFIG,
    models_of,
    read_models_config,
)
from pipeline.serving.base.push_history import ROLLBACK, PushEvent, PushHistory
from pipeline.serving.base.push_options import STABLE
from pipeline.serving.base.served_labels import ServedLabels
from transforms.schema import DataError


def rollback(
    base: pathlib.Path,
    model_name: str | None = None,
    *,
    label: str = STABLE,
    version: int | None = None,
    server: str | None = None,
) -> int:
    """Gives a label back, and has the version that loses it unloaded.

    Args:
        base: The base directory.
        model_name: Name of the model; None for the only one of the base.
        label: The label.
        version: The version that gets it; the one that had it before if None.
        server: gRPC address of a running server that is notified.

    Returns:
        0; the label is where it should be.

    Raises:
        DataError: If there is no such model, no version has the label, there was none
            before, or it is gone or damaged.
        LiveServerError: If the server is not there or cannot load the version.
    """
    live = None if server is None else LiveServer(server)
    model_name = _model_of(base, model_name)
    if live is not None:
        live.ping(model_name)
    with push_lock(base):
        labels = ServedLabels(base, model_name, server=live)
        current = _labelled(labels, base, model_name, label)
        target = version
        if target is None:
            target = _version_before(base, model_name, label, current)
        directory = _published(base, model_name, target)
        if target == current:
            say(f"rollback: version {target} is {label} already")
            return 0
        event = PushEvent(
            event=ROLLBACK,
            model_name=model_name,
            pushed_version=target,
            destination=directory,
            label=label,
            previous_version=current,
        )
        with PushHistory(base).recorded(event):
            labels.move(label, target, unload_before=True)
        say(f"rollback: version {target} is {label} in {base}, {current} was")
        labels.tell_unlabelled("rollback")
    print(directory)
    return 0


def _model_of(base: pathlib.Path, wanted: str | None) -> str:
    """Returns the name of a model that has been pushed to a base."""
    there = models_of(read_models_config(base / MODELS_CONFIG))
    if wanted is None and len(there) == 1:
        return there[0]
    if wanted not in there:
        got = "none" if wanted is None else repr(wanted)
        raise DataError(
            f"--model_name must be a model that has been pushed to {base}, which are "
            f"{there}, got {got}."
        )
    return wanted


def _labelled(
    labels: ServedLabels, base: pathlib.Path, model_name: str, label: str
) -> int:
    """Returns the version that has a label."""
    by_label = labels.labels()
    if label not in by_label:
        raise DataError(
            f"no version of {model_name!r} in {base} is {label}, its labels are "
            f"{by_label}."
        )
    return by_label[label]


def _version_before(
    base: pathlib.Path, model_name: str, label: str, current: int
) -> int:
    """Returns the version that had a label before the one that has it now."""
    version = PushHistory(base).before(model_name, label, current)
    if version is None:
        raise DataError(
            f"{base} knows of no version that was {label} before {current}: name one "
            f"with --version, there are {ModelBase(base, model_name).versions()}."
        )
    return version


def _published(base: pathlib.Path, model_name: str, version: int) -> pathlib.Path:
    """Returns the directory of a version that is still there, and whole."""
    models = ModelBase(base, model_name)
    if not models.has(version):
        raise DataError(
            f"version {version} of {model_name!r} is not in {base} any more: name "
            f"another one with --version, there are {models.versions()}."
        )
    try:
        check_version_files(models.path(version))
    except DataError as error:
        raise DataError(f"{error} Or name another one with --version.") from None
    return models.path(version)
