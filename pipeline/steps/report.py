"""The step `report`: a finished and evaluated run as one page for people."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence

from models.whole_files import write_atomically
from pipeline.commands.step_arguments import module_of
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir, evaluation_fingerprint
from pipeline.export.version_dir import newest_version
from pipeline.insight.contexts import TaskContexts, task_contexts
from pipeline.insight.modulation_values import Values
from pipeline.reports.insight.map import MAX_POINTS
from pipeline.reports.run import scenario_rows, user_rows
from pipeline.reports.run.course_figure import read_course
from pipeline.reports.run.data_facts import scenario_facts, user_facts
from pipeline.reports.run.evaluated_run import read_summary, strongest_baseline
from pipeline.reports.run.findings import (
    Findings,
    Training,
    find,
    scenario_kinds,
    user_kinds,
)
from pipeline.reports.run.latency import Latency, measure_latency, read_bench
from pipeline.reports.run.modulation import largest_groups
from pipeline.reports.run.more_scores import more_scenario_scores, more_user_scores
from pipeline.reports.run.page import RunReport, run_page
from pipeline.reports.run.provenance import provenance
from pipeline.reports.run.ranking_table import SCENARIO_MEAN
from pipeline.reports.run.task_modulations import task_modulations
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.loaded_scenarios import load_scenarios
from pipeline.settings.scenario.scenario_names import scenario_names
from pipeline.settings.user.cold_start_groups import GROUPS
from pipeline.settings.user.config import Config
from pipeline.settings.user.group_scores import COLD, WARM
from pipeline.settings.user.loaded_dataset import load_dataset
from pipeline.steps.evaluate import STEP as EVALUATE
from transforms.schema import META_TEST, DataError, read_dataset_json

PAGE_FILE = "index.html"


@dataclasses.dataclass(frozen=True, eq=False)
class _Content:
    """What is shown of a run, and is of one setting or the other."""

    told: str
    found: Findings
    groups: Mapping[str, str]
    metrics: Sequence[str]
    task_names: Mapping[str, str]


def open_evaluated(config: Experiment, dataset_dir: pathlib.Path) -> RunDir:
    """Finds the run of a finished training that has been evaluated.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Raises:
        DataError: If a step is missing; the message names it.
    """
    run: RunDir = module_of(config, "train").open_trained(config, dataset_dir)
    files = [
        run.evaluation / name
        for name in (
            "metrics.json",
            scenario_rows.RANKED_CLICKS
            if config.setting == "scenario"
            else user_rows.PREDICTIONS,
        )
    ]
    is_done = run.is_done(EVALUATE, evaluated_by(config, dataset_dir))
    if not is_done or not all(path.is_file() for path in files):
        raise DataError(
            f"{run.path} has not been evaluated with this configuration: run "
            "`cmml evaluate` with the same --config and --set."
        )
    return run


def evaluated_by(config: Experiment, dataset_dir: pathlib.Path) -> str:
    """Returns the fingerprint that `evaluate` leaves for this experiment."""
    assert isinstance(config, Config | ScenarioConfig)
    fingerprint = json.loads(read_dataset_json(dataset_dir))["fingerprint"]
    return evaluation_fingerprint(config, fingerprint)


def write_report(
    config: Experiment,
    dataset_dir: pathlib.Path,
    run: RunDir,
    *,
    config_path: str,
    overrides: Sequence[str] = (),
    output: pathlib.Path | None = None,
) -> pathlib.Path:
    """Writes the page, and keeps the scores that it needed in `report/` of the run.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        run: The run, evaluated.
        config_path: The configuration as typed, for the commands on the page.
        overrides: Changes of it as typed.
        output: The file; `report/index.html` of the run by default.

    Returns:
        The file.
    """
    folder = run.path / "report"
    if isinstance(config, ScenarioConfig):
        content = _scenario_content(config, dataset_dir, run, folder)
    else:
        assert isinstance(config, Config)
        content = _user_content(config, dataset_dir, run, folder)
    contexts, modulations = _inside(config, dataset_dir, run)
    version = _newest_export(run, config.export.model_name)
    text = run_page(
        RunReport(
            name=config.name,
            description=content.told,
            model=config.model,
            findings=content.found,
            groups=content.groups,
            metrics=content.metrics,
            task_names=content.task_names,
            contexts=contexts,
            modulations=modulations,
            latency=_latency(run, version) if version else [],
            version=version,
            provenance=provenance(
                run,
                dataset_dir,
                setting=config.setting,
                config_path=config_path,
                overrides=overrides,
            ),
        )
    )
    path = output or folder / PAGE_FILE
    write_atomically(path, text)
    return path


def _user_content(
    config: Config, dataset_dir: pathlib.Path, run: RunDir, folder: pathlib.Path
) -> _Content:
    dataset = load_dataset(dataset_dir)
    options = config.evaluation
    summary = read_summary(run.evaluation / "metrics.json")
    more = more_user_scores(
        config,
        dataset,
        run,
        folder,
        strongest=strongest_baseline(summary, COLD, user_rows.MAE),
        evaluated=evaluated_by(config, dataset_dir),
    )
    evaluated = user_rows.read_evaluated(run, dataset_dir, options, more)
    found = find(
        evaluated,
        user_facts(dataset),
        Training(read_course(run), "mae", config.training.max_epochs),
        user_kinds(dataset.users, dataset.items, dataset_dir),
    )
    return _Content(
        told=f"{_told(run)} A task is a user with ratings.",
        found=found,
        groups={COLD: GROUPS[COLD], WARM: GROUPS[WARM]},
        metrics=user_rows.SHOWN_METRICS,
        task_names={},
    )


def _scenario_content(
    config: ScenarioConfig, dataset_dir: pathlib.Path, run: RunDir, folder: pathlib.Path
) -> _Content:
    dataset = load_scenarios(config, dataset_dir)
    more = more_scenario_scores(
        config,
        dataset,
        run,
        folder,
        evaluated=evaluated_by(config, dataset_dir),
    )
    evaluated = scenario_rows.read_evaluated(run, dataset_dir, config.evaluation, more)
    domains = [domain.name for domain in dataset.info.domains]
    found = find(
        evaluated,
        scenario_facts(dataset),
        Training(read_course(run), evaluated.metric.name, config.training.max_epochs),
        scenario_kinds(evaluated.task_ids, domains),
    )
    return _Content(
        told=f"{_told(run)} A task is a scenario with clicks.",
        found=found,
        groups={SCENARIO_MEAN: "scenarios that training has not seen"},
        metrics=scenario_rows.SHOWN_METRICS,
        task_names=scenario_names(dataset_dir),
    )


def _inside(
    config: Experiment, dataset_dir: pathlib.Path, run: RunDir
) -> tuple[TaskContexts, dict[str, Values]]:
    """Returns contexts, and what those of the largest groups of tasks change."""
    say("report: looking at contexts")
    contexts = task_contexts(
        config, dataset_dir, run, split=META_TEST, max_tasks=MAX_POINTS
    )
    tasks = {task for tasks in largest_groups(contexts).values() for task in tasks}
    return contexts, task_modulations(config, dataset_dir, run, tasks)


def _told(run: RunDir) -> str:
    facts = run.facts("train")
    return (
        f"{run.path.name}, {facts['num_parameters']:,} weights trained in "
        f"{facts['epochs']} epochs. Figures are of meta-test unless they say otherwise."
    )


def _latency(run: RunDir, version: pathlib.Path) -> list[Latency]:
    return [
        *measure_latency(version),
        *read_bench(run.path / "bench" / "bench.json", version.name),
    ]


def _newest_export(run: RunDir, model_name: str) -> pathlib.Path | None:
    try:
        return newest_version(run.export / model_name)
    except ValueError:
        return None
