"""The gate in front of a base: what a version must be to be served."""

import dataclasses
import pathlib
from collections.abc import Iterator

from models.evaluation.errors import NotFiniteError
from pipeline.experiment.config_section import Experiment, PushConfig
from pipeline.serving.gate.budget_rules import latency_rule, size_rule
from pipeline.serving.gate.comparable import manifest_of, why_not_comparable
from pipeline.serving.gate.quality_rules import (
    better_rule,
    not_worse_rule,
    rubber_stamp,
)
from pipeline.serving.gate.task_figures import baseline_names, task_figures
from pipeline.serving.validation.blessing import Blessing, Rule

_CANDIDATE = "candidate"
_DATASET = "dataset_fingerprint"


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
        infra: The findings of `validate`.
        serving: The version that serves now, if there is one.

    Raises:
        DataError: If the manifest of the version that serves is damaged.
    """
    candidate = infra.current_model
    name = "infra"
    rules = [Rule(name, infra.passed, None, "every rule passed", infra.message)]
    reason = ""
    if infra.passed:
        reason = why_not_comparable(candidate, serving)
        rules.append(size_rule(candidate, options.max_size_mb))
        rules.append(latency_rule(candidate, options.max_p99_ms))
        rules += _quality(config, dataset_dir, options, candidate, serving, reason)
    compared = infra.passed and not reason
    return Blessing(rules, candidate, serving if compared else None)


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
        yield rubber_stamp(reason)
    else:
        rule = not_worse_rule(figures, _CANDIDATE, serving.name, options)
        origins = _origins(candidate, serving)
        yield dataclasses.replace(rule, detail=rule.detail + origins)


def _origins(candidate: pathlib.Path, serving: pathlib.Path) -> str:
    """Says of which data sets two versions are, if they are of different ones."""
    own, other = (manifest_of(path).get(_DATASET) for path in (candidate, serving))
    if own == other:
        return ""
    return f"; {serving.name} was made for data set {other!r}, this one for {own!r}"
