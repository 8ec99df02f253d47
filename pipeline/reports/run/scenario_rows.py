"""Scores of a run with scenarios as tasks."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.evaluation.ranking_metrics import CHOSEN_BY
from pipeline.experiment.parquet_file import read_ids
from pipeline.experiment.run_dir import RunDir
from pipeline.reports.run.evaluated_run import (
    EvaluatedRun,
    GroupNames,
    Metric,
    read_rows,
    read_summary,
)
from pipeline.reports.run.ranking_table import (
    OTHER_SUPPORT,
    OWN_SUPPORT,
    SCENARIO_MEAN,
    few_shot_group,
)
from pipeline.reports.run.scored_rows import ScoredRows, rows_of
from pipeline.settings.scenario.config import ScenarioEvaluationConfig
from transforms import schema

RANKED_CLICKS = "ranked_clicks.parquet"

RECALL = Metric(CHOSEN_BY, unit="", direction=1)
NAMES = GroupNames(
    main=SCENARIO_MEAN,
    own=OWN_SUPPORT,
    none=few_shot_group(0),
    other=OTHER_SUPPORT,
    few=f"{SCENARIO_MEAN}/support_",
    active=SCENARIO_MEAN,
)

SHOWN_METRICS = ("recall@5", "recall@10", "recall@20", "recall@50", "ndcg", "mrr")

_CUTOFF = int(CHOSEN_BY.partition("@")[2])


def read_evaluated(
    run: RunDir,
    dataset_dir: pathlib.Path,
    options: ScenarioEvaluationConfig,
    more: Sequence[pathlib.Path] = (),
) -> EvaluatedRun:
    """Reads what `evaluate` left.

    Args:
        run: The run.
        dataset_dir: The prepared data set, for the rows of ids.
        options: The resampling.
        more: Further files of ranks.
    """
    user_ids = read_ids(dataset_dir, schema.USER_ID)
    item_ids = read_ids(dataset_dir, schema.ITEM_ID)

    def to_rows(table: pa.Table, task: NDArray[np.int64]) -> ScoredRows:
        rank = table["rank"].to_numpy()
        return ScoredRows(
            task=task,
            user=rows_of(table["user_id"], user_ids),
            item=rows_of(table["item_id"], item_ids),
            support_size=table["support_size"].to_numpy().astype(np.int64),
            value=(rank <= _CUTOFF).astype(np.float64),
            others={
                "rank": rank,
                "num_candidates": table["num_candidates"].to_numpy(),
            },
        )

    task_ids, rows = read_rows([run.evaluation / RANKED_CLICKS, *more], to_rows)
    return EvaluatedRun(
        metric=RECALL,
        names=NAMES,
        task_ids=task_ids,
        rows=rows,
        summary=read_summary(run.evaluation / "metrics.json"),
        seed=options.seed,
        num_resamples=options.num_resamples,
    )
