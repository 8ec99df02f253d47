"""The step `evaluate` with scenarios: CMML and the baselines rank the same pools."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from models.episodes.click_records import ScenarioTask
from models.evaluation.intervals import Interval, bootstrap_mean, paired_difference
from models.evaluation.ranking_metrics import CHOSEN_BY, UserMetrics, pair_mean
from models.recommender import Recommender
from models.whole_files import write_atomically
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir, evaluation_fingerprint
from pipeline.judging.fitted_scenario_baselines import fit_baselines
from pipeline.judging.ranked_clicks import RankedClicksWriter
from pipeline.reports.run.ranking_table import (
    OWN_SUPPORT,
    SCENARIO_MEAN,
    domain_group,
    ranking_table,
    verdicts,
)
from pipeline.settings.scenario.config import ScenarioConfig, ScenarioEvaluationConfig
from pipeline.settings.scenario.loaded_scenarios import load_scenarios
from pipeline.settings.scenario.ranking import Ranker
from pipeline.settings.scenario.ranking_groups import ranking_groups
from pipeline.steps.evaluate import CMML_NAME, STEP
from pipeline.steps.scenarios.train import trained_model
from transforms import schema
from transforms.clicks.schema import load_scenario_info

PAIR_MEAN = "pair_mean"

# Metrics of every user, by method and group.
_Found = dict[str, dict[str, UserMetrics]]


def evaluate(config: ScenarioConfig, dataset_dir: pathlib.Path, run: RunDir) -> str:
    """Ranks the pools of meta-test for their users with every method.

    All methods are shown the same support sets, and asked for the same clicks. CMML is
    asked again with fewer clicks, and with the support set of another scenario.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        run: The run of a finished training; `eval/` is written there.

    Returns:
        A table for people to read, in Markdown.

    Raises:
        DataError: If there are no meta-test tasks.
    """
    info = load_scenario_info(dataset_dir)
    fingerprint = evaluation_fingerprint(config, info.fingerprint)
    table = run.evaluation / "table.md"
    if run.is_done(STEP, fingerprint) and table.exists():
        say(f"evaluate: {run.evaluation} is up to date")
        return table.read_text(encoding="utf-8")
    if not info.num_tasks.get(schema.META_TEST):
        raise schema.DataError(
            f"{dataset_dir} holds no meta_test tasks to evaluate on."
        )
    dataset = load_scenarios(config, dataset_dir)
    options = config.evaluation
    baselines, chosen = fit_baselines(options.baselines, dataset, options)
    model = trained_model(config, dataset, run)
    methods: dict[str, Recommender] = {CMML_NAME: model, **baselines}
    tasks = dataset.tasks(schema.META_TEST)
    is_hybrid = len(info.domains) > 1
    domains = [task.scenario_id.partition(":")[0] for task in tasks]
    run.evaluation.mkdir(exist_ok=True)
    path = run.evaluation / "ranked_clicks.parquet"
    with RankedClicksWriter(path, dataset_dir) as writer:
        found = _rank(methods, tasks, options, writer, is_hybrid)
    summary = _summarise(found, options, domains if is_hybrid else [])
    differences = _differences(found, options)
    _write_json(run.evaluation / "metrics.json", summary)
    _write_json(run.evaluation / "differences.json", differences)
    text = ranking_table(summary, differences, len(tasks), options.few_shot_sizes)
    text += "\n" + verdicts(differences)
    write_atomically(table, text)
    run.record(STEP, fingerprint, chosen=chosen)
    return text


def _rank(
    methods: Mapping[str, Recommender],
    tasks: Sequence[ScenarioTask],
    options: ScenarioEvaluationConfig,
    writer: RankedClicksWriter,
    is_hybrid: bool,
) -> _Found:
    """Ranks with every method and group, and keeps the ranks."""
    found: _Found = {}
    for name, method in methods.items():
        say(f"evaluate: ranking with {name}")
        ranker = Ranker(method, options.seed)
        groups = ranking_groups(tasks, options, is_hybrid)
        if name != CMML_NAME:
            groups = {SCENARIO_MEAN: groups[SCENARIO_MEAN]}
        for group, shown in groups.items():
            ranked = ranker.rank(
                tasks,
                support_size=shown.support_size,
                support_negatives=options.support_negatives,
                supports=shown.supports,
                max_users=shown.max_users,
            )
            writer.write(name, group, tasks, ranked)
            found.setdefault(name, {})[group] = ranked.metrics()
    return found


def _summarise(
    found: _Found, options: ScenarioEvaluationConfig, domains: Sequence[str]
) -> dict[str, dict[str, dict[str, Interval]]]:
    """Means and intervals by method, group and metric.

    Args:
        found: Metrics of every user.
        options: The resampling.
        domains: The domain of each task, for a group each; none if there is only one.
    """
    seed, num_resamples = options.seed, options.num_resamples
    summary: dict[str, dict[str, dict[str, Interval]]] = {}
    for method, groups in found.items():
        summary[method] = {
            group: {
                name: bootstrap_mean(values, seed, num_resamples)
                for name, values in metrics.by_scenario().items()
            }
            for group, metrics in groups.items()
        }
        own = groups[SCENARIO_MEAN]
        summary[method][PAIR_MEAN] = {
            name: pair_mean(own, name, seed, num_resamples) for name in own.values
        }
        for domain in dict.fromkeys(domains):
            chosen = np.array(domains) == domain
            summary[method][domain_group(domain)] = {
                name: bootstrap_mean(values[chosen], seed, num_resamples)
                for name, values in own.by_scenario().items()
            }
    return summary


def _differences(
    found: _Found, options: ScenarioEvaluationConfig
) -> dict[str, Interval]:
    """Paired differences over scenarios, in what is chosen by.

    CMML less each other method, and less itself with less, or another, support.
    """

    def figures(method: str, group: str) -> np.ndarray:
        return found[method][group].by_scenario()[CHOSEN_BY]

    others = {
        method: figures(method, SCENARIO_MEAN)
        for method in found
        if method != CMML_NAME
    }
    seed, num_resamples = options.seed, options.num_resamples
    own = figures(CMML_NAME, SCENARIO_MEAN)
    differences = {
        name: paired_difference(own, values, seed, num_resamples)
        for name, values in others.items()
    }
    for group in found[CMML_NAME]:
        if group not in (SCENARIO_MEAN, OWN_SUPPORT):
            differences[group] = paired_difference(
                figures(CMML_NAME, OWN_SUPPORT),
                figures(CMML_NAME, group),
                seed,
                num_resamples,
            )
    return differences


def _write_json(path: pathlib.Path, value: Mapping[str, object]) -> None:
    write_atomically(path, json.dumps(value, indent=2, default=dataclasses.asdict))
