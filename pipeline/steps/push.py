"""The step `push`: a version to the base that servers read, if it is fit to serve.

Nothing of a version that is not blessed reaches the base, and there is no way round.
"""

import pathlib

from pipeline.experiment.config_section import Experiment, PushConfig
from pipeline.experiment.prepared import prepared_facts
from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import check_version_dir, read_manifest
from pipeline.serving.base.live_server import LiveServer, LiveServerError
from pipeline.serving.base.model_base import ModelBase, content_digest, push_lock
from pipeline.serving.base.push_history import PUSH, PushEvent, PushHistory
from pipeline.serving.base.push_options import STABLE
from pipeline.serving.base.served_labels import ServedLabels
from pipeline.serving.gate.blessing import Blessing, write
from pipeline.serving.gate.infra_rules import infra_blessing
from pipeline.serving.gate.verdict import model_blessing
from transforms.schema import DataError


def push(
    config: Experiment,
    dataset_dir: pathlib.Path,
    options: PushConfig,
    version_dir: pathlib.Path,
    base: pathlib.Path,
    *,
    label: str = STABLE,
    server: str | None = None,
) -> int:
    """Judges a version, publishes it if it is blessed, and gives it a label.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set that the version was made for.
        options: The limits, and how many versions stay.
        version_dir: The version.
        base: The base directory; made if it is not there.
        label: The label it gets.
        server: gRPC address of a running server that is notified; None for servers
            that read `models.config` by themselves.

    Returns:
        0 if the version serves now, or did already; 1 if it is not blessed.

    Raises:
        DataError: If the version is none, is of another model or data set, differs from
            a published one of the same number, or another push is going on.
        LiveServerError: If a server is named and is not there or cannot load it.
    """
    name = config.export.model_name
    check_version(version_dir, config, dataset_dir)
    digest = content_digest(version_dir)  # What is judged is what is published.
    version = int(version_dir.name)
    live = None if server is None else LiveServer(server)
    if live is not None:
        live.ping(name)
    with push_lock(base):
        models = ModelBase(base, name)
        models.clean_up()
        labels = ServedLabels(base, name, served_base=options.served_base, server=live)
        if labels.labels().get(label) == version and models.has(version):
            models.check_same(version_dir, digest)
            labels.confirm()
            say(f"push: version {version} is {label} in {base} already")
        else:
            infra = judge_infra(version_dir, digest)
            serving = _serving(models, labels)
            blessing = model_blessing(config, dataset_dir, options, infra, serving)
            tell(blessing, digest)
            if not blessing.passed:
                return 1
            is_new = models.publish(version_dir, digest)
            _move(label, blessing, models, labels, is_new=is_new)
            _retire_old(models, labels, options.keep)
    print(models.path(version))
    return 0


def check_version(
    version_dir: pathlib.Path, config: Experiment, dataset_dir: pathlib.Path
) -> None:
    """Checks that a version is of this experiment."""
    check_version_dir(version_dir)
    manifest = read_manifest(version_dir)
    facts = {
        "model_name": config.export.model_name,
        "dataset_fingerprint": prepared_facts(dataset_dir).fingerprint,
    }
    for key, expected in facts.items():
        if manifest.get(key) != expected:
            raise DataError(
                f"{version_dir}: {key} in manifest.json must be {expected!r}, as in "
                f"this configuration, got {manifest.get(key)!r}."
            )


def judge_infra(version_dir: pathlib.Path, digest: str) -> Blessing:
    """Judges whether a version loads and answers, and leaves what came of it."""
    infra = infra_blessing(version_dir)
    write(infra, "infra", digest)
    print(infra.table(), end="\n\n")
    return infra


def tell(blessing: Blessing, digest: str) -> None:
    """Leaves what came of all rules, and prints it."""
    marker = write(blessing, "model", digest)
    print(blessing.table(), end="\n\n")
    print(f"{marker.name}: {blessing.message} (see {marker.parent})")


def _serving(models: ModelBase, labels: ServedLabels) -> pathlib.Path | None:
    """Finds the version that serves now: the stable one, otherwise the newest."""
    stable = labels.labels().get(STABLE)
    if stable is not None and models.has(stable):
        return models.path(stable)
    versions = models.versions()
    return models.path(versions[-1]) if versions else None


def _move(
    label: str,
    blessing: Blessing,
    models: ModelBase,
    labels: ServedLabels,
    *,
    is_new: bool,
) -> None:
    """Moves the label; a new version that the server refuses is removed again."""
    version, base = int(blessing.current_model.name), models.directory.parent
    event = PushEvent(
        event=PUSH,
        model_name=models.directory.name,
        pushed_version=version,
        destination=models.path(version),
        label=label,
        previous_version=labels.labels().get(label),
        blessing=blessing.message,
    )
    try:
        with PushHistory(base).recorded(event):
            labels.move(label, version)
    except LiveServerError:
        if is_new:
            models.retire(version)
        raise
    say(f"push: version {version} is {label} in {base}")
    labels.tell_unlabelled("push")


def _retire_old(models: ModelBase, labels: ServedLabels, keep: int) -> None:
    """Removes versions that no label and no server needs."""
    for old in models.retire_old(keep, {*labels.labels().values(), *labels.listed()}):
        say(f"push: removed version {old}, older than the newest {keep}")
