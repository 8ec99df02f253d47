"""Scores of a run with users as tasks."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.evaluation.rating_metrics import NDCG_CUTOFFS
from pipeline.experiment.parquet_file import read_ids
from pipeline.experiment.run_dir import RunDir
from pipeline.reports.run.evaluated_run import (
    EvaluatedRun,
    GroupNames,
    Metric,
    read_rows,
    read_summary,
)
from pipeline.reports.run.scored_rows import ScoredRows, rows_of
from pipeline.settings.user.cold_start_groups import OTHER_SUPPORT
from pipeline.settings.user.config import EvaluationConfig
from pipeline.settings.user.group_scores import COLD, WARM, few_shot_group
from transforms import schema

PREDICTIONS = "predictions.parquet"

MAE = Metric("mae", unit="units of the label", direction=-1)
NAMES = GroupNames(
    main=COLD,
    own=COLD,
    none=few_shot_group(0),
    other=OTHER_SUPPORT,
    few=f"{COLD}/support_",
    active=WARM,  # Support sets of new users are cut.
)

SHOWN_METRICS = ("mae", "rmse", *(f"ndcg@{k}" for k in NDCG_CUTOFFS))


def read_evaluated(
    run: RunDir,
    dataset_dir: pathlib.Path,
    options: EvaluationConfig,
    more: Sequence[pathlib.Path] = (),
) -> EvaluatedRun:
    """Reads what `evaluate` left.

    Args:
        run: The run.
        dataset_dir: The prepared data set, for the rows of ids.
        options: The resampling.
        more: Further files of predictions.
    """
    user_ids = read_ids(dataset_dir, schema.USER_ID)
    item_ids = read_ids(dataset_dir, schema.ITEM_ID)

    def to_rows(table: pa.Table, task: NDArray[np.int64]) -> ScoredRows:
        label, score = (
            table[name].to_numpy().astype(np.float64) for name in ("label", "score")
        )
        return ScoredRows(
            task=task,
            user=rows_of(table["user_id"], user_ids),
            item=rows_of(table["item_id"], item_ids),
            support_size=table["support_size"].to_numpy().astype(np.int64),
            value=np.abs(score - label),
            others={"label": label, "score": score},
        )

    task_ids, rows = read_rows([run.evaluation / PREDICTIONS, *more], to_rows)
    return EvaluatedRun(
        metric=MAE,
        names=NAMES,
        task_ids=task_ids,
        rows=rows,
        summary=read_summary(run.evaluation / "metrics.json"),
        seed=options.seed,
        num_resamples=options.num_resamples,
    )
