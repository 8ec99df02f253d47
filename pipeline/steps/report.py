"""The step `report`: a finished and evaluated run as one page for people."""

import pathlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from models import cmml
from models.legacy_keras import tf
from models.recommender import Episode
from models.whole_files import write_atomically
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.prepared import task_names
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir
from pipeline.export.export_of_config import export_of_run
from pipeline.insight.contexts import TaskContexts, task_contexts
from pipeline.insight.modulation_values import Values, task_modulations
from pipeline.judging.differences import DIFFERENCES_FILE, read_differences
from pipeline.judging.evaluation import CMML, open_groups
from pipeline.judging.scores_file import SCORES_FILE, read_scores
from pipeline.reports.insight.map import MAX_POINTS
from pipeline.reports.run.evaluated_run import EvaluatedRun, read_summary
from pipeline.reports.run.findings import Findings, Training, find
from pipeline.reports.run.latency import (
    Latency,
    measure_latency,
    read_bench,
    recorded_requests,
)
from pipeline.reports.run.modulation import largest_groups
from pipeline.reports.run.more_scores import more_scores
from pipeline.reports.run.page import RunReport, run_page
from pipeline.reports.run.provenance import provenance
from pipeline.serving.server.servable import Servable
from pipeline.settings.more_metrics import table_metrics
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from pipeline.steps.evaluate import STEP as EVALUATE
from pipeline.steps.evaluate import evaluated_by
from pipeline.training.course import read_course
from pipeline.training.trained import open_trained, trained_model
from transforms.plural import counted
from transforms.schema import META_TEST, META_TRAIN, DataError

PAGE_FILE = "index.html"
_MAX_CALL_S = 60.0  # Of the export.


def open_evaluated(config: Experiment, dataset_dir: pathlib.Path) -> RunDir:
    """Finds the run of a finished training that has been evaluated.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Raises:
        DataError: If a step is missing; the message names it.
    """
    run = open_trained(config, dataset_dir)
    names = ("metrics.json", DIFFERENCES_FILE, SCORES_FILE)
    files = [run.evaluation / name for name in names]
    is_done = run.is_done(EVALUATE, evaluated_by(config, dataset_dir))
    if not is_done or not all(path.is_file() for path in files):
        raise DataError(
            f"{run.path} has not been evaluated with this configuration: run "
            "`cmml evaluate` with the same --config and --set."
        )
    return run


