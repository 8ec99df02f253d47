"""The step `evaluate`: CMML and the baselines on the same frozen episodes."""

import dataclasses
import json
import pathlib
from typing import Any, TypeAlias

import numpy as np

from models.evaluation.intervals import Interval, bootstrap_mean, paired_difference
from models.whole_files import write_atomically
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir, evaluation_fingerprint
from pipeline.judging.fitted_baselines import REFERENCE, fit_baselines
from pipeline.judging.predictions import PredictionWriter
from pipeline.reports.run.comparison_table import comparison_table
from pipeline.settings.user.config import Config, EvaluationConfig
from pipeline.settings.user.group_scores import (
    COLD,
    WARM,
    evaluation_groups,
    score_groups,
)
from pipeline.settings.user.loaded_dataset import load_dataset
from pipeline.steps.train import trained_model
from transforms import schema

STEP = "evaluate"
CMML_NAME = "cmml"

# Values of each task, float64 [T], by method, group and metric.
_TaskMetrics: TypeAlias = dict[str, dict[str, dict[str, np.ndarray]]]


def evaluate(config: Config, dataset_dir: pathlib.Path, run: RunDir) -> str:
    """Scores the query pairs of cold and warm users with every method.

    Cold users are those of meta-test, warm users those of meta-train with the pairs
    held out of their training. All methods see the same support and query pairs.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        run: The run of a finished training; `eval/` is written there.

    Returns:
        A table for people to read, in Markdown.

    Raises:
        DataError: If there are no meta-test tasks.
    """
    info = schema.load_dataset_info(dataset_dir)
    fingerprint = evaluation_fingerprint(config, info.fingerprint)
    table = run.evaluation / "table.md"
    if run.is_done(STEP, fingerprint) and table.exists():
        say(f"evaluate: {run.evaluation} is up to date")
        return table.read_text(encoding="utf-8")
    if not info.num_tasks.get(schema.META_TEST):
        raise schema.DataError(
            f"{dataset_dir} holds no meta_test tasks to evaluate on."
        )
    dataset = load_dataset(dataset_dir)
    methods: dict[str, Any] = {CMML_NAME: trained_model(config, dataset, run)}
    options = config.evaluation
    methods |= fit_baselines(options.baselines, dataset, options)
    groups = evaluation_groups(dataset, options)
    run.evaluation.mkdir(exist_ok=True)
    by_task: _TaskMetrics = {}
    predictions = run.evaluation / "predictions.parquet"
    with PredictionWriter(predictions, dataset_dir) as writer:
        for name, method in methods.items():
            say(f"evaluate: scoring with {name}")
            for group, scored in score_groups(method, groups):
                writer.write(name, group, scored)
                by_task.setdefault(name, {})[group] = scored.metrics(options.seed)
    summary = _summarise(by_task, config.evaluation)
    differences = _differences(by_task, config.evaluation)
    _write_json(run.evaluation / "metrics.json", summary)
    _write_json(run.evaluation / "differences.json", differences)
    num_cold = info.num_tasks[schema.META_TEST]
    text = comparison_table(summary, differences, REFERENCE, num_cold)
    text += "\n" + _verdict(by_task, config.evaluation)
    write_atomically(table, text)
    chosen = {n: m.hyperparameters for n, m in methods.items() if n != CMML_NAME}
    run.record(STEP, fingerprint, chosen=chosen)
    return text


def _summarise(
    by_task: _TaskMetrics, options: EvaluationConfig
) -> dict[str, dict[str, dict[str, Interval]]]:
    """Means and intervals by method, group and metric; `all` is cold and warm."""

    def interval(values: np.ndarray) -> Interval:
        return bootstrap_mean(values, options.seed, options.num_resamples)

    summary = {}
    for method, groups in by_task.items():
        both = {
            metric: np.concatenate([groups[COLD][metric], groups[WARM][metric]])
            for metric in groups[COLD]
        }
        summary[method] = {
            group: {metric: interval(v) for metric, v in values.items()}
            for group, values in {"all": both, **groups}.items()
        }
    return summary


def _differences(
    by_task: _TaskMetrics, options: EvaluationConfig
) -> dict[str, dict[str, Interval]]:
    """Paired differences of MAE to the reference, by method and group."""
    if REFERENCE not in by_task:
        return {}
    return {
        method: {
            group: paired_difference(
                values["mae"],
                by_task[REFERENCE][group]["mae"],
                options.seed,
                options.num_resamples,
            )
            for group, values in groups.items()
        }
        for method, groups in by_task.items()
        if method != REFERENCE
    }


def _verdict(by_task: _TaskMetrics, options: EvaluationConfig) -> str:
    """Says in a sentence how CMML stands to the baseline with the lowest cold MAE."""
    errors = {method: groups[COLD]["mae"] for method, groups in by_task.items()}
    cmml = errors.pop(CMML_NAME)
    if not errors:
        return ""
    best = min(errors, key=lambda method: float(np.nanmean(errors[method])))
    gap = paired_difference(cmml, errors[best], options.seed, options.num_resamples)
    if gap.low <= 0.0 <= gap.high:
        standing = f"not told apart from {best}, the best baseline"
    else:
        standing = f"{'worse' if gap.mean > 0.0 else 'better'} than {best}, the best"
        standing += " baseline, beyond chance"
    return (
        f"By cold mae, cmml is {standing}: difference {gap.mean:+.4f} "
        f"[{gap.low:+.4f}, {gap.high:+.4f}].\n"
    )


def _write_json(path: pathlib.Path, value: object) -> None:
    write_atomically(path, json.dumps(value, indent=2, default=dataclasses.asdict))
