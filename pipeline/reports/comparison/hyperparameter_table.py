"""What each method of a comparison was tuned to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.judging.results import MethodResult
from pipeline.reports.comparison.summary import Summary
from pipeline.reports.page.result_table import FAILED, METHOD, Column, ResultTable
from transforms.plural import counted


def hyperparameter_table(summary: Summary) -> ResultTable:
    """Returns what each method was tuned to, and what else was tried."""
    return ResultTable(
        name="hyperparameters",
        title="Hyperparameters chosen",
        note="Each trained method had at most "
        f"{counted(summary.setup.num_trials, 'trial')} with the first seed; "
        "the best figure on meta-validation was taken, higher being better.",
        columns=[METHOD, Column("chosen", "chosen"), Column("trials", "trials")],
        rows=[
            {
                "method": one.name,
                "chosen": _options(one.hyperparameters) or "none",
                "trials": _trials(one) or None,
            }
            for one in summary.results
        ],
    )


def _trials(result: MethodResult) -> str:
    """Returns a line for each trial; none where there was no choice."""
    return "\n".join(
        f"{_options(changes) or 'defaults'}: "
        + (FAILED if figure is None else f"{figure:.4f}")
        for changes, figure in (result.trials if len(result.trials) > 1 else ())
    )


def _options(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in options.items())