def write_report(
    config: Any,
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

    Raises:
        DataError: If the setting has no facts of a data set to show.
    """
    folder = run.path / "report"
    setting = setting_of(config)
    parts = setting.parts
    data = setting.load(config, dataset_dir)
    model = trained_model(config, data, run)
    findings = _findings(config, data, model, run, folder)
    contexts, modulations = _inside(config, data, model, findings.evaluated)
    version = export_of_run(config, run)
    report = RunReport(
        name=config.name,
        description=f"{_describe(run)} {parts.description(data)}",
        model=config.model,
        findings=findings,
        groups=_shown_groups(config, data, findings.evaluated),
        metrics=table_metrics(setting.metrics, config.evaluation.more_metrics),
        task_names=task_names(dataset_dir, config.task_word),
        contexts=contexts,
        modulations=modulations,
        latency=_latency(run, version) if version else [],
        version=version,
        provenance=provenance(
            run,
            dataset_dir,
            chosen=findings.data.chosen,
            config_path=config_path,
            overrides=overrides,
        ),
    )
    path = output or folder / PAGE_FILE
    write_atomically(path, run_page(report))
    return path


def _findings(
    config: Any, data: Data, model: cmml.CMML, run: RunDir, folder: pathlib.Path
) -> Findings:
    """Measures the run from all sides."""
    setting = setting_of(config)
    parts = setting.parts
    if parts.facts is None:
        raise DataError(f"runs of setting {config.setting!r} have no report.")
    evaluated = _evaluated_run(config, data, model, run, folder)
    chosen_by = setting.training(config, data).chosen_by.name
    training = Training(read_course(run), chosen_by, config.training.max_epochs)
    kinds = parts.pair_groups(data, evaluated.task_ids)
    return find(evaluated, parts.facts(data), training, kinds)


def _evaluated_run(
    config: Any, data: Data, model: cmml.CMML, run: RunDir, folder: pathlib.Path
) -> EvaluatedRun:
    """Reads what `evaluate` left, and adds the scores that it lacks."""
    setting, options = setting_of(config), config.evaluation
    groups = setting.groups(config, data, META_TEST)
    more = more_scores(
        config,
        data,
        model,
        run,
        folder,
        evaluated=evaluated_by(config, data.directory),
    )
    return EvaluatedRun(
        setting=setting,
        groups=groups,
        scores=read_scores([run.evaluation / SCORES_FILE, *more], data.directory),
        summary=read_summary(run.evaluation / "metrics.json"),
        differences=read_differences(run.evaluation / DIFFERENCES_FILE),
        seed=options.seed,
        num_resamples=options.num_resamples,
    )


def _shown_groups(config: Any, data: Data, evaluated: EvaluatedRun) -> dict[str, str]:
    """Returns what the groups of the first table are, in a few words."""
    words = setting_of(config).parts.group_words(data)
    known = [one.group for one in evaluated.groups if one.split == META_TRAIN]
    others = [*known, *open_groups(evaluated.groups)]
    return {group: words[group] for group in (evaluated.main, *others)}


def _inside(
    config: Any, data: Data, model: cmml.CMML, evaluated: EvaluatedRun
) -> tuple[TaskContexts, dict[str, Values]]:
    """Returns contexts, and what those of the largest groups of tasks change."""
    say("report: looking at contexts")
    metric = evaluated.by_task(CMML, evaluated.main).tolist()
    contexts = task_contexts(
        *(config, data, model),
        split=META_TEST,
        max_tasks=MAX_POINTS,
        errors=dict(zip(evaluated.task_ids, metric, strict=True)),
    )
    tasks = {task for tasks in largest_groups(contexts).values() for task in tasks}
    episodes = setting_of(config).parts.episodes
    if episodes is None:
        return contexts, {}
    shown = _of_tasks(tasks, episodes(config, data, META_TEST))
    return contexts, dict(task_modulations(model, shown))


def _of_tasks(
    tasks: Collection[str], batches: Iterable[tuple[list[str], Episode]]
) -> Iterator[tuple[list[str], Episode]]:
    """Yields the episodes of some tasks; of a batch that has none of them nothing."""
    for task_ids, episode in batches:
        rows = [row for row, task_id in enumerate(task_ids) if task_id in tasks]
        if rows:
            chosen = {name: tf.gather(value, rows) for name, value in episode.items()}
            yield [task_ids[row] for row in rows], chosen


def _describe(run: RunDir) -> str:
    facts = run.facts("train")
    kept = (
        "" if facts["best_epoch"] else "; those of the start, the closed form, are kept"
    )
    return (
        f"{run.path.name}, {facts['num_parameters']:,} weights trained in "
        f"{counted(facts['epochs'], 'epoch')}{kept}. Figures are of meta-test unless "
        "they say otherwise."
    )


def _latency(run: RunDir, version: pathlib.Path) -> list[Latency]:
    """Asks the export as a server of ours would, and reads what a bench found."""
    bench = read_bench(run.path / "bench" / "bench.json", version.name)
    requests = recorded_requests(version)
    if not requests:
        return bench
    say(f"report: asking {version.name}")
    name, number = version.parent.name, int(version.name)
    served = Servable(name, number, version, _MAX_CALL_S)
    signatures = {name: each.run for name, each in served.signatures.items()}
    here = measure_latency(requests, signatures)
    served.close()
    return [*here, *bench]
