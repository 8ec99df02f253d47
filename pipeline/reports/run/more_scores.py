"""Scores that the report needs and `evaluate` does not make, kept in the run.

With users as tasks that is the support set of another user; in both settings sizes of
the support set that no other group falls into.
"""

from __future__ import annotations

import pathlib
from collections.abc import Collection

from pipeline.experiment.config_file import hash_of
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.evaluation import CMML
from pipeline.judging.fitted_baselines import fit_baselines
from pipeline.judging.predictions import PredictionWriter
from pipeline.judging.ranked_clicks import RankedClicksWriter
from pipeline.judging.variant_scores import OTHER, support_groups
from pipeline.reports.run import ranking_table
from pipeline.reports.run.bands import SUPPORT_BANDS
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import LoadedScenarios
from pipeline.settings.scenario.ranking import Ranker
from pipeline.settings.user.cold_start_groups import OTHER_SUPPORT
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import LoadedDataset
from pipeline.settings.user.group_scores import (
    evaluation_groups,
    few_shot_group,
    score_groups,
)
from pipeline.steps.scenarios.train import trained_model as trained_scenario_model
from pipeline.steps.train import trained_model
from transforms import schema

STEP = "report scores"
_FILE = "scores.parquet"


def missing_sizes(sizes: Collection[int], most: int) -> list[int]:
    """Returns a support size for each band that no given size falls into.

    Args:
        sizes: Those that were scored.
        most: The largest that is shown; bands beyond it stay empty.
    """
    found = set(SUPPORT_BANDS.place([*sizes, most]).tolist())
    missing = []
    for band, start in enumerate(SUPPORT_BANDS.starts):
        if band not in found and start < most:
            last = SUPPORT_BANDS.last_of(band)
            missing.append(most if last is None else min(last, most))
    return missing


def more_user_scores(
    config: UserConfig,
    dataset: LoadedDataset,
    run: RunDir,
    folder: pathlib.Path,
    *,
    strongest: str | None,
    evaluated: str,
) -> list[pathlib.Path]:
    """Scores cold users with the support sets of others, and with missing sizes.

    Args:
        config: The experiment.
        dataset: The prepared data set.
        run: The run of a finished training.
        folder: Where the scores are kept.
        strongest: The baseline that is shown beside CMML.
        evaluated: Fingerprint of what `evaluate` did.

    Returns:
        The files of scores; none if there is nothing to score.
    """
    options = config.evaluation
    sizes = missing_sizes(options.few_shot_sizes, options.support_size)
    has_others = dataset.info.num_tasks.get(schema.META_TEST, 0) > 1
    if not sizes and not has_others:
        return []
    path = folder / _FILE
    fingerprint = hash_of(evaluated, sizes, strongest)
    if run.is_done(STEP, fingerprint) and path.exists():
        return [path]
    split = schema.META_TEST
    few = {}
    if sizes:
        wanted = options.model_copy(update={"few_shot_sizes": tuple(sizes)})
        groups = evaluation_groups(dataset, wanted)
        few = {few_shot_group(size): groups[few_shot_group(size)] for size in sizes}
    say("report: scoring cmml")
    model = trained_model(config, dataset, run)
    folder.mkdir(parents=True, exist_ok=True)
    with PredictionWriter(path, dataset.directory) as writer:
        asked = dict(few)
        if has_others:
            asked[OTHER_SUPPORT] = support_groups(dataset, split, options)[OTHER]
        for group, scored in score_groups(model, asked):
            writer.write(CMML, group, scored)
        if few and strongest is not None:
            baseline = fit_baselines([strongest], dataset, options)[strongest]
            for group, scored in score_groups(baseline, few):
                writer.write(strongest, group, scored)
    run.record(STEP, fingerprint)
    return [path]


def more_scenario_scores(
    config: ScenarioConfig,
    dataset: LoadedScenarios,
    run: RunDir,
    folder: pathlib.Path,
    *,
    evaluated: str,
) -> list[pathlib.Path]:
    """Ranks the pools of meta-test with support sets of the missing sizes.

    Args:
        config: The experiment.
        dataset: The prepared data set.
        run: The run of a finished training.
        folder: Where the ranks are kept.
        evaluated: Fingerprint of what `evaluate` did.

    Returns:
        The files of ranks; none if there is nothing to rank.
    """
    options = config.evaluation
    sizes = missing_sizes(options.few_shot_sizes, options.support_size)
    if not sizes:
        return []
    path = folder / _FILE
    fingerprint = hash_of(evaluated, sizes)
    if run.is_done(STEP, fingerprint) and path.exists():
        return [path]
    tasks = dataset.tasks(schema.META_TEST)
    ranker = Ranker(trained_scenario_model(config, dataset, run), options.seed)
    folder.mkdir(parents=True, exist_ok=True)
    with RankedClicksWriter(path, dataset.directory) as writer:
        for size in sizes:
            say(f"report: ranking with {size} clicks shown")
            ranked = ranker.rank(
                tasks,
                support_size=size,
                support_negatives=options.support_negatives,
                max_users=options.few_shot_users,
            )
            group = ranking_table.few_shot_group(size)
            writer.write(CMML, group, tasks, ranked)
    run.record(STEP, fingerprint)
    return [path]
