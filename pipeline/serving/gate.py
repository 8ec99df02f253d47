"""The gate in front of a base: what a version must be to be served."""

import pathlib
from collections.abc import Iterator

from models.metrics import NotFiniteError
from pipeline.config_section import Experiment, PushConfig
from pipeline.exported_model import read_manifest
from pipeline.serving.blessing import Blessing, Rule
from pipeline.serving.budget_rules import latency_rule, size_rule
from pipeline.serving.quality_rules import better_rule, not_worse_rule, rubber_stamp
from pipeline.serving.task_figures import baseline_names, task_figures

_CANDIDATE = "candidate"


def model_blessing(
    config: Experiment,
    dataset_dir: pathlib.Path,
    options: PushConfig,
    infra: Blessing,
    serving: pathlib.Path | None,
) -> Blessing:
    """Judges a version: infrastructure first, then budget, then quality.

    A version that no server can load is not judged any further.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set that the version was made for.
        options: The limits.
        infra: What `validate` found.
        serving: The version that serves now, if there is one.

    Returns:
        The verdict.
    """
    candidate = infra.current_model
    name = "infra"
    rules = [Rule(name, infra.passed, None, "every rule passed", infra.message)]
    reason = _not_comparable(candidate, serving)
    if infra.passed:
        rules.append(size_rule(candidate, options.max_size_mb))
        rules.append(latency_rule(candidate, options.max_p99_ms))
        rules += _quality(config, dataset_dir, options, candidate, serving, reason)
    return Blessing(rules, candidate, None if reason else serving)


def _quality(
    config: Experiment,
    dataset_dir: pathlib.Path,
    options: PushConfig,
    candidate: pathlib.Path,
    serving: pathlib.Path | None,
    reason: str,
) -> Iterator[Rule]:
    versions = {_CANDIDATE: candidate}
    if serving is not None and not reason:
        versions[serving.name] = serving
    try:
        figures = task_figures(config, dataset_dir, options, versions)
    except NotFiniteError as error:
        yield Rule("finite scores", False, None, None, str(error))
        return
    for baseline in baseline_names(config, options):
        yield better_rule(figures, _CANDIDATE, baseline, options)
    if serving is None or reason:
        yield rubber_stamp(reason, options)
    else:
        yield not_worse_rule(figures, _CANDIDATE, serving.name, options)


def _not_comparable(candidate: pathlib.Path, serving: pathlib.Path | None) -> str:
    """Says why a version cannot be compared with the one that serves; "" if it can."""
    if serving is None:
        return "no version serves yet"
    key = "dataset_fingerprint"
    own = read_manifest(candidate).get(key)
    try:
        other = read_manifest(serving).get(key)
    except OSError:
        return f"version {serving.name}, which serves, has no manifest"
    if own is None or own != other:
        return (
            f"version {serving.name}, which serves, was made for data set {other!r}, "
            f"this one for {own!r}"
        )
    return ""
