"""The metric of every task, of exported versions and of baselines."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from models.evaluation.intervals import Floats
from models.evaluation.metric import Metric
from models.recommender import Recommender
from pipeline.experiment.config_section import Experiment, PushConfig
from pipeline.experiment.prepared import prepared_facts
from pipeline.experiment.progress import say
from pipeline.judging.simple_methods import fit_simple
from pipeline.serving.gate.exported_recommender import ExportedRecommender
from pipeline.settings.registry import setting_of
from transforms.schema import DataError


@dataclasses.dataclass(frozen=True, eq=False)
class TaskFigures:
    """One metric of T tasks.

    Attributes:
        metric: The metric.
        by_method: float64 [T], NaN for a task without value, by name of a version or
            baseline.
        unit: What a margin is a multiple of: the standard deviation of the labels, or
            1 of a metric that is a share.
    """

    metric: Metric
    by_method: Mapping[str, Floats]
    unit: float = 1.0


def baseline_names(config: Experiment, options: PushConfig) -> Sequence[str]:
    """Returns the baselines that a version must beat."""
    if options.baselines is None:
        return (setting_of(config).methods(config).reference,)
    return options.baselines


def task_figures(
    config: Any,
    dataset_dir: pathlib.Path,
    options: PushConfig,
    versions: Mapping[str, pathlib.Path],
) -> TaskFigures:
    """Asks versions and baselines for the same pairs, after the same support sets.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        options: The split, the baselines, and the seed.
        versions: Version directories by name.

    Raises:
        DataError: If the split has no task.
        NotFiniteError: If a version has scores that no metric can be taken of.
    """
    if not prepared_facts(dataset_dir).num_tasks.get(options.split):
        raise DataError(
            f"push.split must name tasks to judge by, {dataset_dir} has none of "
            f"{options.split!r}."
        )
    setting = setting_of(config)
    data = setting.load(config, dataset_dir)
    to_request = setting.serving(config, data).to_request
    methods: dict[str, Recommender] = {
        name: ExportedRecommender(path, to_request) for name, path in versions.items()
    }
    main = setting.groups(config, data, options.split)[0]
    shown = dataclasses.replace(main, max_users=options.max_users)
    for name in baseline_names(config, options):
        methods[name] = fit_simple(name, config, data, [shown]).method
    metric = setting.metrics[0]
    by_method = {}
    for name, method in methods.items():
        say(f"push: asking {name} about {options.split}")
        pairs = setting.scorer(method, config, data)(shown)
        values = setting.by_task(pairs, names=[metric.name])
        by_method[name] = values[metric.name]
    return TaskFigures(metric, by_method, setting.parts().metric_unit(data))
