"""Scores that the report needs and `evaluate` does not make, kept in the run.

They are of sizes of the support set that no other group falls into.
"""

import pathlib
from collections.abc import Collection
from typing import Any

from models import cmml
from models.evaluation.shown import few_shot
from models.recommender import Recommender
from pipeline.experiment.config_file import hash_of
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.evaluation import CMML
from pipeline.judging.scores_file import SCORES_FILE, ScoresWriter
from pipeline.judging.simple_methods import fit_simple
from pipeline.reports.run.bands import SUPPORT_BANDS
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from transforms.schema import META_TEST

STEP = "report scores"


def missing_sizes(sizes: Collection[int], most: int) -> list[int]:
    """Returns a support size for each band that no given size falls into.

    Args:
        sizes: Those that were scored.
        most: The largest that is shown; bands beyond it stay empty.
    """
    scored = set(SUPPORT_BANDS.place([*sizes, most]).tolist())
    missing = []
    for band, start in enumerate(SUPPORT_BANDS.starts):
        if band not in scored and start < most:
            last = SUPPORT_BANDS.last_of(band)
            missing.append(most if last is None else min(last, most))
    return missing


def more_scores(
    config: Any,
    data: Data,
    model: cmml.CMML,
    run: RunDir,
    folder: pathlib.Path,
    *,
    evaluated: str,
) -> list[pathlib.Path]:
    """Asks CMML and every baseline with support sets of the missing sizes.

    Args:
        config: The experiment.
        data: The prepared data set.
        model: The model of the run.
        run: The run of a finished training.
        folder: Where the scores are kept.
        evaluated: Fingerprint of what `evaluate` did.

    Returns:
        The files of scores; none if there is nothing to ask.
    """
    setting = setting_of(config)
    few = few_shot(setting.groups(config, data, META_TEST))
    if not few:
        return []
    sizes = missing_sizes([one.size for one in few], few[0].full_size)
    if not sizes:
        return []
    path = folder / SCORES_FILE
    fingerprint = hash_of(evaluated, sizes)
    if run.is_done(STEP, fingerprint) and path.exists():
        return [path]
    folder.mkdir(parents=True, exist_ok=True)
    with ScoresWriter(path, data.directory) as writer:
        for name in (CMML, *config.evaluation.baselines):
            method: Recommender = model
            if name != CMML:
                method = fit_simple(name, config, data, few).method
            say(f"report: asking {name} with support sets of {sizes} pairs")
            method = setting.methods(config).completed(method, config, data)
            scorer = setting.scorer(method, config, data)
            scored = scorer.score_groups([few[0].few(size) for size in sizes])
            for group, pairs in scored.items():
                writer.write(name, group, pairs)
    run.record(STEP, fingerprint)
    return [path]
